package store

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
)

// Series reads what happened, a point for each step of a filter that was fitted
// (wxnotify.SeriesFilter.Fit), empty ones too; the first begins at f.From. It
// reads sums and no rows: a day by the minute is some ten thousand of them.
//
// A point that lies in the past may still change: a message that turns out to
// be delivered leaves the minute in which it was sent (wxnotify.Point).
func (s *Store) Series(ctx context.Context, f wxnotify.SeriesFilter) ([]wxnotify.Point, error) {
	points := make([]wxnotify.Point, f.Points())
	for i := range points {
		points[i].At = f.From.Add(time.Duration(i) * f.Step)
	}
	err := s.look(ctx, "read sums", func(ctx context.Context) error {
		return s.each(ctx, func(r scanner) error {
			var i int
			var kind string
			var n int64
			if err := r.Scan(&i, &kind, &n); err != nil || n == 0 {
				return err
			}
			put(&points[i], kind, n)
			return nil
		}, `select (r.slot - $1) / $2, r.kind, cast(sum(r.n) as bigint) from app a cross join rollup r
			where r.app = a.app and ($3 = '' or a.app = $4) and r.slot >= $5 and r.slot < $6 group by 1, 2`,
			ms(f.From), f.Step.Milliseconds(), f.App, f.App, ms(f.From), ms(f.To))
	})
	return points, err
}

// put is name backwards.
func put(p *wxnotify.Point, kind string, n int64) {
	kind, rest, _ := strings.Cut(kind, "/")
	of, more, _ := strings.Cut(rest, "/")
	switch kind {
	case sumAccepted:
		p.Accepted += n
	case sumErrcode:
		wxnotify.Tally(&p.Answers, of, n)
	case sumLatency:
		if i, err := strconv.Atoi(of); err == nil && i >= 0 && i < wxnotify.Buckets {
			p.Latency[i] += n
		}
	case sumCreated:
		wxnotify.Tally(&p.Created, wxnotify.Source(of), n)
	case sumUsed:
		wxnotify.Tally(&p.Used, wxnotify.Source(of), n)
	case sumDead:
		wxnotify.Tally(&p.Dead, wxnotify.Died{Source: wxnotify.Source(of), Cause: wxnotify.Cause(more)}, n)
	default:
		wxnotify.Tally(&p.Ended, wxnotify.Ended{State: wxnotify.State(kind), Reason: wxnotify.Reason(of)}, n)
	}
}

// foldSums folds the minutes of an app that are long ago to hours without a
// node, and forgets hours that are longer ago, a bite of each.
func (s *Store) foldSums(ctx context.Context, now wxnotify.Now, app string) error {
	walk := s.walks.at("sums", app)
	before := ms(now.Virtual.Add(-wxnotify.MinutesKept))
	before -= before % hour
	last, kind, n := walk.due, "", 0
	err := s.look(ctx, "fold sums", func(ctx context.Context) error {
		return s.each(ctx, func(r scanner) error {
			n++
			return r.Scan(&last, &kind)
		}, `select slot, kind from rollup where app = $1 and slot >= $2 and slot < $3 and (node <> '' or slot % 3600000 <> 0)
			order by slot, kind, node limit $4`, app, walk.due, before, bite)
	})
	if err != nil || n == 0 {
		return s.pruneSums(ctx, now, app, err)
	}
	err = s.do(ctx, "fold sums", engineLimit, func(w *work) error {
		w.tally.folded = true
		return w.each(func(r scanner) error {
			var k sum
			var n int64
			if err := r.Scan(&k.slot, &k.kind, &n); err != nil {
				return err
			}
			w.tally.add(app, k.slot-k.slot%hour, k.kind, "", "", n)
			return nil
		}, `delete from rollup where app = $1 and slot >= $2 and (slot, kind) <= ($3, $4) and (node <> '' or slot % 3600000 <> 0)
			returning slot, kind, n`, app, walk.due, last, kind)
	})
	if err == nil {
		s.walks.set("sums", app, position{due: last})
	}
	return s.pruneSums(ctx, now, app, err)
}

// pruneSums forgets the oldest hour of an app when its time is over, and folds
// the stock's rows when the names of many nodes have gathered in them.
func (s *Store) pruneSums(ctx context.Context, now wxnotify.Now, app string, err error) error {
	var slot, stocks int64
	if err == nil {
		err = s.look(ctx, "prune sums", func(ctx context.Context) error {
			return s.each(ctx, func(r scanner) error { return r.Scan(&slot, &stocks) },
				`select coalesce((select slot from rollup where app = $1 order by slot limit 1), $2),
					(select count(*) from (select 1 from stock where app = $3 and node <> '' limit $4) s)`, app, int64(far), app, bite)
		})
	}
	if over := ms(now.Virtual.Add(-wxnotify.HoursKept)); err != nil || slot >= over && stocks < bite {
		return err
	}
	return s.do(ctx, "prune sums", engineLimit, func(w *work) error {
		if _, err := w.exec(`delete from rollup where app = $1 and slot = $2 and slot < $3`, app, slot, ms(now.Virtual.Add(-wxnotify.HoursKept))); err != nil || stocks < bite {
			return err
		}
		w.tally.folded = true
		return w.each(func(r scanner) error {
			k := stockKey{app: app}
			var n int64
			if err := r.Scan(&k.source, &k.template, &k.ends, &n); err != nil {
				return err
			}
			w.tally.stocked(k, n)
			return nil
		}, `delete from stock where (app, source, template_id, ends, node) in (
			select app, source, template_id, ends, node from stock where app = $1 and node <> '' limit $2)
			returning source, template_id, ends, n`, app, bite)
	})
}
