package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/server"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// A world is what a story happens in: a sandbox, a server that follows its
// clock, and the client that a backend would use.
type world struct {
	testing.TB
	*client.Client
	sandbox *sandbox.Server
	conf    server.Config
	options []server.Option
	url     string
	metrics string // where they have an address of their own
	stop    func() // ends the server and waits for it
	running bool
	logs    logbook
	server  *server.Server

	web      *http.Client // with a recorder
	spy      *spy
	said     notes // answers, by what was asked
	figures  notes // metrics
	posted   notes // to webhooks
	secrets  notes
	personal notes // what is on cards, and codes
	people   notes // openids
	doors    notes // what opens the console
}

// A logbook is all that was logged, at debug level.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logbook) bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.buf.Bytes())
}

const storyKey = "a key that only stories know"

// story tells f on both databases, each in a world of its own; with
// WXNOTIFY_LONG=1 in a world with faults, with -short on one of the databases.
func story(t *testing.T, f func(w *world)) {
	t.Helper()
	t.Parallel()
	tell(t, os.Getenv("WXNOTIFY_LONG") != "", f)
}

func tell(t *testing.T, faults bool, f func(w *world)) {
	t.Helper()
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		if odd := len(t.Name())%2 == 1; testing.Short() && odd != (name == "sqlite") {
			continue // half of the stories on each
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := makeWorld(t, dsn(t), faults)
			f(w)
			w.look()
			if faults {
				t.Log(w.spy)
			}
		})
	}
}

func newWorld(t testing.TB, dsn string) *world {
	t.Helper()
	return makeWorld(t, dsn, false)
}

func makeWorld(t testing.TB, dsn string, faults bool) *world {
	t.Helper()
	w := &world{TB: t, sandbox: sandbox.Start(t, sandbox.Options{})}
	w.conf = server.Config{
		Listen: "127.0.0.1:0", Database: wxnotify.NewSecret(dsn), WeChatURL: w.sandbox.URL, ClockURL: w.sandbox.URL,
		APIKey: wxnotify.NewSecret(storyKey), AppID: sandbox.FirstAppID, AppSecret: wxnotify.NewSecret(sandbox.FirstSecret),
		MasterKey: wxnotify.NewSecret("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
	}.Defaults()
	w.plant()
	w.web = &http.Client{
		Transport: recorder{w}, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	w.spy = &spy{w: w, faults: faults, calls: map[string]int{}, died: map[string]bool{}}
	w.options = []server.Option{server.Dial(w.spy.dial), server.Patience(time.Minute)}
	if faults {
		w.options = append(w.options, server.Faults(w.spy.panics))
	}
	w.start()
	t.Cleanup(func() {
		w.stop()
		w.quiet()
	})
	if faults {
		w.until("look at the templates", w.spy.arm)
	}
	return w
}

// start starts the server, as at first or again.
func (w *world) start() {
	w.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log := slog.New(slog.NewMultiHandler(slog.NewTextHandler(w.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}),
		slog.NewTextHandler(&w.logs, &slog.HandlerOptions{Level: slog.LevelDebug})))
	s, err := server.New(ctx, log, w.conf, w.options...)
	if err != nil {
		cancel()
		w.Fatal(err)
	}
	w.server = s
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	w.url, w.metrics = "http://"+s.Addr(), s.MetricsAddr()
	w.Client, w.running = w.speak(w.url, storyKey), true
	w.stop = func() {
		w.running = false
		cancel()
		if err, ok := <-done; ok && err != nil {
			w.Errorf("the server ended with %v", err)
		}
		close(done)
		w.stop = func() {}
	}
}

func (w *world) ctx() context.Context { return w.Context() }

// must ends the story when err is there.
func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// phone does something in the sandbox, as a person or a tester would.
func (w *world) phone(method, path string, body map[string]any) map[string]any {
	w.Helper()
	var raw io.Reader
	if body != nil {
		if _, ok := body["appid"]; !ok && method == http.MethodPost && path != "faults" && path != "clock" && path != "reset" {
			body["appid"] = sandbox.FirstAppID
		}
		b, err := json.Marshal(body)
		w.must(err)
		raw = bytes.NewReader(b)
	}
	return w.http(method, w.sandbox.URL+"/sandbox/"+path, nil, raw)
}

func (w *world) http(method, url string, header http.Header, body io.Reader) map[string]any {
	w.Helper()
	req, err := http.NewRequestWithContext(w.ctx(), method, url, body)
	w.must(err)
	for k, v := range header {
		req.Header[k] = v
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.web.Do(req)
	w.must(err)
	defer resp.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil && err != io.EOF {
		w.Fatalf("%s %s: %v", method, url, err)
	}
	if resp.StatusCode >= 400 {
		w.Fatalf("%s %s: %s %v", method, url, resp.Status, out)
	}
	return out
}

// form lets a user submit a form.
func (w *world) form(openid string) string {
	w.Helper()
	return w.phone("POST", "forms", map[string]any{"openid": openid})["form_id"].(string)
}

// advance moves the sandbox's clock, and waits until the server has followed.
// When it has is seen by what it writes: a permit of somebody who is in no story.
func (w *world) advance(seconds int) {
	w.Helper()
	const nobody = "oNobodyInAnyStory"
	moved := w.phone("POST", "clock", map[string]any{"advance_seconds": seconds})
	now, err := time.Parse(time.RFC3339, moved["now"].(string))
	w.must(err)
	w.until("server that followed the clock", func() bool {
		w.deposit(nobody, "form", fmt.Sprintf("clock-probe-%d", time.Now().UnixNano()))
		for p, err := range w.Permits(w.ctx(), client.PermitFilter{To: nobody}) {
			w.must(err)
			return p.CreatedAt.After(now.Add(-time.Minute))
		}
		return false
	})
}

// pay lets a user pay an order.
func (w *world) pay(openid string) string {
	w.Helper()
	return w.phone("POST", "payments", map[string]any{"openid": openid})["prepay_id"].(string)
}

// A card is one that reached a phone.
type card struct {
	Seq      int    `json:"seq"`
	To       string `json:"openid"`
	Template string `json:"template_id"`
	Title    string `json:"title"`
	Page     string `json:"page"`
	FormID   string `json:"form_id"`
	Emphasis string `json:"emphasis"`
	Rows     []struct{ Key, Name, Value, Color string }
}

// cards returns all cards, after it has waited for n of them.
func (w *world) cards(n int) []card {
	w.Helper()
	var list struct {
		Data []card `json:"data"`
		Last int    `json:"last_seq"`
	}
	w.until(fmt.Sprintf("%d cards on the phone", n), func() bool {
		b, err := json.Marshal(w.phone("GET", "cards?limit=10000", nil))
		w.must(err)
		w.must(json.Unmarshal(b, &list))
		return list.Last >= n
	})
	if list.Last != n {
		w.Fatalf("%d cards on the phone, want %d", list.Last, n)
	}
	return list.Data
}

// until waits for something that has to happen soon.
func (w *world) until(what string, ok func() bool) {
	w.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("still no %s after 30 seconds", what)
		}
	}
}

// deposit hands a code in as a backend does.
func (w *world) deposit(openid, source, code string) {
	w.Helper()
	results, err := w.DepositPermits(w.ctx(), "", []client.NewPermit{{To: openid, Source: source, Code: code}})
	w.must(err)
	if results[0].Error != nil {
		w.Fatal(results[0].Error)
	}
}

// order is the message of the article that wxnotify began with.
func order(to string) client.NewMessage {
	const ink = "#173177"
	return client.NewMessage{
		To: to, TemplateID: sandbox.ClassicTemplate, Page: "pages/order/detail?id=1019", Emphasis: "keyword1.DATA",
		Data: client.Data{
			"keyword1": {Value: "已接单", Color: ink}, "keyword2": {Value: "2017年10月19日 12:31", Color: ink}, "keyword3": {Value: "张一山", Color: ink},
			"keyword4": {Value: "136xxxx1720", Color: ink}, "keyword5": {Value: "请手机保持通畅", Color: ink},
		},
	}
}

// send posts a message and returns it at rest.
func (w *world) send(m client.NewMessage) client.Message {
	w.Helper()
	out, err := w.SendAndWait(w.ctx(), m, 20*time.Second)
	w.must(err)
	return out
}

func (w *world) want(m client.Message, state, reason string) {
	w.Helper()
	if m.State != state || m.Reason != reason {
		w.Fatalf("message %s is %s/%s, want %s/%s; attempts %+v", m.ID, m.State, m.Reason, state, reason, m.Attempts)
	}
}

// answers counts the answers of an endpoint in the sandbox's log, by errcode.
func (w *world) answers(path string) map[int]int {
	w.Helper()
	n := map[int]int{}
	for _, r := range w.phone("GET", "requests?limit=10000", nil)["data"].([]any) {
		r := r.(map[string]any)
		if r["path"] == path {
			code, _ := r["errcode"].(float64)
			n[int(code)]++
		}
	}
	return n
}
