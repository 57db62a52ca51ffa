//go:build unix

package store_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/store/storetest"
)

const benchBatch = 500

// An operation of these benchmarks is a batch of 500 messages; the metrics are
// for each message: wall time, and CPU time of this process (on SQLite that is
// all of it).
//
//	PGFSYNC=on scripts/withpostgres go test ./store -run '^$' -bench . -benchtime 40x
//
// With -benchtime 200x the last quarter of 100,000 messages is held against
// the first: what a message costs does not depend on how many came before.
func BenchmarkAccept(b *testing.B) {
	onEach(b, func(b *testing.B, l *load) {
		for b.Loop() {
			l.accept(b)
		}
	})
}

func BenchmarkClaimAndSettle(b *testing.B) {
	onEach(b, func(b *testing.B, l *load) {
		for range b.N {
			l.deposit(b)
			l.accept(b)
		}
		l.count(b)
		b.ResetTimer()
		quarters := make([]time.Duration, 4)
		for i := range b.N {
			began := time.Now()
			l.send(b)
			quarters[i*4/b.N] += time.Since(began)
		}
		if b.N%4 == 0 {
			b.ReportMetric(float64(quarters[3])/float64(quarters[0]), "last/first-quarter")
		}
	})
}

func onEach(b *testing.B, f func(*testing.B, *load)) {
	for name, db := range storetest.Databases {
		b.Run(name, func(b *testing.B) {
			l := &load{s: storetest.Open(b, db(b), nil), now: wxnotify.Now{Real: planTime, Virtual: planTime}}
			if err := l.s.CreateApp(ctx, wxnotify.App{ID: planApp}); err != nil {
				b.Fatal(err)
			}
			l.count(b)
			f(b, l)
			n := float64(b.N * benchBatch)
			b.ReportMetric(float64((time.Since(l.wall)).Microseconds())/n, "µs/msg")
			b.ReportMetric(float64((cpu(b)-l.cpu).Microseconds())/n, "cpu-µs/msg")
			b.ReportMetric(n/time.Since(l.wall).Seconds(), "msg/s")
		})
	}
}

// A load is a store and how far it was filled.
type load struct {
	s                  *store.Store
	now                wxnotify.Now
	deposited, written int
	wall               time.Time
	cpu                time.Duration
}

// count begins to measure here.
func (l *load) count(b *testing.B) {
	b.Helper()
	l.wall, l.cpu = time.Now(), cpu(b)
}

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

var benchBody = []byte(`{"touser":"oUser00000000000000000000","template_id":"pQ3vXk8ZtL1mRw6YcN0sHd5JbF2gUa9EoTi7VxKqAzM","page":"pages/order/detail?id=1019","data":{"keyword1":{"value":"已接单","color":"#173177"},"keyword2":{"value":"2017年10月19日 12:31","color":"#173177"},"keyword3":{"value":"张一山","color":"#173177"},"keyword4":{"value":"136xxxx1720","color":"#173177"},"keyword5":{"value":"请手机保持通畅","color":"#173177"},"keyword6":{"value":"深圳市南山区科技园南区软件产业基地","color":"#173177"}},"emphasis_keyword":"keyword1.DATA"}`)

func (l *load) accept(b *testing.B) {
	b.Helper()
	es := make([]wxnotify.Entry, benchBatch)
	for i := range es {
		l.written++
		m := queued(l.written)
		m.To, m.Body, m.ExpiresAt = user(l.written), benchBody, planTime.Add(wxnotify.Lasts)
		es[i] = wxnotify.Entry{Message: m, Key: m.ID}
	}
	if _, err := l.s.Accept(ctx, l.now, es); err != nil {
		b.Fatal(err)
	}
}

func (l *load) deposit(b *testing.B) {
	b.Helper()
	ds := make([]wxnotify.Deposit, benchBatch)
	for i := range ds {
		l.deposited++
		ds[i] = wxnotify.Deposit{App: planApp, To: user(l.deposited), Source: wxnotify.Form, Code: fmt.Sprintf("%032d", l.deposited), GivenAt: planTime}
	}
	if _, err := l.s.Deposit(ctx, l.now, ds); err != nil {
		b.Fatal(err)
	}
}

func (l *load) send(b *testing.B) {
	b.Helper()
	c, err := l.s.Claim(ctx, l.now, time.Minute, []wxnotify.Want{{App: planApp, N: benchBatch}})
	if err != nil || len(c.Tries) != benchBatch {
		b.Fatal(len(c.Tries), err)
	}
	batch := make([]wxnotify.Settlement, benchBatch)
	for i, try := range c.Tries {
		o := wxnotify.Outcome{Kind: wxnotify.Accepted, Said: true, Errmsg: "ok"}
		batch[i] = wxnotify.Settlement{Try: try, Outcome: o, Step: wxnotify.Next(try, o, planTime), At: planTime}
	}
	if missed, err := l.s.Settle(ctx, l.now, batch); err != nil || len(missed) > 0 {
		b.Fatal(missed, err)
	}
}
