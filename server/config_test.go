package server

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
)

func TestSettingsAreComplete(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range Settings() {
		if s.Flag == "" || s.En == "" || s.Zh == "" || len(s.For) == 0 {
			t.Errorf("%+v: a setting needs name, for, help and zh", s)
		}
		if seen[s.Flag] {
			t.Errorf("%s: twice", s.Flag)
		}
		seen[s.Flag] = true
	}
	if !seen["wechat-url"] {
		t.Error("wechat-url is missing")
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	c := Config{Listen: "127.0.0.1:0"}.Defaults()
	if c.Listen != "127.0.0.1:0" || c.Retention != 7*24*time.Hour || c.Database.Reveal() != "sqlite:wxnotify.db" || c.WeChatURL != WeChat {
		t.Errorf("got %+v", c)
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}

func TestCheckNamesTheSetting(t *testing.T) {
	t.Parallel()
	secret := wxnotify.NewSecret
	for name, c := range map[string]struct {
		config Config
		want   string // the setting; "": nothing is wrong
	}{
		"all left out":                {Config{}, ""},
		"a sandbox with its clock":    {Config{WeChatURL: "http://127.0.0.1:8081", ClockURL: "http://127.0.0.1:8081"}, ""},
		"listen without a port":       {Config{Listen: "8080"}, "listen"},
		"unknown database":            {Config{Database: secret("mysql://h/d")}, "database"},
		"sqlite without a path":       {Config{Database: secret("sqlite:")}, "database"},
		"postgres without a key":      {Config{Database: secret("postgres://h/d")}, "master_key"},
		"postgres with a key":         {Config{Database: secret("postgres://h/d"), MasterKey: secret(strings.Repeat("0a", 32))}, ""},
		"key of 31 bytes":             {Config{MasterKey: secret(strings.Repeat("0a", 31))}, "master_key"},
		"wechat_url without a scheme": {Config{WeChatURL: "localhost:8081"}, "wechat_url"},
		"wechat's own clock":          {Config{ClockURL: "http://127.0.0.1:8081"}, "clock_url"},
		"regional host's clock":       {Config{WeChatURL: "https://sh.api.weixin.qq.com", ClockURL: "http://127.0.0.1:8081"}, "clock_url"},
		"tokens from elsewhere":       {Config{TokenURL: secret("https://tokens/wx?app={appid}&key=1"), TokenPath: "data.token"}, ""},
		"token_url without a scheme":  {Config{TokenURL: secret("tokens/wx")}, "token_url"},
		"token_path with a hole":      {Config{TokenURL: secret("https://tokens/wx"), TokenPath: "data."}, "token_url"},
		"short api_key":               {Config{APIKey: secret("fifteen-letters")}, "api_key"},
		"api_key with a space":        {Config{APIKey: secret("sixteen  letters")}, "api_key"},
		"appid alone":                 {Config{AppID: "wx0123456789"}, "appid"},
		"certificate alone":           {Config{TLSCert: "cert.pem"}, "tls_cert"},
		"retention of a minute":       {Config{Retention: time.Minute}, "retention"},
	} {
		err := c.config.Defaults().Check()
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want+": ")):
			t.Errorf("%s: got %v, want one about %s", name, err, c.want)
		}
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	canary := wxnotify.NewSecret("canary-canary-canary")
	c := Config{Database: canary, APIKey: canary, AppSecret: canary, MasterKey: canary}
	if s := fmt.Sprintf("%v %+v %#v %s", c, c, c, c.Check()); strings.Contains(s, "canary") {
		t.Error("a secret was printed")
	}
}

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "7d": 168 * time.Hour, "1d12h": 36 * time.Hour, "0s": 0,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "7", "-1s", "-1d", "d", "1.5d", "7 days"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

func TestSetPrefixes(t *testing.T) {
	t.Parallel()
	var p []netip.Prefix
	if err := setPrefixes(&p, "10.1.2.3/8, ::1"); err != nil || fmt.Sprint(p) != "[10.0.0.0/8 ::1/128]" {
		t.Errorf("got %v, %v", p, err)
	}
	if err := setPrefixes(&p, "10.0.0.0/33"); err == nil {
		t.Errorf("got %v", p)
	}
}

func TestMasterKeyFile(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "folder", "a.db")
	c := Config{Database: wxnotify.NewSecret("sqlite:" + db)}
	first, err := c.Master()
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(db + ".key"); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, %v", st.Mode(), err)
	}
	again, err := c.Master()
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("the second start got another key: %v", err)
	}
	if err := os.WriteFile(db, []byte("SQLite"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(db + ".key"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Master(); err == nil {
		t.Error("a database without its key file got a new key")
	}
}
