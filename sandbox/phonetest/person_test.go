package phonetest

import (
	"fmt"
	"testing"

	"github.com/wxnotify/wxnotify/sandbox"
)

// What a person does on the phone.

func TestPaymentGivesThree(t *testing.T) {
	t.Parallel()
	needLong(t)
	w := start(t)
	b := w.open(look{})
	b.click(`[data-key="pay"]`)
	b.until("three uses are in stock", `document.querySelector('[data-stock="payment"]').textContent === '3'`)
	code := b.text("#mini .got code")
	for n := range 4 {
		want := 0.0
		if n == 3 {
			want = 41029
		}
		if got := w.send("wxopen/template", order(code)); got != want {
			t.Errorf("send %d: errcode %v, want %v", n+1, got, want)
		}
	}
	b.until("three cards", `document.querySelectorAll('#chat .wxcard').length === 3`)
	b.until("nothing is left", `document.querySelector('[data-stock="payment"]').textContent === '0'`)
	b.shows(".req[aria-current=true]", "form id used count reach limit")
}

func TestSheetOfSubscriptions(t *testing.T) {
	t.Parallel()
	needLong(t)
	w := start(t)
	b := w.open(look{path: "/?lang=zh&era=today"})
	left := func(n int) {
		t.Helper()
		b.until(fmt.Sprintf("%d in stock", n), fmt.Sprintf(`document.querySelector('[data-stock="subscribe"]').textContent === '%d'`, n))
	}
	b.click(`[data-key="subscribe"]`)
	b.shows("#mini .sheet", "发送一次以下消息")
	b.picture("sheet")
	b.click("#mini .sheet .choice:nth-of-type(2)")
	b.until("the second is not ticked", `document.querySelectorAll('.choice')[1].getAttribute('aria-checked') === 'false'`)
	b.click(`#mini [data-choice="allow"]`)
	left(1)
	if got := w.send("subscribe", accepted()); got != 0 {
		t.Errorf("send: errcode %v", got)
	}
	b.until("the card is there", `document.querySelector('#card-1.wxc-today')`)
	left(0)

	b.click(`[data-key="subscribe"]`)
	b.click(`#mini [data-choice="cancel"]`)
	b.shows("#mini .toast", "已拒绝")
	left(0)

	b.click(`[data-key="subscribe"]`)
	b.click("#mini .choice.always")
	b.click(`#mini [data-choice="allow"]`)
	left(2)
	b.shows("#mini", "不再询问")
	b.click(`[data-key="subscribe"]`) // asks no more, and counts
	left(4)
	b.click(`[data-key="unkeeponce"]`)
	b.click(`[data-key="subscribe"]`)
	b.shows("#mini .sheet", "发送一次以下消息")
	b.key("Escape")
	b.until("Escape closes the sheet", `!document.querySelector('.sheet')`)

	b.click(`[data-key="subscribe_longterm"]`)
	b.click(`#mini [data-choice="allow"]`)
	b.until("a long-term acceptance", `document.querySelector('[data-stock="subscribe"]').textContent === '4+∞'`)
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	needLong(t)
	w := start(t)
	b := w.open(look{path: "/?lang=zh&era=android2018"})
	form := w.form()
	w.send("wxopen/template", order(form))
	b.click("#card-1 .wxc-dots")
	b.click("#chat .menu button:nth-of-type(1)")
	b.shows("#users", "已拒收")
	if got := w.send("wxopen/template", order(w.form())); got != 43019 {
		t.Errorf("a user who refuses: errcode %v", got)
	}
	b.click("#gear")
	b.shows("#chat .settings", "模板消息（全部）")
	b.picture("settings")
	b.click("#chat .setting .wxbtn")
	b.until("allowed again", `!document.querySelector('#users').textContent.includes('已拒收')`)
	if got := w.send("wxopen/template", order(w.form())); got != 0 {
		t.Errorf("a user who allows again: errcode %v", got)
	}
	b.until("second card", `document.querySelector('#card-2')`)
	b.click("#card-2 .wxc-foot.refuse")
	b.shows("#users", "已拒收")

	// A subscribe card: the event is pushed, and seen.
	if err := w.Subscribe(sandbox.FirstAppID, sandbox.FirstUser, map[string]string{sandbox.OnceTemplate: "accept"}); err != nil {
		t.Fatal(err)
	}
	w.send("subscribe", accepted())
	b.click("#card-3 .wxc-dots")
	b.click("#chat .menu button:nth-of-type(1)")
	b.shows(".reqs", "subscribe_msg_change_event")
}

func TestUsersAreAddedAndSwitched(t *testing.T) {
	t.Parallel()
	needLong(t)
	w := start(t)
	b := w.open(look{})
	w.send("wxopen/template", order(w.form()))
	b.until("the first user's card", `document.querySelector('#card-1')`)
	b.click(`[data-openid="` + sandbox.SecondUser + `"]`)
	b.shows("#chat .empty", "还没有消息")
	b.click(`#users [data-key="add"]`)
	b.fill(`dialog [name="nickname"]`, "赵云")
	b.click("dialog [type=submit]")
	b.shows(`.user[aria-pressed="true"]`, "赵云")
	if users := w.State().Users; len(users) != 4 || users[3].Nickname != "赵云" {
		t.Errorf("users: %v", users)
	}
	b.click(`[data-key="submit"]`)
	b.until("the new user has a form_id", `document.querySelector('.user[aria-pressed=true] .n').textContent === '1'`)
}

func TestClockEmptiesTheStock(t *testing.T) {
	t.Parallel()
	needLong(t)
	w := start(t)
	b := w.open(look{})
	b.click(`[data-key="submit"]`)
	b.click(`[data-key="pay"]`)
	b.until("four in stock", `document.querySelector('.user[aria-pressed=true] .n').textContent === '4'`)
	b.shows("#stock", "6d 23h")
	b.click(`#moves [data-v="24"]`)
	b.shows("#stock", "5d 23h")
	b.click(`#moves [data-v="168"]`)
	b.until("nothing in stock", `document.querySelector('.user[aria-pressed=true] .n').textContent === '0'`)
	if got := w.Clock().OffsetSeconds; got != 8*86400 {
		t.Errorf("the clock is ahead by %d s", got)
	}
	b.click(`#moves [data-v="0"]`) // back to now: only a reset does that
	b.click("dialog [type=submit]")
	b.until("real time again", `document.querySelector('#moves [data-v="0"]').disabled`)
	if got := w.Clock().OffsetSeconds; got != 0 {
		t.Errorf("after the reset the clock is ahead by %d s", got)
	}
}
