package gateway_test

import (
	"sync"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/sandbox"
)

func TestTheSameCallAgainGetsTheFirstAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, nil)
	token := w.token(testKey)
	w.accept(li, sandbox.DeliveryTemplate)
	w.accept(li, sandbox.DeliveryTemplate)
	first := w.call(subscribeSend, with(token), delivery(li))
	w.want(first, 0)
	for range 3 {
		if again := w.call(subscribeSend, with(token), delivery(li)); again != first {
			t.Errorf("first %+v, then %+v", first, again)
		}
	}
	w.ahead.Store(int64(30 * time.Second)) // perhaps in the next minute
	if again := w.call(subscribeSend, with(token), delivery(li)); again != first {
		t.Errorf("first %+v, then %+v", first, again)
	}
	w.cards(1)
	w.ahead.Store(int64(65 * time.Second))
	if again := w.call(subscribeSend, with(token), delivery(li)); again.Errcode != 0 || again.id == first.id {
		t.Errorf("after a minute: %+v", again)
	}
	w.cards(2)
}

func TestAnotherKeyPathOrContentIsAnotherCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, nil)
	other, _ := w.key("", wxnotify.ScopeSend)
	pay, err := w.sandbox.Pay(appid, li, 1)
	w.must(err)
	w.give(li, wxnotify.Payment, pay.PrepayID, "")
	changed := order(li, "")
	changed["page"] = "pages/other"
	w.want(w.call(templateSend, with(w.token(testKey)), order(li, "")), 0)
	w.want(w.call(templateSend, with(w.token(other)), order(li, "")), 0)
	w.want(w.call(templateSend, with(w.token(testKey)), changed), 0)
	w.cards(3)
}

// A refusal is an answer as well: the repeat of a repeat does not reach WeChat.
func TestARefusalIsRepeatedToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, nil)
	token, o := w.token(testKey), order(li, w.form(li))
	o["page"] = "/slash"
	first := w.call(templateSend, with(token), o)
	w.want(first, 41030)
	if again := w.call(templateSend, with(token), o); again != first {
		t.Errorf("first %+v, then %+v", first, again)
	}
}

func TestEqualCallsAtOnceAreOneCard(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, nil)
	token := w.token(testKey)
	pay, err := w.sandbox.Pay(appid, li, 3)
	w.must(err)
	for _, id := range pay.PrepayIDs {
		w.give(li, wxnotify.Payment, id, "")
	}
	w.fault(sandbox.Fault{Endpoint: "template/send", Effect: "slow", DelayMS: 200})
	answers := make([]answer, 8)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = w.call(templateSend, with(token), order(li, "")) })
	}
	all.Wait()
	for _, a := range answers {
		if a != answers[0] || a.Errcode != 0 {
			t.Errorf("%+v and %+v", answers[0], a)
		}
	}
	w.cards(1)
}

// A pause that begins after the first call does not hide its answer: whoever
// hears of a pause takes the message for not sent, and sends it later.
func TestTheFirstAnswerCountsWhileTheChannelIsPaused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, nil)
	token, sent, refused := w.token(testKey), order(li, w.form(li)), order(li, w.form(li))
	refused["page"] = "/slash"
	first, bad := w.call(templateSend, with(token), sent), w.call(templateSend, with(token), refused)
	w.want(first, 0)
	w.want(bad, 41030)
	w.must(w.store.PutPause(t.Context(), wxnotify.Pause{App: appid, Scope: "template", Reason: "quota", Since: time.Now(), Probe: time.Now().Add(time.Hour)}))
	for range 2 {
		if again := w.call(templateSend, with(token), sent); again != first {
			t.Errorf("first %+v, then %+v", first, again)
		}
		if again := w.call(templateSend, with(token), refused); again != bad {
			t.Errorf("first %+v, then %+v", bad, again)
		}
	}
	w.want(w.call(templateSend, with(token), order(li, w.form(li))), 45009)
	w.cards(1)
	w.ahead.Store(int64(65 * time.Second))
	w.want(w.call(templateSend, with(token), sent), 45009)
	w.cards(1)
}

// A node that stops takes no new send, and still tells of those it took.
func TestTheFirstAnswerCountsWhileTheNodeStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2*time.Second, nil)
	token, sent, late := w.token(testKey), order(li, w.form(li)), order(li, w.form(li))
	first := w.call(templateSend, with(token), sent)
	w.want(first, 0)
	w.fault(sandbox.Fault{Endpoint: "template/send", Effect: "slow", DelayMS: 5000, Times: 1})
	under := w.call(templateSend, with(token), late)
	w.want(under, 9900001)
	close(w.drain)
	if again := w.call(templateSend, with(token), sent); again != first {
		t.Errorf("first %+v, then %+v", first, again)
	}
	if again := w.call(templateSend, with(token), late); again.id != under.id || again.Errcode == -1 {
		t.Errorf("first %+v, then %+v", under, again)
	}
	for _, key := range []string{testKey, testKey + ".queued"} {
		if a := w.call(templateSend, with(w.token(key)), order(li, w.form(li))); a.Errcode != -1 || a.id != "" {
			t.Errorf("a new send: %+v", a)
		}
	}
	w.until("the answer", func() bool { return w.call(templateSend, with(token), late).Errcode == 0 })
	w.cards(2)
}

// WeChat's answer is late: the caller is told that nobody knows, and told the
// answer when it asks again.
func TestAnAnswerThatIsLateIsThereForTheRepeat(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 300*time.Millisecond, nil)
	token, o := w.token(testKey), order(li, w.form(li))
	w.fault(sandbox.Fault{Endpoint: "template/send", Effect: "slow", DelayMS: 1500, Times: 1})
	first := w.call(templateSend, with(token), o)
	w.want(first, 9900001)
	w.until("the answer", func() bool {
		again := w.call(templateSend, with(token), o)
		if again.id != first.id || again.Errcode != 0 && again.Errcode != 9900001 {
			t.Fatalf("it became %+v", again)
		}
		return again.Errcode == 0
	})
	w.cards(1)
}

// A lost answer is not repeated where that could deliver twice, and says so
// until somebody knows.
func TestALostAnswerStaysUnknownUntilThereIsEvidence(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, nil)
	token := w.token(testKey)
	pay, err := w.sandbox.Pay(appid, li, 1)
	w.must(err)
	w.fault(sandbox.Fault{Endpoint: "template/send", Effect: "drop_response", Times: 1})
	first := w.call(templateSend, with(token), order(li, pay.PrepayID))
	for range 3 {
		w.want(first, 9900001)
		if again := w.call(templateSend, with(token), order(li, pay.PrepayID)); again != first {
			t.Errorf("first %+v, then %+v", first, again)
		}
	}
	w.cards(1)
	w.must(w.box.Resolve(t.Context(), appid, first.id, true))
	w.want(w.call(templateSend, with(token), order(li, pay.PrepayID)), 0)
	w.cards(1)
}

// A form_id can be sent again safely, so that the caller never hears of it.
func TestALostAnswerIsFoundOutWithAFormID(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, nil)
	w.fault(sandbox.Fault{Endpoint: "template/send", Effect: "drop_response", Times: 1})
	a := w.call(templateSend, with(w.token(testKey)), order(li, w.form(li)))
	w.want(a, 0)
	if m := w.message(a); m.Evidence != wxnotify.Inferred {
		t.Errorf("the evidence is %s", m.Evidence)
	}
	w.cards(1)
}
