package phonetest

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/wxnotify/wxnotify/sandbox"
)

// A wire is the page's way to a sandbox: it can be cut, and lead to another one.
type wire struct {
	*httptest.Server
	cut atomic.Bool
	to  atomic.Pointer[sandbox.Sandbox]
}

func (w *wire) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	if w.cut.Load() {
		panic(http.ErrAbortHandler)
	}
	w.to.Load().ServeHTTP(out, r)
}

// wired starts a sandbox that backends always reach, and the page by a wire.
func wired(t *testing.T) (*world, *wire) {
	t.Helper()
	w := start(t)
	v := &wire{}
	v.to.Store(w.Sandbox)
	v.Server = httptest.NewServer(v)
	t.Cleanup(func() {
		w.Close() // ends streams, which the server would wait for
		v.to.Load().Close()
		v.Close()
	})
	return w, v
}

func TestNothingIsLostOnReconnect(t *testing.T) {
	t.Parallel()
	needLong(t)
	w, v := wired(t)
	b := (&world{t, v.URL, w.Server}).open(look{})
	b.mu.Lock()
	b.offline = true
	b.mu.Unlock()
	w.send("wxopen/template", order(w.form()))
	b.until("the first card", `document.querySelector('#card-1')`)

	v.cut.Store(true)
	v.CloseClientConnections()
	b.shows("#live", "正在重新连接")
	for range 3 {
		w.send("wxopen/template", order(w.form()))
	}
	v.cut.Store(false)
	b.until("it is live again", `!document.querySelector('#live').classList.contains('off')`)
	b.until("all cards", `document.querySelectorAll('#chat .wxcard').length === 4`)
	w.send("wxopen/template", order(w.form()))
	b.until("the next card", `document.querySelector('#card-5')`)
	seen := `[...document.querySelectorAll('.wxcard')].map(c => c.id).join() + [...document.querySelectorAll('.req')].map(r => r.id).join()`
	b.until("all requests", `document.querySelectorAll('.req').length === 10`)
	before := eval[string](b, seen)

	b.do(chromedp.Reload())
	b.until("the page is ready", `document.body && document.body.dataset.ready !== undefined`)
	b.until("all requests again", `document.querySelectorAll('.req').length === 10`)
	if after := eval[string](b, seen); after != before {
		t.Errorf("after a reload %s, before %s", after, before)
	}
}

// A sandbox that was started again has other cards under the same numbers.
func TestAnotherSandboxIsAnotherWorld(t *testing.T) {
	t.Parallel()
	needLong(t)
	w, v := wired(t)
	b := (&world{t, v.URL, w.Server}).open(look{})
	b.mu.Lock()
	b.offline = true
	b.mu.Unlock()
	w.send("wxopen/template", order(w.form()))
	b.until("the first card", `document.querySelector('#card-1')`)
	second := start(t)
	v.to.Store(second.Sandbox)
	message := order(second.form())
	message["emphasis_keyword"] = "keyword3.DATA"
	second.send("wxopen/template", message)
	v.CloseClientConnections()
	b.shows("#card-1 .wxc-emphasis", "张一山")
	second.Reset()
	b.shows("#chat .empty", "还没有消息")
}

// How soon a card is seen is noted, not judged: it depends on the machine.
func TestCardsComeAtOnce(t *testing.T) {
	t.Parallel()
	needLong(t)
	w := start(t)
	b := w.open(look{})
	form, token := w.form(), w.token()
	eval[bool](b, `(window.seen = new Promise((resolve) => { new MutationObserver((_, o) => { if (document.querySelector('#card-1')) { o.disconnect(); resolve(Date.now()) } }).observe(document.querySelector('#chat'), {childList: true, subtree: true}) }), true)`)
	w.call("POST", "/cgi-bin/message/wxopen/template/send?access_token="+token, order(form))
	answered := time.Now().UnixMilli()
	t.Logf("the card was seen %d ms after the answer to its send", int64(eval[float64](b, `window.seen`))-answered)
}
