package store

import (
	"context"
	"sync"
	"time"

	"github.com/wxnotify/wxnotify"
)

// Depths says how much of each app is not at rest. Counting a million messages
// takes a fraction of a second; it is done at most for a twentieth of the time,
// and in between the answer is that of before.
func (s *Store) Depths(ctx context.Context) ([]wxnotify.Depth, error) {
	return s.depths.get(func() (ds []wxnotify.Depth, err error) {
		err = s.look(ctx, "count what is queued", func(ctx context.Context) error {
			ds = nil
			return s.each(ctx, func(r scanner) error {
				var d wxnotify.Depth
				var oldest string
				var due int64
				err := r.Scan(&d.App, &d.State, &d.N, &oldest, &due)
				d.Oldest, d.Due = wxnotify.IDTime(oldest), at(due)
				ds = append(ds, d)
				return err
			}, `select app, state, count(*), min(id), min(due) from queue
				where state = 'scheduled' or state = 'waiting' or state = 'queued' or state = 'sending' or state = 'unsure'
				group by app, state order by app, state`)
		})
		return ds, err
	})
}

// Lags says what the webhooks of each app still have to be told. One that is off
// waits for nothing. It is counted as rarely as Depths.
func (s *Store) Lags(ctx context.Context) ([]wxnotify.Lag, error) {
	return s.lags.get(func() (all []wxnotify.Lag, err error) {
		err = s.look(ctx, "count what webhooks wait for", func(ctx context.Context) error {
			all = nil
			return s.each(ctx, func(r scanner) error {
				var l wxnotify.Lag
				var oldest int64
				err := r.Scan(&l.App, &l.N, &oldest)
				l.Oldest = at(oldest)
				all = append(all, l)
				return err
			}, `select n.app, count(*), min(n.created_at) from webhook h cross join notice n
				where h.off = '' and n.webhook = h.id and n.state = 'pending' group by n.app order by n.app`)
		})
		return all, err
	})
}

// A gauge remembers what was dear to find out, for as long as it pays. All who
// ask meanwhile wait for the one who looks.
type gauge[T any] struct {
	mu   sync.Mutex
	last T
	at   time.Time
	took time.Duration
}

const (
	gaugeShare = 20
	gaugeEvery = time.Second
)

func (g *gauge[T]) get(look func() (T, error)) (T, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.at.IsZero() && time.Since(g.at) < max(gaugeEvery, gaugeShare*g.took) {
		return g.last, nil
	}
	began := time.Now()
	v, err := look()
	if err != nil {
		return v, err
	}
	g.last, g.at, g.took = v, time.Now(), time.Since(began)
	return v, nil
}
