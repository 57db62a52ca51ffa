package storetest

import (
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
)

var accepts = map[string]func(*testing.T, Database){
	"what was accepted comes back whole": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		e := w.draft(func(e *wxnotify.Entry) {
			e.Message.Meta = map[string]string{"order": "1019", "城市": "深圳"}
			e.Message.Wait, e.Message.OnUnsure = true, wxnotify.Resend
			e.Message.SendAt = Noon.Add(90 * time.Minute)
		})
		w.accept(e)
		w.same(w.message(e.Message.ID), e.Message)
		_, err := w.Message(ctx, "wx0000000000000002", e.Message.ID)
		w.refused(err, wxnotify.NotFound)
	},
	"one key is one message": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		first := w.send(key("order-1", "content"))
		es := []wxnotify.Entry{
			w.draft(key("order-1", "content")), w.draft(key("order-1", "other")),
			w.draft(key("order-2", "content")), w.draft(key("order-2", "content")), w.draft(key("order-2", "other")), w.draft(),
		}
		rs := must(w.Accept(ctx, w.now, es))
		w.same([]any{rs[0].ID, rs[0].Replayed, rs[0].State}, []any{first, true, wxnotify.Queued})
		w.refused(rs[1].Err, wxnotify.IdempotencyReused)
		w.same([]any{rs[2].ID, rs[2].Replayed}, []any{es[2].Message.ID, false})
		w.same([]any{rs[3].ID, rs[3].Replayed}, []any{es[2].Message.ID, true})
		w.refused(rs[4].Err, wxnotify.IdempotencyReused)
		w.same([]any{rs[5].ID, rs[5].Err}, []any{es[5].Message.ID, nil})
		for _, i := range []int{0, 1, 3, 4} {
			_, err := w.Message(ctx, w.app, es[i].Message.ID)
			w.refused(err, wxnotify.NotFound)
		}
		id, print, known, err := w.Replay(ctx, w.app, "order-2")
		w.same([]any{id, print, known, err}, []any{es[2].Message.ID, es[2].Fingerprint, true, nil})
		_, _, known, err = w.Replay(ctx, w.app, "order-3")
		w.same([]any{known, err}, []any{false, nil})
	},
	"a key belongs to its app": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.makeApp("wx0000000000000002")
		a, b := w.send(key("k", "1")), w.send(key("k", "2"), of("wx0000000000000002"))
		w.same(a != b, true)
	},
	"a code that nobody handed in is deposited and reserved": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		id := w.send(formID(form(1)))
		w.have(alice, "bound")
		try := w.claim1()
		w.same([]any{try.Permit.Code, try.Permit.Source, try.Message.ID, try.LastUse}, []any{form(1), wxnotify.Form, id, true})
		w.settle(try, ok)
		again := w.send(formID(form(1)))
		w.is(again, "failed/permit_used")
		w.have(alice, "used")
		w.send(formID(prepay))
		w.have(alice, "used", "bound", "free", "free")
	},
	"the named code goes out even where another one expires first": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		old := w.form(form(1))
		old.GivenAt = Noon.Add(-48 * time.Hour)
		w.deposit(old, w.form(form(2)))
		w.send(formID(form(2)))
		w.same(w.claim1().Permit.Code, form(2))
	},
	"a code of another user is refused, and its key is free again": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)))
		rs := must(w.Accept(ctx, w.now, []wxnotify.Entry{w.draft(to(bob), formID(form(1)), key("k", "1")), w.draft(formID(form(1)))}))
		w.refused(rs[0].Err, wxnotify.PermitConflict)
		w.same([]any{rs[1].Err, rs[1].State}, []any{nil, wxnotify.Queued})
		w.send(key("k", "2"))
		w.have(bob)
	},
	"two messages of a batch that name one code: the second fails": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		ids := w.accept(w.draft(formID(form(1))), w.draft(formID(form(1))), w.draft(formID(prepay)), w.draft(formID(prepay)))
		w.is(ids[0], "queued")
		w.is(ids[1], "failed/permit_used")
		w.same(codes(w.claim(10)), []string{form(1), prepay, prepay})
	},
	"a named code that is dead, or all but over, is said to be": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)))
		w.jump(7*24*time.Hour - time.Minute)
		w.is(w.send(formID(form(1))), "failed/permit_dead")
		w.have(alice, "free")
	},
	"a named code whose time passes before the send": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		id := w.send(formID(form(1)), func(e *wxnotify.Entry) {
			e.Message.SendAt, e.Message.ExpiresAt = Noon.Add(8*24*time.Hour), Noon.Add(9*24*time.Hour)
		})
		w.jump(8 * 24 * time.Hour)
		w.same(len(w.claim(10).Tries), 0)
		w.is(id, "failed/permit_dead")
		w.have(alice, "dead(expired)")
	},
	"every user of a sandbox may report the same mock code": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		const mock = "the formId is a mock one"
		w.accept(w.draft(formID(mock)), w.draft(formID(mock)), w.draft(to(bob), formID(mock)))
		w.deposit(wxnotify.Deposit{Source: wxnotify.Form, Code: mock}, wxnotify.Deposit{To: bob, Source: wxnotify.Form, Code: mock})
		w.same(codes(w.claim(10)), []string{mock, mock, mock})
	},
	"a batch is whole or not at all": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		good := w.draft(key("k", "1"), formID(form(1)))
		twice := w.draft()
		_, err := w.Accept(ctx, w.now, []wxnotify.Entry{good, twice, twice}) // one id twice is a bug of the caller
		if err == nil {
			t.Fatal("an id was taken twice")
		}
		_, err = w.Message(ctx, w.app, good.Message.ID)
		w.refused(err, wxnotify.NotFound)
		w.have(alice)
		w.send(key("k", "2"))
	},
}

var deposits = map[string]func(*testing.T, Database){
	"a known code or act creates nothing": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		act := wxnotify.Deposit{App: w.app, To: alice, Source: wxnotify.Subscribe, TemplateID: prompt, Count: 3, Key: "tap-1", GivenAt: Noon}
		bobs := act
		bobs.To = bob
		ds := []wxnotify.Deposit{w.form(form(1)), w.form(form(1)), act, act, bobs, {To: bob, Source: wxnotify.Form, Code: form(1)},
			{To: alice, Source: wxnotify.Form, Code: form(2), GivenAt: Noon.Add(-8 * 24 * time.Hour)},
			{To: alice, Source: wxnotify.Longterm, TemplateID: prompt}, {To: alice, Source: wxnotify.Longterm, TemplateID: prompt}}
		for i := range ds {
			ds[i].App = w.app
		}
		created := func() (n []int, refusals []wxnotify.Code) {
			for _, r := range must(w.Deposit(ctx, w.now, ds)) {
				n, refusals = append(n, r.Created), append(refusals, wxnotify.CodeOf(r.Err))
			}
			return n, refusals
		}
		n, refusals := created()
		w.same(n, []int{1, 0, 3, 0, 3, 0, 0, 1, 0})
		w.same(refusals, []wxnotify.Code{"", "", "", "", "", wxnotify.PermitConflict, wxnotify.PermitExpired, "", ""})
		n, _ = created()
		w.same(n, make([]int, 9))
	},
	"stock tells what can be used, what is reserved and what is held": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		old := w.form(form(1))
		old.GivenAt = Noon.Add(-24 * time.Hour)
		w.deposit(old, w.form(form(2)), w.form(form(3)), wxnotify.Deposit{Source: wxnotify.Payment, Code: prepay, GivenAt: Noon},
			wxnotify.Deposit{Source: wxnotify.Subscribe, TemplateID: prompt, Count: 2, GivenAt: Noon},
			wxnotify.Deposit{Source: wxnotify.Longterm, TemplateID: "LONG", GivenAt: Noon})
		w.accept(w.draft(), w.draft(), w.draft(subscribe))
		c := w.claim(10)
		w.settle(c.Tries[0], lost)
		st := must(w.Stock(ctx, w.now, w.app, alice))
		w.same(st, wxnotify.Stock{Permits: map[wxnotify.Source]int{wxnotify.Form: 1, wxnotify.Payment: 3}, Subscribe: map[string]int{prompt: 1},
			Longterm: []string{"LONG"}, Reserved: 2, Held: 1, NextExpiry: Noon.Add(7 * 24 * time.Hour), Said: map[string]string{prompt: "accept", "LONG": "accept"}})
		w.same(must(w.Stock(ctx, w.now, w.app, bob)).Reachable(), false)
	},
	"a free permit can be taken away, one in use cannot": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)), w.form(form(2)))
		w.send()
		used := w.claim1()
		ps, _, err := w.Permits(ctx, wxnotify.PermitFilter{App: w.app, State: wxnotify.PermitFree, Limit: 5})
		w.same([]any{len(ps), err}, []any{1, nil})
		w.same(w.DeletePermit(ctx, w.now, w.app, ps[0].ID), nil)
		w.refused(w.DeletePermit(ctx, w.now, w.app, used.Permit.ID), wxnotify.PermitInUse)
		w.refused(w.DeletePermit(ctx, w.now, w.app, "prm_unknown"), wxnotify.NotFound)
		w.have(alice, "bound", "dead(deleted)")
		w.same(len(w.claim(10).Tries), 0)
	},
	"what is turned off dies, what is given afterwards lives": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		sub := func(at time.Time) wxnotify.Deposit {
			return wxnotify.Deposit{Source: wxnotify.Subscribe, TemplateID: prompt, GivenAt: at}
		}
		w.deposit(sub(Noon), sub(Noon.Add(10*time.Second)), wxnotify.Deposit{Source: wxnotify.Longterm, TemplateID: prompt, GivenAt: Noon}, w.form(form(1)))
		n, err := w.Revoke(ctx, w.now, w.app, alice, prompt, Noon.Add(5*time.Second))
		w.same([]any{n, err}, []any{2, nil})
		w.have(alice, "dead(withdrawn)", "free", "dead(withdrawn)", "free")
		w.settle(func() wxnotify.Try { w.send(subscribe); return w.claim1() }(), ok)
		id := w.send(subscribe)
		w.claim(10)
		w.is(id, "failed/no_permit") // the last word was a yes
		w.deposit(wxnotify.Deposit{Source: wxnotify.Longterm, TemplateID: prompt, GivenAt: Noon.Add(time.Minute)})
		w.have(alice, "dead(withdrawn)", "used", "dead(withdrawn)", "free", "free")
	},
}
