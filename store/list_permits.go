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
// not in it.
func (s *Store) Permits(ctx context.Context, f wxnotify.PermitFilter) ([]wxnotify.Permit, string, error) {
	sum := s.hashed("permits", f.App, f.To, string(f.Source), string(f.State), f.TemplateID, string(f.Channel),
		fmt.Sprint(ms(f.EndsFrom), ms(f.EndsTo), f.Lasting, !f.Usable.IsZero()))
	before, err := s.openCursor(f.Cursor, sum)
	if err != nil {
		return nil, "", err
	}
	rising, after, order := !f.EndsFrom.IsZero(), ` < ?`, ` desc`
	if rising {
		after, order = ` > ?`, ``
	}
	var page []wxnotify.Permit
	err = s.look(ctx, "list permits", func(ctx context.Context) error {
		apps, err := s.listApps(ctx, f.App)
		if err != nil {
			return err
		}
		for _, app := range apps {
			var q where
			q.add(` where p.app = ?`, app)
			if rising {
				s.endsBetween(&q, f)
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
				among(&q, "p.source in", carriers)
			}
			if !f.Usable.IsZero() {
				q.and(`p.till > ?`, ms(f.Usable.Add(wxnotify.Margin)))
			}
			if before != "" {
				q.and(`p.id`+after, before)
			}
			for _, c := range []struct{ column, value string }{
				{"p.openid", f.To}, {"p.source", string(f.Source)}, {"p.state", string(f.State)}, {"p.template_id", f.TemplateID},
			} {
				if c.value != "" {
					q.and(c.column+` = ?`, c.value)
				}
			}
			q.add(` order by p.id`+order+` limit ?`, cmp.Or(f.Limit, 50)+1)
			if err := s.each(ctx, func(r scanner) error {
				p, err := scanPermit(r)
				page = append(page, p.Permit)
				return err
			}, `select `+permitColumns+` from permit p`+q.b.String(), q.args...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	slices.SortFunc(page, func(a, b wxnotify.Permit) int {
		if rising {
			return cmp.Compare(a.ID, b.ID)
		}
		return -cmp.Compare(a.ID, b.ID)
	})
	page, next := cut(s, page, f.Limit, sum, func(p wxnotify.Permit) string { return p.ID })
	return page, next, nil
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
