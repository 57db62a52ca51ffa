package store

import (
	"context"

	"github.com/wxnotify/wxnotify"
)

// sweepShortages compares what is in stock with what apps want to have, and
// tells of a shortage once, until it is over. What is in stock is known by
// count, so this costs nothing where permits come and go.
//
// A row stands for each kind of permit that an app has had since it set a
// threshold: one that it never had is not missed.
func (s *Store) sweepShortages(ctx context.Context, now wxnotify.Now) error {
	kinds, err := s.shortages(ctx, now)
	for len(kinds) > 0 && err == nil {
		n := min(len(kinds), bite)
		err = s.tellShortages(ctx, now, kinds[:n])
		kinds = kinds[n:]
	}
	return err
}

// A kindOf is a kind of permit of an app, and whether it was low before.
type kindOf struct {
	wxnotify.Shortage
	known, low bool
}

// changes says whether anything is to be written down about it.
func (k kindOf) changes() bool {
	switch {
	case k.Threshold == 0:
		return k.known
	case !k.known:
		return k.Free > 0
	}
	return k.low != k.Lasts(k.low)
}

// shortages returns the kinds about which something changes.
func (s *Store) shortages(ctx context.Context, now wxnotify.Now) (kinds []kindOf, err error) {
	err = s.look(ctx, "compare the stock", func(ctx context.Context) error {
		kinds = nil
		return s.each(ctx, func(r scanner) error {
			var k kindOf
			err := r.Scan(&k.App, &k.TemplateID, &k.Threshold, &k.Free, &k.known, &k.low)
			if err == nil && k.changes() {
				kinds = append(kinds, k)
			}
			return err
		}, `select u.app, u.template_id, u.stock_low, cast(sum(u.n) as bigint), max(u.known), max(u.low) from (
				select a.app, s.template_id, a.stock_low, s.n, 0 as known, 0 as low from app a cross join stock s
					where a.stock_low > 0 and s.app = a.app and s.source <> $1 and s.ends >= $2
				union all
				select a.app, l.template_id, a.stock_low, 0, 1, l.low from app a cross join shortage l where l.app = a.app
			) u group by u.app, u.template_id, u.stock_low`, string(wxnotify.Longterm), ms(wxnotify.Day(now.Virtual)))
	})
	return kinds, err
}

// tellShortages writes down what changed and tells of what began. Another node
// may see the same at the same time: whoever changes the row tells.
func (s *Store) tellShortages(ctx context.Context, now wxnotify.Now, kinds []kindOf) error {
	var began []wxnotify.Shortage
	err := s.do(ctx, "tell of shortages", engineLimit, func(w *work) error {
		began = nil
		var events []told
		for _, k := range kinds {
			low := k.Threshold > 0 && k.Lasts(k.low)
			n, err := w.shortage(&k, low)
			if err != nil {
				return err
			}
			if n == 1 && low && !k.low {
				began = append(began, k.Shortage)
				events = append(events, told{wxnotify.StockLow, k.App, "", k.App + "/stock/" + k.TemplateID, "", func() []byte { return wxnotify.ShortageData(k.Shortage) }})
			}
		}
		return w.tell(now.Real, events...)
	})
	if err != nil {
		return err
	}
	for _, b := range began {
		s.log.Warn("an app runs out of permits", "app", b.App, "template", b.TemplateID, "free", b.Free, "stock_low", b.Threshold)
	}
	return nil
}

// shortage writes one row, if nobody else has.
func (w *work) shortage(k *kindOf, low bool) (int64, error) {
	switch {
	case k.Threshold == 0:
		return w.exec(`delete from shortage where app = $1 and template_id = $2`, k.App, k.TemplateID)
	case !k.known:
		return w.exec(`insert into shortage (app, template_id, low) values ($1, $2, $3) on conflict do nothing`, k.App, k.TemplateID, flag(low))
	}
	return w.exec(`update shortage set low = $1 where app = $2 and template_id = $3 and low = $4`, flag(low), k.App, k.TemplateID, flag(k.low))
}
