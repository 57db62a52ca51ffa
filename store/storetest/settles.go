package storetest

import (
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
)

var settles = map[string]func(*testing.T, Database){
	"taken: sent, with its evidence, and the permit is used": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)))
		id := w.send()
		try := w.claim1()
		w.pass(time.Second)
		o := ok
		o.MsgID = "9223372036854775807"
		w.settle(try, o)
		m := w.message(id)
		zero := 0
		w.same(m.Attempts, []wxnotify.Attempt{{ID: try.Attempt.ID, Number: 1, Permit: try.Permit.ID, StartedAt: Noon, FinishedAt: Noon.Add(time.Second),
			Outcome: wxnotify.Accepted, Errcode: &zero, Errmsg: "ok", MsgID: o.MsgID, Node: w.Node()}})
		w.same([]any{m.State, m.Evidence, m.MsgID, m.Permit, m.Source, m.UpdatedAt}, []any{wxnotify.Sent, wxnotify.Answered, o.MsgID, try.Permit.ID, wxnotify.Form, Noon.Add(time.Second)})
		w.have(alice, "used")
	},
	"not sent: queued again, and the permit is free": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)))
		id := w.send()
		w.settle(w.claim1(), notSent)
		w.is(id, "queued")
		w.have(alice, "free")
		w.same(w.message(id).Permit, "")
		w.same(w.claim1().Attempt.Number, 2)
	},
	"lost: the same permit and the same bytes, until WeChat answers": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)), w.form(form(2)))
		id := w.send()
		first := w.claim1()
		w.settle(first, lost)
		w.is(id, "unsure")
		w.have(alice, "held", "free")
		second := w.claim1()
		w.same([]any{second.Permit.ID, second.Permit.Code, string(second.Message.Body), second.Attempt.Number, second.Unresolved, second.LastUse},
			[]any{first.Permit.ID, form(1), string(first.Message.Body), 2, true, true})
		w.settle(second, busy)
		w.is(id, "unsure")
		w.settle(w.claim1(), spent)
		w.is(id, "sent")
		w.same(w.message(id).Evidence, wxnotify.Inferred)
		w.same(w.outcomes(id), "inferred refused refused")
		w.have(alice, "used", "free")
	},
	"lost, not the last use, hold: unknown at once, and its use is dead": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(wxnotify.Deposit{Source: wxnotify.Payment, Code: prepay, GivenAt: Noon})
		id := w.send()
		w.settle(w.claim1(), lost)
		w.is(id, "unknown/unresolved")
		w.have(alice, "dead(unresolved)", "free", "free")
		w.send()
		w.settle(w.claim1(), ok)
		w.send()
		try := w.claim1()
		w.same(try.LastUse, false) // the first use may have been spent, or not
	},
	"lost, not the last use, resend: each repeat takes a use of its own": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(wxnotify.Deposit{Source: wxnotify.Payment, Code: prepay, GivenAt: Noon}, w.form(form(1)))
		id := w.send(resend)
		first := w.claim1() // the payment was handed in first
		w.same(first.Permit.Code, prepay)
		w.settle(first, lost)
		second := w.claim1()
		w.same([]any{second.Permit.Code, second.Permit.Use, second.LastUse, second.Unresolved}, []any{prepay, 2, false, true})
		w.settle(second, lost)
		third := w.claim1()
		w.settle(third, lost)
		w.have(alice, "held", "held", "held", "free")
		c := w.claim(10)
		w.same([]any{len(c.Tries), c.Rest[0].State}, []any{0, wxnotify.Unknown})
		w.is(id, "unknown/unresolved")
		w.have(alice, "dead(unresolved)", "dead(unresolved)", "dead(unresolved)", "free")
	},
	"lost, resend, then taken: what the first use came to stays open": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(wxnotify.Deposit{Source: wxnotify.Payment, Code: prepay, GivenAt: Noon})
		id := w.send(resend)
		w.settle(w.claim1(), lost)
		w.settle(w.claim1(), ok)
		w.is(id, "sent")
		w.same(w.outcomes(id), "lost accepted")
		w.have(alice, "dead(unresolved)", "used", "free")
	},
	"lost, subscription: it waits for the event, and then is unknown or repeated": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(wxnotify.Deposit{Source: wxnotify.Subscribe, TemplateID: prompt, Count: 3, GivenAt: Noon})
		ids := w.accept(w.draft(subscribe), w.draft(subscribe, resend), w.draft(subscribe))
		for _, events := range []bool{true, true, false} {
			w.settle(w.claimOf(wxnotify.Want{App: w.app, N: 10, Events: events}).Tries[0], lost)
			w.pass(time.Second)
		}
		w.is(ids[0], "unsure")
		w.is(ids[2], "unknown/unresolved")
		w.pass(wxnotify.Patience - 4*time.Second)
		w.same(len(w.claim(10).Tries)+len(w.sweep()), 0)
		w.pass(2 * time.Second)
		w.same(len(w.claim(10).Tries), 0)
		w.same(len(w.sweep()), 2)
		w.is(ids[0], "unknown/unresolved")
		w.is(ids[1], "unsure")
		try := w.claim1()
		w.same([]any{try.Message.ID, try.Unresolved}, []any{ids[1], true})
		w.settle(try, ok)
		w.have(alice, "dead(unresolved)", "used", "dead(unresolved)")
	},
	"a repeat that ran out of time is unknown": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)))
		id := w.send()
		w.settle(w.claim1(), lost)
		w.jump(7*24*time.Hour - wxnotify.Margin)
		w.same(len(w.claim(10).Tries), 0)
		w.is(id, "unknown/unresolved")
		w.have(alice, "dead(unresolved)")
	},
	"an unknown code takes its free siblings along, the message goes on": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(wxnotify.Deposit{Source: wxnotify.Payment, Code: prepay, GivenAt: Noon.Add(-time.Hour)}, w.form(form(1)))
		w.accept(w.draft(), w.draft())
		c := w.claim(1)
		id := c.Tries[0].Message.ID
		other := w.claim(1).Tries[0]
		w.settle(c.Tries[0], invalid)
		w.is(id, "queued")
		w.have(alice, "dead(invalid)", "bound", "dead(invalid)", "free")
		w.settle(other, ok)
		w.have(alice, "dead(invalid)", "used", "dead(invalid)", "free")
		w.same(w.claim1().Permit.Code, form(1))
	},
	"a fresh code that WeChat does not know yet is tried once more": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)), w.form(form(2)))
		id := w.send()
		w.settle(w.claim1(), invalid)
		w.is(id, "queued")
		w.have(alice, "bound", "free")
		w.same(len(w.claim(10).Tries), 0)
		w.pass(3 * time.Second)
		try := w.claim1()
		w.same(try.Permit.Code, form(1))
		w.settle(try, invalid)
		w.same(w.claim1().Permit.Code, form(2))
	},
	"a fresh code has its second try whatever the message went through before": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		old := w.form(form(1))
		old.GivenAt = Noon.Add(-time.Hour)
		w.deposit(old, w.form(form(2)), w.form(form(3)))
		w.send()
		w.settle(w.claim1(), invalid) // a dead permit
		w.settle(w.claim1(), notSent)
		for range 2 {
			try := w.claim1()
			w.same(try.Permit.Code, form(2))
			w.settle(try, invalid)
			w.pass(3 * time.Second)
		}
		try := w.claim1()
		w.same([]any{try.Permit.Code, try.Attempt.Number}, []any{form(3), 5})
		w.settle(try, invalid)
		w.have(alice, "dead(invalid)", "dead(invalid)", "bound")
	},
	"a fresh code that was named has its second try as well": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		id := w.send(formID(form(1)))
		w.settle(w.claim1(), notSent)
		w.settle(w.claim1(), invalid)
		w.is(id, "queued")
		w.pass(3 * time.Second)
		try := w.claim1()
		// Its lease is lost meanwhile: the answer comes as evidence.
		must(w.Evidence(ctx, w.now, w.app, try.Attempt.ID, invalid))
		w.is(id, "failed/permit_dead")
		w.have(alice, "dead(invalid)")
	},
	"a kept code whose time passes makes room for another": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)))
		w.send(func(e *wxnotify.Entry) { e.Message.ExpiresAt = Noon.Add(30 * 24 * time.Hour) })
		w.settle(w.claim1(), invalid)
		w.jump(7 * 24 * time.Hour)
		w.deposit(w.form(form(2)))
		w.pass(3 * time.Second)
		w.same(w.claim1().Permit.Code, form(2))
		w.have(alice, "dead(expired)", "bound")
	},
	"a named code that is dead ends the message": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(2)))
		id := w.send(formID(form(1)))
		w.settle(w.claim1(), spent)
		w.is(id, "failed/permit_dead")
		w.have(alice, "free", "dead(spent)")
	},
	"WeChat says that the user has none left: the books follow, younger permits live": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		sub := wxnotify.Deposit{Source: wxnotify.Subscribe, TemplateID: prompt, Count: 2, GivenAt: Noon}
		w.deposit(sub, wxnotify.Deposit{Source: wxnotify.Subscribe, TemplateID: "OTHER", GivenAt: Noon})
		w.pass(time.Second)
		id := w.send(subscribe)
		try := w.claim1()
		w.pass(time.Second)
		w.deposit(sub)
		w.settle(try, none)
		w.is(id, "failed/refused_by_user")
		w.have(alice, "dead(refused)", "dead(refused)", "free", "free", "free")
	},
	"refusals that may be repeated end after ten": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)))
		id := w.send()
		for range wxnotify.MaxTries {
			w.settle(w.claim1(), busy)
			w.is(id, "queued")
		}
		w.settle(w.claim1(), busy)
		w.is(id, "failed/attempts")
		w.have(alice, "free")
	},
	"a bad page fails, and gives the permit to who waits for one": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)))
		id := w.send()
		try := w.claim1()
		waiting := w.send(wait)
		w.claim(10)
		w.is(waiting, "waiting")
		w.settle(try, badPage)
		w.is(id, "failed/page_invalid")
		w.is(waiting, "queued")
		w.same(w.claim1().Message.ID, waiting)
	},
	"a settle that comes twice, or too late, changes nothing": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)), w.form(form(2)))
		id := w.send()
		first := w.claim1()
		w.settle(first, notSent)
		second := w.claim1()
		missed, err := w.Settle(ctx, w.now, []wxnotify.Settlement{w.settlement(first, badPage), w.settlement(second, ok)})
		w.same([]any{missed, err}, []any{[]int{0}, nil})
		w.is(id, "sent")
		missed, err = w.Settle(ctx, w.now, []wxnotify.Settlement{w.settlement(second, badPage)})
		w.same([]any{missed, err}, []any{[]int{0}, nil})
		w.is(id, "sent")
		w.same(w.outcomes(id), "not_sent accepted")
		w.have(alice, "used", "free")
	},
	"what WeChat says is stored, however odd": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)))
		id := w.send()
		o := busy
		o.Errmsg, o.RID = "a\x00b\xff中", "\x00"
		w.settle(w.claim1(), o)
		w.same(w.message(id).Attempts[0].Errmsg, "ab\uFFFD中")
	},
}
