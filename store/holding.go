package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
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
	h.UsersAt = c.at
	days := map[int64]int64{}
	for k, n := range c.users {
		if app == "" || app == k.app {
			h.Users += n
			days[k.ends] += n
		}
	}
	for _, ends := range slices.Sorted(maps.Keys(days)) {
		h.Leaving = append(h.Leaving, wxnotify.Leaving{Ends: at(ends), Users: days[ends]})
	}
	return h, nil
}

// Holdings is Holding of every app at once, by app, without Leaving.
func (s *Store) Holdings(ctx context.Context, now wxnotify.Now) (all map[string]wxnotify.Holding, err error) {
	err = s.look(ctx, "read all stocks", func(ctx context.Context) error {
		all = map[string]wxnotify.Holding{}
		return s.each(ctx, func(r scanner) error {
			var app string
			var l wxnotify.Lot
			var ends int64
			err := r.Scan(&app, &l.Source, &l.TemplateID, &ends, &l.N)
			h := all[app]
			if l.Ends = at(ends); l.N != 0 {
				h.Lots = append(h.Lots, l)
			}
			all[app] = h
			return err
		}, `select a.app, coalesce(s.source, ''), coalesce(s.template_id, ''), coalesce(s.ends, 0), cast(coalesce(sum(s.n), 0) as bigint)
			from app a left join stock s on s.app = a.app and s.ends >= $1
			group by a.app, s.source, s.template_id, s.ends order by a.app, s.source, s.template_id, s.ends`, ms(wxnotify.Day(now.Virtual)))
	})
	if err != nil {
		return nil, err
	}
	c := s.census.ask(s, now)
	users := map[string]int64{}
	for k, n := range c.users {
		users[k.app] += n
	}
	for app, h := range all {
		h.Users, h.UsersAt = users[app], c.at
		all[app] = h
	}
	return all, nil
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
	users   map[lastDay]int64
	at      time.Time // real; zero: never
	virtual time.Time
}

// A lastDay is the day on which a user's last permit ends.
type lastDay struct {
	app  string
	ends int64
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

func (s *Store) countUsers(now wxnotify.Now) (map[lastDay]int64, error) {
	users := map[lastDay]int64{}
	var openid, app string
	for {
		seen := 0
		err := s.look(s.ctx, "count users", func(ctx context.Context) error {
			from, of := openid, app
			return s.each(ctx, func(r scanner) error {
				var k lastDay
				var n int64
				err := r.Scan(&k.app, &k.ends, &n, &openid, &app)
				if seen += int(n); k.ends > 0 {
					users[k] += n
				}
				return err
			}, `with u as (select openid, app, max(till) as till from permit where (openid, app) > ($1, $2) group by openid, app order by openid, app limit $3)
				select app, case when till >= 253402300799000 then till when till > $4 then (till + 28800000) / 86400000 * 86400000 - 28800000 else 0 end as ends, count(*),
					(select openid from u order by openid desc, app desc limit 1), (select app from u order by openid desc, app desc limit 1)
				from u group by app, ends`, from, of, censusStretch, fresh(now))
		})
		if err != nil || seen < censusStretch {
			return users, err
		}
	}
}

// holderStretches is how many stretches one page of Holders goes through at
// most: half a second.
const holderStretches = 25

// Holders lists users who can be reached, in the order of their openids. A page
// may be shorter than the limit where many others are between two that belong
// to the list; the cursor is "" after the last.
func (s *Store) Holders(ctx context.Context, now wxnotify.Now, f wxnotify.HolderFilter) (page []wxnotify.Holder, next string, err error) {
	sum := s.hashed("holders", f.App, fmt.Sprint(ms(f.EndsFrom), ms(f.EndsTo), f.Lasting))
	place, err := s.openCursor(f.Cursor, sum)
	if err != nil {
		return nil, "", err
	}
	openid, app, _ := strings.Cut(place, " ")
	limit := cmp.Or(f.Limit, 50)
	for stretch, n := 500, 0; n < holderStretches; stretch, n = min(4*stretch, censusStretch), n+1 {
		seen := 0
		err := s.look(ctx, "list users in stock", func(ctx context.Context) error {
			return s.each(ctx, func(r scanner) error {
				var h wxnotify.Holder
				var till int64
				if err := r.Scan(&h.To, &h.App, &till, &h.N); err != nil || len(page) > limit {
					return err
				}
				seen, openid, app = seen+1, h.To, h.App
				if h.Ends = at(till); till > fresh(now) && f.Holds(h) {
					page = append(page, h)
				}
				return nil
			}, `select openid, app, max(till), sum(case when till > $1 then 1 else 0 end) from permit where (openid, app) > ($2, $3)
				group by openid, app order by openid, app limit $4`, fresh(now), openid, app, stretch)
		})
		switch {
		case err != nil:
			return nil, "", err
		case len(page) > limit:
			last := page[limit-1]
			return page[:limit], s.cursor(last.To+" "+last.App, sum), nil
		case seen < stretch:
			return page, "", nil
		}
	}
	return page, s.cursor(openid+" "+app, sum), nil
}
