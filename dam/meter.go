// Package dam says where a request comes from, and whether that place has sent
// too many: what one caller sends must not drown the others. It counts in
// memory, per node, and forgets when the node ends: it is a dam, not a bill.
package dam

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// least is how many buckets a meter may have before it looks for what it can
// forget.
const least = 10_000

// A Meter holds a token bucket for each of its names. It is safe for use by
// many at once.
type Meter struct {
	mu   sync.Mutex
	m    map[string]*rate.Limiter
	full int // how many there may be before the next sweep
}

// NewMeter makes a Meter that knows no name yet.
func NewMeter() *Meter { return &Meter{m: map[string]*rate.Limiter{}, full: least} }

// Take takes one token out of the bucket of this name. When there is none it
// takes nothing and says how long it is until there is one; else zero.
func (m *Meter) Take(name string, per rate.Limit, burst int) (wait time.Duration) {
	r := m.bucket(name, per, burst).Reserve()
	if wait = r.Delay(); wait > 0 {
		r.Cancel()
	}
	return wait
}

func (m *Meter) bucket(name string, per rate.Limit, burst int) *rate.Limiter {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.m[name]
	if l == nil || l.Limit() != per {
		if len(m.m) >= m.full {
			m.sweep()
		}
		l = rate.NewLimiter(per, burst)
		m.m[name] = l
	}
	return l
}

// sweep forgets the buckets that are full again, which loses nothing. The next
// one comes when there are twice as many: each taker pays for a few.
func (m *Meter) sweep() {
	now := time.Now()
	for name, l := range m.m {
		if l.TokensAt(now) >= float64(l.Burst()) {
			delete(m.m, name)
		}
	}
	m.full = max(least, 2*len(m.m))
}
