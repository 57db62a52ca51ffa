//go:build unix

package chaos

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A tail copies the sandbox's log of calls while it grows: the sandbox keeps
// only the newest.
type tail struct {
	wx      *wechat
	effects atomic.Int64 // cards that calls made

	mu      sync.Mutex
	last    uint64
	calls   []Call
	fetches int
}

// run follows until ctx ends.
func (t *tail) run(ctx context.Context) error {
	for rest(ctx, 50*time.Millisecond) {
		if err := t.read(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// read copies what there is.
func (t *tail) read(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		calls, fetches, last, err := t.wx.calls(ctx, t.last)
		if err != nil {
			return err
		}
		if last == t.last {
			return nil
		}
		for _, c := range calls {
			if c.Effect {
				t.effects.Add(1)
			}
		}
		t.last, t.calls, t.fetches = last, append(t.calls, calls...), t.fetches+fetches
	}
}

func (t *tail) snapshot() []Call {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clip(t.calls)
}

// fetched is how many tokens were asked for.
func (t *tail) fetched() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.fetches
}
