package consoletest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/server"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// The operator's path: an alarm in the margin, the cause behind it, the cause
// mended, the whole group sent again, and the list empty.
func TestFromTheAlarmToTheEmptyList(t *testing.T) {
	t.Parallel()
	w := start(t)
	const n = 12
	w.form(li, n)
	mend := w.fault(sandbox.Fault{Endpoint: "template/send", Effect: "errcode", Errcode: 47003, Times: n})
	batch := make([]client.NewMessage, n)
	for i := range batch {
		batch[i] = order(li)
	}
	_, err := w.SendBatch(w.Context(), batch)
	w.must(err)
	w.until("failures", func() bool { return w.count("failed") == n })
	w.sent(order(wang)) // fails as well, for another cause: no permit

	b := w.open(look{path: "/console/?lang=en"})
	b.shows(`[data-go="a"] em`, "13")
	b.click(`[data-go="a"]`)
	b.at("/console/attention")
	b.shows("#open", "47003")
	b.shows("#open", "invalid data")
	mend()
	b.click(`#open tr:has(.pill.mono) a[href*="do=retry"]`)
	b.at("/console/bulk")
	b.shows("#work", "12 messages")
	b.click("#work button.p")
	b.until("all are sent again", `document.querySelector('#counts [data-n=done]')?.textContent === '12'`)
	b.shows("#work .pill", "done")
	w.until("cards on the phone", func() bool { return w.count("sent") == n })
	b.click("#work a.p")
	b.at("/console/attention")
	b.shows("#open .causes", "no permit")
	b.until("the group is gone, and the other stays", `document.querySelectorAll('#open .causes tbody tr').length === 1`)
	b.click(`#open a[href*="do=drop"]`)
	b.shows("#work", "1 message")
	b.click("#work button.p")
	b.shows("#work .pill", "done")
	b.click("#work a.p")
	b.at("/console/attention")
	b.shows("#main", "Nothing needs attention")
	b.until("the alarm is gone", `!document.querySelector('[data-go="a"] em')`)

	// Once more by hand changes nothing: each was sent again once.
	b.to("/console/bulk?do=retry&reason=data_invalid")
	b.click("#work button.p")
	b.until("it is over", `document.querySelector('#work .pill.ok')`)
	if got := w.count("sent"); got != n {
		t.Errorf("%d messages were sent, want %d", got, n)
	}
}

func (w *world) count(state string) (n int) {
	w.Helper()
	for _, err := range w.Messages(w.Context(), client.MessageFilter{State: state}) {
		w.must(err)
		n++
	}
	return n
}

// What happened to my message? By its order number, from the keyboard.
func TestWhatHappenedToMyMessage(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.form(li, 1)
	mend := w.fault(sandbox.Fault{Endpoint: "template/send", Effect: "drop_response", Times: 1})
	w.must(func() error { _, err := w.SyncTemplates(w.Context(), ""); return err }())
	trace := "4bf92f3577b34da6a3ce929d0e0e4736"
	sent, err := w.SendAndWait(client.WithTraceparent(w.Context(), "00-"+trace+"-00f067aa0ba902b7-01"), order(li), 20*time.Second)
	w.must(err)
	mend()
	other := order(li)
	other.Meta = map[string]string{"order": `<img src=x onerror="alert(1)">`}
	w.sent(other)

	b := w.open(look{path: "/console/messages?lang=zh"})
	b.shows("#rows", "微信已受理")
	b.key("j")
	b.key("j")
	b.shows("tr.at", "1019")
	b.key("?")
	b.shows("dialog[open]", "快捷键")
	b.key("Escape")
	b.until("the help is gone", `!document.querySelector('dialog[open]')`)
	b.write("/", "1019", "Enter")
	b.at("/console/messages?meta=order")
	b.shows(".chip", "order=1019")
	b.until("one row", `document.querySelectorAll('#rows tbody tr').length === 1`)
	b.click("#rows tbody tr td:nth-child(3)")
	b.at("/console/messages/" + sent.ID)
	b.shows(".wxc-emphasis", "已接单")
	b.shows(".wxc-rows", "张一山")
	b.shows(".tl", "推断已送达")
	b.shows(".tl", "41029")
	b.shows(".tl", "form_id 或 prepay_id 的次数已用完")
	b.until("the time is the reader's", `document.querySelector('.tl time').title.includes('GMT+8')`)
	b.shows(".facts", trace)
	b.until("a waterfall", `document.querySelectorAll('.wf rect').length >= 3`)
	b.shows("#msg", "无法触达")

	b.to("/console/messages?state=failed")
	b.shows("#rows", `<img src=x onerror="alert(1)">`)
	b.write("/", `<script>alert(1)</script>`, "Enter")
	b.at("/console/nothing")
	b.shows("#main", "<script>alert(1)</script>")
	if strings.Contains(eval[string](b, `document.querySelector('#main').innerHTML`), "<script>") {
		t.Error("what was searched for became markup")
	}
}

// One that failed is seen to on its own page, and put back.
func TestOneIsDroppedAndPutBack(t *testing.T) {
	t.Parallel()
	w := start(t)
	failed := w.sent(order(li)) // there is no permit
	b := w.open(look{path: "/console/messages/" + failed.ID + "?lang=en"})
	b.shows(`[data-go="a"] em`, "1")
	b.click(`form[action$="/handle"] button`)
	b.until("the alarm is gone", `document.querySelector('form[action$="/handle"] [name=open]') && !document.querySelector('[data-go="a"] em')`)
	b.click(`form[action$="/handle"] button`)
	b.shows(`[data-go="a"] em`, "1")

	// And all that match a filter, seen to by one button.
	b.to("/console/messages?touser=" + li)
	b.click(`.bulk a[href*="do=drop"]`)
	b.shows("#work", "1 message")
	b.click("#work button.p")
	b.shows("#work .pill", "done")
	b.to("/console/attention")
	b.shows("#main", "Nothing needs attention")
}

// What a person does about one message: says what became of one of which nobody
// knows, sends again one that failed, cancels one that waits; and about many.
func TestOneIsResolvedSentAgainAndCanceled(t *testing.T) {
	needLong(t)
	t.Parallel()
	w := start(t)
	p, err := w.sandbox.Pay(sandbox.FirstAppID, wang, 1)
	w.must(err)
	_, err = w.DepositPermits(w.Context(), "", []client.NewPermit{{To: wang, Source: "payment", Code: p.PrepayID}})
	w.must(err)
	mend := w.fault(sandbox.Fault{Endpoint: "template/send", Effect: "drop_response", Times: 1})
	unknown := w.sent(order(wang)) // of a payment with several uses
	mend()
	failed := w.sent(order(li)) // there is no permit
	wait := func() string {
		m := order(zhang)
		m.Wait = true
		out, err := w.Send(w.Context(), m)
		w.must(err)
		return out.ID
	}
	one := wait()

	b := w.open(look{path: "/console/messages/" + unknown.ID + "?lang=en"})
	b.click(`form[action$="/resolve"] [value=sent]`)
	b.click("#ask .p")
	b.shows(".ban.ok", "recorded")
	b.shows("#msg .facts", "operator")

	b.to("/console/messages/" + failed.ID)
	w.form(li, 1)
	b.click(`form[action$="/resend"] button`)
	b.click("#ask .p")
	b.until("another message, which is sent", fmt.Sprintf(`!location.pathname.endsWith(%q) && document.querySelector('#msg .pill')?.textContent === 'sent'`, failed.ID))

	b.to("/console/messages/" + one)
	b.click(`form[action$="/cancel"] button`)
	b.click("#ask .p")
	b.shows("#msg .pill", "canceled")

	wait()
	b.to("/console/messages?state=waiting")
	rows := `document.querySelectorAll('#rows tbody tr').length`
	b.until("one row", rows+" === 1")
	wait()
	b.until("two rows, without a click", rows+" === 2")
	b.click(`.bulk a[href*="do=cancel"]`)
	b.shows("#work", "2 messages")
	b.click("#work button.p")
	b.until("both are canceled", `document.querySelector('#counts [data-n=done]')?.textContent === '2'`)
	b.until("the bar is full", `(({value, max}) => value === max)(document.querySelector('#work progress'))`)
}

// A server of which nothing is known yet says that it needs an app.
func TestWithoutAnApp(t *testing.T) {
	t.Parallel()
	w := startOn(t, storetest.SQLite(t), func(c *server.Config) { c.AppID, c.AppSecret = "", wxnotify.Secret{} })
	b := w.open(look{path: "/console/?lang=en"})
	for _, path := range []string{"/console/", "/console/messages", "/console/templates"} {
		b.to(path)
		b.shows("#main .empty", "No apps yet")
	}
	b.click("#main .empty .btn")
	b.at("/console/apps")
	b.shows("#add", "AppSecret")
}

// write presses a key, fills in the search, and presses another key.
func (b *tab) write(first, typed, last string) {
	b.t.Helper()
	b.key(first)
	b.until("the field has the focus", `document.activeElement.matches('input')`)
	b.fill("#search", typed) // the browser's protocol types what a page prevented
	b.key(last)
}

// The first user is made in the browser, and everything is there from the
// first minute: empty, and saying what to do.
func TestFirstMinute(t *testing.T) {
	t.Parallel()
	w := start(t)
	b := w.tab(look{})
	b.to(strings.TrimPrefix(w.setup(), w.url))
	b.fill("[name=password]", password)
	b.fill("[name=again]", password)
	b.click("button.p")
	b.shows(".who b", "admin")
	b.to("/console/messages?lang=en")
	b.shows("#main", "No messages yet")
	b.to("/console/attention")
	b.shows("#main", "Nothing needs attention")
	b.click(".who button")
	b.at("/console/login")
	b.fill("[name=name]", "admin")
	b.fill("[name=password]", password)
	b.click("button.p")
	b.shows(".who b", "admin")
}
