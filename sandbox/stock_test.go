package sandbox_test

import (
	"encoding/json"
	"testing"

	"github.com/wxnotify/wxnotify/sandbox"
)

// stock is what the API says of the first user.
func (w *world) stock() sandbox.Stock {
	w.t.Helper()
	_, b := w.do("GET", "/sandbox/stock?appid="+sandbox.FirstAppID, nil)
	var page struct{ Data []sandbox.Stock }
	if err := json.Unmarshal(b, &page); err != nil || len(page.Data) != 3 {
		w.t.Fatalf("stock: %v %s", err, b)
	}
	return page.Data[0]
}

func TestStockCountsWhatIsLeft(t *testing.T) {
	t.Parallel()
	w := start(t)
	form := w.form(sandbox.FirstUser)
	w.form(sandbox.FirstUser)
	w.form(sandbox.SecondUser)
	w.advance(3600)
	w.must("POST", "/sandbox/payments", person(sandbox.FirstUser))
	w.subscribe(sandbox.OnceTemplate, "accept")
	w.subscribe(sandbox.OnceTemplate, "accept")
	w.subscribe(sandbox.LongtermTemplate, "accept")
	expect(t, "send", w.call("POST", templateSend+w.token(), order(form)), 0, "ok")

	s := w.stock()
	if p := s.Permits; p.Form != 1 || p.Payment != 3 || p.Subscribe[sandbox.OnceTemplate] != 2 || len(p.Longterm) != 1 || s.Refused {
		t.Errorf("got %+v", s)
	}
	if s.NextExpiry == nil || *s.NextExpiry != "2017-10-26T04:00:00.000Z" {
		t.Errorf("next expiry: %v", s.NextExpiry)
	}

	w.advance(7*86400 - 3600)
	if p := w.stock().Permits; p.Form != 0 || p.Payment != 3 {
		t.Errorf("the forms are over, the payment is not: %+v", p)
	}
	w.advance(3600)
	s = w.stock()
	if p := s.Permits; p.Payment != 0 || p.Subscribe[sandbox.OnceTemplate] != 2 || s.NextExpiry != nil {
		t.Errorf("only acceptances are left: %+v", s)
	}
}

func TestStockSaysWhoRefuses(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.settings(sandbox.ClassicTemplate)
	if !w.stock().Refused {
		t.Error("the user refused classic messages")
	}
	if r := w.call("GET", "/sandbox/stock?appid="+sandbox.FirstAppID+"&openid=oNobody", nil); r["error"] == nil {
		t.Errorf("an unknown user: %v", r)
	}
}

func TestEventsCanBeReadLater(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.subscribe(sandbox.OnceTemplate, "accept")
	w.subscribe(sandbox.DeliveryTemplate, "accept")
	r := w.must("GET", "/sandbox/events?after=1", nil)
	if list, ok := r["data"].([]any); !ok || len(list) != 1 || r.text("last_seq") != "2" {
		t.Errorf("got %v", r)
	}
}
