package phonetest

import (
	"fmt"
	"testing"

	"github.com/wxnotify/wxnotify/sandbox"
)

// The page by keyboard, by ear, and on a small screen.

func TestByKeyboardAlone(t *testing.T) {
	t.Parallel()
	needLong(t)
	w := start(t)
	b := w.open(look{})
	// focus walks with Tab until the focus is where it should be.
	focus := func(selector string) {
		t.Helper()
		for range 120 {
			if eval[bool](b, fmt.Sprintf(`document.activeElement.matches(%q)`, selector)) {
				return
			}
			b.key("Tab")
		}
		t.Fatalf("Tab does not lead to %s", selector)
	}
	focus(`[data-key="submit"]`)
	b.key("Enter")
	b.until("a form_id is in stock", `document.querySelector('[data-stock="form"]').textContent === '1'`)
	focus(`[data-key="subscribe"]`)
	b.key("Enter")
	focus(`[data-choice="allow"]`)
	if !eval[bool](b, `document.querySelector('#mini .body').inert`) {
		t.Error("behind a sheet there is nothing to reach")
	}
	b.key("Escape")
	b.until("Escape closes the sheet", `!document.querySelector('.sheet')`)
	if !eval[bool](b, `document.activeElement.matches('[data-key="subscribe"]')`) {
		t.Error("the focus does not return to the button")
	}
	w.send("wxopen/template", order(w.form()))
	focus(`#card-1 [data-act="open"]`)
	b.key("Enter")
	b.shows("#mini .opened", "pages/order/detail")
	focus(".req")
	b.key("ArrowDown")
	if !eval[bool](b, `document.activeElement === document.querySelectorAll('.req')[1]`) {
		t.Error("the arrow does not lead to the next request")
	}
	focus(`[data-fault="41028"]`)
	b.key("Space")
	b.until("the rule is on", `document.querySelector('[data-fault="41028"]').getAttribute('aria-checked') === 'true'`)
}

// nameless finds what a screen reader could not name.
const nameless = `[...document.querySelectorAll('button, input, select, [role=dialog], [role=tablist], [role=group], nav, aside, main > section')]
	.filter((e) => !e.closest('[hidden]') && !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.labels && e.labels.length && e.labels[0].textContent.trim() || e.textContent.trim()))
	.map((e) => e.outerHTML.slice(0, 120)).join('\n')`

func TestEverythingHasAName(t *testing.T) {
	t.Parallel()
	needLong(t)
	w := start(t)
	for _, language := range []string{"zh", "en"} {
		b := w.open(look{path: "/?lang=" + language})
		w.send("wxopen/template", order(w.form()))
		b.until("a card", `document.querySelector('.wxcard')`)
		b.click(`[data-key="subscribe"]`)
		b.click(`#faults [data-key="add"]`)
		if got := eval[string](b, nameless); got != "" {
			t.Errorf("%s: no name for\n%s", language, got)
		}
		if got := eval[string](b, `document.documentElement.lang`); got[:2] != language {
			t.Errorf("lang is %s", got)
		}
	}
}

// dim finds small text whose contrast with what is behind it is below 4.5.
const dim = `(() => {
	const parse = (c) => { const m = c.match(/[\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1] }
	const over = (a, b) => a.slice(0, 3).map((v, i) => v * a[3] + b[i] * (1 - a[3]))
	const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4 }); return .2126 * r + .7152 * g + .0722 * b }
	const out = new Set()
	for (const e of document.querySelectorAll('.top *, .side *, .stagebar *, .parts *')) {
		const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())
		if (!own || e.closest(':disabled, [hidden]') || !e.getClientRects().length) continue
		const layers = []
		for (let p = e; p; p = p.parentElement) layers.push(parse(getComputedStyle(p).backgroundColor))
		const back = layers.reverse().reduce((b, a) => over(a, b), [255, 255, 255])
		const fore = over(parse(getComputedStyle(e).color), back)
		const [x, y] = [light(fore), light(back)].sort((a, b) => b - a)
		const ratio = (x + .05) / (y + .05)
		if (ratio < 4.5) out.add(e.className + ' ' + e.localName + ' "' + e.textContent.slice(0, 20) + '" ' + ratio.toFixed(2))
	}
	return [...out].join('\n')
})()`

func TestSmallTextCanBeRead(t *testing.T) {
	t.Parallel()
	needLong(t)
	w := start(t)
	w.send("wxopen/template", order("unknown"))
	if _, err := w.AddFault(sandbox.Fault{Endpoint: "send", Effect: "errcode", Errcode: 45009, Times: 1}); err != nil {
		t.Fatal(err)
	}
	for _, theme := range []string{"light", "dark"} {
		b := w.open(look{path: "/?lang=en&theme=" + theme})
		b.click("#tab-checks")
		if got := eval[string](b, dim); got != "" {
			t.Errorf("%s:\n%s", theme, got)
		}
	}
}

func TestSmallScreen(t *testing.T) {
	t.Parallel()
	needLong(t)
	w := start(t)
	for _, language := range []string{"zh", "en"} {
		for _, width := range []int64{360, 768, 1024, 1280, 1920} {
			b := w.open(look{path: "/?lang=" + language, width: width, height: 740})
			b.fits("#mini .body")
			if width > 1000 {
				b.close()
				continue
			}
			b.click(`#part [data-v="world"]`)
			b.fits("#world")
			b.click(`#part [data-v="work"]`)
			b.fits("#inspector")
			b.click(`#part [data-v="phone"]`)
			w.send("wxopen/template", order(w.form()))
			b.until("the chat comes to the front", `document.querySelector('#chat').getClientRects().length`)
			b.fits("#chat .body")
			b.close()
		}
	}
}
