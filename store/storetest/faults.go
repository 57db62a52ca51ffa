package storetest

import (
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
	return errTest
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
}

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
			if !changed {
				w.Errorf("%s: nothing was written", verb)
			}
			return
		case changed:
			w.Fatalf("%s: %s was broken, and something is written", verb, point)
		}
	}
}
