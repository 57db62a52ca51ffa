package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/wxnotify/wxnotify"
)

// sent finds the message of a sent event. A stray one belongs to none so far:
// it may have come before our own settle, or be about a message that somebody
// else sent.
func (h *hearing) sent(w *work, e keptEvent) (stray bool, err error) {
	var id string
	var number int
	found, err := w.one([]any{&id, &number}, `select id, number from queue where app = $1 and msgid = $2 and msgid <> '' and finished_at > 0
		union all select message, number from attempt where app = $1 and msgid = $2 and msgid <> '' limit 1`, e.App, e.MsgID)
	if err == nil && !found {
		id, number, found, err = h.lost(w, e)
	}
	if err != nil || !found {
		return true, err
	}
	return false, h.tell(w, e, id, number)
}

// lost finds the lost attempt that a sent event with an unknown MsgID is about:
// the only one of its user and template, with none under way that it might be
// about instead, and one that had begun by then.
func (h *hearing) lost(w *work, e keptEvent) (id string, number int, found bool, err error) {
	when := virtualTime(h.now, e.At)
	n, began := 0, int64(0)
	err = w.each(func(r scanner) error {
		n++
		return r.Scan(&id, &number, &began)
	}, `select a.message, a.number, a.started_at from queue q join message m on m.app = q.app and m.id = q.id
			join attempt a on a.app = q.app and a.message = q.id
		where q.app = $1 and q.openid = $2 and q.lost = 1 and m.template_id = $3 and a.outcome = 'lost' and a.started_at > $4 limit 2`,
		e.App, e.To, e.TemplateID, ms(when.Add(-wxnotify.StraySpan)))
	if err != nil || n != 1 || began >= ms(when.Add(wxnotify.StraySlack)) {
		return "", 0, false, err
	}
	var one int
	flying, err := w.one([]any{&one}, `select 1 from queue q join message m on m.app = q.app and m.id = q.id
		where q.app = $1 and q.state = 'sending' and q.openid = $2 and m.template_id = $3 limit 1`, e.App, e.To, e.TemplateID)
	return id, number, !flying, err
}

// tell applies a sent event to the attempt that it is about.
func (h *hearing) tell(w *work, e keptEvent, id string, number int) error {
	it, err := w.load(e.App, id)
	if err != nil || it.m.To != e.To {
		return err
	}
	as, err := w.attempts(it)
	if err != nil {
		return err
	}
	t := wxnotify.Try{Message: it.m}
	for _, a := range as {
		switch {
		case a.Number == number:
			t.Attempt = a
		case a.Outcome == wxnotify.Lost || a.Outcome == "":
			t.Unresolved = true
		}
	}
	p, err := w.permit(e.App, t.Attempt.Permit)
	if err != nil {
		return err
	}
	if p != nil {
		t.Permit = p.Permit
	}
	c := changes{now: h.now}
	c.tell(it, t, p, e.Event)
	if len(c.steps) == 0 {
		return nil
	}
	if it.m.Reason == wxnotify.ReasonRefusedLater && t.Attempt.Outcome == wxnotify.Accepted && it.took.finished == 0 {
		if _, err := w.exec(`update attempt set errmsg = $1 where app = $2 and message = $3 and number = $4`, clean(e.Because()), e.App, id, number); err != nil {
			return err
		}
	}
	if it.m.State.AtRest() {
		h.heard.Rest = append(h.heard.Rest, it.m.Rest())
	}
	_, err = c.write(w)
	return err
}

func (c *changes) tell(it *item, t wxnotify.Try, p *permit, e wxnotify.Event) {
	var as []attempt
	lost := t.Attempt.Outcome == wxnotify.Lost
	if lost { // WeChat took it after all
		o := wxnotify.Outcome{Kind: wxnotify.Accepted, MsgID: e.MsgID}
		if !e.Arrived() {
			o.Errmsg = e.Because()
		}
		a := over(c.now, &t, o)
		a.was = &t.Attempt
		as = append(as, a)
	}
	step, ok := wxnotify.Told(t, e)
	if !ok && !lost {
		return
	}
	seen, flying := it.seen(), it.flying()
	it.lost = t.Unresolved
	ch := &change{move: seen}
	if ok {
		it.m.MsgID = e.MsgID
		if step.State == wxnotify.Failed && it.took.finished > 0 { // the queue's row is the attempt's record
			it.took.errmsg = clean(e.Because())
		}
		ch = c.apply(it, nil, p, step, time.Time{}, time.Time{})
		ch.state, ch.wasLost = seen.state, seen.wasLost
		if seen.state == wxnotify.Sending { // the queue's row was the record of the attempt under way
			as = append(as, attempt{app: it.m.App, message: it.m.ID, Attempt: flying})
		}
	} else {
		if p != nil && p.Message == it.m.ID {
			c.leftover(ch, p, wxnotify.Outcome{Kind: wxnotify.Accepted})
		}
		c.steps = append(c.steps, *ch)
		ch = &c.steps[len(c.steps)-1]
	}
	ch.attempts = append(ch.attempts, as...)
}

// A concern is a user and a template about whom something was learned.
type concern struct{ app, openid, template string }

// recall lets the sent events of these users be looked at again. It comes after
// the commit of what was learned: an event that is being looked at in this very
// moment is waited for, so one of the two sees the other.
func (s *Store) recall(ctx context.Context, now wxnotify.Now, cs []concern) {
	if len(cs) == 0 {
		return
	}
	rows := make([][]string, len(cs))
	for i, c := range cs {
		rows[i] = []string{c.app, c.openid, c.template}
	}
	slices.SortFunc(rows, slices.Compare)
	rows = slices.CompactFunc(rows, slices.Equal)
	var n int64
	err := s.do(ctx, "recall events", engineLimit, func(w *work) (err error) {
		n, err = w.exec(`update event set due = $1 from `+w.unpack("$2", "app", "openid", "template")+` u
			where event.app = u.app and event.openid = u.openid and event.template_id = u.template and event.kind = 'sent'`, ms(now.Real), pack(rows))
		return err
	})
	switch {
	case err != nil:
		s.log.Warn("events that came early were not looked at", "error", err)
	case n > 0:
		s.ring()
	}
}

// settled are the concerns of a batch of outcomes: of subscriptions alone come events.
func settled(batch []wxnotify.Settlement) (cs []concern) {
	for i := range batch {
		if m := &batch[i].Try.Message; m.Channel == wxnotify.ChannelSubscribe {
			cs = append(cs, concern{m.App, m.To, m.TemplateID})
		}
	}
	return cs
}

// RecallHeld lets the sent events be looked at again of users who have a
// message that waits for one, and those whose message is known: a node may have
// died between its settle and the look that follows.
func (s *Store) RecallHeld(ctx context.Context, now wxnotify.Now) error {
	var cs []concern
	err := s.look(ctx, "recall events", func(ctx context.Context) error {
		return s.each(ctx, func(r scanner) error {
			var c concern
			err := r.Scan(&c.app, &c.openid, &c.template)
			cs = append(cs, c)
			return err
		}, `select q.app, q.openid, m.template_id from app a cross join queue q join message m on m.app = q.app and m.id = q.id
			where q.app = a.app and q.state = 'unsure' and q.mode = 'hold'`)
	})
	for chunk := range slices.Chunk(cs, bite) {
		s.recall(ctx, now, chunk)
	}
	return errors.Join(err, s.recallParked(ctx, now))
}

// recallParked is the net under recall: it finds sent events that wait although
// WeChat's answer has named their message by now. It walks through those that
// wait, a stretch at a time: most are about what others sent.
func (s *Store) recallParked(ctx context.Context, now wxnotify.Now) error {
	walk, last, seen := s.walks.at("parked events", "").id, "", 0
	var cs []concern
	err := s.look(ctx, "recall events", func(ctx context.Context) error {
		return s.each(ctx, func(r scanner) error {
			var c concern
			var known bool
			err := r.Scan(&last, &c.app, &c.openid, &c.template, &known)
			if seen++; known {
				cs = append(cs, c)
			}
			return err
		}, `select e.id, e.app, e.openid, e.template_id,
				exists (select 1 from queue q where q.app = e.app and q.msgid = e.msgid and q.msgid <> '' and q.finished_at > 0)
				or exists (select 1 from attempt a where a.app = e.app and a.msgid = e.msgid and a.msgid <> '')
			from event e where e.due = $1 and e.id > $2 order by e.id limit $3`, int64(far), walk, stretch)
	})
	if err != nil {
		return err
	}
	if seen < stretch {
		last = ""
	}
	s.walks.set("parked events", "", position{id: last})
	for chunk := range slices.Chunk(cs, bite) {
		s.recall(ctx, now, chunk)
	}
	return nil
}
