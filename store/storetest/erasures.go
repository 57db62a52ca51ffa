package storetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/store"
)

// life gives alice everything that a person can have here, and bob a little.
// It returns an attempt of hers that is on its way.
func (w *world) life() (flying wxnotify.Try, ids map[string]string) {
	w.Helper()
	ids = map[string]string{}
	w.listen()
	meta := func(e *wxnotify.Entry) { e.Message.Meta = map[string]string{"order": "1019", "shop": "7"} }
	w.deposit(w.form(form(1)), wxnotify.Deposit{Source: wxnotify.Payment, Code: prepay, GivenAt: Noon},
		wxnotify.Deposit{Source: wxnotify.Subscribe, TemplateID: prompt, Key: "tap", GivenAt: Noon}, wxnotify.Deposit{To: bob, Source: wxnotify.Form, Code: form(9), GivenAt: Noon})
	ids["sent"] = w.send(meta, key("k1", "1"))
	w.settle(w.claim1(), ok)
	ids["unsure"] = w.send(subscribe, meta)
	c := w.claimOf(wxnotify.Want{App: w.app, N: 1, Events: true})
	c.Tries[0].Events = true
	w.settle(c.Tries[0], lost)
	w.deposit(w.form(form(2)))
	ids["sending"] = w.send(meta, key("k2", "1"))
	flying = w.claim1()
	ids["queued"] = w.send(meta, formID(form(3)))
	ids["scheduled"] = w.send(meta, func(e *wxnotify.Entry) { e.Message.SendAt = Noon.Add(time.Hour) })
	ids["waiting"] = w.send(wait, subscribe, func(e *wxnotify.Entry) { e.Message.State, e.Message.TemplateID = wxnotify.Waiting, "TEMPLATE_OTHER" })
	w.same(w.CreateSession(ctx, wxnotify.KeyHash("hers"), wxnotify.Session{App: w.app, To: alice, ExpiresAt: w.now.Virtual.Add(wxnotify.SessionLasts)}), nil)
	w.same(w.CreateSession(ctx, wxnotify.KeyHash("his"), wxnotify.Session{App: w.app, To: bob, ExpiresAt: w.now.Virtual.Add(wxnotify.SessionLasts)}), nil)
	w.same(w.KeepEvents(ctx, w.now, []wxnotify.Delivery{{App: w.app, Signature: "s1", Events: []wxnotify.Event{
		{App: w.app, Kind: wxnotify.EventSent, To: alice, TemplateID: prompt, At: Noon, MsgID: "1", Status: "success"},
	}}}), nil)
	return flying, ids
}

// naming are the rows in which a text stands, their tables alone.
func (w *world) naming(text string) (lines []string) {
	w.Helper()
	for _, line := range dump(w, w.dsn) {
		if strings.Contains(line, text) {
			table, _, _ := strings.Cut(line, " ")
			lines = append(lines, table)
		}
	}
	return slices.Compact(lines)
}

// others is what stands in the database and does not concern alice.
func (w *world) others() (lines []string) {
	w.Helper()
	for _, line := range dump(w, w.dsn) {
		if strings.Contains(line, bob) {
			lines = append(lines, line)
		}
	}
	return lines
}

var erasures = map[string]func(*testing.T, Database){
	"an erased person leaves a pseudonym, and what was decided": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		flying, ids := w.life()
		his := w.others()
		person := must(w.Erase(ctx, w.now, w.app, alice))
		_, err := w.SessionByHash(ctx, wxnotify.KeyHash("hers"), w.now.Virtual)
		w.refused(err, wxnotify.NotFound) // at once

		w.sweep()
		w.is(ids["sent"], "sent")
		w.is(ids["unsure"], "unknown/unresolved")
		w.is(ids["sending"], "sending")
		w.is(ids["queued"], "canceled/erased")
		w.is(ids["scheduled"], "canceled/erased")
		w.is(ids["waiting"], "canceled/erased")
		w.same(w.naming(alice), []string{"message", "permit", "queue"}) // of the one on its way
		w.settle(flying, ok)
		w.is(ids["sending"], "sent")
		w.pass(time.Minute)
		w.sweep()
		w.same(w.naming(alice), []string(nil))
		w.same(w.naming("1019"), []string(nil))
		for name, id := range ids {
			m := w.message(id)
			w.same([]any{name, m.To, m.Body == nil, len(m.Meta)}, []any{name, person, true, 0})
		}
		for _, p := range w.permits(person) {
			if !slices.Contains([]string{"used", "dead(erased)", "dead(unresolved)"}, p) {
				t.Errorf("a permit is %s", p)
			}
		}
		if d := cmp.Diff(his, w.others()); d != "" {
			t.Errorf("somebody else's (-before +after):\n%s", d)
		}
	},
	"nothing spent comes in again, and the person may begin anew": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		flying, ids := w.life()
		w.settle(flying, ok)
		w.pass(time.Second)
		person := must(w.Erase(ctx, w.now, w.app, alice))
		w.sweep()
		w.same(w.naming(alice), []string(nil))
		w.pass(time.Minute)
		for _, d := range []wxnotify.Deposit{
			{Source: wxnotify.Form, Code: form(1)}, {Source: wxnotify.Form, Code: form(3)}, {Source: wxnotify.Payment, Code: prepay},
			{Source: wxnotify.Subscribe, TemplateID: "TEMPLATE_OTHER", Key: "late", GivenAt: w.now.Virtual.Add(-2 * time.Minute)},
		} {
			d.App, d.To = w.app, alice
			w.same(must(w.Deposit(ctx, w.now, []wxnotify.Deposit{d})), []wxnotify.Deposited{{}})
		}
		_, err := w.Deposit(ctx, w.now, nil)
		w.same(err, nil)
		rs := must(w.Deposit(ctx, w.now, []wxnotify.Deposit{{App: w.app, To: bob, Source: wxnotify.Form, Code: form(1)}}))
		w.refused(rs[0].Err, wxnotify.PermitConflict)
		again := must(w.Accept(ctx, w.now, []wxnotify.Entry{w.draft(key("k1", "1"))}))
		w.same(again[0], wxnotify.Receipt{ID: ids["sent"], State: wxnotify.Sent, Replayed: true})
		named := w.send(formID(form(1)))
		w.is(named, "failed/permit_used")

		// Old events are not heard.
		w.same(w.KeepEvents(ctx, w.now, []wxnotify.Delivery{{App: w.app, Signature: "s2", Events: []wxnotify.Event{
			{App: w.app, Kind: wxnotify.EventPopup, To: alice, TemplateID: prompt, At: Noon, Said: "accept"},
			{App: w.app, Kind: wxnotify.EventSent, To: alice, TemplateID: prompt, At: Noon, MsgID: "2", Status: "success"},
		}}}), nil)
		must(w.HearEvents(ctx, w.now, 10))
		w.have(alice)

		// What the person does from now on counts.
		w.same(w.KeepEvents(ctx, w.now, []wxnotify.Delivery{{App: w.app, Signature: "s3", Events: []wxnotify.Event{
			{App: w.app, Kind: wxnotify.EventPopup, To: alice, TemplateID: prompt, At: w.now.Real, Said: "accept"}}}}), nil)
		must(w.HearEvents(ctx, w.now, 10))
		w.deposit(w.form(form(20)))
		w.have(alice, "free", "free")
		id := w.send(subscribe)
		w.settle(w.claim1(), ok)
		w.is(id, "sent")
		w.sweep()
		w.same(w.message(id).To, alice)
		w.same(must(w.Erase(ctx, w.now, w.app, person)), person) // no pseudonym of a pseudonym
		w.sweep()
		w.same(w.message(id).To, alice)
	},
	"the hashes of an erased person's codes go after the deadline": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		flying, _ := w.life()
		w.settle(flying, ok)
		w.pass(time.Second)
		person := must(w.Erase(ctx, w.now, w.app, alice))
		hashes := func() (n int) {
			t.Helper()
			db := raw(t, w.dsn)
			defer db.Close()
			rows(t, db, `select openid from permit where app = $1 and code_hash is not null`, w.app, func(scan func(...any)) {
				var openid string
				if scan(&openid); openid == person {
					n++
				}
			})
			return n
		}
		w.sweep()
		w.same(w.naming(alice), []string(nil))
		w.same(hashes() > 4, true)
		w.pass(7 * 24 * time.Hour)
		w.sweep()
		w.same(hashes() > 4, true)
		w.pass(24 * time.Hour)
		w.sweep()
		w.same(hashes(), 0)
		rs := must(w.Deposit(ctx, w.now, []wxnotify.Deposit{{App: w.app, To: bob, Source: wxnotify.Form, Code: form(9), GivenAt: Noon.Add(2 * 24 * time.Hour)}}))
		w.same(rs[0].Created, 0) // his is known as before
	},
	"an erasure that is broken anywhere goes on, on any node": func(t *testing.T, db Database) {
		dsn := db(t)
		b := &breaker{}
		w := worldAt(t, dsn, func(o *store.Options) { o.Fault = b.fault })
		flying, _ := w.life()
		w.settle(flying, ok)
		var es []wxnotify.Entry
		for range 250 { // several bites
			es = append(es, w.draft())
		}
		w.accept(es...)
		must(w.Erase(ctx, w.now, w.app, alice))
		broken := 0
		for n := 0; ; n++ {
			b.arm("erase a person", n)
			_, err := w.Sweep(ctx, w.now, 500)
			point := b.broke()
			b.arm("", 0)
			if point == "" && err == nil && len(w.naming(alice)) == 0 {
				break
			}
			if point != "" {
				broken++
				if err == nil {
					t.Fatalf("%s was broken, and nothing said so", point)
				}
			}
		}
		if broken < 20 {
			t.Errorf("only %d points were broken", broken)
		}
		ms, _, err := w.Messages(ctx, wxnotify.MessageFilter{App: w.app, State: wxnotify.Canceled, Reason: wxnotify.ReasonErased, Limit: 250})
		w.same(err, nil)
		w.same(len(ms), 250)
		sql := raw(t, dsn)
		defer sql.Close()
		w.addsUp(sql)
	},
}
