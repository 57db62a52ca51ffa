package store

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
)

// changes are what one transaction decided, to be written in one go: queue
// rows first, since their guards say what else may be written.
type changes struct {
	now    wxnotify.Now
	steps  []change
	pauses map[[2]string]wxnotify.Pause
}

// A change is what was decided about one message.
type change struct {
	move
	turns    []turn
	attempts []attempt
	first    *attempt         // the only one; the queue's row is its record
	infer    bool             // its lost attempts did arrive
	kill     *permit          // the free rows of this permit's code die
	cause    wxnotify.Cause   // of that
	standing *permit          // this permit, which is never bound, dies for cause
	books    *wxnotify.Permit // the user's free permits for this template die,
	before   time.Time        // if they came before
	release  string           // hash: what this message holds of the code is unresolved for good
	index    int              // of the caller's own batch
}

// apply takes in what step says about it, whose attempt a ended as o. The
// permit is the attempt's, which may not be the one that the item names by now.
// due and hold say when a repeat may start and when a hold ends.
func (c *changes) apply(it *item, a *attempt, p *permit, step wxnotify.Step, due, hold time.Time) *change {
	ch := change{move: it.seen(), turns: it.shed, infer: step.Infer}
	if a != nil {
		ch.attempts = []attempt{*a}
	}
	m := &it.m
	m.State, m.Reason, m.Evidence, m.Tries, m.UpdatedAt = step.State, step.Reason, step.Evidence, step.Tries, c.now.Virtual
	it.mode, it.due, it.parked = modeRepeat, ms(due), ""
	if it.took.finished == 0 {
		it.owner = ""
	}
	switch {
	case step.State.AtRest():
		it.due = 0
	case step.Other:
		it.mode = modeOther
	case step.Hold > 0:
		it.mode, it.due = modeHold, ms(hold)
	}
	switch {
	case a != nil && a.Outcome == wxnotify.Lost:
		it.lost = true
	case step.Infer || step.State == wxnotify.Queued:
		it.lost = false
	}
	if p != nil {
		c.fate(&ch, p, step)
	}
	c.steps = append(c.steps, ch)
	return &c.steps[len(c.steps)-1]
}

// fate decides the permit's row.
func (c *changes) fate(ch *change, p *permit, step wxnotify.Step) {
	m := &ch.item.m
	standing := p.Source.Standing()
	if p.Message != m.ID && !standing {
		c.gone(ch, p, step)
		return
	}
	switch step.Permit {
	case wxnotify.Free:
		if m.Permit == p.ID {
			m.Permit = ""
		}
		if !standing {
			ch.turns = append(ch.turns, c.free(p, m.ID))
		}
	case wxnotify.Keep:
		if m.Permit != p.ID && !standing { // it has another use of the code in hand by now
			ch.turns = append(ch.turns, c.free(p, m.ID))
		}
	case wxnotify.Spend:
		m.Permit = p.ID
		if !standing {
			t := p.turn(m.ID, m.ID)
			t.state = wxnotify.PermitUsed
			ch.turns = append(ch.turns, t)
		}
	case wxnotify.Retain:
		if !standing && p.State != wxnotify.PermitHeld {
			t := p.turn(m.ID, m.ID)
			t.state, t.till = wxnotify.PermitHeld, end(p.ExpiresAt)
			ch.turns = append(ch.turns, t)
		}
	case wxnotify.Kill:
		switch {
		case !standing:
			t := p.turn(m.ID, m.ID)
			t.state, t.cause = wxnotify.PermitDead, step.Cause
			ch.turns = append(ch.turns, t)
		case step.Cause != wxnotify.CauseUnresolved:
			ch.standing, ch.cause = p, step.Cause
		}
		// What is unresolved is one use; the code's other uses are as good as before.
		if step.Cause != wxnotify.CauseUnresolved && p.hash != "" {
			ch.kill, ch.cause = p, step.Cause
		}
		if !m.State.AtRest() && m.Permit == p.ID {
			m.Permit = ""
		}
	}
	if m.State.AtRest() && ch.wasLost && p.Source == wxnotify.Payment {
		ch.release = p.hash
	}
	if step.Books {
		ch.books = &p.Permit
	}
}

// gone decides about a permit that is not the message's any more: an operator's
// word had set it free. If it is used after all nobody else may take it.
func (c *changes) gone(ch *change, p *permit, step wxnotify.Step) {
	if step.Permit == wxnotify.Spend && p.State == wxnotify.PermitFree {
		t := p.turn("", ch.item.m.ID)
		t.state = wxnotify.PermitUsed
		ch.turns, ch.item.m.Permit = append(ch.turns, t), p.ID
	}
}

// spentTill takes a permit that cannot be used any more out of the way of
// those that can.
const spentTill = 0

// free gives a permit back that is proved unused, unless its time is over.
func (c *changes) free(p *permit, message string) turn {
	t := p.turn(message, "")
	t.state, t.till = wxnotify.PermitFree, end(p.ExpiresAt)
	if !p.ExpiresAt.IsZero() && !p.ExpiresAt.After(c.now.Virtual) {
		t.state, t.cause, t.till = wxnotify.PermitDead, wxnotify.CauseExpired, spentTill
	}
	return t
}

// pause takes note that a verdict pauses a part of the app.
func (c *changes) pause(m *wxnotify.Message, source wxnotify.Source, step wxnotify.Step, o wxnotify.Outcome) {
	scope := wxnotify.PauseScope(step.Pause, *m, source)
	if scope == "" {
		return
	}
	p := wxnotify.Pause{App: m.App, Scope: scope, Reason: string(o.Verdict.Reason), Detail: clean(o.Errmsg), Since: c.now.Real}
	if o.Said {
		p.Detail = fmt.Sprintf("WeChat answered %d: %s", o.Errcode, p.Detail)
	}
	if p.Reason == "" {
		p.Reason = "wechat"
	}
	switch {
	case step.PauseFor == wxnotify.UntilMidnight:
		p.Reason = "quota"
		p.Until = realTime(c.now, midnight(c.now.Virtual)).Add(rand.N(quotaJitter))
		p.Probe = c.now.Real.Add(probeEvery)
	case step.PauseFor > 0:
		p.Until = c.now.Real.Add(step.PauseFor)
	}
	if c.pauses == nil {
		c.pauses = map[[2]string]wxnotify.Pause{}
	}
	c.pauses[[2]string{m.App, scope}] = p
}

const (
	quotaJitter = 2 * time.Minute  // so that not everybody starts at midnight sharp
	probeEvery  = 15 * time.Minute // one message looks whether a quota has room again
)

// midnight is the next one in UTC+8, where WeChat's days begin. China has no
// summer time, and needs no zone database.
func midnight(t time.Time) time.Time {
	beijing := time.FixedZone("UTC+8", 8*60*60)
	y, m, d := t.In(beijing).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, beijing)
}

// write writes all of it. missed are the changes whose queue row had moved on;
// of them nothing is written.
func (c *changes) write(w *work) (missed []int, err error) {
	if len(c.steps) == 0 {
		return nil, c.writePauses(w)
	}
	// In one order for all, so that two batches do not wait for each other.
	slices.SortFunc(c.steps, func(a, b change) int {
		return cmp.Or(strings.Compare(a.m.App, b.m.App), strings.Compare(a.m.ID, b.m.ID))
	})
	moves := make([]move, len(c.steps))
	for i, ch := range c.steps {
		moves[i] = ch.move
	}
	gone, err := w.hot.move(w, moves)
	if err != nil {
		return nil, err
	}
	hits := make([]*change, 0, len(c.steps))
	for i := range c.steps {
		if len(gone) > 0 && gone[0] == i {
			gone = gone[1:]
			missed = append(missed, c.steps[i].index)
			continue
		}
		hits = append(hits, &c.steps[i])
	}
	if err := c.writeRest(w, hits); err != nil {
		return nil, err
	}
	if err := w.tellMessages(c.now, hits); err != nil {
		return nil, err
	}
	return missed, c.writePauses(w)
}

func (c *changes) writeRest(w *work, hits []*change) error {
	var attempts []attempt
	var turns []turn
	var infers, ends, kills, books, releases [][]string
	for _, ch := range hits {
		m := &ch.item.m
		w.tally.moved(&ch.move)
		attempts = append(attempts, ch.attempts...)
		turns = append(turns, ch.turns...)
		if ch.infer {
			infers = append(infers, []string{m.App, m.ID})
		}
		if ch.standing != nil {
			ends = append(ends, []string{m.App, ch.standing.ID, string(ch.cause)})
		}
		if ch.kill != nil {
			kills = append(kills, []string{m.App, ch.kill.hash, string(ch.cause)})
		}
		if ch.release != "" {
			releases = append(releases, []string{m.App, ch.release, m.ID})
		}
		if ch.books != nil {
			books = append(books, []string{m.App, m.To, ch.books.TemplateID, idAt(wxnotify.PermitPrefix, ch.before)})
		}
	}
	if len(infers) > 0 { // before the attempts: one of them may be lost in its turn
		if err := w.infer(infers, attempts); err != nil {
			return err
		}
	}
	if len(attempts) > 0 {
		if err := w.hot.record(w, attempts); err != nil {
			return err
		}
	}
	for _, ch := range hits {
		if ch.first != nil {
			w.tally.answered(&ch.item.m, ch.first)
		}
		for i := range ch.attempts {
			w.tally.answered(&ch.item.m, &ch.attempts[i])
		}
	}
	if len(turns) > 0 {
		if err := w.turn(c.now, turns); err != nil {
			return err
		}
	}
	if len(ends) > 0 {
		if _, err := w.bury(c.now, wxnotify.PermitFree, `update permit set state = 'dead', cause = u.cause, till = 0
			from `+w.unpack("$1", "app", "id", "cause")+` u where permit.app = u.app and permit.id = u.id and permit.state = 'free'`, pack(ends)); err != nil {
			return err
		}
	}
	if len(releases) > 0 {
		if _, err := w.bury(c.now, wxnotify.PermitHeld, `update permit set state = 'dead', cause = 'unresolved', till = 0
			from `+w.unpack("$1", "app", "hash", "message")+` u
			where permit.app = u.app and permit.code_hash = u.hash and permit.message = u.message and permit.state = 'held'`, pack(releases)); err != nil {
			return err
		}
	}
	if len(kills) > 0 {
		if _, err := w.bury(c.now, wxnotify.PermitFree, `update permit set state = 'dead', cause = u.cause, till = 0
			from `+w.unpack("$1", "app", "hash", "cause")+` u
			where permit.app = u.app and permit.code_hash = u.hash and permit.state = 'free'`, pack(kills)); err != nil {
			return err
		}
	}
	if err := c.closeBooks(w, books); err != nil {
		return err
	}
	return countDrift(w, hits)
}

// infer writes that lost attempts of these messages did arrive.
func (w *work) infer(messages [][]string, attempts []attempt) error {
	return w.each(func(r scanner) error {
		var app, id string
		a := wxnotify.Attempt{Outcome: wxnotify.Lost}
		var finished int64
		if err := r.Scan(&app, &id, &a.Number, &finished, &a.Errcode); err != nil {
			return err
		}
		a.FinishedAt = at(finished)
		m := &wxnotify.Message{App: app}
		w.tally.answer(m, &a, -1)
		a.Outcome = wxnotify.KindInferred
		w.tally.answer(m, &a, 1)
		for i := range attempts { // one that has its own answer by now
			if b := &attempts[i]; b.was != nil && b.app == app && b.message == id && b.Number == a.Number {
				b.was.Outcome = wxnotify.KindInferred
			}
		}
		return nil
	}, `update attempt set outcome = 'inferred' where outcome = 'lost'
		and (app, message) in (select u.app, u.message from `+w.unpack("$1", "app", "message")+` u)
		returning app, message, number, finished_at, errcode`, pack(messages))
}

// closeBooks: WeChat says that the user has nothing left. Permits that reached
// us after the attempt started may be fresh: an id is as old as its deposit.
func (c *changes) closeBooks(w *work, books [][]string) error {
	if len(books) == 0 {
		return nil
	}
	_, err := w.bury(c.now, wxnotify.PermitFree, `update permit set state = 'dead', cause = 'refused', till = 0
		from `+w.unpack("$1", "app", "openid", "template", "before")+` u
		where permit.app = u.app and permit.openid = u.openid and permit.till > 0 and permit.template_id = u.template
			and permit.id < u.before and permit.state = 'free'`, pack(books))
	return err
}

func (c *changes) writePauses(w *work) error {
	keys := make([][2]string, 0, len(c.pauses))
	for k := range c.pauses {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b [2]string) int { return strings.Compare(a[0]+"/"+a[1], b[0]+"/"+b[1]) })
	for _, k := range keys {
		if err := w.putPause(c.pauses[k]); err != nil {
			return err
		}
	}
	return nil
}

// clean makes what WeChat said fit for every database, and short.
func clean(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
	if len(s) > 1000 {
		s = strings.ToValidUTF8(s[:1000], "")
	}
	return s
}
