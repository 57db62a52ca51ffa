package hook

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/wxnotify/wxnotify"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func post(address string) *wxnotify.Post {
	return &wxnotify.Post{
		Notice: wxnotify.Notice{ID: "evt_1", Topic: wxnotify.MessageSent, Data: []byte(`{"id":"msg_1"}`), CreatedAt: time.Unix(1_700_000_000, 0)},
		Hook:   wxnotify.Webhook{URL: address + "/hook?password=tomato", Secret: wxnotify.NewSecret(secret)},
	}
}

// home opens what tests listen on.
func home(t *testing.T) *Guard {
	g := NewGuard(ranges("127.0.0.0/8"), nil)
	t.Cleanup(g.Close)
	return g
}

// The vector of the specification's own test suites.
func TestThePublicVector(t *testing.T) {
	t.Parallel()
	h := wxnotify.Webhook{Secret: wxnotify.NewSecret(secret)}
	got, err := sign(&h, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; err != nil || got != want {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestAPostCanBeVerified(t *testing.T) {
	t.Parallel()
	const older = "whsec_b2xkZXIgc2VjcmV0IG9mIDI0IGJ5dGVz"
	got := make(chan *http.Request, 3)
	bodies := make(chan []byte, 3)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- r
		bodies <- b
		w.WriteHeader(http.StatusNoContent)
	}))
	defer srv.Close()
	for name, c := range map[string]struct {
		oldUntil time.Time
		old      bool
	}{"one secret": {}, "a new one beside it": {time.Now().Add(time.Minute), true}, "the old one is over": {time.Now().Add(-time.Minute), false}} {
		p := post(srv.URL)
		p.Hook.OldSecret, p.Hook.OldUntil = wxnotify.NewSecret(older), c.oldUntil
		if a := home(t).post(t.Context(), p, "wxnotify/test"); a.Fault != "" || a.Status != 204 {
			t.Fatalf("%s: %+v", name, a)
		}
		r, body := <-got, <-bodies
		if r.Header.Get(standardwebhooks.HeaderWebhookID) != "evt_1" || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("User-Agent") != "wxnotify/test" {
			t.Errorf("%s: %v", name, r.Header)
		}
		if want := `{"type":"message.sent","timestamp":"2023-11-14T22:13:20Z","data":{"id":"msg_1"}}`; string(body) != want {
			t.Errorf("%s: the body is %s", name, body)
		}
		for s, want := range map[string]bool{secret: true, older: c.old} {
			v, err := standardwebhooks.NewWebhook(s)
			if err != nil {
				t.Fatal(err)
			}
			if err := v.Verify(body, r.Header); (err == nil) != want {
				t.Errorf("%s: verified with %.10s…: %v", name, s, err)
			}
		}
	}
}

// A receiver that fails in every way, and what is said of it.
func TestEveryWayToFail(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	mux := http.NewServeMux()
	for path, f := range map[string]http.HandlerFunc{
		"500": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, strings.Repeat("x", 5000), http.StatusInternalServerError)
		},
		"404": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
		"410": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) },
		"503": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(http.StatusServiceUnavailable)
		},
		"429": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "99999999")
			w.WriteHeader(http.StatusTooManyRequests)
		},
		"301": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/200", http.StatusMovedPermanently) },
		"307": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/200", http.StatusTemporaryRedirect)
		},
		"200":  func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "thanks") },
		"mute": func(_ http.ResponseWriter, _ *http.Request) { <-hang },
		"drip": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "th")
			_ = http.NewResponseController(w).Flush()
			<-hang
		},
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			c, _, _ := http.NewResponseController(w).Hijack()
			c.Close()
		},
		"huge": func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 1<<20)) },
		"short": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			fmt.Fprint(w, "th")
		},
		"noise": func(w http.ResponseWriter, _ *http.Request) {
			c, _, _ := http.NewResponseController(w).Hijack()
			fmt.Fprint(c, "SSH-2.0-OpenSSH\r\n\r\n")
			c.Close()
		},
		"headers": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 64<<10)) },
	} {
		mux.HandleFunc("/"+path+"/", f)
	}
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(hang) }) // before it
	secure := httptest.NewTLSServer(mux)
	t.Cleanup(secure.Close)
	secure.Config.ErrorLog = nil
	closed, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()

	for name, c := range map[string]struct {
		url    string
		status int
		fault  wxnotify.Fault
		again  time.Duration
	}{
		"500": {srv.URL + "/500", 500, wxnotify.FaultStatus, 0}, "404": {srv.URL + "/404", 404, wxnotify.FaultStatus, 0},
		"410": {srv.URL + "/410", 410, wxnotify.FaultStatus, 0}, "503": {srv.URL + "/503", 503, wxnotify.FaultStatus, 2 * time.Minute},
		"429, for years": {srv.URL + "/429", 429, wxnotify.FaultStatus, wxnotify.LongestAfter},
		"moved":          {srv.URL + "/301", 301, wxnotify.FaultRedirect, 0}, "moved, with the body": {srv.URL + "/307", 307, wxnotify.FaultRedirect, 0},
		"200": {srv.URL + "/200", 200, "", 0}, "a huge answer": {srv.URL + "/huge", 200, "", 0},
		"no answer": {srv.URL + "/mute", 0, wxnotify.FaultTimeout, 0}, "half an answer": {srv.URL + "/drip", 0, wxnotify.FaultTimeout, 0},
		"cut off": {srv.URL + "/cut", 0, wxnotify.FaultConnection, 0}, "cut in the middle": {srv.URL + "/short", 0, wxnotify.FaultConnection, 0},
		"no HTTP": {srv.URL + "/noise", 0, wxnotify.FaultConnection, 0}, "huge headers": {srv.URL + "/headers", 0, wxnotify.FaultConnection, 0},
		"nobody there":         {"http://" + closed.Addr().String(), 0, wxnotify.FaultConnection, 0},
		"nobody's certificate": {secure.URL + "/200", 0, wxnotify.FaultTLS, 0},
		"plain text for TLS":   {strings.Replace(srv.URL, "http:", "https:", 1) + "/200", 0, wxnotify.FaultTLS, 0},
		"no such name":         {"https://receiver.invalid", 0, wxnotify.FaultDNS, 0},
		"another scheme":       {"ftp://127.0.0.1", 0, wxnotify.FaultBlocked, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := home(t)
			if c.fault == wxnotify.FaultTimeout {
				g.patience = 100 * time.Millisecond
			}
			a := g.post(t.Context(), post(c.url), "")
			if a.Status != c.status || a.Fault != c.fault || a.RetryAfter != c.again {
				t.Errorf("got %+v", a)
			}
			if len(a.Body) > shown || strings.Contains(a.Detail, "tomato") || strings.Contains(a.Detail, "whsec") {
				t.Errorf("it says %q, and an answer of %d bytes", a.Detail, len(a.Body))
			}
		})
	}
}

// What a name leads to is looked at when the connection is made, whatever it
// was when the webhook was.
func TestARebindingNameIsBlocked(t *testing.T) {
	t.Parallel()
	reached := make(chan struct{}, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached <- struct{}{} }))
	defer srv.Close()
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	z := &zone{names: map[string][]string{"rebind.test": {"93.184.215.14", "127.0.0.1"}, "lab.test": {"10.0.0.1", "127.0.0.1"}}}
	g := NewGuard(nil, z.resolver(t))
	defer g.Close()
	address := "https://rebind.test:" + port
	if err := g.Check(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	if a := g.post(t.Context(), post(address), ""); a.Fault != wxnotify.FaultBlocked {
		t.Errorf("got %+v", a)
	}
	// Plain http is not let out of the open ranges, nor by a name that was in them.
	g = NewGuard(ranges("10.0.0.0/8"), z.resolver(t))
	if err := g.Check(t.Context(), "http://lab.test:"+port); err != nil {
		t.Fatal(err)
	}
	if a := g.post(t.Context(), post("http://lab.test:"+port), ""); a.Fault != wxnotify.FaultBlocked {
		t.Errorf("got %+v", a)
	}
	select {
	case <-reached:
		t.Error("the receiver was reached")
	default:
	}
}
