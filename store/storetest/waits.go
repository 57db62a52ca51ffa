package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/store"
)

var waits = map[string]func(*testing.T, Database){
	"a deposit wakes as many as it brought permits, the oldest first": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		a := w.send(wait)
		w.pass(time.Second)
		b, c, other := w.send(wait), w.send(wait), w.send(wait, to(bob))
		w.same(len(w.claim(10).Rest), 4)
		w.is(a, "waiting")
		d := w.form(form(1))
		w.deposit(d)
		d.App = w.app
		n, err := w.Wake(ctx, w.now, w.app, []wxnotify.Deposit{d})
		w.same([]any{n, err}, []any{1, nil})
		w.same(w.claim1().Message.ID, a)
		p := wxnotify.Deposit{App: w.app, To: alice, Source: wxnotify.Payment, Code: prepay, GivenAt: Noon}
		w.deposit(p)
		w.same(must(w.Wake(ctx, w.now, w.app, []wxnotify.Deposit{p})), 2)
		w.is(b, "queued")
		w.is(c, "queued")
		w.is(other, "waiting")
		w.same(must(w.Wake(ctx, w.now, w.app, []wxnotify.Deposit{p})), 0)
	},
	"a permit for another template wakes nobody": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		id := w.send(wait, subscribe)
		w.claim(10)
		ds := []wxnotify.Deposit{w.form(form(1)), {Source: wxnotify.Subscribe, TemplateID: "OTHER", GivenAt: Noon}}
		w.deposit(ds...)
		w.same(must(w.Wake(ctx, w.now, w.app, ds)), 0)
		w.is(id, "waiting")
		ds = []wxnotify.Deposit{{Source: wxnotify.Longterm, TemplateID: prompt, GivenAt: Noon}}
		w.deposit(ds...)
		w.same(must(w.Wake(ctx, w.now, w.app, ds)), 1)
	},
	"who waits beyond the deadline expires": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		id := w.send(wait, func(e *wxnotify.Entry) { e.Message.ExpiresAt = Noon.Add(time.Hour) })
		w.claim(10)
		w.same(len(w.sweep()), 0)
		w.jump(time.Hour)
		w.same(w.sweep(), []wxnotify.Rest{{App: w.app, ID: id, To: alice, State: wxnotify.Expired, Reason: wxnotify.ReasonDeadline}})
		w.is(id, "expired/deadline")
	},
	"a lost wake-up is found by the sweep": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		id, second := w.send(wait), w.send(wait)
		w.claim(10)
		w.deposit(w.form(form(1)))
		w.same(w.sweep(), []wxnotify.Rest{{App: w.app, ID: id, State: wxnotify.Queued}})
		w.is(second, "waiting")
		w.same(w.claim1().Message.ID, id)
		w.same(len(w.sweep()), 0)
	},
	"a canceled message's permit goes to who waits": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		named := w.send(formID(form(1)), func(e *wxnotify.Entry) { e.Message.SendAt = Noon.Add(time.Hour) })
		waiting := w.send(wait)
		w.claim(10)
		must(w.Cancel(ctx, w.now, w.app, named))
		w.is(waiting, "queued")
		must(w.Cancel(ctx, w.now, w.app, waiting))
	},
	"a canceled message's permit goes to who waits, also when the caller has hung up by then": func(t *testing.T, db Database) {
		caller, hangUp := context.WithCancel(ctx)
		w := worldAt(t, db(t), func(o *store.Options) {
			o.Fault = func(point string) error {
				if point == "cancel.after_commit" {
					hangUp()
				}
				return nil
			}
		})
		named := w.send(formID(form(1)), func(e *wxnotify.Entry) { e.Message.SendAt = Noon.Add(time.Hour) })
		waiting := w.send(wait)
		w.claim(10)
		must(w.Cancel(caller, w.now, w.app, named))
		w.same(caller.Err() != nil, true)
		w.is(waiting, "queued")
	},
	"sweeps move in bites": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		var es []wxnotify.Entry
		for i := range 25 {
			es = append(es, w.draft(wait, to(fmt.Sprintf("oUser%023d", i)), func(e *wxnotify.Entry) { e.Message.ExpiresAt = Noon.Add(time.Hour) }))
		}
		w.accept(es...)
		w.claim(100)
		w.jump(time.Hour)
		for _, want := range []int{10, 10, 5, 0} {
			w.same(len(must(w.Sweep(ctx, w.now, 10))), want)
		}
	},
	"permits die when their time is over, sessions and login codes end": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		old := w.form(form(1))
		old.GivenAt = Noon.Add(-6 * 24 * time.Hour)
		w.deposit(old, w.form(form(2)), wxnotify.Deposit{Source: wxnotify.Subscribe, TemplateID: prompt, GivenAt: Noon})
		w.same(w.CreateSession(ctx, wxnotify.KeyHash("a"), wxnotify.Session{App: w.app, To: alice, ExpiresAt: Noon.Add(time.Hour)}), nil)
		w.jump(7*24*time.Hour + time.Second)
		w.sweep()
		w.have(alice, "dead(expired)", "dead(expired)", "free")
		w.deposit(w.form(form(3)))
		w.pass(time.Minute)
		w.sweep()
		w.have(alice, "dead(expired)", "dead(expired)", "free", "free")
	},
	"a key's record outlives the content by ninety days": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		first := w.send(key("k", "1"))
		w.claim(10)
		w.is(first, "failed/no_permit")
		w.jump(97*24*time.Hour - time.Second)
		w.sweep()
		_, _, known, _ := w.Replay(ctx, w.app, "k")
		w.same(known, true)
		w.jump(time.Minute)
		w.sweep()
		_, _, known, _ = w.Replay(ctx, w.app, "k")
		w.same(known, false)
	},
}

var pauses = map[string]func(*testing.T, Database){
	"a quota: the channel pauses until midnight in China, other channels go on": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)), w.form(form(2)), wxnotify.Deposit{Source: wxnotify.Subscribe, TemplateID: prompt, GivenAt: Noon})
		a, b, c := w.send(), w.send(), w.send(subscribe)
		first := w.claim(1).Tries[0]
		w.settle(first, quota)
		w.is(a, "queued")
		w.have(alice, "free", "free", "free")
		ps := must(w.Pauses(ctx, w.app))
		midnight := time.Date(2026, 3, 4, 16, 0, 0, 0, time.UTC)
		if len(ps) != 1 || ps[0].Scope != "template" || ps[0].Reason != "quota" || ps[0].Until.Before(midnight) || ps[0].Until.After(midnight.Add(5*time.Minute)) {
			t.Fatalf("%+v", ps)
		}
		w.same(w.claim1().Message.ID, c)
		w.same(len(w.claim(10).Tries), 0)
		w.is(b, "queued")
		w.pass(15 * time.Minute) // one may try
		probe := w.claim(10).Tries
		w.same(len(probe), 1)
		w.same(len(w.claim(10).Tries), 0)
		w.settle(probe[0], quota)
		w.same(len(w.claim(10).Tries), 0)
		w.pass(15 * time.Minute)
		w.settle(w.claim1(), ok)
		w.same(len(must(w.Pauses(ctx, w.app))), 0)
		w.settle(w.claim1(), ok)
		w.is(a, "sent")
		w.is(b, "sent")
	},
	"a pause that ends by itself": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)))
		id := w.send()
		w.same(w.PutPause(ctx, wxnotify.Pause{App: w.app, Scope: classic, Reason: "template_invalid", Since: Noon, Until: Noon.Add(time.Hour)}), nil)
		w.same(len(w.claim(10).Tries), 0)
		w.same(w.claim(10).Next[w.app], Noon.Add(time.Hour))
		w.pass(time.Hour)
		w.same(w.claim1().Message.ID, id)
		w.sweep()
		w.same(len(must(w.Pauses(ctx, w.app))), 0)
	},
	"a retired channel: what was not sent fails, what may have arrived waits for its answer": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)), w.form(form(2)))
		unsure, id := w.send(), w.send()
		w.settle(w.claim(1).Tries[0], lost)
		w.is(unsure, "unsure")
		w.same(w.PutPause(ctx, wxnotify.Pause{App: w.app, Scope: "template", Reason: "channel_retired", Since: Noon}), nil)
		w.same(len(w.claim(10).Tries), 0)
		w.is(id, "failed/channel_retired")
		w.is(unsure, "unsure")
		w.have(alice, "held", "free")
	},
	"an operator's pause stands until it is lifted, and everything comes back": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		var es []wxnotify.Entry
		for i := range 12 {
			w.deposit(w.form(form(i)))
			es = append(es, w.draft())
		}
		w.accept(es...)
		try := w.claim(1).Tries[0]
		w.same(w.PutPause(ctx, wxnotify.Pause{App: w.app, Scope: "template", Reason: "operator", Since: Noon}), nil)
		w.settle(try, quota) // changes nothing about it
		w.same(must(w.Pauses(ctx, w.app))[0].Until.IsZero(), true)
		for range 5 {
			w.same(len(w.claim(4).Tries), 0)
		}
		w.pass(24 * time.Hour)
		w.same(len(w.claim(4).Tries), 0)
		was, err := w.Resume(ctx, w.app, "template")
		w.same([]any{was, err}, []any{true, nil})
		w.same(len(w.claim(20).Tries), 12)
		was, err = w.Resume(ctx, w.app, "template")
		w.same([]any{was, err}, []any{false, nil})
	},
	"a whole app: nothing is claimed, and deadlines pass": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)), w.form(form(2)), w.form(form(3)))
		id := w.send()
		w.settle(w.claim1(), frozen)
		short := w.send(func(e *wxnotify.Entry) { e.Message.ExpiresAt = Noon.Add(time.Hour) })
		later := w.send(func(e *wxnotify.Entry) {
			e.Message.SendAt, e.Message.ExpiresAt = Noon.Add(30*time.Minute), Noon.Add(time.Hour)
		})
		c := w.claim(10)
		w.same([]any{len(c.Tries), len(c.Full), len(c.Next)}, []any{0, 0, 0})
		w.jump(time.Hour)
		w.same(len(w.sweep()), 2)
		w.is(short, "expired/deadline")
		w.is(later, "expired/deadline")
		w.is(id, "queued")
		must(w.Resume(ctx, w.app, "all"))
		w.same(w.claim1().Message.ID, id)
	},
	"a paused source: its permits wait, others are used": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		old := w.form(form(1))
		old.GivenAt = Noon.Add(-time.Hour)
		w.deposit(old, w.form(form(2)), wxnotify.Deposit{Source: wxnotify.Payment, Code: prepay, GivenAt: Noon})
		id := w.send()
		w.settle(w.claim1(), retired)
		try := w.claim1()
		w.same([]any{try.Message.ID, try.Permit.Code}, []any{id, prepay})
		w.settle(try, ok)
		named := w.send(formID(form(2)))
		w.same(len(w.claim(10).Tries), 0)
		w.is(named, "queued")
		ids := w.accept(w.draft(), w.draft(), w.draft())
		w.same(len(w.claim(10).Tries), 2)
		w.is(ids[2], "queued") // it has a permit, which may not be used now
		unlucky := w.send(to(bob))
		w.claim(10)
		w.is(unlucky, "failed/no_permit")
		must(w.Resume(ctx, w.app, "form"))
		w.same(codes(w.claim(10)), []string{form(2), form(1)})
	},
	"parked: a deadline passes, a cancel works": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)))
		w.same(w.PutPause(ctx, wxnotify.Pause{App: w.app, Scope: "template", Reason: "operator", Since: Noon}), nil)
		a := w.send(func(e *wxnotify.Entry) { e.Message.ExpiresAt = Noon.Add(time.Hour) })
		b := w.send()
		w.claim(10)
		must(w.Cancel(ctx, w.now, w.app, b))
		w.pass(time.Hour)
		w.same(w.claim(10).Rest, []wxnotify.Rest{{App: w.app, ID: a, To: alice, State: wxnotify.Expired, Reason: wxnotify.ReasonDeadline}})
	},
	"a repeat that is paused keeps its permit, and ends in time": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)), w.form(form(2)))
		id := w.send()
		w.settle(w.claim1(), lost)
		w.settle(w.claim1(), quota)
		w.is(id, "unsure")
		w.same(len(w.claim(10).Tries), 0)
		w.have(alice, "held", "free")
		w.pass(24 * time.Hour)
		try := w.claim1()
		w.same(try.Permit.Code, form(1))
		w.settle(try, spent)
		w.is(id, "sent")
	},
	"what was parked for a pause that is gone comes back by the sweep": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)))
		w.same(w.PutPause(ctx, wxnotify.Pause{App: w.app, Scope: "template", Reason: "quota", Since: Noon, Until: Noon.Add(time.Hour)}), nil)
		id := w.send()
		w.claim(10)
		w.same(w.PutPause(ctx, wxnotify.Pause{App: w.app, Scope: "template", Reason: "quota", Since: Noon, Until: Noon.Add(time.Second)}), nil)
		w.pass(time.Minute)
		w.same(len(w.sweep()), 1)
		w.same(w.claim1().Message.ID, id)
	},
}
