// Package pump is the machinery that outbox and hook run on: the loop that
// claims work, does it and settles it in batches, and the batcher that lets
// many callers share one transaction. It knows nothing of messages.
//
// What is claimed is written down before it is done, so the loop may die at
// any moment. While it lives, it never forgets a result: a settle that fails
// is repeated until the store is back, and nothing new is claimed meanwhile.
package pump

import (
	"context"
	"log/slog"
	"time"
)

// A Loop claims jobs, does each in a goroutine of its own, and settles their
// results in batches: whatever finished while the last transaction was being
// written goes into the next one, and while much is under way a result waits a
// moment for company.
type Loop[J, R any] struct {
	Log *slog.Logger
	// Claim returns jobs that are written down as begun, and how long to wait
	// before it is asked again when nothing wakes it. It decides how many. Its
	// context outlives the loop's as that of Do does: broken off in its commit,
	// a claim would leave what it took to nobody until the lease is over.
	Claim func(ctx context.Context) (jobs []J, again time.Duration, err error)
	// Do does a job. Its context outlives the loop's by Grace.
	Do func(ctx context.Context, job J) R
	// Settle writes results down. It is repeated until it succeeds, and keeps
	// nothing of the slice.
	Settle func(ctx context.Context, results []R) error
	// Batch is the most results that are settled at once.
	Batch int

	wake chan struct{}
	done chan R
}

// retry is how long the loop waits after its store failed.
const retry = time.Second

// linger is how long a result waits at most until a quarter of what is under
// way has finished: a transaction costs as much for one as for many.
const linger = 5 * time.Millisecond

// Init makes the loop ready for Wake, before Run.
func (l *Loop[J, R]) Init() {
	l.wake = make(chan struct{}, 1)
	l.done = make(chan R, max(l.Batch, 1))
}

// Wake makes the loop claim now. It never blocks.
func (l *Loop[J, R]) Wake() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Grace is how long work that is under way may take once the loop is told to stop.
const Grace = 20 * time.Second

// Run works until ctx ends; then it claims no more, lets what is under way
// finish, also a claim, settles it and returns, within Grace.
func (l *Loop[J, R]) Run(ctx context.Context) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(Grace, cancel) })
	defer stop()
	flying := 0
	timer := time.NewTimer(0)
	defer timer.Stop()
	var results []R
	for {
		results = results[:0]
		select {
		case r := <-l.done:
			results = l.gather(append(results, r), flying/4)
		case <-l.wake:
		case <-timer.C:
		case <-ctx.Done():
			l.drain(work, flying)
			return
		}
		results = l.collect(results)
		flying -= len(results)
		l.settle(work, results)
		if ctx.Err() != nil {
			continue
		}
		jobs, again, err := l.Claim(work)
		if err != nil {
			if ctx.Err() == nil {
				l.Log.Error("nothing can be claimed now", "error", err)
			}
			again = retry
		}
		for _, j := range jobs {
			flying++
			go l.do(work, j)
		}
		timer.Reset(again)
	}
}

func (l *Loop[J, R]) do(ctx context.Context, j J) {
	select {
	case l.done <- l.Do(ctx, j):
	case <-ctx.Done():
	}
}

// gather waits for results until there are n, or the first has lingered.
func (l *Loop[J, R]) gather(results []R, n int) []R {
	if n = min(n, l.Batch); n <= len(results) {
		return results
	}
	t := time.NewTimer(linger)
	defer t.Stop()
	for len(results) < n {
		select {
		case r := <-l.done:
			results = append(results, r)
		case <-t.C:
			return results
		}
	}
	return results
}

// collect takes what has finished meanwhile.
func (l *Loop[J, R]) collect(results []R) []R {
	for len(results) < l.Batch {
		select {
		case r := <-l.done:
			results = append(results, r)
		default:
			return results
		}
	}
	return results
}

func (l *Loop[J, R]) settle(ctx context.Context, results []R) {
	for failed := false; len(results) > 0; failed = true {
		err := l.Settle(ctx, results)
		if err == nil {
			return
		}
		if !failed {
			l.Log.Error("results cannot be written now; they are kept", "results", len(results), "error", err)
		}
		select {
		case <-time.After(retry):
		case <-ctx.Done():
			return
		}
	}
}

func (l *Loop[J, R]) drain(ctx context.Context, flying int) {
	for flying > 0 {
		select {
		case r := <-l.done:
			results := l.collect([]R{r})
			flying -= len(results)
			l.settle(ctx, results)
		case <-ctx.Done():
			return
		}
	}
}
