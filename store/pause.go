package store

import (
	"context"
	"time"

	"github.com/wxnotify/wxnotify"
)

const pauseColumns = `app, scope, reason, detail, since, until, probe`

// Pauses returns what is paused of an app, or of all apps ("") at once. One that
// has just ended is still there until the next sweep.
func (s *Store) Pauses(ctx context.Context, app string) ([]wxnotify.Pause, error) {
	var ps []wxnotify.Pause
	which, args := ` where app = $1 order by scope`, []any{app}
	if app == "" {
		which, args = ` order by app, scope`, nil
	}
	err := s.look(ctx, "read pauses", func(ctx context.Context) error {
		return s.each(ctx, func(r scanner) error {
			p, err := scanPause(r)
			ps = append(ps, p)
			return err
		}, `select `+pauseColumns+` from pause`+which, args...)
	})
	return ps, err
}

func scanPause(r scanner) (p wxnotify.Pause, err error) {
	var since, until, probe int64
	err = r.Scan(&p.App, &p.Scope, &p.Reason, &p.Detail, &since, &until, &probe)
	p.Since, p.Until, p.Probe = at(since), at(until), at(probe)
	return p, err
}

// ByOperator is the reason of a pause that a person ordered. WeChat's answers
// do not change such a pause.
const ByOperator = "operator"

// PutPause pauses a part of an app, in place of what paused the same part
// before.
func (s *Store) PutPause(ctx context.Context, p wxnotify.Pause) error {
	return s.do(ctx, "pause", doorLimit, func(w *work) error { return w.putPause(p) })
}

func (w *work) putPause(p wxnotify.Pause) error {
	n, err := w.exec(`insert into pause (`+pauseColumns+`) values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
		p.App, p.Scope, p.Reason, p.Detail, ms(p.Since), end(p.Until), ms(p.Probe))
	switch {
	case err != nil:
		return err
	case n == 1: // later ones of the same part are no news
		return w.tellPause(p.Since, wxnotify.AppPaused, &p)
	}
	_, err = w.exec(`update pause set reason = $1, detail = $2, since = $3, until = $4, probe = $5
		where app = $6 and scope = $7 and (1 = $8 or reason <> $9)`,
		p.Reason, p.Detail, ms(p.Since), end(p.Until), ms(p.Probe), p.App, p.Scope, flag(p.Reason == ByOperator), ByOperator)
	return err
}

// endPause ends a pause that lasts no longer than until. It says whether there
// was one.
func (w *work) endPause(real time.Time, app, scope string, until int64) (bool, error) {
	n, err := w.exec(`delete from pause where app = $1 and scope = $2 and until <= $3`, app, scope, until)
	if err != nil || n == 0 {
		return false, err
	}
	return true, w.tellPause(real, wxnotify.AppResumed, &wxnotify.Pause{App: app, Scope: scope})
}

// endPauses ends those whose time is over.
func (w *work) endPauses(now wxnotify.Now) error {
	var over []wxnotify.Pause
	err := w.each(func(r scanner) error {
		p, err := scanPause(r)
		over = append(over, p)
		return err
	}, `select `+pauseColumns+` from pause where until <= $1`, ms(now.Real))
	for i := range over {
		if err == nil {
			_, err = w.endPause(now.Real, over[i].App, over[i].Scope, ms(now.Real))
		}
	}
	return err
}

// Resume ends a pause and brings back what was parked for it. It says whether
// there was one.
func (s *Store) Resume(ctx context.Context, app, scope string) (was bool, err error) {
	err = s.do(ctx, "resume", doorLimit, func(w *work) error {
		was, err = w.endPause(time.Now(), app, scope, far)
		return err
	})
	if err != nil {
		return false, err
	}
	// What fails here is found by the sweep.
	for n := bite; n == bite && err == nil; {
		n, err = s.unpark(ctx, app, scope)
	}
	return was, err
}

// bite is how many rows bulk work moves at once, so that accept and settle
// never wait for it long.
const bite = 500

// unpark brings parked messages back, one bite of them.
func (s *Store) unpark(ctx context.Context, app, scope string) (n int, err error) {
	err = s.do(ctx, "unpark", doorLimit, func(w *work) error {
		k, err := w.exec(`update queue set parked = '', due = 0 where app = $1 and id in (
			select id from queue where app = $2 and parked = $3 and parked <> '' order by id limit $4`+w.skip+`)`,
			app, app, scope, bite)
		n = int(k)
		return err
	})
	return n, err
}
