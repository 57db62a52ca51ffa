package api

import (
	"context"
	"sync"
	"time"
)

// remember is how long a plain record is used without asking the database
// again: what another node changes is seen after that, if its word did not come
// before. A change on this node drops the record at once.
const remember = time.Second

// maxCached bounds a cache; it is emptied when it is full.
const maxCached = 10_000

// A cache remembers what load returned, for a second. Errors are not
// remembered. It is safe for use by many at once.
type cache[K comparable, V any] struct {
	load func(context.Context, K) (V, error)

	mu   sync.Mutex
	held map[K]held[V]
	gen  int // of the last drop: what was loaded before it is not kept
}

type held[V any] struct {
	value V
	until time.Time
}

func newCache[K comparable, V any](load func(context.Context, K) (V, error)) *cache[K, V] {
	return &cache[K, V]{load: load, held: map[K]held[V]{}}
}

func (c *cache[K, V]) get(ctx context.Context, k K) (V, error) {
	c.mu.Lock()
	h, ok := c.held[k]
	gen := c.gen
	c.mu.Unlock()
	asked := time.Now() // what comes back may be as old as that
	if ok && asked.Before(h.until) {
		return h.value, nil
	}
	v, err := c.load(ctx, k)
	if err != nil {
		return v, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if gen == c.gen {
		if len(c.held) >= maxCached {
			clear(c.held)
		}
		c.held[k] = held[V]{v, asked.Add(remember)}
	}
	return v, nil
}

// drop forgets everything.
func (c *cache[K, V]) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen++
	clear(c.held)
}
