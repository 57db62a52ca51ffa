package store

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
)

// KeepEvents writes down what WeChat pushed; it is durable on return. A push
// whose signature was there before brings nothing, nor does an event whose key
// is here. Events are applied by HearEvents, after which only what they
// changed remembers them: applied again they change nothing.
func (s *Store) KeepEvents(ctx context.Context, now wxnotify.Now, ds []wxnotify.Delivery) error {
	s.saw(now)
	err := s.do(ctx, "keep events", doorLimit, func(w *work) error {
		fresh, err := w.deliveries(now, ds)
		if err != nil || len(fresh) == 0 {
			return err
		}
		return w.keep(now, fresh)
	})
	if err == nil {
		s.ring()
	}
	return err
}

// deliveries takes note of the signatures, and returns those pushes that are new.
func (w *work) deliveries(now wxnotify.Now, ds []wxnotify.Delivery) (fresh []wxnotify.Delivery, err error) {
	rows := make([][]string, len(ds))
	for i, d := range ds {
		rows[i] = []string{d.App, w.s.hashed("push", d.App, d.Signature)}
	}
	slices.SortFunc(rows, slices.Compare) // two batches lock in one order
	taken := map[string]bool{}
	for _, r := range rows {
		n, err := w.exec(`insert into delivery (app, signature, at) values ($1, $2, $3) on conflict do nothing`, r[0], r[1], ms(now.Real))
		if err != nil {
			return nil, err
		}
		if n == 1 {
			taken[r[0]+" "+r[1]] = true
		}
	}
	for _, d := range ds {
		k := d.App + " " + w.s.hashed("push", d.App, d.Signature)
		if taken[k] {
			delete(taken, k)
			fresh = append(fresh, d)
		}
	}
	return fresh, nil
}

// seenEvery is how exactly it is known when a callback worked last.
const seenEvery = time.Hour

func (w *work) keep(now wxnotify.Now, ds []wxnotify.Delivery) error {
	var es []wxnotify.Event
	var apps []string
	for _, d := range ds {
		es, apps = append(es, d.Events...), append(apps, d.App)
	}
	slices.Sort(apps)
	for _, app := range slices.Compact(apps) {
		if _, err := w.exec(`update app set callback_seen = $1 where app = $2 and callback_seen < $3`,
			ms(now.Real), app, ms(now.Real.Add(-seenEvery))); err != nil {
			return err
		}
	}
	slices.SortFunc(es, func(a, b wxnotify.Event) int { return strings.Compare(w.eventID(&a), w.eventID(&b)) })
	for i := range es {
		e := &es[i]
		if _, err := w.exec(`insert into event (app, id, kind, openid, template_id, said, msgid, errcode, status, at, seen_at, due, until)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict do nothing`,
			e.App, w.eventID(e), string(e.Kind), e.To, e.TemplateID, e.Said, e.MsgID, e.Errcode, clean(e.Status),
			ms(e.At), ms(now.Real), ms(now.Real), ms(now.Real.Add(wxnotify.StraySpan))); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) eventID(e *wxnotify.Event) string { return w.s.hashed("event", e.App, e.Key()) }

// EventBell rings when there may be events to hear. One ring may stand for many.
func (s *Store) EventBell() <-chan struct{} { return s.bell }

func (s *Store) ring() {
	select {
	case s.bell <- struct{}{}:
	default:
	}
}

// HearEvents applies at most n of the events that came in, in the order in
// which they came. What was applied is forgotten; a sent event of an unknown
// message waits, for a day, until something is learned of its user.
// An event that cannot be applied is tried again later and keeps nobody else up.
func (s *Store) HearEvents(ctx context.Context, now wxnotify.Now, n int) (heard wxnotify.Heard, err error) {
	s.saw(now)
	h := &hearing{s: s, now: now}
	if err := s.do(ctx, "hear events", engineLimit, func(w *work) error {
		*h = hearing{s: s, now: now}
		events, err := w.dueEvents(now, min(n, hearAtOnce))
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := h.event(w, e); err != nil {
				return err
			}
		}
		return nil
	}); err == nil {
		return h.told(ctx), nil
	} else if wxnotify.CodeOf(err) != "" || ctx.Err() != nil {
		return heard, err
	}
	return s.hearSingly(ctx, now, min(n, hearAtOnce))
}

// hearAtOnce is how many events are applied in one transaction.
const hearAtOnce = 50

// hearSingly finds the event that spoils a batch, and puts it off.
func (s *Store) hearSingly(ctx context.Context, now wxnotify.Now, n int) (heard wxnotify.Heard, err error) {
	for range n {
		var last *keptEvent
		h := &hearing{s: s, now: now}
		err := s.do(ctx, "hear an event", engineLimit, func(w *work) error {
			*h, last = hearing{s: s, now: now}, nil
			events, err := w.dueEvents(now, 1)
			if err != nil || len(events) == 0 {
				return err
			}
			last = &events[0]
			return h.event(w, *last)
		})
		switch {
		case last == nil || wxnotify.CodeOf(err) != "" || ctx.Err() != nil:
			return heard, err
		case err != nil:
			s.log.Error("an event cannot be applied; it is tried again later", "app", last.App, "kind", last.Kind, "error", err)
			if err := s.do(ctx, "put an event off", engineLimit, func(w *work) error {
				_, err := w.exec(`update event set due = $1 where app = $2 and id = $3`, ms(now.Real.Add(putOff)), last.App, last.id)
				return err
			}); err != nil {
				return heard, err
			}
		default:
			some := h.told(ctx)
			heard.Apps, heard.Rest = append(heard.Apps, some.Apps...), append(heard.Rest, some.Rest...)
		}
		heard.Events++
	}
	return heard, nil
}

const putOff = time.Minute

// A keptEvent is one in the table.
type keptEvent struct {
	wxnotify.Event
	id   string
	seen time.Time // real
}

func (w *work) dueEvents(now wxnotify.Now, n int) (es []keptEvent, err error) {
	err = w.each(func(r scanner) error {
		var e keptEvent
		var when, seen int64
		err := r.Scan(&e.App, &e.id, &e.Kind, &e.To, &e.TemplateID, &e.Said, &e.MsgID, &e.Errcode, &e.Status, &when, &seen)
		e.At, e.seen = at(when), at(seen)
		es = append(es, e)
		return err
	}, `select app, id, kind, openid, template_id, said, msgid, errcode, status, at, seen_at from event
		where due <= $1 order by due, id limit `+strconv.Itoa(n)+w.skip, ms(now.Real))
	return es, err
}

// A hearing is one transaction's events on their way.
type hearing struct {
	s     *Store
	now   wxnotify.Now
	heard wxnotify.Heard
	users []user // who have permits now that they had not before
}

func (h *hearing) event(w *work, e keptEvent) (err error) {
	h.heard.Events++
	// When the user acted. What has not come yet is taken for now: a refusal
	// must not withdraw what is still to be granted.
	acted := e.At
	if acted.After(e.seen) {
		acted = e.seen
	}
	stray := false
	gone, err := w.erased(e.App, e.To, e.At)
	switch {
	case gone || err != nil: // it is about somebody whom we do not know any more
	case e.Kind == wxnotify.EventSent:
		stray, err = h.sent(w, e)
	case e.Kind == wxnotify.EventChange && e.Said == wxnotify.SaidReject:
		_, err = w.withdraw(h.now, e.App, e.To, e.TemplateID, acted)
	case e.Kind == wxnotify.EventPopup:
		err = h.popup(w, e, acted)
	}
	switch {
	case err != nil:
		return err
	case stray:
		_, err = w.exec(`update event set due = $1 where app = $2 and id = $3`, int64(far), e.App, e.id)
	default:
		_, err = w.exec(`delete from event where app = $1 and id = $2`, e.App, e.id)
	}
	return err
}

// popup is the user's answer to the sheet.
func (h *hearing) popup(w *work, e keptEvent, acted time.Time) error {
	d := wxnotify.Deposit{App: e.App, To: e.To, Source: wxnotify.Subscribe, TemplateID: e.TemplateID, Count: 1, Result: e.Said,
		GivenAt: virtualTime(h.now, acted)}
	var kind string
	if _, err := w.one([]any{&kind}, `select kind from template where app = $1 and id = $2`, e.App, e.TemplateID); err != nil {
		return err
	}
	if kind == wxnotify.KindLongterm {
		d.Source = wxnotify.Longterm
	}
	if err := w.hear(h.now, &d); err != nil || d.Result != saidYes {
		return err
	}
	b := book{w: w, now: h.now}
	hash := b.depositHash(&d)
	b.askHash(d.App, hash)
	if err := b.load(); err != nil {
		return err
	}
	n, err := b.tap(d, hash, e.id)
	if err != nil {
		return err
	}
	if n > 0 {
		h.users = append(h.users, user{e.App, e.To})
	}
	return b.write()
}

// told does what comes after the commit, and says what has changed.
func (h *hearing) told(ctx context.Context) wxnotify.Heard {
	for _, r := range h.heard.Rest {
		h.heard.Apps = append(h.heard.Apps, r.App)
	}
	if len(h.users) > 0 {
		rests, err := h.s.rouse(ctx, h.now, h.users)
		if err != nil {
			h.s.log.Warn("messages that wait for a permit were not looked at; the sweep will", "error", err)
		}
		for _, r := range rests {
			h.heard.Apps = append(h.heard.Apps, r.App)
		}
	}
	slices.Sort(h.heard.Apps)
	h.heard.Apps = slices.Compact(h.heard.Apps)
	return h.heard
}

// SweepEvents forgets signatures that are too old to be taken for new, and
// events that nobody needs any more, and finds those that were not looked at
// again when their message became known.
func (s *Store) SweepEvents(ctx context.Context, now wxnotify.Now) error {
	err := s.do(ctx, "sweep events", engineLimit, func(w *work) error {
		if _, err := w.exec(`delete from delivery where (app, signature) in (select app, signature from delivery where at <= $1 order by at limit $2)`,
			ms(now.Real.Add(-signatureLasts)), bite); err != nil {
			return err
		}
		_, err := w.exec(`delete from event where (app, id) in (select app, id from event where until <= $1 order by until limit $2)`, ms(now.Real), bite)
		return err
	})
	if err != nil {
		return err
	}
	return s.recallParked(ctx, now)
}

// signatureLasts is longer than a timestamp may differ from our clock, in both
// directions.
const signatureLasts = 15 * time.Minute
