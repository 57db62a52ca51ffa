package server

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/wechat"
)

// Check finds what cannot work, before anything is opened. It names the
// setting and what to do, and never a secret. It comes after Defaults.
func (c Config) Check() error {
	for _, check := range []func() error{
		c.checkListen, c.CheckDatabase, c.checkURLs, c.checkTokenURL, c.checkAPIKey, c.checkPairs, c.checkTimes, c.checkMasterKey,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func wrong(setting, what string) error { return fmt.Errorf("%s: %s", setting, what) }

func (c Config) checkListen() error {
	for _, a := range []struct{ setting, addr string }{
		{"listen", c.Listen}, {"sandbox_listen", c.SandboxListen}, {"metrics_listen", c.MetricsListen},
	} {
		if _, _, err := net.SplitHostPort(a.addr); err != nil && a.addr != "" {
			return wrong(a.setting, "want an address such as :8080 or 127.0.0.1:8080")
		}
	}
	return nil
}

// CheckDatabase is the part of Check that concerns the database.
func (c Config) CheckDatabase() error {
	dsn := c.Database.Reveal()
	switch {
	case c.Postgres():
		return nil
	case strings.HasPrefix(dsn, "sqlite:") && dsn != "sqlite:":
		return nil
	}
	return wrong("database", "want sqlite:PATH or postgres://…")
}

// Postgres says whether the database is PostgreSQL.
func (c Config) Postgres() bool {
	dsn := c.Database.Reveal()
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

func (c Config) checkURLs() error {
	for _, u := range []struct{ setting, text string }{
		{"wechat_url", c.WeChatURL}, {"clock_url", c.ClockURL}, {"public_url", c.PublicURL},
	} {
		if u.text != "" && !plainURL(u.text) {
			return wrong(u.setting, "want an address such as https://host or http://127.0.0.1:8081, without a query")
		}
	}
	if c.ClockURL != "" && isWeChat(c.WeChatURL) {
		return wrong("clock_url", "WeChat's own clock cannot be moved; set it only together with a wechat_url that is a sandbox")
	}
	return nil
}

func plainURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.RawQuery == "" && u.Fragment == "" && u.User == nil
}

// isWeChat says whether text names one of WeChat's own hosts.
func isWeChat(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Hostname() == "weixin.qq.com" || strings.HasSuffix(u.Hostname(), ".weixin.qq.com"))
}

func (c Config) checkTokenURL() error {
	if c.TokenURL.IsZero() {
		return nil
	}
	_, err := wechat.NewCentral(c.TokenURL, c.TokenPath, nil)
	if r, ok := errors.AsType[*wxnotify.Refusal](err); ok {
		return wrong("token_url", r.Detail)
	}
	return err
}

func (c Config) checkAPIKey() error {
	k := c.APIKey.Reveal()
	if k == "" {
		return nil
	}
	invisible := strings.ContainsFunc(k, func(r rune) bool { return r <= ' ' || r > '~' })
	if len(k) < 16 || len(k) > 255 || invisible {
		return wrong("api_key", "want 16 to 255 visible ASCII characters")
	}
	return nil
}

func (c Config) checkPairs() error {
	switch {
	case (c.AppID == "") != c.AppSecret.IsZero():
		return wrong("appid", "appid and appsecret go together")
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return wrong("tls_cert", "tls_cert and tls_key go together")
	}
	return nil
}

func (c Config) checkTimes() error {
	switch {
	case c.DrainDelay < 0 || c.DrainDelay > 10*time.Minute:
		return wrong("drain_delay", "want at most 10m")
	case c.MaxBacklog < 1000:
		return wrong("max_backlog", "want at least 1000: a batch has as many")
	case c.PermitRetention < store.MinPermitRetention:
		return wrong("permit_retention", "want at least 8d: a code that is handed in again within its 7 days has to be known")
	case c.Retention < time.Hour:
		return wrong("retention", "want at least 1h: content is needed for repeats")
	}
	return nil
}

// NodeName is the node's name: the setting, or hostname:port of the address
// that was listened on.
func (c Config) NodeName(addr string) string {
	if c.Node != "" {
		return c.Node
	}
	host, err := os.Hostname()
	if err != nil {
		host = "node"
	}
	if _, port, err := net.SplitHostPort(addr); err == nil {
		return net.JoinHostPort(host, port)
	}
	return host
}
