package outbox

import (
	"context"
	"sync"
	"time"

	"github.com/wxnotify/wxnotify"
)

// waiters holds those who wait for a message to come to rest.
type waiters struct {
	mu  sync.Mutex
	all map[string][]chan struct{}
}

func (w *waiters) init() { w.all = map[string][]chan struct{}{} }

func (w *waiters) add(id string) chan struct{} {
	c := make(chan struct{})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all[id] = append(w.all[id], c)
	return c
}

func (w *waiters) remove(id string, c chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.all[id]
	for i, have := range list {
		if have == c {
			w.all[id] = append(list[:i:i], list[i+1:]...)
			break
		}
	}
	if len(w.all[id]) == 0 {
		delete(w.all, id)
	}
}

func (w *waiters) tell(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.all[id] {
		close(c)
	}
	delete(w.all, id)
}

// tell passes on that a message changed, to those who wait if it came to rest.
func (b *Box) tell(r wxnotify.Rest) {
	if !r.State.AtRest() {
		return
	}
	b.rest.tell(r.ID)
	if b.opt.OnRest != nil {
		b.opt.OnRest(r)
	}
}

// another is how often a waiter looks for itself: another node may have sent.
const another = 500 * time.Millisecond

// Wait returns the message once it is at rest, or as it is when ctx ends.
func (b *Box) Wait(ctx context.Context, app, id string) (wxnotify.Message, error) {
	read := context.WithoutCancel(ctx)
	for {
		c := b.rest.add(id)
		m, err := b.store.Message(read, app, id)
		if err != nil || m.State.AtRest() {
			b.rest.remove(id, c)
			return m, err
		}
		select {
		case <-c:
		case <-time.After(another):
			b.rest.remove(id, c)
		case <-ctx.Done():
			b.rest.remove(id, c)
			return b.store.Message(read, app, id)
		}
	}
}
