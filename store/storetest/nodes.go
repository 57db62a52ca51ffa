package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/store"
)

// RunNodes runs what several nodes promise that share one PostgreSQL. A SQLite
// file has one process, so there is no such contract for it.
func RunNodes(t *testing.T) {
	for name, f := range nodes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, Postgres)
		})
	}
}

var nodes = map[string]func(*testing.T, Database){
	"another node hears of a webhook within a second": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		other := worldAt(t, w.dsn, func(o *store.Options) { o.Node = "other" })
		other.deposit(other.form(form(1))) // it has looked
		hook := w.listen()
		for i, end := 2, time.Now().Add(30*time.Second); len(w.notices(hook)) == 0; i++ {
			if time.Now().After(end) {
				t.Fatal("the other node never noticed")
			}
			other.deposit(other.form(form(i)))
			time.Sleep(50 * time.Millisecond)
		}
	},
	"of two nodes one tells of a shortage": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		hook := w.listen(wxnotify.StockLow)
		other := worldAt(t, w.dsn, func(o *store.Options) { o.Node = "other" })
		a := must(w.App(ctx, w.app))
		a.StockLow = 10
		w.same(w.UpdateApp(ctx, a), nil)
		for i := range 20 {
			w.deposit(wxnotify.Deposit{Source: wxnotify.Subscribe, TemplateID: fmt.Sprint("T", i), Count: 1, Key: fmt.Sprint(i), GivenAt: w.now.Virtual})
			w.pass(time.Minute)
			other.now = w.now
			var both sync.WaitGroup
			both.Go(func() { w.sweep() })
			both.Go(func() { other.sweep() })
			both.Wait()
		}
		w.same(len(w.notices(hook)), 20)
	},
	"two nodes may work off one erasure": func(t *testing.T, db Database) {
		dsn := db(t)
		w := worldAt(t, dsn, nil)
		other := worldAt(t, dsn, func(o *store.Options) { o.Node = "other:8080" })
		var es []wxnotify.Entry
		for range 400 {
			es = append(es, w.draft())
		}
		w.accept(es...)
		must(w.Erase(ctx, w.now, w.app, alice))
		errs := make(chan error, 2)
		for _, s := range []*world{w, other} {
			go func() { _, err := s.Sweep(ctx, w.now, 500); errs <- err }()
		}
		w.same([]error{<-errs, <-errs}, []error{nil, nil})
		w.sweep()
		w.same(w.naming(alice), []string(nil))
	},
}
