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
			Outcome: wxnotify.Accepted, Errcode: &zero, Errmsg: "ok", MsgID: o.MsgID, Node: "node:8080"}})
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
}
