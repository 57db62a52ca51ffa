package storetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/store"
)

// A breaker breaks the n-th point of one verb.
type breaker struct {
	mu    sync.Mutex
	verb  string
	n     int
	point string // that was broken
	as    error  // what a broken statement says; nil: errTest
}

func (b *breaker) arm(verb string, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.verb, b.n, b.point = verb, n, ""
}

func (b *breaker) broke() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.point
}

func (b *breaker) fault(point string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if verb, _, _ := strings.Cut(point, "."); verb != b.verb || b.point != "" {
		return nil
	}
	if b.n--; b.n >= 0 {
		return nil
	}
	b.point = point
	return cmp.Or(b.as, errTest)
}

var faults = map[string]func(*testing.T, Database){
	"a store that is being closed is storage that is unavailable": func(t *testing.T, db Database) {
		entered, leave := make(chan struct{}), make(chan struct{})
		w := worldAt(t, db(t), func(o *store.Options) {
			o.Fault = func(point string) error {
				if point == "accept.before_statement" {
					select {
					case <-entered:
					default:
						close(entered)
						<-leave
					}
				}
				return nil
			}
		})
		under := make(chan error, 1)
		go func() {
			_, err := w.Accept(ctx, w.now, []wxnotify.Entry{w.draft()})
			under <- err
		}()
		<-entered
		closed := make(chan error, 1)
		go func() { closed <- w.Close() }()
		close(leave)
		if err := <-under; err != nil {
			w.refused(err, wxnotify.StorageUnavailable)
		}
		w.same(<-closed, nil)
		for _, later := range []func() error{
			func() error { _, err := w.Accept(ctx, w.now, []wxnotify.Entry{w.draft()}); return err },
			func() error { _, err := w.Claim(ctx, w.now, lease, []wxnotify.Want{{App: w.app, N: 1}}); return err },
			func() error { _, err := w.Apps(ctx); return err },
			func() error { return w.Ping(ctx) },
		} {
			w.refused(later(), wxnotify.StorageUnavailable)
		}
	},
	"each statement and commit may fail, before and after its effect": func(t *testing.T, db Database) {
		dsn := db(t)
		b := &breaker{}
		w := worldAt(t, dsn, func(o *store.Options) { o.Fault = b.fault })
		w.deposit(w.form(form(1)), w.form(form(2)), wxnotify.Deposit{Source: wxnotify.Payment, Code: prepay, GivenAt: Noon.Add(-time.Hour)})
		w.deposit(wxnotify.Deposit{Source: wxnotify.Subscribe, TemplateID: prompt, Result: "reject", GivenAt: Noon})
		known := w.send(key("known", "1"))
		must(w.Cancel(ctx, w.now, w.app, known))

		w.breaks(b, "deposit", func() error {
			_, err := w.Deposit(ctx, w.now, []wxnotify.Deposit{
				{App: w.app, To: bob, Source: wxnotify.Form, Code: form(8)}, {App: w.app, To: bob, Source: wxnotify.Longterm, TemplateID: prompt}})
			return err
		})
		entries := []wxnotify.Entry{w.draft(), w.draft(key("new", "1"), formID(form(9)), func(e *wxnotify.Entry) { e.Message.Meta = map[string]string{"a": "b"} }),
			w.draft(key("known", "1")), w.draft(resend), w.draft(subscribe), w.draft(wait, to("oCarol0000000000000000000003"))}
		w.breaks(b, "accept", func() error { _, err := w.Accept(ctx, w.now, entries); return err })
		var c wxnotify.Claim
		w.breaks(b, "claim", func() (err error) {
			c, err = w.Claim(ctx, w.now, lease, []wxnotify.Want{{App: w.app, N: 10}})
			return err
		})
		c = w.claim(10) // its commit was unknown
		w.same(len(c.Tries), 3)
		var batch []wxnotify.Settlement
		for i, o := range []wxnotify.Outcome{invalid, lost, quota} {
			c.Tries[i].Permit.GivenAt = Noon.Add(-time.Hour)
			batch = append(batch, w.settlement(c.Tries[i], o))
		}
		w.breaks(b, "settle", func() error { _, err := w.Settle(ctx, w.now, batch); return err })
		w.breaks(b, "evidence", func() error { _, err := w.Evidence(ctx, w.now, w.app, batch[1].Try.Attempt.ID, ok); return err })
		carols := wxnotify.Deposit{App: w.app, To: "oCarol0000000000000000000003", Source: wxnotify.Form, Code: form(10)}
		must(w.Deposit(ctx, w.now, []wxnotify.Deposit{carols}))
		w.breaks(b, "wake", func() error { _, err := w.Wake(ctx, w.now, w.app, []wxnotify.Deposit{carols}); return err })
		w.breaks(b, "cancel", func() error { _, err := w.Cancel(ctx, w.now, w.app, entries[5].Message.ID); return err })
	},
	"so may those of operators, tokens, WeChat's events and a node's start": func(t *testing.T, db Database) {
		dsn := db(t)
		b := &breaker{as: fmt.Errorf("broken by the test: %w", context.DeadlineExceeded)} // one that is no fault of an event's
		w := worldAt(t, dsn, func(o *store.Options) { o.Fault = b.fault })
		w.deposit(w.form(form(1)), w.form(form(2)), w.form(form(3)), wxnotify.Deposit{Source: wxnotify.Subscribe, TemplateID: prompt, Count: 2, GivenAt: Noon})
		unsure := w.send(subscribe)
		w.settle(w.claim1(), lost)
		w.is(unsure, "unknown/unresolved")
		free, _, err := w.Permits(ctx, wxnotify.PermitFilter{App: w.app, To: alice, State: wxnotify.PermitFree, Limit: 1})
		w.same([]any{len(free), err}, []any{1, nil})
		push := []wxnotify.Delivery{{App: w.app, Signature: "s", Events: []wxnotify.Event{said(wxnotify.EventPopup, "accept", Noon)}}}
		push[0].Events[0].App = w.app
		pause := wxnotify.Pause{App: w.app, Scope: classic, Reason: store.ByOperator, Since: Noon}
		for _, c := range []struct {
			verb string
			do   func() error
		}{
			{"lease a renewal", func() error { _, err := w.LeaseRenewal(ctx, w.app, Noon, lease); return err }},
			{"save a token", func() error {
				_, err := w.SaveToken(ctx, w.app, wxnotify.Token{Value: wxnotify.NewSecret("token"), ExpiresAt: Noon.Add(time.Hour), Gen: 1, At: Noon}, 0)
				return err
			}},
			{"drop a token", func() error { _, err := w.DropToken(ctx, w.app, 1); return err }},
			{"resolve", func() error { _, err := w.Resolve(ctx, w.now, w.app, unsure, true); return err }},
			{"delete a permit", func() error { return w.DeletePermit(ctx, w.now, w.app, free[0].ID) }},
			{"keep events", func() error { return w.KeepEvents(ctx, w.now, push) }},
			{"hear events", func() error { _, err := w.HearEvents(ctx, w.now, 10); return err }},
			{"revoke", func() error { _, err := w.Revoke(ctx, w.now, w.app, alice, prompt, Noon.Add(time.Second)); return err }},
			{"pause", func() error { return w.PutPause(ctx, pause) }},
			{"resume", func() error { _, err := w.Resume(ctx, w.app, pause.Scope); return err }},
			{"erase", func() error { _, err := w.Erase(ctx, w.now, w.app, bob); return err }},
		} {
			w.breaks(b, c.verb, c.do)
		}
		w.same(w.PutPause(ctx, pause), nil)
		parked := w.send()
		w.same(len(w.claim(10).Tries), 0)
		resume := func() error { _, err := w.Resume(ctx, w.app, pause.Scope); return err }
		b.arm("unpark", 0)
		w.refused(resume(), wxnotify.StorageUnavailable) // the pause is over, and what is parked is still to come back
		w.breaks(b, "unpark", resume)
		w.same(w.claim1().Message.ID, parked)
		w.breaks(b, "lapsed", func() error { _, err := w.Lapsed(ctx, w.now, 10); return err })
		w.same(w.Close(), nil)
		w.breaks(b, "void", func() error {
			s, err := TryOpen(t, dsn, func(o *store.Options) { o.Fault = b.fault })
			if err == nil {
				_ = s.Close()
			}
			return err
		})
	},
}

// looksOnly are verbs whose transaction locks and writes nothing.
var looksOnly = map[string]bool{"lapsed": true}

// breaks breaks a verb at every point, one after the other. Nothing may have
// changed, unless the commit alone was hidden.
func (w *world) breaks(b *breaker, verb string, do func() error) {
	w.Helper()
	db := raw(w, w.dsn)
	defer db.Close()
	names := tables(w, db, w.dsn)
	before := dumpTables(w, db, names)
	for n := 0; ; n++ {
		b.arm(verb, n)
		err := do()
		point := b.broke()
		b.arm("", 0)
		changed := !slices.Equal(before, dumpTables(w, db, names))
		switch {
		case point == "":
			w.Fatalf("%s was never broken after its commit", verb)
		case err == nil:
			w.Fatalf("%s: %s was broken, and nothing said so", verb, point)
		case strings.HasSuffix(point, "after_commit"):
			w.refused(err, wxnotify.CommitUnknown)
			if changed == looksOnly[verb] {
				w.Errorf("%s: changed the database: %v", verb, changed)
			}
			return
		case changed:
			w.Fatalf("%s: %s was broken, and something is written", verb, point)
		}
	}
}
