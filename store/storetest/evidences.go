package storetest

import (
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/store"
)

var evidences = map[string]func(*testing.T, Database){
	"two uses of a named payment were in doubt: proof about both leaves it one": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(wxnotify.Deposit{Source: wxnotify.Payment, Code: prepay, GivenAt: Noon})
		id := w.send(resend, formID(prepay))
		first := w.claim1()
		w.settle(first, lost)
		second := w.claim1()
		w.settle(second, lost)
		w.is(id, "unsure")
		must(w.Evidence(ctx, w.now, w.app, second.Attempt.ID, busy))
		must(w.Evidence(ctx, w.now, w.app, first.Attempt.ID, notSent))
		w.is(id, "queued")
		w.have(alice, "free", "held", "free")
		must(w.Cancel(ctx, w.now, w.app, id))
		w.have(alice, "free", "free", "free")
	},
	"a late answer is evidence: taken": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)))
		id := w.send()
		first := w.claim1()
		w.settle(first, lost)
		second := w.claim1()
		r, err := w.Evidence(ctx, w.now, w.app, first.Attempt.ID, ok)
		w.same([]any{r, err}, []any{wxnotify.Rest{App: w.app, ID: id, To: alice, State: wxnotify.Sent}, nil})
		w.is(id, "sent")
		w.have(alice, "used")
		missed := must(w.Settle(ctx, w.now, []wxnotify.Settlement{w.settlement(second, spent)}))
		w.same(missed, []int{0})
		must(w.Evidence(ctx, w.now, w.app, second.Attempt.ID, spent))
		w.is(id, "sent")
		w.same(w.outcomes(id), "accepted refused")
		w.have(alice, "used")
	},
	"a late answer is evidence: refused": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)))
		id := w.send()
		first := w.claim1()
		w.settle(first, lost)
		r := must(w.Evidence(ctx, w.now, w.app, first.Attempt.ID, busy))
		w.same(r.State, wxnotify.Queued)
		w.is(id, "queued")
		w.have(alice, "free")
		again := must(w.Evidence(ctx, w.now, w.app, first.Attempt.ID, ok)) // it has its answer
		w.same(again.State, wxnotify.Queued)
		w.same(w.outcomes(id), "refused")
	},
	"what is learned while a repeat is in flight is not overlooked": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)), w.form(form(2)))
		id := w.send()
		first := w.claim1()
		w.settle(first, lost)
		second := w.claim1()
		must(w.Evidence(ctx, w.now, w.app, first.Attempt.ID, busy))
		w.is(id, "sending")
		// "Already used" would prove a delivery if the first one were still open.
		missed := must(w.Settle(ctx, w.now, []wxnotify.Settlement{w.settlement(second, spent)}))
		w.same(missed, []int{0})
		w.same(must(w.Evidence(ctx, w.now, w.app, second.Attempt.ID, spent)).State, wxnotify.Queued)
		w.have(alice, "dead(spent)", "free")
		w.same(w.claim1().Permit.Code, form(2))
	},
	"no answer after an inference takes the proof away from nobody": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)))
		id := w.send()
		first := w.claim1()
		w.settle(first, lost) // its node was stopped
		w.settle(w.claim1(), spent)
		w.is(id, "sent")
		must(w.Evidence(ctx, w.now, w.app, first.Attempt.ID, lost)) // the node comes back, and its call has timed out
		w.is(id, "sent")
		w.same(w.outcomes(id), "inferred refused")
		w.have(alice, "used")
	},
	"an inference that was wrong is corrected": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)))
		id := w.send()
		first := w.claim1()
		w.settle(first, lost)
		w.settle(w.claim1(), spent)
		w.is(id, "sent")
		must(w.Evidence(ctx, w.now, w.app, first.Attempt.ID, busy))
		w.is(id, "failed/permit_used")
		w.same(w.outcomes(id), "refused refused")
		w.have(alice, "dead(spent)")
	},
	"unknown is not the end: evidence decides": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(wxnotify.Deposit{Source: wxnotify.Payment, Code: prepay, GivenAt: Noon})
		ids := w.accept(w.draft(), w.draft())
		c := w.claim(10)
		for _, try := range c.Tries {
			w.settle(try, lost)
		}
		w.have(alice, "dead(unresolved)", "dead(unresolved)", "free")
		must(w.Evidence(ctx, w.now, w.app, c.Tries[0].Attempt.ID, ok))
		must(w.Evidence(ctx, w.now, w.app, c.Tries[1].Attempt.ID, badPage))
		w.is(ids[0], "sent")
		w.is(ids[1], "failed/page_invalid")
		w.have(alice, "used", "free", "free")
	},
	"with two repeats under way, each settles its own permit": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(wxnotify.Deposit{Source: wxnotify.Payment, Code: prepay, GivenAt: Noon})
		id := w.send(resend)
		first := w.claim1()
		w.settle(first, lost)
		second := w.claim1()
		must(w.Evidence(ctx, w.now, w.app, first.Attempt.ID, ok))
		w.is(id, "sent")
		w.have(alice, "used", "bound", "free")
		must(w.Evidence(ctx, w.now, w.app, second.Attempt.ID, busy))
		w.is(id, "sent")
		w.have(alice, "used", "free", "free")
	},
	"a repeat that never left, and then the first was taken: nothing stays held": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(wxnotify.Deposit{Source: wxnotify.Payment, Code: prepay, GivenAt: Noon})
		id := w.send(resend)
		first := w.claim1()
		w.settle(first, lost)
		w.settle(w.claim1(), wxnotify.Outcome{Kind: wxnotify.NotSent})
		w.have(alice, "held", "held", "free")
		must(w.Evidence(ctx, w.now, w.app, first.Attempt.ID, ok))
		w.is(id, "sent")
		w.have(alice, "used", "dead(unresolved)", "free")
	},
	"two were lost and inferred: one that never left does not undo the other": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)))
		id := w.send()
		var tries []wxnotify.Try
		for _, o := range []wxnotify.Outcome{lost, lost, spent} {
			try := w.claim1()
			tries = append(tries, try)
			must(w.Evidence(ctx, w.now, w.app, try.Attempt.ID, o))
			w.pass(10 * time.Minute)
		}
		w.is(id, "sent")
		w.same(w.outcomes(id), "inferred inferred refused")
		must(w.Evidence(ctx, w.now, w.app, tries[0].Attempt.ID, wxnotify.Outcome{Kind: wxnotify.NotSent}))
		w.is(id, "sent")
		must(w.Evidence(ctx, w.now, w.app, tries[1].Attempt.ID, wxnotify.Outcome{Kind: wxnotify.NotSent}))
		w.is(id, "failed/permit_used")
	},
	"an attempt that nobody made is not found": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		id := w.send()
		for _, attempt := range []string{"", "att_x", wxnotify.AttemptID(id, 1), wxnotify.AttemptID("msg_unknown", 1)} {
			_, err := w.Evidence(ctx, w.now, w.app, attempt, ok)
			w.refused(err, wxnotify.NotFound)
		}
	},
	"an operator's word settles what is unknown or unsure": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(wxnotify.Deposit{Source: wxnotify.Payment, Code: prepay, GivenAt: Noon}, w.form(form(1)))
		ids := w.accept(w.draft(), w.draft(), w.draft(), w.draft())
		c := w.claim(10)
		w.same(len(c.Tries), 4)
		for _, try := range c.Tries {
			w.settle(try, lost)
		}
		w.is(ids[3], "unsure")
		must(w.Resolve(ctx, w.now, w.app, ids[0], true))
		must(w.Resolve(ctx, w.now, w.app, ids[1], false))
		must(w.Resolve(ctx, w.now, w.app, ids[3], true))
		w.is(ids[0], "sent")
		w.same(w.message(ids[0]).Evidence, wxnotify.ByOperator)
		w.is(ids[1], "failed/operator")
		w.is(ids[3], "sent")
		w.have(alice, "used", "free", "dead(unresolved)", "used")
		_, err := w.Resolve(ctx, w.now, w.app, ids[0], false)
		w.refused(err, wxnotify.MessageResolved)
		_, err = w.Resolve(ctx, w.now, w.app, "msg_unknown", false)
		w.refused(err, wxnotify.NotFound)
	},
	"what has not started can be canceled": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		queued, named, later := w.send(), w.send(formID(form(1))), w.send(func(e *wxnotify.Entry) { e.Message.SendAt = Noon.Add(time.Hour) })
		for _, id := range []string{queued, named, later} {
			must(w.Cancel(ctx, w.now, w.app, id))
			w.is(id, "canceled/canceled")
			_, err := w.Cancel(ctx, w.now, w.app, id)
			w.refused(err, wxnotify.MessageAtRest)
		}
		w.have(alice, "free")
		id := w.send()
		try := w.claim1()
		_, err := w.Cancel(ctx, w.now, w.app, id)
		w.refused(err, wxnotify.MessageInFlight)
		w.settle(try, lost)
		_, err = w.Cancel(ctx, w.now, w.app, id)
		w.refused(err, wxnotify.MessageInFlight)
		_, err = w.Cancel(ctx, w.now, w.app, "msg_unknown")
		w.refused(err, wxnotify.NotFound)
	},
	"a lease that is over may have been used": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)))
		id := w.send()
		try := w.claim1()
		w.same(len(must(w.Lapsed(ctx, w.now, 10))), 0)
		w.pass(lease)
		tries := must(w.Lapsed(ctx, w.now, 10))
		w.same(len(tries), 1)
		want := try
		want.Message.Body = nil
		want.Message.UpdatedAt = tries[0].Message.UpdatedAt
		w.same(tries[0], want)
		w.settle(tries[0], lost)
		w.is(id, "unsure")
		w.have(alice, "held")
		missed := must(w.Settle(ctx, w.now, []wxnotify.Settlement{w.settlement(try, ok)}))
		w.same(missed, []int{0})
		must(w.Evidence(ctx, w.now, w.app, try.Attempt.ID, ok))
		w.is(id, "sent")
	},
	"a node that comes back under its name takes up its own at once": func(t *testing.T, db Database) {
		dsn := db(t)
		s, err := TryOpen(t, dsn, nil)
		if err != nil {
			t.Fatal(err)
		}
		w := &world{TB: t, Store: s, dsn: dsn, now: wxnotify.Now{Real: Noon, Virtual: Noon}, app: theApp}
		w.makeApp(theApp)
		w.deposit(w.form(form(1)))
		id := w.send()
		w.claim1()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		w = worldAt(t, dsn, nil)
		tries := must(w.Lapsed(ctx, w.now, 10))
		w.same(len(tries), 1)
		w.settle(tries[0], lost)
		w.is(id, "unsure")
		w.same([]any{w.claim1().Attempt.Number, len(must(w.Lapsed(ctx, w.now, 10)))}, []any{2, 0})
	},
	"a claim whose commit is unknown is read back, not forgotten": func(t *testing.T, db Database) {
		dsn := db(t)
		broken := false
		w := worldAt(t, dsn, func(o *store.Options) {
			o.Fault = func(point string) error {
				if broken && point == "claim.after_commit" {
					return errTest
				}
				return nil
			}
		})
		w.deposit(w.form(form(1)), w.form(form(2)))
		id := w.send()
		broken = true
		_, err := w.Claim(ctx, w.now, lease, []wxnotify.Want{{App: w.app, N: 10}})
		w.refused(err, wxnotify.CommitUnknown)
		w.is(id, "sending")
		broken = false
		w.pass(20 * time.Second)
		try := w.claim1()
		w.same([]any{try.Message.ID, try.Attempt.Number, try.Permit.Code, string(try.Message.Body) != ""}, []any{id, 1, form(1), true})
		w.pass(20 * time.Second) // under its new lease
		w.same(len(must(w.Lapsed(ctx, w.now, 10))), 0)
		w.settle(try, ok)
		w.have(alice, "used", "free")
	},
}
