package consoletest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
)

// counting is what the checks of numbers share: count(address) goes through all
// pages of a list and counts its rows; of a list by answers, the answers that its
// rows say they had.
const counting = `
	const count = async (to) => {
		let n = 0
		for (let at = to; at;) {
			const page = new DOMParser().parseFromString(await (await fetch(at)).text(), 'text/html')
			if (!page.querySelector('main')) throw new Error('no page at ' + at)
			for (const row of page.querySelectorAll('main tbody tr')) n += Number(row.querySelector('[data-said]')?.dataset.said ?? 1)
			at = page.querySelector('a[rel=next]')?.getAttribute('href')
		}
		return n
	}`

// leads says of which numbers the links do not lead to as many rows. A number
// is the first one in the text of an element, its link is around or in it.
func (b *tab) leads(selector string, atLeast int) {
	b.t.Helper()
	wrong := eval[[]string](b, `(async () => {`+counting+`
		const wrong = [], all = [...document.querySelectorAll('`+selector+`')].filter((e) => /^\s*[\d,]+(?!.*%)/.test(e.textContent))
		if (all.length < `+fmt.Sprint(atLeast)+`) wrong.push('only ' + all.length + ' numbers')
		for (const e of all) {
			const want = Number(e.textContent.match(/[\d,]+/)[0].replaceAll(',', '')), link = e.closest('a[href]') || e.querySelector('a[href]') || e.parentNode.querySelector('a[href]')
			const rows = link ? await count(link.href) : 'nowhere'
			if (rows !== want) wrong.push(e.textContent.trim() + ' leads to ' + rows + ': ' + link?.getAttribute('href'))
		}
		return wrong
	})()`)
	for _, x := range wrong {
		b.t.Errorf("%s: %s", selector, x)
	}
}

// points says of which points of a plot, and of which stacks of bars, the
// address does not lead to as many rows as it counts, and how many it counts in
// all. What is no count leads to what it is made of: then rows is their number.
func (b *tab) points(plot string, rows int) {
	b.t.Helper()
	got := eval[struct {
		Wrong []string
		Rows  int
	}](b, `(async () => {`+counting+`
		const { address } = await import(document.querySelector('script[type=module]').src.replace('console.js', 'plot.js'))
		const p = JSON.parse(document.querySelector('#plot-`+plot+`').dataset.plot), wrong = []
		const counts = !p.log && !p.target
		let all = 0
		const check = async (i, line, want) => {
			const to = address(p, i, line), n = await count(to)
			if (counts && n !== want) wrong.push((line?.name || 'all') + ' ' + want + ' leads to ' + n + ': ' + to.search)
			return n
		}
		for (let i = 0; i < p.x.length; i++) {
			let stack = 0, rows = 0
			for (const line of p.series) {
				if (!line.values[i]) continue
				stack += line.values[i]
				const n = await check(i, line, line.values[i])
				rows = counts ? rows + n : n
			}
			if (p.kind === 'bars' && stack) await check(i, undefined, stack)
			all += rows
		}
		return { wrong, rows: all }
	})()`)
	for _, x := range got.Wrong {
		b.t.Errorf("%s: %s", plot, x)
	}
	if got.Rows != rows {
		b.t.Errorf("%s: its points lead to %d rows, want %d", plot, got.Rows, rows)
	}
}

// Every number, and every point of every plot, leads to exactly the rows that
// it counts.
func TestEveryNumberLeadsToItsRows(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.midnight() // so that no day ends meanwhile
	w.furnish()
	for i, code := range []int{40003, 41030, 47001, 43004} { // more than have a colour
		w.form(li, 1)
		mend := w.fault(sandbox.Fault{Endpoint: "template/send", Effect: "errcode", Errcode: code, Times: 1})
		m := order(li)
		m.Meta = map[string]string{"order": fmt.Sprint(1050 + i)}
		w.sent(m)
		mend()
	}
	w.form(li, 1)
	mend := w.fault(sandbox.Fault{Endpoint: "template/send", Effect: "errcode", Errcode: 45011, Times: 2})
	w.sent(order(li)) // which is answered so twice, and then sent
	mend()
	w.ahead(time.Hour)
	later := order(zhang)
	at := time.Now().Add(48 * time.Hour)
	later.SendAt = at
	_, err := w.Send(w.Context(), later)
	w.must(err)

	b := w.open(look{path: "/console/?lang=en&range=6h"})
	w.until("what waits and what is scheduled to be counted, which is not done for each page", func() bool {
		b.to("/console/?lang=en&range=6h")
		return eval[int](b, `[...document.querySelectorAll('.states b')].reduce((n, e) => n + Number(e.textContent), 0)`) == 2
	})
	b.shows("#n-sent_today > b", "4")
	for _, number := range []string{"sent_today", "depth", "permits", "no_permit"} {
		b.leads("#n-"+number+" > b", 1)
	}
	b.leads(".kpi .d a", 2)
	b.leads(".states b", 5)
	b.leads("#now .causes td:nth-last-child(3)", 5)
	flow := 4 + 2 + 5 + 1 + 4
	b.points("flow", flow)
	b.points("success", flow-5)
	b.points("latency", 3)
	b.points("errors", 11)
	b.leads(".q span:last-child", 1)
	b.points("stock", eval[int](b, `Number(document.querySelector('#n-permits > b').textContent)`))
	under := eval[int](b, `JSON.parse(document.querySelector('#plot-depth').dataset.plot).series[0].values.reduce((a, b) => a + b)`)
	if under < 7 {
		t.Errorf("%d messages under way in all steps", under)
	}
	b.points("depth", under)

	b.to("/console/permits")
	b.leads(".kpi > b", 5)
	b.points("stock", eval[int](b, `[...document.querySelectorAll('.kpi > b')].slice(0, 4).reduce((n, e) => n + Number(e.textContent), 0)`))
	b.points("leaving", eval[int](b, `Number(document.querySelector('#n-reachable_users > b').textContent)`))
	b.to("/console/users/" + wang)
	b.leads(".col:nth-child(2) .c:first-child td.n a:not(:empty)", 1)
	b.to("/console/templates/" + sandbox.ClassicTemplate)
	b.leads(`#try a[href^="/console/permits"]`, 1)
	b.to("/console/templates/" + sandbox.OnceTemplate)
	b.leads(`#try a[href^="/console/permits"]`, 1)
	b.to("/console/attention")
	b.leads("#open .causes td:nth-last-child(3)", 5)
	b.to("/console/bulk?do=retry&state=failed")
	b.leads("#work p:has(+ input)", 1)
}

// A list goes on from page to page, and work on all of it from bite to bite,
// also where it is of a range that goes on meanwhile.
func TestAListOfARangeHasPages(t *testing.T) {
	t.Parallel()
	w := start(t)
	const n = 130
	batch := make([]client.NewMessage, n)
	for i := range batch {
		batch[i] = order(li) // who has given no permit
	}
	_, err := w.SendBatch(w.Context(), batch)
	w.must(err)
	w.until("failures", func() bool { return w.count("failed") == n })
	v := w.admin()
	rows, pages := 0, 0
	for to := "/console/messages?state=failed&range=24h"; to != ""; pages++ {
		status, body, _ := v.get(to)
		if status != 200 || pages > 9 {
			t.Fatalf("page %d of %s: %d", pages, to, status)
		}
		rows += strings.Count(body, "<tr data-href")
		_, to, _ = strings.Cut(body, `<div class="pager">`)
		if _, to, _ = strings.Cut(to, `href="/console/messages?cursor=`); to != "" {
			to, _, _ = strings.Cut(to, `"`)
			to = "/console/messages?cursor=" + strings.ReplaceAll(to, "&amp;", "&")
		}
	}
	if rows != n || pages != 3 {
		t.Errorf("%d rows on %d pages", rows, pages)
	}

	b := w.open(look{path: "/console/bulk?do=drop&lang=en&range=24h&state=failed"})
	b.shows("#work", "130 messages")
	b.click("#work button.p")
	b.until("all are dropped", `document.querySelector('#counts [data-n=done]')?.textContent === '130'`)
	b.shows("#work .pill", "done")
}
