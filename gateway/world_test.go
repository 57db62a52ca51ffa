package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/api"
	"github.com/wxnotify/wxnotify/gateway"
	"github.com/wxnotify/wxnotify/ledger"
	"github.com/wxnotify/wxnotify/outbox"
	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/store/storetest"
	"github.com/wxnotify/wxnotify/token"
	"github.com/wxnotify/wxnotify/wechat"
)

const (
	appid   = sandbox.FirstAppID
	li      = sandbox.FirstUser
	wang    = sandbox.SecondUser
	testKey = "a-key-that-only-tests-know"
)

// A world is a gateway with everything behind it, real but for WeChat.
type world struct {
	*testing.T
	sandbox *sandbox.Server
	store   *store.Store
	box     *outbox.Box
	books   *ledger.Ledger
	url     string
	log     *journal
	drain   chan struct{} // closed by a test whose node is to stop
	start   func()        // of the outbox
	ahead   atomic.Int64  // of the virtual clock, in nanoseconds
}

// newWorld makes a gateway that gives up waiting after wait. WeChat is the
// sandbox, or whatever far is.
func newWorld(t *testing.T, wait time.Duration, far http.Handler) *world {
	t.Helper()
	w := newIdleWorld(t, wait, far)
	w.start()
	return w
}

// newIdleWorld is newWorld before its outbox has begun to send.
func newIdleWorld(t *testing.T, wait time.Duration, far http.Handler) *world {
	t.Helper()
	w := &world{T: t, log: &journal{}, drain: make(chan struct{}), sandbox: sandbox.Start(t, sandbox.Options{})}
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	there := w.sandbox.URL
	if far != nil {
		s := httptest.NewServer(far)
		t.Cleanup(s.Close)
		there = s.URL
	}
	w.store = storetest.Open(t, storetest.SQLite(t), nil)
	now := time.Now()
	w.must(w.store.CreateApp(t.Context(), wxnotify.App{
		ID: appid, Name: "test", Secret: wxnotify.NewSecret(sandbox.FirstSecret), TokenMode: wxnotify.StableToken,
		MaxInFlight: wxnotify.DefaultInFlight, CreatedAt: now, UpdatedAt: now,
	}))
	client := wechat.New(wechat.Options{URL: there})
	keeper := token.New(log, w.store, client, token.Options{Now: w.now})
	w.box = outbox.New(log, w.store, keeper, client, outbox.Options{Now: w.now})
	w.books = ledger.New(log, w.store, w.now, w.box.Wake)
	door := api.New(log, api.Deps{
		Box: w.box, Ledger: w.books, Reader: w.store, Admin: w.store, WeChat: client, Tokens: keeper, Now: w.now,
	}, api.Options{Key: wxnotify.NewSecret(testKey)})
	g := gateway.New(log, gateway.Deps{
		Gate: door, Box: w.box, Reader: w.store, Admin: w.store, WeChat: client, Tokens: keeper, Now: w.now, Stop: w.drain,
	}, gateway.Options{Secret: w.store.Derive("gateway tokens"), Wait: wait})
	s := httptest.NewServer(g)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	w.start = func() { running.Go(func() { w.box.Run(ctx) }) }
	t.Cleanup(func() {
		s.Close()
		stop()
		running.Wait()
		keeper.Close()
		client.Close()
	})
	w.url = s.URL
	return w
}

func (w *world) now() wxnotify.Now {
	t := time.Now()
	return wxnotify.Now{Real: t, Virtual: t.Add(time.Duration(w.ahead.Load()))}
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// An answer is what came back, always with status 200.
type answer struct {
	Errcode   int         `json:"errcode"`
	Errmsg    string      `json:"errmsg"`
	MsgID     json.Number `json:"msgid"`
	Token     string      `json:"access_token"`
	ExpiresIn int         `json:"expires_in"`

	body string
	id   string // of our message
}

// call makes a request; body nil means a GET, and "" a POST without one.
func (w *world) call(path string, query url.Values, body any) answer {
	w.Helper()
	method, r := http.MethodGet, io.Reader(nil)
	switch b := body.(type) {
	case nil:
	case string:
		method, r = http.MethodPost, strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		w.must(err)
		method, r = http.MethodPost, bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(w.Context(), method, w.url+path+"?"+query.Encode(), r)
	w.must(err)
	resp, err := http.DefaultClient.Do(req)
	w.must(err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	w.must(err)
	a := answer{body: string(raw), id: resp.Header.Get("Wxnotify-Message-Id")}
	if err := json.Unmarshal(raw, &a); err != nil || resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		w.Fatalf("%s: %d %s %q: %v", path, resp.StatusCode, resp.Header.Get("Content-Type"), raw, err)
	}
	return a
}

// credential is what an SDK sends to get a token.
func credential(secret string) url.Values {
	return url.Values{"grant_type": {"client_credential"}, "appid": {appid}, "secret": {secret}}
}

// token gets a gateway token for a key.
func (w *world) token(key string) string {
	w.Helper()
	a := w.call("/cgi-bin/token", credential(key), nil)
	if a.Token == "" || a.ExpiresIn != 7200 || a.Errcode != 0 {
		w.Fatalf("the token: %s", a.body)
	}
	return a.Token
}

func with(token string) url.Values { return url.Values{"access_token": {token}} }

const (
	templateSend  = "/cgi-bin/message/wxopen/template/send"
	subscribeSend = "/cgi-bin/message/subscribe/send"
	listTemplates = "/wxaapi/newtmpl/gettemplate"
)

type object = map[string]any

// order is a classic message; without a form_id the ledger chooses.
func order(openid, formID string) object {
	o := object{"touser": openid, "template_id": sandbox.ClassicTemplate, "page": "pages/order/detail?id=1019", "data": object{
		"keyword1": object{"value": "已接单", "color": "#173177"}, "keyword2": object{"value": "12:31"}, "keyword3": object{"value": "张一山"},
		"keyword4": object{"value": "136"}, "keyword5": object{"value": 7},
	}}
	if formID != "" {
		o["form_id"] = formID
	}
	return o
}

// delivery is a subscribe message.
func delivery(openid string) object {
	return object{"touser": openid, "template_id": sandbox.DeliveryTemplate, "page": "pages/a", "miniprogram_state": "formal", "lang": "zh_CN", "data": object{
		"character_string1": object{"value": "2017101900001"}, "time2": object{"value": "2017年10月19日 12:31"}, "thing3": object{"value": "请当面签收"},
	}}
}

// form lets a user submit a form, of which only the sandbox knows.
func (w *world) form(openid string) string {
	w.Helper()
	f, err := w.sandbox.SubmitForm(appid, openid, 1)
	w.must(err)
	return f.FormID
}

// give puts a permit into the books.
func (w *world) give(openid string, source wxnotify.Source, code, template string) {
	w.Helper()
	rs, err := w.books.Deposit(w.Context(), w.now(), appid, []wxnotify.Deposit{{
		App: appid, To: openid, Source: source, Code: code, TemplateID: template, Count: 1, GivenAt: w.now().Virtual,
	}})
	w.must(err)
	w.must(rs[0].Err)
}

// accept lets a user accept one message of a template, and tells the books.
func (w *world) accept(openid, template string) {
	w.Helper()
	w.must(w.sandbox.Subscribe(appid, openid, map[string]string{template: "accept"}))
	w.give(openid, wxnotify.Subscribe, "", template)
}

func (w *world) fault(f sandbox.Fault) {
	w.Helper()
	_, err := w.sandbox.AddFault(f)
	w.must(err)
}

// cards are all that reached phones.
func (w *world) cards(n int) []sandbox.Card {
	w.Helper()
	all, _ := w.sandbox.Cards(w.Context(), sandbox.CardQuery{AppID: appid, Limit: 1000})
	if len(all) != n {
		w.Errorf("%d cards reached phones, not %d", len(all), n)
	}
	return all
}

// fetches are how often WeChat was asked for a token.
func (w *world) fetches() (n int) {
	all, _ := w.sandbox.Requests(0, 10_000)
	for _, r := range all {
		if strings.HasSuffix(r.Path, "token") {
			n++
		}
	}
	return n
}

func (w *world) want(a answer, errcode int) {
	w.Helper()
	if a.Errcode != errcode {
		w.Errorf("got %s, want errcode %d", a.body, errcode)
	}
}

// message reads the message of an answer.
func (w *world) message(a answer) wxnotify.Message {
	w.Helper()
	m, err := w.store.Message(w.Context(), appid, a.id)
	w.must(err)
	return m
}

// until waits for something that comes by itself.
func (w *world) until(what string, f func() bool) {
	w.Helper()
	for end := time.Now().Add(20 * time.Second); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("it never came: %s", what)
		}
	}
}

// A journal is the log, which many write.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}
