package store

import (
	"context"
	"sync"
	"time"

	"github.com/wxnotify/wxnotify"
)

// Holding says what an app has in stock, "" for all apps together. The permits
// are exact, and cost no more with a million of them than with ten: they are
// counted as they come and go. The users are counted now and then, in the
// background (wxnotify.Holding); the first who asks waits for that for a second.
func (s *Store) Holding(ctx context.Context, now wxnotify.Now, app string) (h wxnotify.Holding, err error) {
	err = s.look(ctx, "read the stock", func(ctx context.Context) error {
		return s.each(ctx, func(r scanner) error {
			var l wxnotify.Lot
			var ends int64
			err := r.Scan(&l.Source, &l.TemplateID, &ends, &l.N)
			if l.Ends = at(ends); l.N != 0 {
				h.Lots = append(h.Lots, l)
			}
			return err
		}, `select s.source, s.template_id, s.ends, cast(sum(s.n) as bigint) from app a cross join stock s
			where s.app = a.app and ($1 = '' or a.app = $2) and s.ends >= $3
			group by s.source, s.template_id, s.ends order by s.source, s.template_id, s.ends`,
			app, app, ms(wxnotify.Day(now.Virtual)))
	})
	if err != nil {
		return h, err
	}
	c := s.census.ask(s, now)
	if h.UsersAt = c.at; app != "" {
		h.Users = c.users[app]
		return h, nil
	}
	for _, n := range c.users {
		h.Users += n
	}
	return h, nil
}

// A census counts the users who hold permits. It walks through an index that
// begins with the person, so it needs no memory for them and finds each once;
// whether a permit is free or reserved does not stand there.
type census struct {
	mu      sync.Mutex
	last    headcount
	took    time.Duration
	began   time.Time     // the run under way
	running chan struct{} // closed when it is over
}

type headcount struct {
	users   map[string]int64 // by app
	at      time.Time        // real; zero: never
	virtual time.Time
}

const (
	censusShare = 50          // of the time, at most one part in so many
	censusEvery = time.Second // at most
	censusFirst = time.Second // is waited for
	censusLeap  = time.Hour   // of the virtual clock makes the last one old
)

// ask returns the last count, and begins another if it is time.
func (c *census) ask(s *Store, now wxnotify.Now) headcount {
	c.mu.Lock()
	running := c.running
	old := now.Real.Sub(c.last.at) >= max(censusEvery, censusShare*c.took) || now.Virtual.Sub(c.last.virtual) >= censusLeap || now.Real.Before(c.last.at)
	if running == nil && old && s.ctx.Err() == nil {
		running = make(chan struct{})
		c.running, c.began = running, time.Now()
		s.wait.Go(func() { c.run(s, now, running) })
	}
	last, patience := c.last, censusFirst-time.Since(c.began)
	c.mu.Unlock()
	if !last.at.IsZero() || running == nil {
		return last
	}
	select {
	case <-running:
	case <-time.After(patience):
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

func (c *census) run(s *Store, now wxnotify.Now, done chan struct{}) {
	defer close(done)
	began := time.Now()
	users, err := s.countUsers(now)
	if err != nil && s.ctx.Err() == nil {
		s.log.Warn("the users in stock could not be counted", "error", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running, c.took = nil, time.Since(began)
	if err == nil {
		c.last = headcount{users: users, at: now.Real, virtual: now.Virtual}
	}
}

// censusStretch is how many users one statement counts: some milliseconds.
const censusStretch = 20_000

func (s *Store) countUsers(now wxnotify.Now) (map[string]int64, error) {
	users := map[string]int64{}
	var openid, app string
	for {
		seen := 0
		err := s.look(s.ctx, "count users", func(ctx context.Context) error {
			from, of := openid, app
			return s.each(ctx, func(r scanner) error {
				var of string
				var n, all int64
				err := r.Scan(&of, &n, &all, &openid, &app)
				users[of] += n
				seen += int(all)
				return err
			}, `with u as (select openid, app, max(till) as till from permit where (openid, app) > ($1, $2) group by openid, app order by openid, app limit $3)
				select app, sum(case when till > $4 then 1 else 0 end), count(*),
					(select openid from u order by openid desc, app desc limit 1), (select app from u order by openid desc, app desc limit 1)
				from u group by app`, from, of, censusStretch, fresh(now))
		})
		if err != nil || seen < censusStretch {
			return users, err
		}
	}
}
