// Package interop runs WeChat SDKs, unmodified, against the server and the
// sandbox. Each runs one errand in a process of its own: get a token, log a
// user in, send a template message and a subscribe message, list the
// templates. An SDK that cannot tell us from WeChat comes home without an
// error.
package interop_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/server"
)

// An errand is what an SDK has to do; it is the environment variable ERRAND.
type errand struct {
	SDK       string `json:"sdk"`
	URL       string `json:"url"`
	AppID     string `json:"appid"`
	Secret    string `json:"secret"` // a key of ours
	Code      string `json:"code"`   // of wx.login
	OpenID    string `json:"openid"`
	FormID    string `json:"form_id"`
	Template  string `json:"template"`
	Subscribe string `json:"subscribe"`
}

const key = "a-key-for-the-sdks"

// goSDKs run in a process of this test: see TestMain.
var goSDKs = map[string]func(errand) error{
	"silenceper/wechat":             silenceper,
	"silenceper/wechat, other host": silenceper,
	"chanxuehong/wechat":            chanxuehong,
	classic:                         weapp1,
}

// nodeSDKs are the scripts of the others.
var nodeSDKs = map[string]string{
	"co-wechat-api":   "co-wechat-api.js",
	"node-easywechat": "node-easywechat.js",
}

// classic is the SDK from before there were subscriptions.
const classic = "medivhzhan/weapp v1"

// weChat is the host that SDKs have in their constants.
const weChat = "https://api.weixin.qq.com"

func sdks() []string {
	return slices.Sorted(func(yield func(string) bool) {
		for _, names := range []iter.Seq[string]{maps.Keys(goSDKs), maps.Keys(nodeSDKs)} {
			for name := range names {
				if !yield(name) {
					return
				}
			}
		}
	})
}

func TestMain(m *testing.M) {
	raw, child := os.LookupEnv("ERRAND")
	if !child {
		os.Exit(m.Run())
	}
	var e errand
	err := json.Unmarshal([]byte(raw), &e)
	if err == nil {
		err = goSDKs[e.SDK](e)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A world is a server and its sandbox.
type world struct {
	*testing.T
	sandbox *sandbox.Server
	api     *client.Client
	url     string
	cert    string // file
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, sandbox: sandbox.Start(t, sandbox.Options{})}
	dir := t.TempDir()
	conf := server.Config{
		Listen: "127.0.0.1:0", Database: wxnotify.NewSecret("sqlite:" + filepath.Join(dir, "wxnotify.db")), WeChatURL: w.sandbox.URL,
		APIKey: wxnotify.NewSecret(key), AppID: sandbox.FirstAppID, AppSecret: wxnotify.NewSecret(sandbox.FirstSecret),
	}
	w.cert, conf.TLSKey = certificate(t, dir)
	conf.TLSCert = w.cert
	ctx, stop := context.WithCancel(context.Background())
	s, err := server.New(ctx, slog.New(slog.NewTextHandler(t.Output(), nil)), conf.Defaults(), server.Patience(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	w.url = "https://" + s.Addr()
	w.api = client.New(w.url, key, client.HTTPClient(&http.Client{Transport: trusting(w.cert, "")}))
	return w
}

// errands makes n users who can be written to, each with an errand.
func (w *world) errands(sdk string, n int) []errand {
	w.Helper()
	all := make([]errand, n)
	for i := range all {
		u, err := w.sandbox.AddUser(sandbox.User{AppID: sandbox.FirstAppID})
		w.must(err)
		code, err := w.sandbox.Login(sandbox.FirstAppID, u.Openid)
		w.must(err)
		form, err := w.sandbox.SubmitForm(sandbox.FirstAppID, u.Openid, 1)
		w.must(err)
		w.must(w.sandbox.Subscribe(sandbox.FirstAppID, u.Openid, map[string]string{sandbox.DeliveryTemplate: "accept"}))
		_, err = w.api.DepositPermits(w.Context(), "", []client.NewPermit{{To: u.Openid, Source: "subscribe", TemplateID: sandbox.DeliveryTemplate, Count: 1}})
		w.must(err)
		all[i] = errand{
			SDK: sdk, URL: w.url, AppID: sandbox.FirstAppID, Secret: key, Code: code, OpenID: u.Openid, FormID: form.FormID,
			Template: sandbox.ClassicTemplate, Subscribe: sandbox.DeliveryTemplate,
		}
		if sdk == classic {
			all[i].Subscribe = ""
		}
	}
	return all
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// run runs all errands at once, each in a process and a folder of its own.
func (w *world) run(all []errand) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 2*time.Minute)
	defer cancel()
	var running sync.WaitGroup
	for _, e := range all {
		cmd := exec.CommandContext(ctx, os.Args[0])
		if script := nodeSDKs[e.SDK]; script != "" {
			script, err := filepath.Abs(script)
			w.must(err)
			cmd = exec.CommandContext(ctx, "node", script)
		}
		raw, err := json.Marshal(e)
		w.must(err)
		cmd.Dir = w.TempDir()
		cmd.Env = append(os.Environ(), "ERRAND="+string(raw), "CERT="+w.cert, "NODE_EXTRA_CA_CERTS="+w.cert)
		running.Go(func() {
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Run(); err != nil {
				w.Errorf("%s: %v\n%s", e.SDK, err, out.String())
			}
		})
	}
	running.Wait()
}

// arrived holds the cards against the errands: what each has sent, and no more.
func (w *world) arrived(all []errand) {
	w.Helper()
	for _, e := range all {
		cards, _ := w.sandbox.Cards(w.Context(), sandbox.CardQuery{AppID: e.AppID, Openid: e.OpenID})
		want := []string{e.Template}
		if e.Subscribe != "" {
			want = append(want, e.Subscribe)
		}
		var got []string
		for _, c := range cards {
			got = append(got, c.TemplateID)
		}
		if !slices.Equal(got, want) || *cards[0].FormID != e.FormID {
			w.Errorf("%s: the user has %v", e.SDK, got)
		}
	}
}

// inPeace says that WeChat was asked for one token, whoever needed one.
func (w *world) inPeace() {
	w.Helper()
	requests, _ := w.sandbox.Requests(0, 10_000)
	fetches := 0
	for _, r := range requests {
		if strings.HasSuffix(r.Path, "token") {
			fetches++
		}
	}
	if fetches != 1 {
		w.Errorf("WeChat was asked for %d tokens", fetches)
	}
}

func TestAnSDKCannotTellTheGatewayFromWeChat(t *testing.T) {
	t.Parallel()
	for _, sdk := range sdks() {
		t.Run(strings.ReplaceAll(sdk, "/", " "), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			all := w.errands(sdk, 1)
			w.run(all)
			w.arrived(all)
			w.inPeace()
		})
	}
}

// The sandbox keeps the same wire rules: without us in between, an SDK finds no
// difference either. (Only TLS it has not.)
func TestAnSDKCannotTellTheSandboxFromWeChat(t *testing.T) {
	t.Parallel()
	for _, sdk := range sdks() {
		if strings.HasSuffix(sdk, "other host") {
			continue
		}
		t.Run(strings.ReplaceAll(sdk, "/", " "), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			all := w.errands(sdk, 1)
			all[0].URL, all[0].Secret = w.sandbox.URL, sandbox.FirstSecret
			w.run(all)
			w.arrived(all)
		})
	}
}

// The fight over the token, which every SDK loses without help: eight processes
// with one appid, each with a cache of its own.
func TestEightProcessesShareATokenInPeace(t *testing.T) {
	t.Parallel()
	for _, sdk := range sdks() {
		t.Run(strings.ReplaceAll(sdk, "/", " "), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			all := w.errands(sdk, 8)
			w.run(all)
			w.arrived(all)
			w.inPeace()
		})
	}
}
