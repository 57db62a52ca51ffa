package consoletest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// patience is how long a test waits for something that has to come.
const patience = time.Minute

// browser is the one Chromium of this test run, with a profile of its own.
var browser struct {
	once sync.Once
	ctx  context.Context
	stop func()
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if browser.stop != nil {
		browser.stop()
	}
	os.Exit(code)
}

func startBrowser() {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		browser.err = fmt.Errorf("no Chromium on the PATH: scripts/need chromium installs it")
		return
	}
	var options []chromedp.ExecAllocatorOption
	options = append(options, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stop := chromedp.NewContext(alloc)
	browser.ctx, browser.stop = ctx, func() { stop(); stopAlloc() } //nolint:fatcontext // one browser for all tests, ended by TestMain
	browser.err = chromedp.Do(ctx, chromedp.Navigate("about:blank"))
}

// A tab shows the console of one server.
type tab struct {
	t   *testing.T
	ctx context.Context
	w   *world

	x, y float64 // where the pointer is

	close func() // for tests with many tabs; the others leave it to the end

	mu       sync.Mutex
	faults   []string
	requests []string
}

// A look is how a tab shows a page. The zero value is a wide window.
type look struct {
	path          string // after the address, with query
	width, height int64
	scale         float64
}

// open lets a browser in and shows a page.
func (w *world) open(l look) *tab {
	w.Helper()
	link, err := w.server.EnterLink(w.Context())
	w.must(err)
	b := w.tab(l)
	b.do(chromedp.Navigate(w.url + link))
	b.to(l.path)
	return b
}

// tab is a browser that nobody is logged in to.
func (w *world) tab(l look) *tab {
	w.Helper()
	browser.once.Do(startBrowser)
	if browser.err != nil {
		w.Fatal(browser.err)
	}
	ctx, stop := chromedp.NewContext(browser.ctx, chromedp.WithNewBrowserContext())
	b := &tab{t: w.T, ctx: ctx, w: w}
	b.close = sync.OnceFunc(func() {
		stop()
		b.check()
	})
	w.Cleanup(b.close)
	b.prepare(l)
	return b
}

// to goes to a page and waits until its scripts have run.
func (b *tab) to(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.w.url + path))
	b.ready()
}

func (b *tab) ready() {
	b.t.Helper()
	b.until("the page is ready", `document.readyState === 'complete' && document.body && document.body.dataset.ready !== undefined`)
}

// at waits until the browser shows the page of a path.
func (b *tab) at(path string) {
	b.t.Helper()
	b.until("at "+path, fmt.Sprintf(`(location.pathname + location.search).startsWith(%q) && document.readyState === 'complete' && document.body.dataset.ready !== undefined`, path))
}

func (b *tab) prepare(l look) {
	b.t.Helper()
	if l.width == 0 {
		l.width, l.height = 1440, 900
	}
	if l.scale == 0 {
		l.scale = 1
	}
	if err := chromedp.Listen(b.ctx, b.heard); err != nil {
		b.t.Fatal(err)
	}
	must(b, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Shanghai"})
	b.do(chromedp.EmulateViewport(l.width, l.height, chromedp.EmulateScale(l.scale)))
}

// heard notes what must not happen. It runs in the tab's own loop.
func (b *tab) heard(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.faults = append(b.faults, "exception: "+describe(e.ExceptionDetails))
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			b.faults = append(b.faults, fmt.Sprintf("log: %s %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	}
}

func describe(d *runtime.ExceptionDetails) string {
	if d.Exception != nil {
		return d.Text + " " + d.Exception.Description
	}
	return d.Text
}

// check fails the test for script errors, violations and foreign addresses.
func (b *tab) check() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.faults {
		b.t.Error(f)
	}
	if len(b.requests) == 0 {
		b.t.Error("no request was seen: the check of addresses is blind")
	}
	for _, r := range b.requests {
		u, err := url.Parse(r)
		if err != nil || u.Scheme != "data" && u.Scheme != "blob" && u.Scheme != "about" && u.Host != strings.TrimPrefix(b.w.url, "http://") {
			b.t.Errorf("a request left the server: %s", r)
		}
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.picture("failed")
		b.t.Fatal(err)
	}
}

// until waits for an expression to become true.
func (b *tab) until(what, expression string) {
	b.t.Helper()
	poll[bool](b, what, "!!("+expression+")")
}

// poll waits for an expression to have a value that counts as true. A page that
// goes away meanwhile takes the question with it: it is asked again.
func poll[T any](b *tab, what, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	for {
		v, err := chromedp.Run(ctx, chromedp.Poll[T](expression, chromedp.WithPollingTimeout(patience), chromedp.WithPollingInterval(10*time.Millisecond)))
		if err == nil {
			return v
		}
		if ctx.Err() != nil || !strings.Contains(err.Error(), "context") && !strings.Contains(err.Error(), "navigated") {
			b.picture("failed")
			b.t.Fatalf("%s: %v", what, err)
		}
	}
}

// eval returns the value of an expression.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// still is true when nothing moves, but for what moves for ever.
const still = `document.getAnimations().every((a) => a.playState !== 'running' || a.effect.getComputedTiming().iterations === Infinity)`

// place is the middle of an element that stands still and is not covered,
// brought to sight; null while there is no such place.
const place = `((selector) => {
	const e = document.querySelector(selector)
	if (!e || !e.getClientRects().length || !(` + still + `)) return null
	e.scrollIntoView({block: 'nearest', inline: 'nearest'})
	const r = e.getBoundingClientRect()
	const [x, y] = [r.left + r.width / 2, r.top + r.height / 2]
	return e.contains(document.elementFromPoint(x, y)) ? [x, y] : null
})`

// click waits until a person could click something, and does. The page may
// draw a part anew at any time, so the place counts and not the node.
func (b *tab) click(selector string) {
	b.t.Helper()
	xy := poll[[]float64](b, selector+" can be clicked", fmt.Sprintf("%s(%q)", place, selector))
	b.do(chromedp.MouseClickXY(xy[0], xy[1]))
}

// shows waits until the text of an element holds a word.
func (b *tab) shows(selector, word string) {
	b.t.Helper()
	b.until(selector+" shows "+word, fmt.Sprintf(`(document.querySelector(%q) || {textContent: ''}).textContent.includes(%q)`, selector, word))
}

// fill sets an input and tells the page, as typing does.
func (b *tab) fill(selector, value string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(chromedp.CSS(selector)))
	eval[bool](b, fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.value = %q; for (const t of ['input', 'change']) e.dispatchEvent(new Event(t, {bubbles: true})); return true })()`, selector, value))
}

// picture writes what the tab shows to the folder of pictures, if there is one.
func (b *tab) picture(name string) {
	b.t.Helper()
	dir := os.Getenv("WXNOTIFY_SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(dir+"/"+strings.ReplaceAll(b.t.Name(), "/", "_")+"-"+name+".png", png, 0o600)
	}
	if err != nil {
		b.t.Errorf("picture %s: %v", name, err)
	}
}

// key presses a key where the focus is.
func (b *tab) key(name string) {
	b.t.Helper()
	keys := map[string]string{"Escape": kb.Escape, "Enter": kb.Enter}
	if k := keys[name]; k != "" {
		name = k
	}
	b.do(chromedp.KeyEvent(name))
}

// must runs a command of the browser's protocol.
func must[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	r, err := chromedp.Call(ctx, command, params)
	if err != nil {
		b.t.Fatalf("%s: %v", command.Method, err)
	}
	return r
}
