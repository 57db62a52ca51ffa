package storetest

import (
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
)

var claims = map[string]func(*testing.T, Database){
	"a claim brings all that the call needs": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)))
		id := w.send()
		c := w.claimOf(wxnotify.Want{App: w.app, N: 10, Events: true})
		if len(c.Tries) != 1 {
			t.Fatalf("%+v", c)
		}
		try := c.Tries[0]
		w.same(string(try.Message.Body), `{"touser":"x","data":{"keyword1":{"value":"已接单"}}}`)
		w.same(try.Permit.Code, form(1))
		w.same(try.Attempt, wxnotify.Attempt{ID: wxnotify.AttemptID(id, 1), Number: 1, Permit: try.Permit.ID, Code: form(1), StartedAt: Noon, Node: w.Node()})
		w.same([]any{try.LastUse, try.Unresolved, try.Events, try.Permit.State, try.Permit.Message}, []any{true, false, true, wxnotify.PermitBound, id})
		w.same(try.Permit.ExpiresAt, Noon.Add(7*24*time.Hour))
		w.is(id, "sending")
		w.same(w.outcomes(id), "")
		w.same(len(w.message(id).Attempts), 1)
		w.have(alice, "bound")
		w.same(len(w.claim(10).Tries), 0)
	},
	"the permit that expires first goes first, to the oldest message": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		for i, age := range []time.Duration{2, 5, 3, 4} {
			d := w.form(form(i))
			d.GivenAt = Noon.Add(-age * 24 * time.Hour)
			w.deposit(d)
		}
		first := w.send()
		w.pass(time.Second)
		w.send()
		w.send()
		c := w.claim(10)
		w.same(codes(c), []string{form(1), form(3), form(2)})
		w.same(c.Tries[0].Message.ID, first)
		w.same(c.Tries[2].Message.To, alice)
	},
	"ahead goes only what is good for one message": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)), w.form(form(2)), wxnotify.Deposit{To: bob, Source: wxnotify.Payment, Code: prepay, GivenAt: Noon})
		for _, user := range []string{bob, alice, bob, alice, alice} {
			w.send(to(user))
			w.pass(time.Second)
		}
		c := w.claimOf(wxnotify.Want{App: w.app, Ahead: 10})
		w.same(codes(c), []string{form(1), form(2)})
		w.same(c.Kept, []string{w.app})
		w.same(len(c.Rest), 1) // the one without a permit
		w.have(bob, "free", "free", "free")
		c = w.claimOf(wxnotify.Want{App: w.app, N: 1, Ahead: 10})
		w.same(codes(c), []string{prepay})
		c = w.claimOf(wxnotify.Want{App: w.app, N: 1})
		w.same(codes(c), []string{prepay})
		w.same(len(c.Kept), 0)
		w.have(bob, "bound", "bound", "free")
	},
	"a payment gives three, and its last use is known": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(wxnotify.Deposit{Source: wxnotify.Payment, Code: prepay, GivenAt: Noon})
		w.same(must(w.Stock(ctx, w.now, w.app, alice)).Permits, map[wxnotify.Source]int{wxnotify.Payment: 3})
		for i := range 3 {
			id := w.send()
			try := w.claim1()
			w.same([]any{try.Permit.Code, try.Permit.Use, try.LastUse}, []any{prepay, i + 1, i == 2})
			w.settle(try, ok)
			w.is(id, "sent")
		}
		id := w.send()
		w.claim(1)
		w.is(id, "failed/no_permit")
		w.have(alice, "used", "used", "used")
	},
	"uses that others may still be spending are no last use": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(wxnotify.Deposit{Source: wxnotify.Payment, Code: prepay, GivenAt: Noon})
		w.send()
		w.send()
		w.send()
		c := w.claim(10)
		w.same(codes(c), []string{prepay, prepay, prepay})
		for _, try := range c.Tries {
			if try.LastUse {
				t.Error("one of three at once was called the last use")
			}
		}
	},
	"nobody takes a permit of another user, app or template": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.makeApp("wx0000000000000002")
		d := w.form(form(1))
		d.To = bob
		w.deposit(d, wxnotify.Deposit{Source: wxnotify.Subscribe, TemplateID: "ANOTHER", GivenAt: Noon})
		other := w.form(form(2))
		other.App = "wx0000000000000002"
		must(w.Deposit(ctx, w.now, []wxnotify.Deposit{other}))
		a, b := w.send(), w.send(subscribe)
		w.same(len(w.claim(10).Tries), 0)
		w.is(a, "failed/no_permit")
		w.is(b, "failed/no_permit")
	},
	"a permit within ten minutes of its end is not newly bound": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)))
		w.jump(7*24*time.Hour - wxnotify.Margin)
		w.same(must(w.Stock(ctx, w.now, w.app, alice)).Reachable(), false)
		id := w.send()
		w.same(len(w.claim(10).Tries), 0)
		w.is(id, "failed/no_permit")
		w.now.Virtual = w.now.Virtual.Add(-time.Millisecond)
		w.send()
		w.same(len(w.claim(10).Tries), 1)
	},
	"a long-term permit is named and never bound": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(wxnotify.Deposit{Source: wxnotify.Longterm, TemplateID: prompt, GivenAt: Noon})
		w.accept(w.draft(subscribe), w.draft(subscribe), w.draft(subscribe))
		for _, o := range []wxnotify.Outcome{ok, busy, lost} {
			try := w.claim1()
			w.same(try.Permit.Source, wxnotify.Longterm)
			w.settle(try, o)
			w.pass(time.Second)
		}
		w.have(alice, "free")
		w.same(must(w.Stock(ctx, w.now, w.app, alice)).Longterm, []string{prompt})
	},
	"a subscription is good for its template, and counts": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(wxnotify.Deposit{Source: wxnotify.Subscribe, TemplateID: prompt, Count: 2, GivenAt: Noon})
		ids := w.accept(w.draft(subscribe), w.draft(subscribe), w.draft(subscribe))
		w.jump(6 * 24 * time.Hour)
		for range 2 {
			try := w.claim1()
			w.same(try.LastUse, false)
			w.same(try.Permit.ExpiresAt.IsZero(), true)
			w.settle(try, ok)
			w.pass(time.Second)
		}
		w.same(len(w.claim(10).Tries), 0)
		w.is(ids[2], "failed/no_permit")
	},
	"what is scheduled comes when its time comes on the virtual clock": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)))
		id := w.send(func(e *wxnotify.Entry) { e.Message.SendAt = Noon.Add(time.Hour) })
		w.is(id, "scheduled")
		c := w.claim(10)
		w.same(len(c.Tries), 0)
		w.same(c.Next, map[string]time.Time{w.app: Noon.Add(time.Hour)})
		w.jump(time.Hour)
		w.same(w.claim1().Message.ID, id)
	},
	"what is past its deadline expires": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)))
		id := w.send(func(e *wxnotify.Entry) { e.Message.ExpiresAt = Noon.Add(time.Minute) })
		w.jump(time.Minute)
		c := w.claim(10)
		w.same(c.Rest, []wxnotify.Rest{{App: w.app, ID: id, To: alice, State: wxnotify.Expired, Reason: wxnotify.ReasonDeadline}})
		w.is(id, "expired/deadline")
		w.have(alice, "free")
	},
	"a claim takes no more than is wanted, says who has more, and is fair": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.makeApp("wx0000000000000002")
		for i := range 12 {
			w.deposit(w.form(form(i)))
			w.send()
		}
		d := w.form(form(99))
		d.App = "wx0000000000000002"
		must(w.Deposit(ctx, w.now, []wxnotify.Deposit{d}))
		late := w.send(of("wx0000000000000002"))
		c := w.claimOf(wxnotify.Want{App: w.app, N: 5}, wxnotify.Want{App: "wx0000000000000002", N: 5})
		w.same(len(c.Tries), 6)
		w.same(c.Full, []string{w.app})
		w.is(late, "sending")
		w.same(len(w.claim(5).Tries), 5)
		w.same(len(w.claim(5).Tries), 2)
	},
	"a user who said no is told from one who gave nothing": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		say := func(result string, at time.Time) {
			w.deposit(wxnotify.Deposit{Source: wxnotify.Subscribe, TemplateID: prompt, Result: result, GivenAt: at})
		}
		say("reject", Noon)
		a := w.send(subscribe)
		w.claim(10)
		w.is(a, "failed/refused_by_user")
		say("accept", Noon.Add(time.Minute))
		say("ban", Noon.Add(time.Second)) // late, and older
		b := w.send(subscribe)
		w.settle(w.claim1(), ok)
		w.is(b, "sent")
		c := w.send(subscribe)
		w.claim(10)
		w.is(c, "failed/no_permit")
		// What the platform does is no refusal of the user's.
		for _, word := range []string{"ban", "filter"} {
			w.pass(time.Hour)
			say(word, w.now.Virtual)
			d := w.send(subscribe)
			w.claim(10)
			w.is(d, "failed/no_permit")
			w.same(must(w.Stock(ctx, w.now, w.app, alice)).Said, map[string]string{prompt: word})
		}
	},
}
