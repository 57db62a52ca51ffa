package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/wxnotify/wxnotify"
)

// Permits returns a page of permits, and the cursor of the next one. Codes are
// not in it. A page may be shorter than the limit, as of Messages.
func (s *Store) Permits(ctx context.Context, f wxnotify.PermitFilter) ([]wxnotify.Permit, string, error) {
	sum := s.hashed("permits", f.App, f.To, string(f.Source), string(f.State), f.TemplateID, string(f.Channel),
		fmt.Sprint(ms(f.EndsFrom), ms(f.EndsTo), f.Lasting, !f.Usable.IsZero()))
	before, err := s.openCursor(f.Cursor, sum)
	if err != nil {
		return nil, "", err
	}
	var page []wxnotify.Permit
	stopped := ""
	enough := time.Now().Add(s.stride.lasts)
	err = s.look(ctx, "list permits", func(ctx context.Context) error {
		apps, err := s.listApps(ctx, f.App)
		if err != nil {
			return err
		}
		for _, app := range apps {
			x := leg{permitWay(app, f), before, "", cmp.Or(f.Limit, 50) + 1}
			_, at, err := s.strides(ctx, x, enough, func(x leg) (n int, err error) {
				q := s.permitsMatching(f, &x)
				err = s.each(ctx, func(r scanner) error {
					p, err := scanPermit(r)
					page = append(page, p.Permit)
					n++
					return err
				}, `select `+permitColumns+q.b.String(), q.args...)
				return n, err
			})
			if err != nil {
				return err
			}
			stopped = max(stopped, at)
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	slices.SortFunc(page, func(a, b wxnotify.Permit) int {
		if rising(f) {
			return cmp.Compare(a.ID, b.ID)
		}
		return -cmp.Compare(a.ID, b.ID)
	})
	page, next := cutAt(s, page, stopped, f.Limit, sum, func(p wxnotify.Permit) string { return p.ID })
	return page, next, nil
}

// rising says whether a list of permits is the oldest first.
func rising(f wxnotify.PermitFilter) bool { return !f.EndsFrom.IsZero() }

// permitWay is the way of a list of permits. Those of one user are few, and
// those that end in a span of time are near to each other.
func permitWay(app string, f wxnotify.PermitFilter) way {
	asks := f.Source != "" || f.State != "" || f.TemplateID != "" || f.Channel != "" || !f.Usable.IsZero() || f.Lasting
	return way{table: `permit p`, where: `p.app = ?`, args: []any{app}, key: `p.id`, all: rising(f) || f.To != "" || !asks}
}

// permitsMatching writes a leg of a list of permits.
func (s *Store) permitsMatching(f wxnotify.PermitFilter, x *leg) *where {
	q, order := new(where), ` desc`
	q.add(` from `+x.table+` where `+x.where, x.args...)
	if rising(f) {
		order = ``
		s.endsBetween(q, f)
		q.and(x.key+` > ?`, x.before)
	} else {
		q.within(x)
	}
	if f.Lasting {
		q.and(`p.expires_at >= ?`, int64(far))
	}
	if f.Channel != "" {
		var carriers []wxnotify.Source
		for source, rule := range wxnotify.Rules {
			if rule.Channel == f.Channel {
				carriers = append(carriers, source)
			}
		}
		among(q, "p.source in", carriers)
	}
	if !f.Usable.IsZero() {
		q.and(`p.till > ?`, ms(f.Usable.Add(wxnotify.Margin)))
	}
	for _, c := range []struct{ column, value string }{
		{"p.openid", f.To}, {"p.source", string(f.Source)}, {"p.state", string(f.State)}, {"p.template_id", f.TemplateID},
	} {
		if c.value != "" {
			q.and(c.column+` = ?`, c.value)
		}
	}
	q.add(` order by `+x.key+order+` limit ?`, x.most)
	return q
}

// endsBetween bounds the deadline. No index has it; but what ends then was not
// handed in longer before than a permit lasts, and the list begins there.
func (s *Store) endsBetween(q *where, f wxnotify.PermitFilter) {
	lasts := time.Duration(0)
	for _, rule := range wxnotify.Rules {
		lasts = max(lasts, rule.Lasts)
	}
	if ahead := s.ahead.Load(); ahead >= 0 {
		lasts += time.Duration(ahead)*time.Millisecond + time.Minute
		q.and(`p.id >= ?`, idAt(wxnotify.PermitPrefix, f.EndsFrom.Add(-lasts)))
	}
	q.and(`p.id < ?`, idAt(wxnotify.PermitPrefix, f.EndsTo.Add(time.Minute)))
	q.and(`p.expires_at >= ? and p.expires_at < ?`, ms(f.EndsFrom), ms(f.EndsTo))
}
