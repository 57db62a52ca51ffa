package store

import (
	"context"
	"time"

	"github.com/wxnotify/wxnotify"
)

// DeletePermit takes a free permit away: permit_in_use while a message has it.
// One that is used or dead stays as it is.
func (s *Store) DeletePermit(ctx context.Context, now wxnotify.Now, app, id string) error {
	s.saw(now)
	return s.do(ctx, "delete a permit", doorLimit, func(w *work) error {
		p, err := w.permit(app, id)
		switch {
		case err != nil:
			return err
		case p == nil:
			return wxnotify.Refuse(wxnotify.NotFound, "there is no such permit")
		case p.State == wxnotify.PermitBound || p.State == wxnotify.PermitHeld:
			return wxnotify.Refuse(wxnotify.PermitInUse, "a message holds this permit")
		case p.State != wxnotify.PermitFree:
			return nil
		}
		t := p.turn("", "")
		t.state, t.cause = wxnotify.PermitDead, wxnotify.CauseDeleted
		if err := w.turn(now, []turn{t}); err != nil {
			return err
		}
		p.Cause = wxnotify.CauseDeleted
		return w.tellRevoked(now.Real, &p.Permit, 1)
	})
}

// Revoke takes away what a user had allowed for a template up to when, which
// WeChat gives in whole seconds of real time, and remembers that they said no.
// It returns how many permits died.
func (s *Store) Revoke(ctx context.Context, now wxnotify.Now, app, openid, template string, when time.Time) (n int, err error) {
	s.saw(now)
	err = s.do(ctx, "revoke", doorLimit, func(w *work) error {
		k, err := w.withdraw(now, app, openid, template, when)
		n = int(k)
		return err
	})
	return n, err
}

// Stock counts what a user has given: permits that can be used now, the
// reserved and the held; and what the user said last of each template.
func (s *Store) Stock(ctx context.Context, now wxnotify.Now, app, openid string) (wxnotify.Stock, error) {
	s.saw(now)
	st := wxnotify.Stock{Permits: map[wxnotify.Source]int{}, Subscribe: map[string]int{}, Said: map[string]string{}}
	err := s.look(ctx, "count a user's permits", func(ctx context.Context) error {
		if err := s.each(ctx, func(r scanner) error {
			var template, said string
			err := r.Scan(&template, &said)
			st.Said[template] = said
			return err
		}, `select template_id, said from word where app = $1 and openid = $2`, app, openid); err != nil {
			return err
		}
		return s.each(ctx, func(r scanner) error {
			var source, template, state string
			var usable, all int
			var first int64
			if err := r.Scan(&source, &template, &state, &usable, &all, &first); err != nil {
				return err
			}
			switch wxnotify.PermitState(state) {
			case wxnotify.PermitBound:
				st.Reserved += all
			case wxnotify.PermitHeld:
				st.Held += all
			case wxnotify.PermitFree:
				if usable > 0 {
					count(&st, wxnotify.Source(source), template, usable, at(first))
				}
			}
			return nil
		}, `select source, template_id, state, sum(case when till > $1 then 1 else 0 end), count(*),
			min(case when till > $2 then till else $3 end)
			from permit where app = $4 and openid = $5 and till > 0 group by source, template_id, state order by template_id`,
			fresh(now), fresh(now), int64(far), app, openid)
	})
	return st, err
}

func count(st *wxnotify.Stock, source wxnotify.Source, template string, n int, first time.Time) {
	switch source {
	case wxnotify.Subscribe:
		st.Subscribe[template] += n
	case wxnotify.Longterm:
		st.Longterm = append(st.Longterm, template)
	default:
		st.Permits[source] += n
	}
	if !first.IsZero() && (st.NextExpiry.IsZero() || first.Before(st.NextExpiry)) {
		st.NextExpiry = first
	}
}
