package store

import (
	"context"
	"sync"

	"github.com/wxnotify/wxnotify"
)

// Settle writes what attempts came to, where the message still is in that
// attempt and nothing was learned of its earlier ones meanwhile; missed are the
// indexes of the others: they are for Evidence. It may be repeated.
func (s *Store) Settle(ctx context.Context, now wxnotify.Now, batch []wxnotify.Settlement) (missed []int, err error) {
	s.saw(now)
	var c changes
	err = s.do(ctx, "settle", engineLimit, func(w *work) error {
		c = changes{now: now, steps: make([]change, 0, len(batch))}
		for i := range batch {
			s.settle(&c, &batch[i], i)
		}
		missed, err = c.write(w)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.rouseFor(ctx, now, &c)
	s.recall(ctx, now, settled(batch))
	for i := range batch {
		s.probed(ctx, batch[i].Try.Message.App, batch[i].Try.Attempt.ID, batch[i].Outcome)
	}
	return missed, nil
}

func (s *Store) settle(c *changes, t *wxnotify.Settlement, index int) {
	try, step := &t.Try, t.Step
	it := &item{m: try.Message, number: try.Attempt.Number, started: ms(try.Attempt.StartedAt), lost: try.Unresolved}
	it.m.State = wxnotify.Sending
	var p *permit
	if try.Permit.ID != "" {
		p = &permit{Permit: try.Permit}
		it.m.Permit = p.ID
		if step.Permit == wxnotify.Kill || p.Source == wxnotify.Payment {
			p.hash = s.codeHash(p.App, p.Code)
		}
	}
	it.permit = p
	a := over(c.now, try, t.Outcome)
	a.FinishedAt = virtualTime(c.now, t.At)
	if t.Outcome.MsgID != "" {
		it.m.MsgID = clean(t.Outcome.MsgID)
	}
	ch := c.apply(it, &a, p, step, t.Due, t.Hold)
	ch.index, ch.before = index, try.Attempt.StartedAt
	ch.once()
	c.pause(&it.m, try.Permit.Source, step, t.Outcome)
}

// once makes the queue's row the record of a first attempt that WeChat took:
// there is nothing else to be said of its message's attempts, ever.
func (ch *change) once() {
	a := &ch.attempts[0]
	if a.Number != 1 || ch.m.State != wxnotify.Sent || a.Outcome != wxnotify.Accepted || a.Errcode == nil || *a.Errcode != 0 {
		return
	}
	ch.first, ch.attempts = a, nil
	ch.owner, ch.took = a.Node, record{finished: ms(a.FinishedAt), errmsg: a.Errmsg, rid: a.RID}
}

// over is the record of an attempt that ended as o.
func over(now wxnotify.Now, t *wxnotify.Try, o wxnotify.Outcome) attempt {
	a := attempt{app: t.Message.App, message: t.Message.ID, Attempt: t.Attempt}
	a.FinishedAt, a.Outcome = now.Virtual, o.Kind
	a.Errmsg, a.RID, a.MsgID, a.Errcode = clean(o.Errmsg), clean(o.RID), clean(o.MsgID), nil
	if o.Said {
		a.Errcode = &o.Errcode
	}
	return a
}

// probes are attempts in flight that try out whether a pause can end.
type probes struct {
	mu    sync.Mutex
	scope map[string]string // by attempt id
}

func (p *probes) add(attempt, scope string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.scope == nil {
		p.scope = map[string]string{}
	}
	p.scope[attempt] = scope
}

func (p *probes) take(attempt string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	scope := p.scope[attempt]
	delete(p.scope, attempt)
	return scope
}

// probed ends the pause that an attempt probed, if WeChat took it.
func (s *Store) probed(ctx context.Context, app, attempt string, o wxnotify.Outcome) {
	scope := s.probes.take(attempt)
	if scope == "" || o.Kind != wxnotify.Accepted {
		return
	}
	if _, err := s.Resume(ctx, app, scope); err != nil {
		s.log.Error("a pause whose probe went through cannot be ended", "app", app, "scope", scope, "error", err)
	}
}
