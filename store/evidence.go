package store

import (
	"context"
	"math/rand/v2"

	"github.com/wxnotify/wxnotify"
)

var (
	errNoMessage = wxnotify.Refuse(wxnotify.NotFound, "there is no such message")
	errNoAttempt = wxnotify.Refuse(wxnotify.NotFound, "there is no such attempt")
)

// load reads and locks one message. Bodies and codes stay sealed.
func (w *work) load(app, id string) (*item, error) {
	var it *item
	err := w.each(func(r scanner) (err error) {
		it, err = scanItem(r)
		return err
	}, `select `+itemColumns+` from queue q`+itemTables+` where q.app = $1 and q.id = $2`+w.lockQ, app, id)
	if err == nil && it == nil {
		err = errNoMessage
	}
	return it, err
}

// permit reads and locks one permit; nil: there is none.
func (w *work) permit(app, id string) (p *permit, err error) {
	err = w.each(func(r scanner) (err error) {
		p, err = scanPermit(r)
		return err
	}, `select `+permitColumns+` from permit p where p.app = $1 and p.id = $2`+w.lock, app, id)
	return p, err
}

const attemptColumns = `number, permit, node, started_at, finished_at, outcome, errcode, errmsg, rid, msgid`

func scanAttempt(r scanner, message string, before ...any) (a wxnotify.Attempt, err error) {
	var started, finished int64
	err = r.Scan(append(before, &a.Number, &a.Permit, &a.Node, &started, &finished, &a.Outcome, &a.Errcode, &a.Errmsg, &a.RID, &a.MsgID)...)
	a.ID, a.StartedAt, a.FinishedAt = wxnotify.AttemptID(message, a.Number), at(started), at(finished)
	return a, err
}

// attempts reads a message's attempts, the one in flight apart.
func (w *work) attempts(it *item) (as []wxnotify.Attempt, err error) {
	if it.took.finished > 0 {
		return []wxnotify.Attempt{it.first()}, nil
	}
	id := it.m.ID
	err = w.each(func(r scanner) error {
		a, err := scanAttempt(r, id)
		as = append(as, a)
		return err
	}, `select `+attemptColumns+` from attempt where app = $1 and message = $2 order by number`, it.m.App, id)
	return as, err
}

// first is the attempt of a message that WeChat took at once.
func (it *item) first() wxnotify.Attempt {
	a := it.flying()
	a.FinishedAt, a.Outcome, a.Errcode = at(it.took.finished), wxnotify.Accepted, new(int)
	a.Errmsg, a.RID, a.MsgID = it.took.errmsg, it.took.rid, it.m.MsgID
	return a
}

// flying is the attempt that the queue's row is the record of.
func (it *item) flying() wxnotify.Attempt {
	return wxnotify.Attempt{ID: wxnotify.AttemptID(it.m.ID, it.number), Number: it.number, Permit: it.m.Permit, StartedAt: at(it.started), Node: nodeOf(it.owner)}
}

// Evidence applies an outcome to an attempt whose lease was lost, or of which
// something is learned later. The attempt's record always takes it in; message
// and permit follow where wxnotify.Late says so. It may be repeated.
func (s *Store) Evidence(ctx context.Context, now wxnotify.Now, app, attemptID string, o wxnotify.Outcome) (rest wxnotify.Rest, err error) {
	s.saw(now)
	id, number, ok := wxnotify.ParseAttemptID(attemptID)
	if !ok {
		return rest, errNoAttempt
	}
	var c changes
	var about []concern
	err = s.do(ctx, "evidence", engineLimit, func(w *work) error {
		c = changes{now: now}
		it, err := w.load(app, id)
		if err != nil {
			return err
		}
		if about = nil; it.m.Channel == wxnotify.ChannelSubscribe {
			about = []concern{{app, it.m.To, it.m.TemplateID}}
		}
		as, err := w.attempts(it)
		if err != nil {
			return err
		}
		if err := c.evidence(w, it, as, number, o); err != nil {
			return err
		}
		rest = it.m.Rest()
		_, err = c.write(w)
		return err
	})
	if err == nil {
		s.rouseFor(ctx, now, &c)
		s.recall(ctx, now, about)
		s.probed(ctx, app, attemptID, o)
	}
	return rest, err
}

func (c *changes) evidence(w *work, it *item, as []wxnotify.Attempt, number int, o wxnotify.Outcome) error {
	t := wxnotify.Try{Message: it.m}
	var was *wxnotify.Attempt
	current := it.m.State == wxnotify.Sending && it.number == number
	found := current
	if current {
		t.Attempt = it.flying()
	}
	for _, a := range as {
		switch {
		case a.Number == number:
			t.Attempt, was, found = a, &a, true
		case a.Outcome == wxnotify.Lost || a.Outcome == "", a.Outcome == wxnotify.KindInferred && !current:
			t.Unresolved = true
		}
	}
	if !found {
		return errNoAttempt
	}
	t.Heard = heard(as, t.Attempt.Permit, number)
	p, err := w.permit(it.m.App, t.Attempt.Permit)
	if err != nil {
		return err
	}
	if p != nil {
		t.Permit = p.Permit
		last, err := w.lastUses([]*permit{p})
		if err != nil {
			return err
		}
		t.LastUse = last(p)
	}
	switch known := t.Attempt.Outcome; {
	case known == wxnotify.KindInferred && o.Kind == wxnotify.Lost:
		return nil // no answer is no news to what was learned without one
	case known != "" && known != wxnotify.Lost && known != wxnotify.KindInferred:
		return nil // it has its answer
	}
	a := over(c.now, &t, o)
	a.was = was
	step, ok := wxnotify.Decide(t, current, o, c.now.Virtual)
	seen, flying := it.seen(), it.flying()
	it.lost = t.Unresolved || o.Kind == wxnotify.Lost
	if o.MsgID != "" && ok {
		it.m.MsgID = clean(o.MsgID)
	}
	if !ok {
		ch := change{move: seen, attempts: []attempt{a}}
		if p != nil && p.Message == it.m.ID {
			c.leftover(&ch, p, o)
		}
		c.steps = append(c.steps, ch)
		return nil
	}
	due := c.now.Real.Add(step.Wait)
	if step.Spread > 0 {
		due = due.Add(rand.N(step.Spread))
	}
	source := it.m.Source
	ch := c.apply(it, &a, p, step, due, c.now.Virtual.Add(step.Hold))
	ch.move.state, ch.wasLost, ch.before = seen.state, seen.wasLost, t.Attempt.StartedAt
	if it.m.State.AtRest() && seen.wasLost && p != nil && p.Source == wxnotify.Payment {
		ch.release = p.hash // apply could not know what was lost before
	}
	if seen.state == wxnotify.Sending && !current {
		// The queue's row was the record of the attempt that is still under way.
		ch.attempts = append(ch.attempts, attempt{app: it.m.App, message: it.m.ID, Attempt: flying})
	}
	c.pause(&it.m, source, step, o)
	return nil
}

// leftover settles the permit of an attempt that does not decide about its
// message: another one did, or does.
func (c *changes) leftover(ch *change, p *permit, o wxnotify.Outcome) {
	m := &ch.m
	t := p.turn(m.ID, m.ID)
	switch {
	case p.State != wxnotify.PermitBound && p.State != wxnotify.PermitHeld && p.Cause != wxnotify.CauseUnresolved:
		return
	case o.Kind == wxnotify.Accepted:
		t.state = wxnotify.PermitUsed
	case o.Kind == wxnotify.Lost && m.State.AtRest():
		t.state, t.cause = wxnotify.PermitDead, wxnotify.CauseUnresolved
	case o.Kind != wxnotify.Lost && p.ID != m.Permit:
		t = c.free(p, m.ID)
	default:
		return
	}
	ch.turns = append(ch.turns, t)
}

// Resolve takes an operator's word for what became of an unknown or unsure
// message: message_resolved for any other.
func (s *Store) Resolve(ctx context.Context, now wxnotify.Now, app, id string, sent bool) (rest wxnotify.Rest, err error) {
	s.saw(now)
	var c changes
	err = s.do(ctx, "resolve", doorLimit, func(w *work) error {
		c = changes{now: now}
		it, err := w.load(app, id)
		if err != nil {
			return err
		}
		if it.m.State != wxnotify.Unknown && it.m.State != wxnotify.Unsure {
			return wxnotify.Refuse(wxnotify.MessageResolved, "only an unknown or unsure message can be resolved; this one is %s", it.m.State)
		}
		step := wxnotify.Step{State: wxnotify.Failed, Reason: wxnotify.ReasonOperator, Permit: wxnotify.Free, Tries: it.m.Tries}
		if sent {
			step = wxnotify.Step{State: wxnotify.Sent, Evidence: wxnotify.ByOperator, Permit: wxnotify.Spend, Tries: it.m.Tries}
		}
		c.apply(it, nil, it.permit, step, now.Real, now.Virtual)
		rest = it.m.Rest()
		_, err = c.write(w)
		return err
	})
	if err == nil {
		s.rouseFor(ctx, now, &c)
	}
	return rest, err
}

// Cancel ends a message that has not started: message_at_rest if it has ended,
// message_in_flight while an attempt is under way or unresolved.
func (s *Store) Cancel(ctx context.Context, now wxnotify.Now, app, id string) (rest wxnotify.Rest, err error) {
	s.saw(now)
	var c changes
	err = s.do(ctx, "cancel", doorLimit, func(w *work) error {
		c = changes{now: now}
		it, err := w.load(app, id)
		switch {
		case err != nil:
			return err
		case it.m.State.AtRest():
			return wxnotify.Refuse(wxnotify.MessageAtRest, "the message has ended: it is %s", it.m.State)
		case it.m.State == wxnotify.Sending || it.m.State == wxnotify.Unsure:
			return wxnotify.Refuse(wxnotify.MessageInFlight, "the message is on its way to WeChat")
		}
		c.end(it, wxnotify.Canceled, wxnotify.ReasonCanceled)
		rest = it.m.Rest()
		_, err = c.write(w)
		return err
	})
	if err == nil {
		s.rouseFor(ctx, now, &c)
	}
	return rest, err
}

// Lapsed returns attempts whose lease is over or void: whoever was to make the
// call may have made it. They are to be settled as lost. At most n.
func (s *Store) Lapsed(ctx context.Context, now wxnotify.Now, n int) (tries []wxnotify.Try, err error) {
	s.saw(now)
	if s.late.Load() && s.void(ctx) == nil {
		s.late.Store(false)
		s.log.Info("the database's disk has room again")
	}
	err = s.do(ctx, "lapsed", engineLimit, func(w *work) error {
		tries = nil
		var items []*item
		var ps []*permit
		err := w.each(func(r scanner) error {
			it, err := scanItem(r)
			if err == nil && it.permit != nil {
				items, ps = append(items, it), append(ps, it.permit)
			}
			return err
		}, `select `+itemColumns+` from app a cross join queue q`+itemTables+`
			where q.app = a.app and q.state = 'sending' and q.due <= $1 limit $2`, ms(now.Real), n)
		if err != nil {
			return err
		}
		last, err := w.lastUses(ps)
		if err != nil {
			return err
		}
		for _, it := range items {
			code, err := s.unseal("permit.code", it.permit.App, it.permit.ID, it.permit.sealed)
			if err != nil {
				s.log.Error("a permit's code cannot be read", "permit", it.permit.ID, "error", err)
			}
			t := wxnotify.Try{Message: it.m, Attempt: it.flying(), Permit: it.permit.Permit, LastUse: last(it.permit), Unresolved: it.lost}
			t.Permit.Code, t.Attempt.Code = string(code), string(code)
			tries = append(tries, t)
		}
		return nil
	})
	return tries, err
}
