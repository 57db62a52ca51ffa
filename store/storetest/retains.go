package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/store"
)

const day = 24 * time.Hour

var retains = map[string]func(*testing.T, Database){
	"nodes that have not been started for 90 days are forgotten": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		d := raw(t, w.dsn)
		defer d.Close()
		own := w.Node()
		for name, age := range map[string]time.Duration{own: 100 * day, "gone": 90*day + time.Minute, "lately": 90*day - time.Minute} {
			if _, err := d.Exec(`insert into node (name, boot, started_at) values ($1, '', $2)
				on conflict (name) do update set started_at = excluded.started_at`, name, w.now.Real.Add(-age).UnixMilli()); err != nil {
				t.Fatal(err)
			}
		}
		w.sweep()
		var names []string
		rows(t, d, `select name from node where name <> $1`, "", func(scan func(...any)) {
			var name string
			scan(&name)
			names = append(names, name)
		})
		slices.Sort(names)
		want := []string{own, "lately"}
		slices.Sort(want)
		w.same(names, want)
	},
	"contents go when the retention time is over, and the rest 90 days later": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		meta := func(e *wxnotify.Entry) { e.Message.Meta = map[string]string{"order": "ORDER1019"} }
		w.deposit(w.form(form(1)), w.form(form(2)))
		early := w.send(meta, key("k", "1"))
		w.settle(w.claim1(), ok)
		waits := w.send(wait, subscribe)
		w.claim(10)
		w.is(waits, "waiting")
		later := w.send(func(e *wxnotify.Entry) {
			e.Message.SendAt, e.Message.ExpiresAt = Noon.Add(20*day), Noon.Add(27*day)
		})
		has := func(want ...bool) {
			t.Helper()
			var got []bool
			for _, id := range []string{early, waits, later} {
				got = append(got, w.message(id).Body != nil)
			}
			w.same(got, want)
		}
		w.pass(7*day - time.Minute)
		w.sweep()
		has(true, true, true)
		w.pass(time.Minute)
		w.sweep() // the waiting one expires now, and its content stays for another 7 days
		w.is(waits, "expired/deadline")
		has(false, true, true)
		w.pass(7*day - time.Minute)
		w.sweep()
		has(false, true, true)
		w.pass(2 * time.Minute)
		w.sweep()
		has(false, false, true)
		w.pass(13*day + time.Hour)
		w.claim(10)
		w.is(later, "expired/deadline")
		has(false, false, true)
		w.pass(7*day + time.Minute)
		w.sweep()
		has(false, false, false)
		w.same(w.naming("aging"), []string(nil))

		again := must(w.Accept(ctx, w.now, []wxnotify.Entry{w.draft(key("k", "1"))}))
		w.same(again[0], wxnotify.Receipt{ID: early, State: wxnotify.Sent, Replayed: true})
		w.now = wxnotify.Now{Real: Noon.Add(97*day - time.Minute), Virtual: Noon.Add(97*day - time.Minute)}
		w.sweep()
		w.is(early, "sent")
		w.pass(2 * time.Minute)
		w.sweep()
		_, err := w.Message(ctx, w.app, early)
		w.refused(err, wxnotify.NotFound)
		w.is(waits, "expired/deadline")
		w.same(w.naming("ORDER1019"), []string(nil))
		_, _, known, err := w.Replay(ctx, w.app, "k")
		w.same([]any{known, err}, []any{false, nil})
	},
	"spent and dead permits go with their hashes, living ones and those of messages stay": func(t *testing.T, db Database) {
		w := worldAt(t, db(t), func(o *store.Options) { o.PermitRetention = 8 * day })
		w.deposit(w.form(form(1)), w.form(form(2)),
			wxnotify.Deposit{Source: wxnotify.Subscribe, TemplateID: prompt, GivenAt: Noon},
			wxnotify.Deposit{Source: wxnotify.Longterm, TemplateID: prompt, GivenAt: Noon})
		id := w.send()
		w.settle(w.claim1(), ok)
		again := func(code string) int {
			t.Helper()
			d := w.form(code)
			d.App = w.app
			return must(w.Deposit(ctx, w.now, []wxnotify.Deposit{d}))[0].Created
		}
		w.pass(7*day - time.Minute)
		w.sweep()
		w.same(again(form(1)), 0) // spent, and known as long as it could be handed in
		w.have(alice, "used", "free", "free", "free")
		w.pass(day + 2*time.Minute)
		w.sweep() // the second form is dead by now, and old enough
		w.pass(time.Minute)
		w.sweep()
		w.have(alice, "used", "free", "free")
		w.is(id, "sent")
		w.same(w.message(id).Source, wxnotify.Form)
		w.pass(89*day + time.Hour) // the message goes
		w.sweep()
		w.pass(time.Minute)
		w.sweep()
		w.have(alice, "free", "free")
		w.same(again(form(1)), 1)
	},
	"a thousand dead permits go at once, an erased person's as well": func(t *testing.T, db Database) {
		dsn := db(t)
		w := worldAt(t, dsn, func(o *store.Options) { o.PermitRetention = 8 * day })
		each := few(400)
		for i := range 3 {
			var ds []wxnotify.Deposit
			for j := range each {
				ds = append(ds, w.form(form(i*each+j)))
			}
			w.deposit(ds...)
		}
		must(w.Erase(ctx, w.now, w.app, alice))
		for range 20 {
			w.pass(time.Minute)
			w.sweep()
		}
		db2 := raw(t, dsn)
		defer db2.Close()
		left := func() (n int) {
			t.Helper()
			if err := db2.QueryRow(`select count(*) from permit where code_hash is not null`).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		w.same(left(), 3*each)
		w.pass(8 * day)
		w.sweep()
		w.same(left(), 0)
	},
	"contents go by the virtual clock, both ways of an alias, thousands at once": func(t *testing.T, db Database) {
		dsn := db(t)
		w := worldAt(t, dsn, func(o *store.Options) { o.Retention = time.Hour })
		var es []wxnotify.Entry
		all := few(1300)
		for i := range all {
			es = append(es, w.draft(func(e *wxnotify.Entry) {
				e.Message.State, e.Message.Reason = wxnotify.Failed, wxnotify.ReasonNoPermit
				if i%100 == 0 {
					e.Other = &wxnotify.Carrier{Channel: wxnotify.ChannelSubscribe, TemplateID: prompt, Body: []byte(`{"data":{}}`)}
				}
			}))
		}
		ids := w.accept(es...)
		db2 := raw(t, dsn)
		defer db2.Close()
		left := func() (n, m int) {
			t.Helper()
			if err := db2.QueryRow(`select (select count(*) from message where body is not null), (select count(*) from carrier where body is not null)`).Scan(&n, &m); err != nil {
				t.Fatal(err)
			}
			return n, m
		}
		w.sweep()
		n, m := left()
		w.same([]int{n, m}, []int{len(ids), 2 * ((all + 99) / 100)})
		w.jump(time.Hour)
		w.sweep()
		n, m = left()
		w.same([]int{n, m}, []int{0, 0})
	},
}

// few is n, or a quarter of it where amounts are to be small, as under the race
// detector.
func few(n int) int {
	if testing.Short() {
		return n / 4
	}
	return n
}
