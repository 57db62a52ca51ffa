//go:build unix

package chaos

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A tail copies the sandbox's logs of calls and of events while they grow: the
// sandbox keeps only the newest.
type tail struct {
	wx      *wechat
	effects atomic.Int64 // cards that calls made

	mu        sync.Mutex
	last      uint64
	calls     []Call
	fetches   int
	lastEvent uint64
	events    []Event
	accepted  map[string]bool // by who accepted: whether a server said that it knows
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
	events, last, err := t.wx.events(ctx, t.lastEvent)
	if err != nil {
		return err
	}
	t.lastEvent, t.events = last, append(t.events, events...)
	for _, e := range events {
		if e.Kind == "popup" {
			if t.accepted == nil {
				t.accepted = map[string]bool{}
			}
			t.accepted[e.To] = e.Answered
		}
	}
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

// position is how far it has read.
func (t *tail) position() (call, event uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last, t.lastEvent
}

// told says whether WeChat is done with telling of a user's acceptance, and
// whether a server said that it knows.
func (t *tail) told(openid string) (over, answered bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	answered, over = t.accepted[openid]
	return over, answered
}

// fetched is how many tokens were asked for.
func (t *tail) fetched() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.fetches
}
