package storetest

import (
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
)

// either is a message that may also go by the subscription.
func either(e *wxnotify.Entry) {
	e.Other = &wxnotify.Carrier{Channel: wxnotify.ChannelTemplate, TemplateID: classic, Body: []byte(`{"data":{"keyword1":{"value":"b"}}}`)}
	subscribe(e)
}

// accepted is one acceptance of alice's.
func accepted() wxnotify.Deposit {
	return wxnotify.Deposit{To: alice, Source: wxnotify.Subscribe, TemplateID: prompt, GivenAt: Noon}
}

func (w *world) halt(scope string) {
	w.Helper()
	w.same(w.PutPause(ctx, wxnotify.Pause{App: w.app, Scope: scope, Reason: "operator", Since: w.now.Real}), nil)
}

// wake is what follows a deposit.
func (w *world) wake(ds ...wxnotify.Deposit) int {
	w.Helper()
	for i := range ds {
		ds[i].App = w.app
	}
	return must(w.Wake(ctx, w.now, w.app, ds))
}

// goesBy is the way of the only message that may go now.
func (w *world) goesBy(id string, channel wxnotify.Channel) {
	w.Helper()
	try := w.claim1()
	w.same([]any{try.Message.ID, try.Message.Channel, try.Permit.Source == wxnotify.Subscribe}, []any{id, channel, channel == wxnotify.ChannelSubscribe})
	w.settle(try, ok)
	w.is(id, "sent")
}

// A message with two ways waits for whichever opens first.
var aliases = map[string]func(*testing.T, Database){
	"two ways, one paused: a permit for the other one wakes": func(t *testing.T, db Database) {
		classicOne := func(w *world, i int) wxnotify.Deposit { return w.form(form(i)) }
		paid := func(w *world, i int) wxnotify.Deposit {
			return wxnotify.Deposit{Source: wxnotify.Payment, Code: prepay + form(i), GivenAt: w.now.Virtual}
		}
		prompted := func(*world, int) wxnotify.Deposit { return accepted() }
		for closed, c := range map[string]struct {
			had, open func(*world, int) wxnotify.Deposit
			channel   wxnotify.Channel
		}{
			"subscribe": {prompted, classicOne, wxnotify.ChannelTemplate},
			prompt:      {prompted, paid, wxnotify.ChannelTemplate},
			"template":  {classicOne, prompted, wxnotify.ChannelSubscribe},
			classic:     {paid, prompted, wxnotify.ChannelSubscribe},
			"form":      {classicOne, prompted, wxnotify.ChannelSubscribe},
		} {
			w := newWorld(t, db)
			w.halt(closed)
			w.deposit(c.had(w, 0))
			for i, patience := range []func(*wxnotify.Entry){wait, func(*wxnotify.Entry) {}} {
				id := w.send(either, patience)
				w.same(len(w.claim(10).Tries), 0)
				w.is(id, "waiting") // it has a permit, which may not be used now
				w.same(len(w.sweep()), 0)
				opens := c.open(w, i+1)
				w.deposit(opens)
				opens.To = alice
				w.same(w.wake(opens), 1)
				w.goesBy(id, c.channel)
				for _, p := range w.free() { // what is left of a payment
					if c.channel == wxnotify.ChannelTemplate && p.Source == wxnotify.Payment {
						w.same(w.DeletePermit(ctx, w.now, w.app, p.ID), nil)
					}
				}
			}
		}
	},
	"two ways, one paused: what cannot be used wakes nobody, its end does": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.halt("subscribe")
		id := w.send(either, wait)
		w.claim(10)
		w.is(id, "waiting")
		w.deposit(accepted())
		w.same(w.wake(accepted()), 0)
		w.same(len(w.sweep()), 0)
		w.halt("all")
		w.deposit(w.form(form(1)))
		w.same(w.wake(w.form(form(1))), 0)
		must(w.Resume(ctx, w.app, "all"))
		w.same(len(w.sweep()), 1)
		w.goesBy(id, wxnotify.ChannelTemplate)
		second := w.send(either)
		w.claim(10)
		must(w.Resume(ctx, w.app, "subscribe"))
		w.same(len(w.sweep()), 1)
		w.goesBy(second, wxnotify.ChannelSubscribe)
	},
	"two ways, both paused: who has no permit fails at once, unless it waits": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.halt("subscribe")
		w.halt("template")
		none, patient := w.send(either), w.send(either, wait)
		w.claim(10)
		w.is(none, "failed/no_permit")
		w.is(patient, "waiting")
		w.deposit(w.form(form(1)))
		w.same(w.wake(w.form(form(1))), 0)
		must(w.Resume(ctx, w.app, "template"))
		w.same(len(w.sweep()), 1)
		w.goesBy(patient, wxnotify.ChannelTemplate)
	},
	"two ways: one message at a time tries a paused one, and only where no other is open": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		for range 3 {
			w.deposit(accepted())
		}
		first := w.send(either)
		w.settle(w.claim1(), quota)
		second := w.send(either)
		w.claim(10)
		w.is(first, "waiting")
		w.is(second, "waiting")
		w.pass(15 * time.Minute)
		third := w.send(either)
		w.deposit(w.form(form(1)))
		w.same(len(w.sweep()), 2)
		open := w.claim1() // all three saw its form
		w.same(open.Permit.Code, form(1))
		w.settle(open, ok)
		w.pass(time.Second)
		trial := w.claim1()
		w.same(trial.Message.Channel, wxnotify.ChannelSubscribe)
		w.settle(trial, ok)
		w.same(len(must(w.Pauses(ctx, w.app))), 0)
		for len(w.sweep()) > 0 {
			for _, try := range w.claim(10).Tries {
				w.settle(try, ok)
			}
			w.pass(time.Second)
		}
		for _, id := range []string{first, second, third} {
			w.is(id, "sent")
		}
	},
}

// free are alice's permits that may be used.
func (w *world) free() []wxnotify.Permit {
	w.Helper()
	ps, _, err := w.Permits(ctx, wxnotify.PermitFilter{App: w.app, To: alice, State: wxnotify.PermitFree, Limit: 250})
	if err != nil {
		w.Fatal(err)
	}
	return ps
}
