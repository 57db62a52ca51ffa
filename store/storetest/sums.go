package storetest

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/store"
)

// recount counts the rows of an app, written as sums are: by the hour, kind by
// kind, and the free permits by the day of their end. When a permit died stands
// nowhere in its row, so these have no hour.
func recount(t testing.TB, db *sql.DB, app string) map[string]int64 {
	t.Helper()
	sums := map[string]int64{}
	hour := func(ms int64, kind string) { sums[fmt.Sprint(ms/3600000*3600000, " ", kind)]++ }
	rows(t, db, `select created_at from message where app = $1`, app, func(scan func(...any)) {
		var at int64
		scan(&at)
		hour(at, "accepted")
	})
	rows(t, db, `select updated_at, state, reason from queue where app = $1`, app, func(scan func(...any)) {
		var at int64
		var state, reason string
		if scan(&at, &state, &reason); !wxnotify.State(state).AtRest() {
			return
		}
		if reason != "" {
			state += "/" + reason
		}
		hour(at, state)
	})
	rows(t, db, `select a.finished_at, coalesce(cast(a.errcode as text), ''), a.outcome, m.created_at, m.send_at from message m join (
			select app, message, finished_at, errcode, outcome from attempt
			union all select app, id, finished_at, 0, 'accepted' from queue where finished_at > 0
		) a on a.app = m.app and a.message = m.id where a.app = $1 and a.outcome <> ''`, app, func(scan func(...any)) {
		var end, created, send int64
		var errcode, outcome string
		scan(&end, &errcode, &outcome, &created, &send)
		if errcode == "" {
			hour(end, "errcode/"+outcome)
			return
		}
		if hour(end, "errcode/"+errcode); outcome == "accepted" {
			hour(end, fmt.Sprint("latency/", wxnotify.BucketOf(time.Duration(end-max(created, send))*time.Millisecond)))
		}
	})
	rows(t, db, `select source, template_id, state, cause, expires_at from permit where app = $1`, app, func(scan func(...any)) {
		var source, template, state, cause string
		var ends int64
		scan(&source, &template, &state, &cause, &ends)
		sums["created/"+source]++
		switch wxnotify.PermitState(state) {
		case wxnotify.PermitFree:
			if ends < 1e14 {
				ends = wxnotify.Day(time.UnixMilli(ends)).UnixMilli()
			}
			sums[fmt.Sprint("stock ", source, " ", template, " ", ends)]++
		case wxnotify.PermitUsed:
			sums["used/"+source]++
		case wxnotify.PermitDead:
			sums["dead/"+source+"/"+cause]++
		}
	})
	return sums
}

// summed are the sums that are kept, written as recount's.
func summed(t testing.TB, db *sql.DB, app string) map[string]int64 {
	t.Helper()
	sums := map[string]int64{}
	rows(t, db, `select slot, kind, n from rollup where app = $1`, app, func(scan func(...any)) {
		var slot, n int64
		var kind string
		scan(&slot, &kind, &n)
		switch kind[:4] {
		case "crea", "used", "dead":
			sums[kind] += n
		default:
			sums[fmt.Sprint(slot/3600000*3600000, " ", kind)] += n
		}
	})
	rows(t, db, `select source, template_id, ends, n from stock where app = $1`, app, func(scan func(...any)) {
		var source, template string
		var ends, n int64
		scan(&source, &template, &ends, &n)
		sums[fmt.Sprint("stock ", source, " ", template, " ", ends)] += n
	})
	maps.DeleteFunc(sums, func(_ string, n int64) bool { return n == 0 })
	return sums
}

func rows(t testing.TB, db *sql.DB, text, app string, f func(scan func(...any))) {
	t.Helper()
	found, err := db.Query(text, app)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	for found.Next() {
		f(func(dest ...any) {
			if err := found.Scan(dest...); err != nil {
				t.Fatal(err)
			}
		})
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
}

// addsUp compares the sums with a recount.
func (w *world) addsUp(db *sql.DB) {
	w.Helper()
	if d := cmp.Diff(recount(w, db, w.app), summed(w, db, w.app)); d != "" {
		w.Errorf("the sums do not add up (-recount +sums):\n%s", d)
	}
}

// total is the whole of a day around now, by the minute.
func (w *world) total() (all wxnotify.Point) {
	w.Helper()
	for _, p := range w.series(wxnotify.SeriesFilter{From: w.now.Virtual.Add(-12 * time.Hour), Step: 5 * time.Minute}) {
		all.Add(p)
	}
	all.At = time.Time{}
	return all
}

func (w *world) series(f wxnotify.SeriesFilter) []wxnotify.Point {
	w.Helper()
	f.App = w.app
	f, err := f.Fit(w.now.Virtual)
	if err != nil {
		w.Fatal(err)
	}
	return must(w.Series(ctx, f))
}

var sums = map[string]func(*testing.T, Database){
	"what happened is summed up by the minute": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)), w.form(form(2)), wxnotify.Deposit{Source: wxnotify.Longterm, TemplateID: prompt})
		w.send(subscribe)
		w.send()
		first := w.claim(10)
		w.pass(90 * time.Second)
		w.settle(first.Tries[0], ok)
		w.settle(first.Tries[1], lost)
		w.send(to(bob))
		w.claim(10)
		ps := w.series(wxnotify.SeriesFilter{From: Noon, To: Noon.Add(3 * time.Minute), Step: time.Minute})
		w.same(ps, []wxnotify.Point{
			{At: Noon, Accepted: 2, Created: map[wxnotify.Source]int64{"form": 2, "longterm": 1}},
			{
				At: Noon.Add(time.Minute), Accepted: 1,
				Ended:   map[wxnotify.Ended]int64{{State: "sent"}: 1, {State: "failed", Reason: "no_permit"}: 1},
				Answers: map[string]int64{"0": 1, "lost": 1},
				Latency: wxnotify.Latency{15: 1},
			},
			{At: Noon.Add(2 * time.Minute)},
		})
	},
	"a message that is delivered leaves the minute in which it was sent": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(wxnotify.Deposit{Source: wxnotify.Subscribe, TemplateID: prompt, GivenAt: Noon})
		w.send(subscribe)
		sent := ok
		sent.MsgID = "77"
		w.settle(w.claim1(), sent)
		w.same(w.total().Ended, map[wxnotify.Ended]int64{{State: "sent"}: 1})
		w.pass(time.Minute)
		e := wxnotify.Event{App: w.app, Kind: wxnotify.EventSent, To: alice, TemplateID: prompt, MsgID: "77", At: w.now.Real}
		if err := w.KeepEvents(ctx, w.now, []wxnotify.Delivery{{App: w.app, Signature: "1", Events: []wxnotify.Event{e}}}); err != nil {
			t.Fatal(err)
		}
		must(w.HearEvents(ctx, w.now, 10))
		ps := w.series(wxnotify.SeriesFilter{From: Noon, To: Noon.Add(2 * time.Minute), Step: time.Minute})
		w.same(ps[0].Ended, map[wxnotify.Ended]int64(nil))
		w.same(ps[1].Ended, map[wxnotify.Ended]int64{{State: "delivered"}: 1})
		w.same(w.total().Used, map[wxnotify.Source]int64{"subscribe": 1})
	},
	"minutes of long ago are folded to hours, and forgotten in the end": func(t *testing.T, db Database) {
		dsn := db(t)
		w := worldAt(t, dsn, nil)
		for range 30 {
			w.send()
			w.claim(1)
			w.pass(7 * time.Minute)
		}
		sql := raw(t, dsn)
		defer sql.Close()
		w.pass(49 * time.Hour)
		for range 3 {
			w.sweep()
			w.pass(time.Minute)
		}
		w.addsUp(sql)
		n := 0
		rows(t, sql, `select slot, node from rollup where app = $1`, w.app, func(scan func(...any)) {
			var slot int64
			var node string
			if scan(&slot, &node); slot%3600000 != 0 || node != "" {
				t.Errorf("there still is a row of %s, node %q", time.UnixMilli(slot).UTC(), node)
			}
			n++
		})
		w.same(n, 8) // four hours, of two kinds
		w.pass(wxnotify.HoursKept)
		for range 5 {
			w.sweep()
			w.pass(time.Minute)
		}
		rows(t, sql, `select slot from rollup where app = $1`, w.app, func(func(...any)) { t.Error("an hour is still there") })
	},
	"the stock of all users": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)), wxnotify.Deposit{Source: wxnotify.Payment, Code: prepay, GivenAt: Noon.Add(-48 * time.Hour)},
			wxnotify.Deposit{Source: wxnotify.Subscribe, TemplateID: prompt, Count: 2, To: bob}, wxnotify.Deposit{Source: wxnotify.Longterm, TemplateID: prompt})
		day := wxnotify.Day(Noon)
		h := must(w.Holding(ctx, w.now, w.app))
		w.same(h, wxnotify.Holding{Users: 2, UsersAt: w.now.Real, Lots: []wxnotify.Lot{
			{Source: wxnotify.Form, Ends: day.Add(7 * 24 * time.Hour), N: 1},
			{Source: wxnotify.Longterm, TemplateID: prompt, N: 1},
			{Source: wxnotify.Payment, Ends: day.Add(5 * 24 * time.Hour), N: 3},
			{Source: wxnotify.Subscribe, TemplateID: prompt, N: 2},
		}, Leaving: []wxnotify.Leaving{{Users: 2}}})
		w.same(h.Lots[0].Days(Noon), 7)
		w.send()
		w.settle(w.claim1(), ok) // the payment ends first
		w.same(must(w.Holding(ctx, w.now, "")).Free(wxnotify.Payment), int64(2))
		w.pass(8 * 24 * time.Hour)
		w.same(len(must(w.Holding(ctx, w.now, w.app)).Lots), 2) // the others have ended, swept or not
		w.same(must(w.Holding(ctx, w.now, "wx-of-somebody-else")).Lots, []wxnotify.Lot(nil))
	},
	"gauges of all apps at once say what those of each say": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		const other, idle = "wx00000000000000aa", "wx00000000000000bb"
		for _, app := range []string{other, idle} {
			w.same(w.CreateApp(ctx, wxnotify.App{ID: app, Name: app, TokenMode: wxnotify.StableToken, MaxInFlight: 1, CreatedAt: Noon, UpdatedAt: Noon}), nil)
		}
		w.deposit(w.form(form(1)), wxnotify.Deposit{App: other, To: bob, Source: wxnotify.Payment, Code: prepay, GivenAt: Noon})
		_, err := w.SaveToken(ctx, w.app, wxnotify.Token{Value: wxnotify.NewSecret("value"), ExpiresAt: Noon.Add(time.Hour), Gen: 1, By: "node", At: Noon}, 0)
		w.same(err, nil)
		_, err = w.SaveToken(ctx, other, wxnotify.Token{Value: wxnotify.NewSecret("value"), ExpiresAt: Noon.Add(time.Hour), Gen: 1, By: "node", At: Noon}, 0)
		w.same(err, nil)
		_, err = w.DropToken(ctx, other, 1)
		w.same(err, nil)
		for _, app := range []string{other, w.app} {
			w.same(w.PutPause(ctx, wxnotify.Pause{App: app, Scope: "template", Reason: "operator", Since: Noon}), nil)
		}
		holdings, tokens := must(w.Holdings(ctx, w.now)), must(w.Tokens(ctx))
		w.same([]int{len(holdings), len(tokens)}, []int{3, 2})
		var paused []wxnotify.Pause
		for _, app := range []string{w.app, other, idle} {
			h, token := must(w.Holding(ctx, w.now, app)), must(w.LoadToken(ctx, app))
			h.Leaving, token.Dead = nil, [32]byte{}
			if token.Value.IsZero() {
				token.ExpiresAt = time.Time{}
			}
			token.Value = wxnotify.Secret{}
			w.same(holdings[app], h)
			w.same(tokens[app], token)
			paused = append(paused, must(w.Pauses(ctx, app))...)
		}
		all := must(w.Pauses(ctx, ""))
		slices.SortFunc(paused, func(a, b wxnotify.Pause) int { return strings.Compare(a.App, b.App) })
		w.same(all, paused)
	},
	"how much is not at rest": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.send()
		w.pass(time.Second)
		w.send()
		w.send(wait, func(e *wxnotify.Entry) { e.Message.SendAt = w.now.Virtual.Add(time.Hour) })
		ds := must(w.Depths(ctx))
		w.same(ds, []wxnotify.Depth{
			{App: w.app, State: wxnotify.Queued, N: 2, Oldest: Noon, Due: Noon},
			{App: w.app, State: wxnotify.Scheduled, N: 1, Oldest: w.now.Real, Due: w.now.Virtual.Add(time.Hour)},
		})
	},
	"sums of transactions that fail or are repeated add up all the same": func(t *testing.T, db Database) {
		dsn := db(t)
		b := &breaker{}
		w := worldAt(t, dsn, func(o *store.Options) { o.Fault = b.fault })
		sql := raw(t, dsn)
		defer sql.Close()
		// again does a verb over and over, broken at each point in turn, until it goes through.
		again := func(verb string, do func() error) {
			for n := 0; ; n++ {
				b.arm(verb, n)
				err := do()
				point := b.broke()
				b.arm("", 0)
				if w.addsUp(sql); point == "" {
					if err != nil {
						t.Fatal(err)
					}
					return
				}
			}
		}
		pay := wxnotify.Deposit{App: w.app, To: alice, Source: wxnotify.Payment, Code: prepay, GivenAt: Noon}
		again("deposit", func() error { _, err := w.Deposit(ctx, w.now, []wxnotify.Deposit{pay}); return err })
		es := []wxnotify.Entry{w.draft(key("1", "a")), w.draft(key("2", "b"), resend), w.draft(key("3", "c"), formID(prepay)), w.draft(key("4", "d"), to(bob))}
		again("accept", func() error { _, err := w.Accept(ctx, w.now, es); return err })
		var tries []wxnotify.Try
		again("claim", func() error {
			c, err := w.Claim(ctx, w.now, lease, []wxnotify.Want{{App: w.app, N: 10}})
			tries = append(tries, c.Tries...)
			return err
		})
		w.same(len(tries), 3)
		outcomes := []wxnotify.Outcome{ok, lost, spent}
		again("settle", func() error {
			var batch []wxnotify.Settlement
			for i, t := range tries {
				batch = append(batch, w.settlement(t, outcomes[i]))
			}
			_, err := w.Settle(ctx, w.now, batch)
			return err
		})
		again("evidence", func() error { _, err := w.Evidence(ctx, w.now, w.app, tries[1].Attempt.ID, ok); return err })
		w.pass(8 * 24 * time.Hour)
		again("sweep", func() error { _, err := w.Sweep(ctx, w.now, 500); return err })
	},
}
