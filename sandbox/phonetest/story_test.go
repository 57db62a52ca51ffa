package phonetest

import (
	"testing"
)

// The story that every run tells: an order is submitted on the phone, a backend
// sends with the form_id, and the card is there.
func TestStory(t *testing.T) {
	t.Parallel()
	w := start(t)
	b := w.open(look{})
	b.shows("#chat .empty", "还没有消息")
	b.click(`[data-key="submit"]`)
	b.until("a form_id is in stock", `document.querySelector('[data-stock="form"]').textContent === '1'`)
	form := b.text("#mini .got code")
	if code := w.send("wxopen/template", order(form)); code != 0 {
		t.Fatalf("send: errcode %v", code)
	}
	b.until("the card is there", `document.querySelector('#card-1')`)
	if got := b.text("#card-1 .wxc-emphasis"); got != "状态已接单" {
		t.Errorf("emphasis: %q", got)
	}
	if got := b.text("#card-1 .wxc-rows"); got != "时间2017年10月19日 12:31骑手张一山电话136xxxx1720备注请手机保持通畅" {
		t.Errorf("rows: %q", got)
	}
	if got := eval[string](b, `document.querySelector('#card-1 .wxc-emphasis b').style.color`); got != "rgb(23, 49, 119)" {
		t.Errorf("colour of the emphasis: %q", got)
	}
	if got := eval[string](b, `document.querySelectorAll('#card-1 dd')[1].style.color`); got != "" {
		t.Errorf("only #rrggbb is a colour, got %q", got)
	}
	b.until("the form_id is used up", `document.querySelector('[data-stock="form"]').textContent === '0'`)
	b.shows(".req[aria-current=true], .req", "/template/send")

	b.click("#card-1 .wxc-foot.open")
	b.shows("#mini .opened .path", "pages/order/detail")
	b.shows("#mini .opened dl", "id1019fromcard")
	b.picture("opened")
}
