package consoletest

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
)

// How does the day go? The numbers, the plots with their values, and from each
// to the rows behind it.
func TestHowTheDayGoes(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.midnight() // so that no day ends meanwhile
	w.furnish()
	b := w.open(look{path: "/console/?lang=en", height: 1200})
	for number, want := range map[string]string{"sent_today": "3", "success": "50.00%", "depth": "0", "permits": "7", "no_permit": "5"} {
		b.shows("#n-"+number+" > b", want)
	}
	b.shows("#n-permits .d", "3 users reachable")
	b.until("all plots are drawn", `document.querySelectorAll('[data-plot]').length === 6 && [...document.querySelectorAll('[data-plot]')].every((e) => e.querySelector('canvas'))`)

	b.until("midnight is 00", `/^\d\d-\d\d 00:0\d:\d\d$/.test(document.querySelector('table.rows time').textContent)`)

	// The last bar of errors: two of 47003, at the bottom.
	b.over("#plot-errors", last("errors"), .97)
	b.shows("#plot-errors .tip", "47003")
	b.until("values on hover", `[...document.querySelectorAll('#plot-errors .tip div')].some((e) => e.textContent === '470032')`)
	b.press()
	b.at("/console/messages?answer=47003")
	b.until("the rows behind it", `document.querySelectorAll('#rows tbody tr').length === 2`)

	for _, c := range []struct {
		link string
		rows int
	}{{"#n-sent_today a.k", 3}, {"#n-no_permit a.k", 5}, {"#n-success a.k", 6}} {
		b.to("/console/")
		b.click(c.link)
		b.at("/console/messages?")
		b.until(fmt.Sprint(c.rows, " rows of ", c.link), fmt.Sprintf(`document.querySelectorAll('#rows tbody tr').length === %d`, c.rows))
	}

	// Dragging zooms in, and a link out again.
	b.to("/console/?range=1h")
	b.over("#plot-flow", .5, .5)
	b.dragTo("#plot-flow", .99, .5)
	b.at("/console/?from=")
	b.shows("#now .ban", "zoomed in")
	b.until("fewer points", `JSON.parse(document.querySelector('#plot-flow').dataset.plot).x.length < 40`)
	b.shows("#n-no_permit > b", "5")
	b.click("#now .ban .go")
	b.until("out again", `!location.search.includes("from=")`)
	b.ready()

	// It is live: what is sent now shows without a click.
	w.form(li, 1)
	w.sent(order(li))
	b.until("one more", `document.querySelector('#n-sent_today > b').textContent === '4'`)
	b.until("still drawn", `document.querySelector('#plot-flow canvas')`)

	b.click(`[data-plot] ~ *, .q`)
	b.at("/console/messages?answer=0%2C")
	b.until("what WeChat answered today", `document.querySelectorAll('#rows tbody tr').length === 7`)

	// And on a phone.
	b.do(chromedp.EmulateViewport(360, 740))
	for _, path := range []string{"/console/", "/console/messages"} {
		b.to(path)
		b.fits(path)
	}
}

// Of many apps the quotas of some are shown, and the numbers count all.
func TestTheDayOfManyApps(t *testing.T) {
	needLong(t)
	t.Parallel()
	w := start(t)
	w.midnight()
	w.form(li, 1)
	secret, name := "0123456789abcdef0123456789abcdef", "即刻外送"
	for i := range 21 { // all of them come before the first one
		_, err := w.CreateApp(w.Context(), client.NewApp{ID: fmt.Sprintf("wx00000000000000%02d", i), AppSettings: client.AppSettings{Secret: &secret}})
		w.must(err)
	}
	_, err := w.ChangeApp(w.Context(), sandbox.FirstAppID, client.AppSettings{Name: &name})
	w.must(err)
	m := order(li)
	m.App = sandbox.FirstAppID
	w.sent(m)
	b := w.open(look{path: "/console/?lang=en"})
	b.shows("#n-sent_today > b", "1")
	b.shows("#main", "2 more apps")
	b.to("/console/?app=" + sandbox.FirstAppID)
	b.shows("#n-sent_today > b", "1")
	b.until("its own quota alone", `document.querySelectorAll('.q').length === 1`)
	b.shows(".appsel .ic", "即")
}

// last is where the last bar of a plot is, as a part of its width.
func last(id string) string {
	return fmt.Sprintf(`((p) => 1 - .45 * p.step / (p.x.at(-1) + p.step - p.x[0]))(JSON.parse(document.querySelector('#plot-%s').dataset.plot))`, id)
}

// spot is a place in a plot, as parts of its width and height.
func (b *tab) spot(selector string, x, y any) (px, py float64) {
	b.t.Helper()
	xy := poll[[]float64](b, selector+" is there", fmt.Sprintf(`((over) => { if (!over) return null; over.scrollIntoView({block: 'nearest'}); const r = over.getBoundingClientRect(); return [r.left + r.width * %v, r.top + r.height * %v] })(document.querySelector('%s .u-over'))`, x, y, selector))
	return xy[0], xy[1]
}

// over moves the pointer to a place in a plot.
func (b *tab) over(selector string, x, y any) {
	b.t.Helper()
	b.x, b.y = b.spot(selector, x, y)
	b.mouse(input.DispatchMouseEventTypeMouseMoved, 0)
}

// press clicks where the pointer is.
func (b *tab) press() {
	b.t.Helper()
	b.do(chromedp.MouseClickXY(b.x, b.y))
}

// dragTo presses where the pointer is, and lets go at another place.
func (b *tab) dragTo(selector string, x, y any) {
	b.t.Helper()
	b.mouse(input.DispatchMouseEventTypeMousePressed, 1)
	b.x, b.y = b.spot(selector, x, y)
	b.mouse(input.DispatchMouseEventTypeMouseMoved, 1)
	b.mouse(input.DispatchMouseEventTypeMouseReleased, 1)
}

func (b *tab) mouse(what input.DispatchMouseEventType, clicks int64) {
	b.t.Helper()
	p := input.DispatchMouseEventParams{Type: what, X: b.x, Y: b.y}
	if clicks > 0 {
		p.Button, p.Buttons, p.ClickCount = input.MouseButtonLeft, 1, clicks
	}
	must(b, input.DispatchMouseEvent, p)
}
