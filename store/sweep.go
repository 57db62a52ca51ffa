package store

import (
	"context"
	"sync"
	"time"

	"github.com/wxnotify/wxnotify"
)

// Sweep moves on what only time moves, in transactions of at most n rows each:
// waiting messages past their deadline expire, holds that passed in silence are
// decided, messages wait no longer when a permit is there after all, deadlines
// pass in paused apps too, what was parked for a pause that is gone comes back,
// permits die, sessions and records end, persons are forgotten. It returns what it moved; n of them or
// more mean that there may be more to do.
func (s *Store) Sweep(ctx context.Context, now wxnotify.Now, n int) (rests []wxnotify.Rest, err error) {
	s.saw(now)
	n = min(n, bite)
	for _, part := range []func(context.Context, wxnotify.Now, int) ([]wxnotify.Rest, error){
		s.sweepErasures, s.sweepHolds, s.sweepWaiting, s.sweepPaused, s.sweepMatches, s.sweepParked,
	} {
		if len(rests) >= n {
			return rests, nil
		}
		moved, err := part(ctx, now, n-len(rests))
		rests = append(rests, moved...)
		if err != nil {
			return rests, err
		}
	}
	return rests, s.sweepRecords(ctx, now, n)
}

// decide reads messages, lets f decide about each and writes what it decided.
func (s *Store) decide(ctx context.Context, now wxnotify.Now, f func(*changes, *item) bool, text string, args ...any) (rests []wxnotify.Rest, err error) {
	var c changes
	err = s.do(ctx, "sweep", engineLimit, func(w *work) error {
		c, rests = changes{now: now}, nil
		err := w.each(func(r scanner) error {
			it, err := scanItem(r)
			if err == nil && f(&c, it) {
				rests = append(rests, it.m.Rest())
			}
			return err
		}, `select `+itemColumns+text+w.skipQ, args...)
		if err != nil {
			return err
		}
		_, err = c.write(w)
		return err
	})
	if err == nil {
		s.rouseFor(ctx, now, &c)
	}
	return rests, err
}

func expire(c *changes, it *item) bool {
	c.end(it, wxnotify.Expired, wxnotify.ReasonDeadline)
	return true
}

func (s *Store) sweepWaiting(ctx context.Context, now wxnotify.Now, n int) ([]wxnotify.Rest, error) {
	return s.decide(ctx, now, expire, ` from app a cross join queue q`+itemTables+`
		where q.app = a.app and q.state = 'waiting' and q.due <= $1 limit $2`, ms(now.Virtual), n)
}

func (s *Store) sweepHolds(ctx context.Context, now wxnotify.Now, n int) ([]wxnotify.Rest, error) {
	return s.decide(ctx, now, func(c *changes, it *item) bool {
		t := wxnotify.Try{Message: it.m, Unresolved: true}
		if it.permit != nil {
			t.Permit = it.permit.Permit
		}
		c.apply(it, nil, it.permit, wxnotify.Overdue(t, now.Virtual), now.Real, time.Time{})
		return true
	}, ` from app a cross join queue q`+itemTables+`
		where q.app = a.app and q.state = 'unsure' and q.mode = 'hold' and q.due <= $1 limit $2`, ms(now.Virtual), n)
}

// sweepPaused expires messages of apps that are paused as a whole: nobody
// claims there. It walks through their queues a stretch at a time.
func (s *Store) sweepPaused(ctx context.Context, now wxnotify.Now, n int) (rests []wxnotify.Rest, err error) {
	var apps []string
	err = s.look(ctx, "sweep", func(ctx context.Context) error {
		return s.each(ctx, func(r scanner) error {
			var app string
			err := r.Scan(&app)
			apps = append(apps, app)
			return err
		}, `select app from pause where scope = 'all' and until > $1 order by app`, ms(now.Real))
	})
	for _, app := range apps {
		for _, state := range []wxnotify.State{wxnotify.Queued, wxnotify.Scheduled} {
			if err != nil || len(rests) >= n {
				return rests, err
			}
			var moved []wxnotify.Rest
			moved, err = s.sweepStretch(ctx, now, app, state, n-len(rests))
			rests = append(rests, moved...)
		}
	}
	return rests, err
}

// stretch is how many rows a walk looks at in one sweep.
const stretch = 2000

func (s *Store) sweepStretch(ctx context.Context, now wxnotify.Now, app string, state wxnotify.State, n int) ([]wxnotify.Rest, error) {
	walk := s.walks.at("paused", app+"/"+string(state))
	type row struct {
		id  string
		due int64
	}
	var last row
	var past [][]string
	seen := 0
	err := s.look(ctx, "sweep", func(ctx context.Context) error {
		return s.each(ctx, func(r scanner) error {
			var expires int64
			if err := r.Scan(&last.id, &last.due, &expires); err != nil {
				return err
			}
			seen++
			if expires <= ms(now.Virtual) && len(past) < n {
				past = append(past, []string{last.id})
			}
			return nil
		}, `select q.id, q.due, m.expires_at from queue q join message m on m.app = q.app and m.id = q.id
			where q.app = $1 and q.state = '`+string(state)+`' and (q.due, q.id) > ($2, $3) order by q.due, q.id limit $4`,
			app, walk.due, walk.id, stretch)
	})
	if err != nil {
		return nil, err
	}
	if len(past) == n { // come back for the rest of this stretch
		last.id, last.due = walk.id, walk.due
	}
	if seen < stretch && len(past) < n {
		last = row{}
	}
	s.walks.set("paused", app+"/"+string(state), position{last.due, last.id})
	if len(past) == 0 {
		return nil, nil
	}
	return s.decide(ctx, now, expire, ` from `+s.base.dialect().unpack("$1", "id")+` u cross join queue q`+itemTables+`
		where q.app = $2 and q.id = u.id and q.state = '`+string(state)+`' and m.expires_at <= $3`, pack(past), app, ms(now.Virtual))
}

// sweepMatches is the net under Wake: messages that wait although a permit is
// there.
func (s *Store) sweepMatches(ctx context.Context, now wxnotify.Now, n int) ([]wxnotify.Rest, error) {
	apps, err := s.appIDs(ctx)
	if err != nil {
		return nil, err
	}
	var users []user
	for _, app := range apps {
		walk, last, seen := s.walks.at("waiting", app), position{}, 0
		err := s.look(ctx, "sweep", func(ctx context.Context) error {
			return s.each(ctx, func(r scanner) error {
				var openid string
				seen++
				err := r.Scan(&last.id, &last.due, &openid)
				users = append(users, user{app, openid})
				return err
			}, `select id, due, openid from queue where app = $1 and state = 'waiting' and (due, id) > ($2, $3) order by due, id limit $4`,
				app, walk.due, walk.id, stretch)
		})
		if err != nil {
			return nil, err
		}
		if seen < stretch {
			last = position{}
		}
		s.walks.set("waiting", app, last)
	}
	return s.rouse(ctx, now, users)
}

func (s *Store) appIDs(ctx context.Context) (ids []string, err error) {
	err = s.look(ctx, "read apps", func(ctx context.Context) error {
		return s.each(ctx, func(r scanner) error {
			var id string
			err := r.Scan(&id)
			ids = append(ids, id)
			return err
		}, `select app from app order by app`)
	})
	return ids, err
}

// sweepParked brings back what was parked for a pause that is gone.
func (s *Store) sweepParked(ctx context.Context, now wxnotify.Now, _ int) (rests []wxnotify.Rest, err error) {
	if err := s.do(ctx, "sweep", engineLimit, func(w *work) error {
		return w.endPauses(now)
	}); err != nil {
		return nil, err
	}
	gone, err := s.parkedForNothing(ctx)
	for _, k := range gone {
		if err != nil {
			break
		}
		var n int
		if n, err = s.unpark(ctx, k[0], k[1]); n > 0 {
			rests = append(rests, wxnotify.Rest{App: k[0], State: wxnotify.Queued})
		}
	}
	return rests, err
}

// parkedForNothing finds apps and scopes that messages are parked for and that
// are not paused. It leaps from scope to scope: there are few of them, however
// many messages are parked.
func (s *Store) parkedForNothing(ctx context.Context) (gone [][2]string, err error) {
	err = s.look(ctx, "sweep", func(ctx context.Context) error {
		apps, err := s.appIDs(ctx)
		for _, app := range apps {
			for scope := ""; err == nil; {
				last, paused := scope, 0
				err = s.each(ctx, func(r scanner) error { return r.Scan(&scope, &paused) },
					`select q.parked, (select count(*) from pause where pause.app = q.app and pause.scope = q.parked)
					from queue q where q.app = $1 and q.parked > $2 and q.parked <> '' order by q.parked limit 1`, app, last)
				if scope == last {
					break
				}
				if paused == 0 {
					gone = append(gone, [2]string{app, scope})
				}
			}
		}
		return err
	})
	return gone, err
}

// recordsEvery is how often records are swept, on either clock. Nobody waits
// for their end, and each app costs a few statements.
const recordsEvery = time.Minute

// sweepRecords ends what nobody waits for.
func (s *Store) sweepRecords(ctx context.Context, now wxnotify.Now, n int) error {
	if !s.walks.turn(now) {
		return nil
	}
	for _, text := range []string{
		`delete from session where hash in (select hash from session where expires_at <= $1 order by expires_at limit $2)`,
		`delete from login_code where (app, hash) in (select app, hash from login_code where until <= $1 order by until limit $2)`,
	} {
		if err := s.do(ctx, "sweep", engineLimit, func(w *work) error {
			_, err := w.exec(text, ms(now.Virtual), n)
			return err
		}); err != nil {
			return err
		}
	}
	if err := s.sweepNodes(ctx, now, n); err != nil {
		return err
	}
	apps, err := s.appIDs(ctx)
	for _, app := range apps {
		if err != nil {
			return err
		}
		if err = s.sweepPermits(ctx, now, app); err == nil {
			err = s.foldSums(ctx, now, app)
		}
	}
	if err == nil {
		err = s.sweepShortages(ctx, now)
	}
	if err != nil {
		return err
	}
	more, err := s.sweepOld(ctx, now, apps)
	if more {
		s.walks.hurry()
	}
	return err
}

// sweepPermits lets free permits die whose time is over. It walks through them
// in the order of their deposit, up to those that cannot be over yet.
func (s *Store) sweepPermits(ctx context.Context, now wxnotify.Now, app string) error {
	lasts := max(wxnotify.Rules[wxnotify.Form].Lasts, wxnotify.Rules[wxnotify.Payment].Lasts)
	walk, last := s.walks.at("permits", app), ""
	err := s.do(ctx, "sweep", engineLimit, func(w *work) error {
		last = ""
		_, err := w.one([]any{&last}, `select coalesce(max(id), '') from (select id from permit where app = $1 and id > $2 and id < $3 order by id limit $4) p`,
			app, walk.id, idAt(wxnotify.PermitPrefix, now.Virtual.Add(-lasts)), bite)
		if err != nil || last == "" {
			return err
		}
		_, err = w.bury(now, wxnotify.PermitFree, `update permit set state = 'dead', cause = 'expired', till = 0
			where app = $1 and id > $2 and id <= $3 and state = 'free' and expires_at <= $4`, app, walk.id, last, ms(now.Virtual))
		return err
	})
	if err == nil && last != "" {
		s.walks.set("permits", app, position{id: last})
	}
	return err
}

// walks remember how far the sweeps came through long lists. Forgotten at a
// restart, they begin anew.
type walks struct {
	mu      sync.Mutex
	pos     map[[2]string]position
	records wxnotify.Now // when they were swept last
}

// turn says whether it is time to sweep records again.
func (w *walks) turn(now wxnotify.Now) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.Real.Sub(w.records.Real) < recordsEvery && now.Virtual.Sub(w.records.Virtual) < recordsEvery {
		return false
	}
	w.records = now
	return true
}

// hurry lets records be swept at the next opportunity: there are more.
func (w *walks) hurry() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.records = wxnotify.Now{}
}

type position struct {
	due int64
	id  string
}

func (w *walks) at(what, of string) position {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pos[[2]string{what, of}]
}

func (w *walks) set(what, of string, p position) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pos == nil {
		w.pos = map[[2]string]position{}
	}
	w.pos[[2]string{what, of}] = p
}
