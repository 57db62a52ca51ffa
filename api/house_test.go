package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/api"
	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/hook"
	"github.com/wxnotify/wxnotify/ledger"
	"github.com/wxnotify/wxnotify/outbox"
	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/store/storetest"
	"github.com/wxnotify/wxnotify/token"
	"github.com/wxnotify/wxnotify/wechat"
)

// masterKey is the setting api_key of the houses.
const masterKey = "a-ready-made-key-of-the-tests"

// A house is all rooms behind the door, put together as server does, with a
// sandbox for WeChat.
type house struct {
	t     testing.TB
	sb    *sandbox.Server
	store *store.Store
	door  *api.Door
	url   string
	c     *client.Client // with the key of the setting
	logs  *logs
	stop  chan struct{}
	ahead atomic.Int64 // of the virtual clock
	leap  atomic.Int64 // the virtual clock goes ahead by it whenever it is read

	app       string
	user      string // three users of the app
	others    []string
	template  string // keyword1–keyword5
	subscribe []string
}

// nobody finds no name: tests stay on this machine.
var nobody = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no network here") }}

// build puts a house on a database.
func build(t testing.TB, db storetest.Database, change func(*store.Options), options ...func(*api.Options)) *house {
	t.Helper()
	h := &house{t: t, sb: sandbox.Start(t, sandbox.Options{}), logs: &logs{}, stop: make(chan struct{})}
	h.store = storetest.Open(t, db(t), change)
	log := slog.New(slog.NewTextHandler(h.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	wx := wechat.New(wechat.Options{URL: h.sb.URL})
	keeper := token.New(log, h.store, wx, token.Options{Now: h.now})
	t.Cleanup(keeper.Close)
	box := outbox.New(log, h.store, keeper, wx, outbox.Options{Now: h.now})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { box.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	opt := api.Options{Key: wxnotify.NewSecret(masterKey), Version: "test"}
	for _, o := range options {
		o(&opt)
	}
	h.door = api.New(log, api.Deps{
		Box: box, Ledger: ledger.New(log, h.store, h.now, box.Wake), Reader: h.store, Admin: h.store, WeChat: wx, Library: wx, Tokens: keeper, Targets: hook.NewGuard(nil, nobody),
		Now: h.now, Ready: h.store.Ping, Stop: h.stop,
	}, opt)
	srv := httptest.NewServer(h.door)
	t.Cleanup(srv.Close)
	h.url, h.c = srv.URL, client.New(srv.URL, masterKey, client.Tries(1))
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(h.logs.String())
		}
	})
	h.furnish()
	return h
}

// furnish registers the sandbox's app.
func (h *house) furnish() {
	h.t.Helper()
	state := h.sb.State()
	h.app = state.Apps[0].AppID
	h.user = state.Users[0].Openid
	for _, u := range state.Users[1:] {
		h.others = append(h.others, u.Openid)
	}
	for _, t := range state.Templates {
		if t.Channel == "template" {
			h.template = t.TemplateID
		} else {
			h.subscribe = append(h.subscribe, t.TemplateID)
		}
	}
	_, err := h.c.CreateApp(h.t.Context(), client.NewApp{ID: h.app, AppSettings: client.AppSettings{Secret: &state.Apps[0].Secret}})
	h.must(err)
}

func (h *house) now() wxnotify.Now {
	t := time.Now()
	return wxnotify.Now{Real: t, Virtual: t.Add(time.Duration(h.ahead.Add(h.leap.Load())))}
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// refused wants err to be a problem of this code.
func (h *house) refused(err error, code wxnotify.Code) *client.Problem {
	h.t.Helper()
	p, ok := errors.AsType[*client.Problem](err)
	if !ok || p.Code != string(code) {
		h.t.Errorf("got %v, want %s", err, code)
		return &client.Problem{}
	}
	if want := wxnotify.Codes[code].Status; p.Status != want {
		h.t.Errorf("%s: got status %d, want %d", code, p.Status, want)
	}
	return p
}

// form is the code of a form that the user submitted.
func (h *house) form(openid string) string {
	h.t.Helper()
	f, err := h.sb.SubmitForm(h.app, openid, 1)
	h.must(err)
	return f.FormID
}

// deposit hands in one permit.
func (h *house) deposit(p client.NewPermit) client.PermitResult {
	h.t.Helper()
	rs, err := h.c.DepositPermits(h.t.Context(), "", []client.NewPermit{p})
	h.must(err)
	return rs[0]
}

// message is a good one for the user.
func (h *house) message() client.NewMessage {
	return client.NewMessage{
		To: h.user, TemplateID: h.template, Page: "pages/order/detail?id=1019", Emphasis: "keyword1.DATA",
		Data: client.Data{
			"keyword1": {Value: "已接单", Color: "#173177"}, "keyword2": {Value: "2017年10月19日 12:31", Color: "#173177"},
			"keyword3": {Value: "张一山", Color: "#173177"}, "keyword4": {Value: "136xxxx1720", Color: "#173177"}, "keyword5": {Value: "请手机保持通畅", Color: "#173177"},
		},
	}
}

// a request as it is, for what the client would not send.
type request struct {
	method, path, body string
	header             map[string]string
}

// send makes a raw request and returns status, headers and the decoded answer.
func (h *house) send(q request) (int, http.Header, map[string]any) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), q.method, h.url+q.path, strings.NewReader(q.body))
	h.must(err)
	r.Header.Set("Authorization", "Bearer "+masterKey)
	if q.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range q.header {
		if value == "" {
			r.Header.Del(name)
			continue
		}
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	h.must(err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	h.must(err)
	var out map[string]any
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &out); err != nil {
			h.t.Fatalf("%s %s answered %d with %.200q", q.method, q.path, resp.StatusCode, raw)
		}
	}
	return resp.StatusCode, resp.Header, out
}

// logs are all that was logged.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
