package pump

import (
	"context"
	"errors"
	"sync"
)

// A Batcher makes one flush of what many callers bring at the same time: group
// commit. There is no timer and no goroutine of its own. Whoever arrives while
// a flush is under way waits for it and goes into the next one, together with
// everybody else who did; the first of them carries it out. If Flush panics,
// that one panics, and the others have an error.
type Batcher[T, R any] struct {
	// Flush does the work for all items and returns one result for each, in
	// their order. An error concerns them all.
	Flush func(ctx context.Context, items []T) ([]R, error)
	// Max bounds the items of one flush. One caller's items are never split,
	// so that a single caller may exceed it.
	Max int
	// Alone says that after this error each caller's items are to be flushed
	// by themselves, since one of them may have spoiled it for the others.
	Alone func(error) bool

	mu      sync.Mutex
	busy    bool
	waiting []*batch[T, R]
}

type batch[T, R any] struct {
	ctx     context.Context
	items   []T
	results []R
	err     error
	done    chan struct{} // closed: results and err are there
	lead    chan struct{} // closed: this caller is to flush
}

// Do flushes items with whatever else is waiting and returns their results.
// When ctx ends before the flush began, nothing was done; after that, Do waits
// for it: what is half done has no answer.
func (b *Batcher[T, R]) Do(ctx context.Context, items []T) ([]R, error) {
	me := &batch[T, R]{ctx: ctx, items: items, done: make(chan struct{}), lead: make(chan struct{})}
	b.mu.Lock()
	b.waiting = append(b.waiting, me)
	if !b.busy {
		b.busy = true
		close(me.lead)
	}
	b.mu.Unlock()
	select {
	case <-me.done:
	case <-me.lead:
		b.flush(b.take())
	case <-ctx.Done():
		if b.leave(me) {
			return nil, ctx.Err()
		}
		select {
		case <-me.done:
		case <-me.lead:
			b.flush(b.take())
		}
	}
	<-me.done
	return me.results, me.err
}

// take removes the next group from the queue.
func (b *Batcher[T, R]) take() []*batch[T, R] {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, sum := 0, 0
	for n < len(b.waiting) && (n == 0 || sum+len(b.waiting[n].items) <= b.Max) {
		sum += len(b.waiting[n].items)
		n++
	}
	group := b.waiting[:n:n]
	b.waiting = b.waiting[n:]
	return group
}

// leave removes a caller that has not been taken and does not lead.
func (b *Batcher[T, R]) leave(me *batch[T, R]) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, w := range b.waiting {
		if w != me {
			continue
		}
		select {
		case <-me.lead:
			return false
		default:
		}
		b.waiting = append(b.waiting[:i:i], b.waiting[i+1:]...)
		return true
	}
	return false
}

// errPanic is what the others of a group hear when Flush panics under the first.
var errPanic = errors.New("the flush panicked")

func (b *Batcher[T, R]) flush(group []*batch[T, R]) {
	defer b.hand()
	defer func() { // after a panic nobody may wait for ever
		for _, g := range group {
			select {
			case <-g.done:
			default:
				g.err = errPanic
				close(g.done)
			}
		}
	}()
	if len(group) == 1 {
		group[0].settle(b.Flush)
		return
	}
	var items []T
	for _, g := range group {
		items = append(items, g.items...)
	}
	results, err := b.Flush(context.WithoutCancel(group[0].ctx), items)
	if err != nil && b.Alone != nil && b.Alone(err) {
		for _, g := range group {
			g.settle(b.Flush)
		}
		return
	}
	for _, g := range group {
		if g.err = err; err == nil {
			g.results, results = results[:len(g.items):len(g.items)], results[len(g.items):]
		}
		close(g.done)
	}
}

func (g *batch[T, R]) settle(flush func(context.Context, []T) ([]R, error)) {
	defer close(g.done)
	g.err = errPanic // unless it returns
	g.results, g.err = flush(context.WithoutCancel(g.ctx), g.items)
}

// hand gives the lead to the first who waits.
func (b *Batcher[T, R]) hand() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		b.busy = false
		return
	}
	close(b.waiting[0].lead)
}
