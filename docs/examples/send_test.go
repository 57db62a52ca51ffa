package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/server"
	"github.com/wxnotify/wxnotify/store/storetest"
)

const key = "a-key-that-only-the-examples-know"

// A shop is a server that sends through a sandbox, behind a network that fails.
type shop struct {
	*testing.T
	sandbox *sandbox.Server
	url     string
	trouble atomic.Int32 // 2: the next answer is lost, and then comes a 503; 3: after one call that goes well
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{T: t, sandbox: sandbox.Start(t, sandbox.Options{})}
	ctx, stop := context.WithCancel(t.Context())
	node, err := server.New(ctx, slog.New(slog.DiscardHandler), server.Config{
		Listen: "127.0.0.1:0", Database: wxnotify.NewSecret(storetest.SQLite(t)), WeChatURL: s.sandbox.URL, APIKey: wxnotify.NewSecret(key),
		AppID: sandbox.FirstAppID, AppSecret: wxnotify.NewSecret(sandbox.FirstSecret), MasterKey: wxnotify.NewSecret(strings.Repeat("0f", 32)),
	}.Defaults())
	if err != nil {
		stop()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- node.Run(ctx) }()
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: node.Addr()})
	network := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch s.trouble.Add(-1) {
		case 1:
			proxy.ServeHTTP(httptest.NewRecorder(), r) // it arrives, and nobody hears of it
			panic(http.ErrAbortHandler)
		case 0:
			w.Header().Set("Retry-After", "1")
			http.Error(w, `{"code":"draining","detail":"this node is stopping"}`, http.StatusServiceUnavailable)
		default:
			proxy.ServeHTTP(w, r)
		}
	}))
	s.url = network.URL
	t.Cleanup(func() {
		network.Close()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// form lets a user submit a form.
func (s *shop) form(openid string) string {
	s.Helper()
	var out struct {
		FormID string `json:"form_id"`
	}
	s.read(http.MethodPost, "/sandbox/forms", map[string]string{"appid": sandbox.FirstAppID, "openid": openid}, &out)
	return out.FormID
}

// cards counts the cards that reached a phone.
func (s *shop) cards() (n int) {
	s.Helper()
	var out struct {
		Last int `json:"last_seq"`
	}
	s.read(http.MethodGet, "/sandbox/cards", nil, &out)
	return out.Last
}

func (s *shop) read(method, path string, body, out any) {
	s.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		s.Fatal(err)
	}
	req, err := http.NewRequestWithContext(s.Context(), method, s.sandbox.URL+path, bytes.NewReader(raw))
	if err != nil {
		s.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err = io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(raw, out) != nil {
		s.Fatalf("%s: %s %s (%v)", path, resp.Status, raw, err)
	}
}

// run runs an example, as its first lines say.
func (s *shop) run(command []string, args ...string) (said string, ok bool) {
	s.Helper()
	c := exec.CommandContext(s.Context(), command[0], append(command[1:], args...)...)
	c.Env = append(os.Environ(), "WXNOTIFY_SERVER="+s.url, "WXNOTIFY_KEY="+key)
	out, err := c.CombinedOutput()
	if bytes.Contains(out, []byte(" queued")) || bytes.Contains(out, []byte(" sending")) { // a busy machine: the same again waits on
		return s.run(command, args...)
	}
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		s.Fatal(err)
	}
	return string(out), err == nil
}

// The examples do what they promise, also when an answer is lost and the server
// asks for patience: one order is one message, and one card.
func TestTheExamplesSend(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "send")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	sent := regexp.MustCompile(`^msg_[0-9a-z]+ sent ?\n$`)
	for name, command := range map[string][]string{"go": {program}, "node": {"node", "send.mjs"}, "python": {"python3", "send.py"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			form := s.form(sandbox.FirstUser)
			first, ok := s.run(command, sandbox.FirstUser, sandbox.ClassicTemplate, "1019", form)
			if !ok || !sent.MatchString(first) {
				t.Fatalf("it said %q", first)
			}
			again, ok := s.run(command, sandbox.FirstUser, sandbox.ClassicTemplate, "1019", form) // the form is known: it counts once
			if !ok || again != first {
				t.Errorf("the same order again: %q, the first time %q", again, first)
			}
			if said, ok := s.run(command, sandbox.FirstUser, sandbox.ClassicTemplate, "1020"); ok || !strings.Contains(said, "failed no_permit") {
				t.Errorf("without a permit: %q", said)
			}
			if said, ok := s.run(command, sandbox.FirstUser, "no-such-template", "1021"); ok || !strings.HasPrefix(said, "refused: template_unknown: ") {
				t.Errorf("an unknown template: %q", said)
			}
			if said, ok := s.run(command, sandbox.SecondUser, sandbox.ClassicTemplate, "1022", form); ok || !strings.HasPrefix(said, "refused: permit_conflict: ") {
				t.Errorf("another user's form: %q", said)
			}
			for begins, order := range map[int32]string{2: "1023", 3: "1024"} { // with the permit, and with the message
				s.trouble.Store(begins)
				if said, ok := s.run(command, sandbox.FirstUser, sandbox.ClassicTemplate, order, s.form(sandbox.FirstUser)); !ok || !sent.MatchString(said) {
					t.Errorf("in trouble: %q", said)
				}
				if left := s.trouble.Load(); left >= 0 {
					t.Errorf("there was no trouble: %d", left)
				}
			}
			if n := s.cards(); n != 3 {
				t.Errorf("%d cards, want those of orders 1019, 1023 and 1024", n)
			}
		})
	}
}
