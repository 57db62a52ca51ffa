package storetest

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/store"
)

// push keeps events and applies all that can be applied.
func (w *world) push(es ...wxnotify.Event) wxnotify.Heard {
	w.Helper()
	w.keepEvents(es...)
	return w.hear()
}

func (w *world) keepEvents(es ...wxnotify.Event) {
	w.Helper()
	w.mustKeep(wxnotify.Delivery{App: w.app, Signature: fmt.Sprint("signature ", pushed.Add(1)), Events: es})
}

func (w *world) mustKeep(d wxnotify.Delivery) {
	w.Helper()
	for i := range d.Events {
		d.Events[i].App = d.App
	}
	if err := w.KeepEvents(ctx, w.now, []wxnotify.Delivery{d}); err != nil {
		w.Fatal(err)
	}
}

func (w *world) hear() wxnotify.Heard {
	w.Helper()
	heard, err := w.HearEvents(ctx, w.now, 50)
	if err != nil {
		w.Fatal(err)
	}
	return heard
}

func said(kind wxnotify.EventKind, what string, at time.Time) wxnotify.Event {
	return wxnotify.Event{Kind: kind, To: alice, TemplateID: prompt, At: at, Said: what}
}

func sentEvent(msgid string, at time.Time) wxnotify.Event {
	return wxnotify.Event{Kind: wxnotify.EventSent, To: alice, TemplateID: prompt, At: at, MsgID: msgid, Status: "success"}
}

// acceptance is a report of a mini program.
func acceptance(key string, at time.Time) wxnotify.Deposit {
	return wxnotify.Deposit{App: theApp, To: alice, Source: wxnotify.Subscribe, TemplateID: prompt, Count: 1, Key: key, GivenAt: at}
}

func (w *world) report(d wxnotify.Deposit) int {
	w.Helper()
	rs, err := w.Deposit(ctx, w.now, []wxnotify.Deposit{d})
	if err != nil || rs[0].Err != nil {
		w.Fatal(err, rs)
	}
	return rs[0].Created
}

// taken is an answer with a msgid.
func taken(msgid string) wxnotify.Outcome {
	return wxnotify.Outcome{Kind: wxnotify.Accepted, Said: true, Errmsg: "ok", MsgID: msgid}
}

const msgid = "1988810812324364291"

var pushed atomic.Int64

var events = map[string]func(*testing.T, Database){
	"an acceptance is a permit": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		id := w.send(subscribe, wait)
		w.claim(10)
		w.is(id, "waiting")
		heard := w.push(said(wxnotify.EventPopup, "accept", Noon))
		w.same(heard.Apps, []string{w.app})
		w.is(id, "queued")
		w.have(alice, "free")
	},
	"a replay changes nothing, whatever became of the permit": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		e := said(wxnotify.EventPopup, "accept", Noon)
		w.push(e, e)
		w.push(e)
		w.have(alice, "free")
		id := w.send(subscribe)
		w.settle(w.claim1(), ok)
		w.is(id, "sent")
		w.pass(100 * 24 * time.Hour)
		w.push(e)
		w.have(alice, "used")
	},
	"one signature is one push": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		for i := range 2 {
			w.mustKeep(wxnotify.Delivery{App: w.app, Signature: "the same", Events: []wxnotify.Event{said(wxnotify.EventPopup, "accept", Noon.Add(time.Duration(i)*time.Hour))}})
		}
		w.same(w.hear().Events, 1)
		w.have(alice, "free")
		w.pass(time.Hour)
		if err := w.SweepEvents(ctx, w.now); err != nil { // no timestamp is that old
			t.Error(err)
		}
	},
	"what was kept is applied by the next life": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.keepEvents(said(wxnotify.EventPopup, "accept", Noon))
		_ = w.Close()
		w = worldAt(t, w.dsn, nil)
		w.same(w.hear().Events, 1)
		w.have(alice, "free")
	},
	"a callback that worked is remembered": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.same(must(w.App(ctx, w.app)).Callback.Working(w.now.Real), false)
		w.keepEvents()
		w.same(must(w.App(ctx, w.app)).Callback.SeenAt, Noon)
		w.same(must(w.App(ctx, w.app)).Callback.Working(Noon.Add(8*24*time.Hour)), false)
	},
	"the report and the event of one tap are one permit": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.pass(time.Hour)
		w.same(w.report(acceptance("a", Noon.Add(400*time.Millisecond))), 1)
		w.push(said(wxnotify.EventPopup, "accept", Noon))
		w.same(w.report(acceptance("a", Noon.Add(400*time.Millisecond))), 0)
		w.have(alice, "free")

		w.push(said(wxnotify.EventPopup, "accept", Noon.Add(10*time.Second))) // the second tap
		w.have(alice, "free", "free")
		w.same(w.report(acceptance("b", Noon.Add(10400*time.Millisecond))), 0)
		w.same(w.report(acceptance("c", Noon.Add(20*time.Second))), 1) // the third, whose event is to come
		w.have(alice, "free", "free", "free")
		w.push(said(wxnotify.EventPopup, "accept", Noon.Add(20*time.Second)))
		w.have(alice, "free", "free", "free")
	},
	"taps further apart than two minutes are two": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.report(acceptance("a", Noon))
		w.pass(5 * time.Minute)
		w.push(said(wxnotify.EventPopup, "accept", Noon.Add(121*time.Second)))
		w.have(alice, "free", "free")
	},
	"reports without an id and in bundles meet their events too": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.pass(time.Hour)
		w.push(said(wxnotify.EventPopup, "accept", Noon), said(wxnotify.EventPopup, "accept", Noon.Add(time.Second)))
		bundle := acceptance("", Noon.Add(2*time.Second))
		bundle.Count = 3
		w.same(w.report(bundle), 1)
		w.have(alice, "free", "free", "free")
		w.push(said(wxnotify.EventPopup, "accept", Noon.Add(2*time.Second)))
		w.have(alice, "free", "free", "free")
		w.push(said(wxnotify.EventPopup, "accept", Noon.Add(3*time.Second)))
		w.have(alice, "free", "free", "free", "free")
	},
	"report and event at the same time are one permit": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		for i := range 10 {
			w.pass(10 * time.Minute)
			at := w.now.Real
			w.keepEvents(said(wxnotify.EventPopup, "accept", at))
			var both sync.WaitGroup
			both.Go(func() { w.hear() })
			both.Go(func() { w.report(acceptance(fmt.Sprint("tap ", i), at)) })
			both.Wait()
			w.same(len(w.permits(alice)), i+1)
		}
	},
	"the virtual clock does not pull a tap apart": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.report(acceptance("a", w.now.Virtual))
		w.jump(24 * time.Hour)
		w.push(said(wxnotify.EventPopup, "accept", Noon))
		w.have(alice, "free")
		w.push(said(wxnotify.EventChange, "reject", Noon.Add(-time.Minute)))
		w.have(alice, "free")
	},
	"a refusal withdraws what is not younger": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.pass(time.Hour)
		w.push(said(wxnotify.EventPopup, "accept", Noon))
		w.pass(time.Minute)
		w.push(said(wxnotify.EventPopup, "accept", Noon.Add(10*time.Second)))
		refusal := said(wxnotify.EventChange, "reject", Noon.Add(5*time.Second))
		w.push(refusal)
		w.have(alice, "dead(withdrawn)", "free")
		w.push(refusal)
		w.push(said(wxnotify.EventPopup, "accept", Noon.Add(3*time.Second))) // told late
		w.have(alice, "dead(withdrawn)", "free")
		w.push(said(wxnotify.EventChange, "reject", Noon.Add(50*time.Second)))
		id := w.send(subscribe)
		w.claim(1)
		w.is(id, "failed/refused_by_user")
	},
	"an answer of no takes nothing back, and explains": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.pass(time.Hour)
		w.push(said(wxnotify.EventPopup, "accept", Noon), said(wxnotify.EventPopup, "reject", Noon.Add(time.Minute)))
		w.have(alice, "free")
		w.send(subscribe)
		w.settle(w.claim1(), ok)
		id := w.send(subscribe)
		w.claim(1)
		w.is(id, "failed/refused_by_user")
	},
	"a long-term acceptance is there once, and comes back only when given anew": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.pass(time.Hour)
		must(0, w.PutTemplate(ctx, wxnotify.Template{App: w.app, ID: prompt, Channel: wxnotify.ChannelSubscribe, Kind: wxnotify.KindLongterm}))
		first := said(wxnotify.EventPopup, "accept", Noon)
		w.push(first)
		report := acceptance("x", Noon.Add(300*time.Millisecond))
		report.Source = wxnotify.Longterm
		w.same(w.report(report), 0)
		w.have(alice, "free")
		w.pass(time.Minute)
		w.send(subscribe)
		w.settle(w.claim1(), none)
		w.have(alice, "dead(refused)")
		w.push(first)
		w.have(alice, "dead(refused)")
		w.push(said(wxnotify.EventPopup, "accept", Noon.Add(time.Minute)))
		w.have(alice, "dead(refused)", "free")
		w.push(said(wxnotify.EventChange, "reject", Noon.Add(time.Minute)))
		w.have(alice, "dead(refused)", "dead(withdrawn)")
	},
	"a sent event is the message's delivery": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.report(acceptance("a", Noon))
		id := w.send(subscribe)
		w.settle(w.claim1(), taken(msgid))
		w.is(id, "sent")
		w.same(w.push(sentEvent(msgid, Noon)).Rest, []wxnotify.Rest{{App: w.app, ID: id, To: alice, State: wxnotify.Delivered}})
		w.is(id, "delivered")
		w.same(w.message(id).Evidence, wxnotify.ByEvent)
		failed := sentEvent(msgid, Noon)
		failed.Errcode, failed.Status = 20, "failed"
		w.push(sentEvent(msgid, Noon))
		w.push(failed)
		w.is(id, "delivered")
		w.have(alice, "used")
	},
	"a sent event with an error is a failure": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.report(acceptance("a", Noon))
		id := w.send(subscribe)
		w.settle(w.claim1(), taken(msgid))
		failed := sentEvent(msgid, Noon)
		failed.Errcode, failed.Status = 20, "failed"
		w.push(failed)
		w.is(id, "failed/refused_later")
		w.same(w.message(id).Attempts[0].Errmsg, "WeChat said later: ErrorCode 20 failed")
		w.have(alice, "used")
	},
	"its reason is kept also of a second attempt, and of one whose answer was lost": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.report(acceptance("a", Noon))
		failed := sentEvent(msgid, Noon)
		failed.Status = "user_block" // with ErrorCode 0
		id := w.send(subscribe)
		w.settle(w.claim1(), notSent)
		w.settle(w.claim1(), taken(msgid))
		w.push(failed)
		w.is(id, "failed/refused_later")
		w.same([]string{w.message(id).Attempts[0].Errmsg, w.message(id).Attempts[1].Errmsg}, []string{"", "WeChat said later: ErrorCode 0 user_block"})

		w.pass(time.Hour)
		w.report(acceptance("b", w.now.Virtual))
		other := sentEvent("77", w.now.Real)
		other.Errcode, other.Status = 20, "failed"
		id = w.send(subscribe)
		w.settle(w.claim1(), lost)
		w.push(other)
		w.is(id, "failed/refused_later")
		w.same(w.message(id).Attempts[0].Errmsg, "WeChat said later: ErrorCode 20 failed")
	},
	"an event that comes before our settle waits for it": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.report(acceptance("a", Noon))
		id := w.send(subscribe)
		try := w.claim1()
		w.push(sentEvent(msgid, Noon))
		w.is(id, "sending")
		w.same(w.hear().Events, 0)
		w.settle(try, taken(msgid))
		w.is(id, "sent")
		w.hear()
		w.is(id, "delivered")
	},
	"an event clears up the one lost answer": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.report(acceptance("a", Noon))
		id := w.send(subscribe)
		try := w.claimOf(wxnotify.Want{App: w.app, N: 1, Events: true}).Tries[0]
		w.push(sentEvent(msgid, Noon)) // before the loss is known
		w.settle(try, lost)
		w.is(id, "unsure")
		w.have(alice, "held")
		w.hear()
		w.is(id, "delivered")
		w.same(w.message(id).MsgID, msgid)
		w.same(w.outcomes(id), "accepted")
		w.have(alice, "used")
	},
	"an event clears up what had ended as unknown": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.report(acceptance("a", Noon))
		id := w.send(subscribe)
		w.settle(w.claim1(), lost)
		w.is(id, "unknown/unresolved")
		w.push(sentEvent(msgid, Noon))
		w.is(id, "delivered")
		w.have(alice, "used")
	},
	"an event is no evidence while it may be about another message": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.report(acceptance("a", Noon))
		w.report(acceptance("b", Noon.Add(5*time.Minute)))
		first, second := w.send(subscribe), w.send(subscribe)
		events := wxnotify.Want{App: w.app, N: 1, Events: true}
		one := w.claimOf(events).Tries[0]
		w.settle(one, lost)
		w.pass(time.Second)
		two := w.claimOf(events).Tries[0] // in flight
		w.push(sentEvent(msgid, w.now.Real))
		w.is(first, "unsure")
		w.settle(two, lost) // two that it may be about
		w.hear()
		w.is(first, "unsure")
		w.is(second, "unsure")
		must(w.Evidence(ctx, w.now, w.app, two.Attempt.ID, taken("77"))) // its answer came late
		w.hear()
		w.is(second, "sent")
		w.is(first, "delivered")
	},
	"an event that is older than the attempt is about something else": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.report(acceptance("a", Noon))
		w.pass(time.Minute)
		id := w.send(subscribe)
		w.settle(w.claim1(), lost)
		w.push(sentEvent(msgid, w.now.Real.Add(-3*time.Second)))
		w.is(id, "unknown/unresolved")
	},
	"an event of an unknown message is given up after a day": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.push(sentEvent(msgid, Noon))
		w.pass(25 * time.Hour)
		if err := w.SweepEvents(ctx, w.now); err != nil {
			t.Fatal(err)
		}
		w.report(acceptance("a", w.now.Virtual))
		id := w.send(subscribe)
		w.settle(w.claim1(), taken(msgid))
		w.hear()
		w.is(id, "sent")
	},
	"of another user's message an event says nothing": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.report(acceptance("a", Noon))
		id := w.send(subscribe)
		w.settle(w.claim1(), taken(msgid))
		e := sentEvent(msgid, Noon)
		e.To = bob
		w.push(e)
		w.is(id, "sent")
	},
	"a node that died before the look is made up for": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.report(acceptance("a", Noon))
		id := w.send(subscribe)
		try := w.claimOf(wxnotify.Want{App: w.app, N: 1, Events: true}).Tries[0]
		w.push(sentEvent(msgid, Noon))
		_ = w.Close()
		w = worldAt(t, w.dsn, brokenAt("recall events.before_statement"))
		w.settle(try, lost)
		w.same(w.hear().Events, 0)
		_ = w.Close()
		w = worldAt(t, w.dsn, nil)
		if err := w.RecallHeld(ctx, w.now); err != nil {
			t.Fatal(err)
		}
		w.hear()
		w.is(id, "delivered")
	},
	"so is one that died when the answer was written, by its next life or by any other's sweep": func(t *testing.T, db Database) {
		for _, look := range []func(*world) error{
			func(w *world) error { return w.RecallHeld(ctx, w.now) },
			func(w *world) error { return w.SweepEvents(ctx, w.now) },
		} {
			w := newWorld(t, db)
			w.report(acceptance("a", Noon))
			id := w.send(subscribe)
			try := w.claim1()
			w.push(sentEvent(msgid, Noon), sentEvent("77", Noon)) // of the other one we know nothing
			_ = w.Close()
			w = worldAt(t, w.dsn, brokenAt("recall events.before_statement"))
			w.settle(try, taken(msgid))
			w.same(w.hear().Events, 0)
			w.is(id, "sent")
			_ = w.Close()
			w = worldAt(t, w.dsn, nil)
			if err := look(w); err != nil {
				t.Fatal(err)
			}
			w.hear()
			w.is(id, "delivered")
		}
	},
	"of one user one subscribe message goes out at a time": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		long := wxnotify.Deposit{To: alice, Source: wxnotify.Longterm, TemplateID: prompt, GivenAt: Noon}
		his := long
		his.To = bob
		w.deposit(long, his, w.form(form(1)))
		for range 3 {
			w.send(subscribe)
		}
		w.send(subscribe, to(bob))
		w.send() // classic messages know no such rule
		c := w.claim(10)
		w.same(len(c.Tries), 3)
		w.pass(10 * time.Second)
		w.same(len(w.claim(10).Tries), 0) // hers is still on its way
		for _, try := range c.Tries {
			w.settle(try, ok)
		}
		for range 2 {
			w.pass(10 * time.Second)
			w.settle(w.claim1(), ok)
		}
		w.same(len(w.claim(10).Tries), 0)
	},
	"contradictions are counted": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.report(acceptance("a", Noon))
		w.send(subscribe)
		w.settle(w.claim1(), none)
		w.deposit(w.form(form(1)))
		w.pass(2 * time.Minute)
		w.send()
		w.settle(w.claim1(), spent)
		d := must(w.App(ctx, w.app)).Drift
		if d.Closed != 1 || d.Spent != 1 || d.At.IsZero() {
			t.Errorf("%+v", d)
		}
	},
	"nothing left after a lost answer is no contradiction: the first may have arrived": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.report(acceptance("a", Noon))
		id := w.send(subscribe, resend)
		w.settle(w.claim1(), lost)
		w.is(id, "unsure")
		w.jump(wxnotify.Patience)
		w.sweep()
		w.settle(w.claim1(), none)
		w.is(id, "unknown/unresolved")
		w.have(alice, "dead(unresolved)")
		w.same(must(w.App(ctx, w.app)).Drift.Closed, int64(0))
	},
}

// brokenAt makes a statement fail.
func brokenAt(point string) func(*store.Options) {
	return func(o *store.Options) {
		o.Fault = func(p string) error {
			if strings.HasPrefix(p, point) {
				return errTest
			}
			return nil
		}
	}
}
