package store

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
)

// need joins m to the others of its user that can use the same permits.
func (x *claim) need(m *wxnotify.Message) *need {
	k := needOf(m, m.Channel, m.TemplateID)
	u := x.needs[k]
	if u == nil {
		u = &need{app: k.app, openid: k.openid, template: k.template}
		for i, source := range []wxnotify.Source{wxnotify.Form, wxnotify.Payment} {
			if len(x.paused.scoped(k.app, string(source))) > 0 {
				u.skip[i] = string(source)
			}
		}
		x.needs[k] = u
	}
	u.n++
	return u
}

// bind gives each message of a user the next of the user's free permits, the
// one that expires first to the oldest message. Messages that find none are
// dealt with at once.
func (x *claim) bind() error {
	if len(x.needs) > 0 {
		needs := make([]*need, 0, len(x.needs))
		for _, u := range x.needs {
			needs = append(needs, u)
		}
		slices.SortFunc(needs, func(a, b *need) int { // the order of the index: all lock in it
			return cmp.Or(strings.Compare(a.app, b.app), strings.Compare(a.openid, b.openid), strings.Compare(a.template, b.template))
		})
		if err := x.w.hot.free(x.w, x.now, needs); err != nil {
			return err
		}
	}
	var without []*taker
	x.takers = slices.DeleteFunc(x.takers, func(t *taker) bool {
		if t.need == nil {
			return false
		}
		if t.permit = t.need.take(); t.permit == nil {
			without = append(without, t)
			return true
		}
		t.bind()
		return false
	})
	return x.withoutPermit(without)
}

// take hands out the first row, or the standing one to everybody.
func (u *need) take() *permit {
	for _, p := range u.rows {
		if p.Source.Standing() {
			return p
		}
	}
	if len(u.rows) == 0 {
		return nil
	}
	p := u.rows[0]
	u.rows = u.rows[1:]
	return p
}

// bind writes down that the permit is the message's.
func (t *taker) bind() {
	p := t.permit
	if p.Source.Standing() {
		return
	}
	turned := p.turn("", t.m.ID)
	turned.state, turned.till = wxnotify.PermitBound, end(p.ExpiresAt)
	t.turns = append(t.turns, turned)
	p.State, p.Message = wxnotify.PermitBound, t.m.ID
}

// sibling binds another free row of the same code: a repeat that may deliver
// twice takes a use of its own. It is written at once, since the rows for
// other messages are chosen afterwards.
func (x *claim) sibling(it *item) (*permit, error) {
	if it.permit == nil || it.permit.hash == "" {
		return nil, nil
	}
	var p *permit
	err := x.w.each(func(r scanner) (err error) {
		p, err = scanPermit(r)
		return err
	}, `select `+permitColumns+` from permit p where p.app = $1 and p.code_hash = $2 and p.state = 'free' and p.till > $3
		order by p.use_no limit 1`+x.w.lock, it.m.App, it.permit.hash, fresh(x.now))
	if err != nil || p == nil {
		return nil, err
	}
	t := &taker{change: change{move: it.seen()}, permit: p}
	t.bind()
	return p, x.w.turn(x.now, t.turns)
}

// withoutPermit parks, lets wait or ends messages that found no permit.
func (x *claim) withoutPermit(ts []*taker) error {
	var failing []*taker
	for _, t := range ts {
		it, m := t.item, &t.item.m
		pause, err := x.sourcePause(t.need)
		switch {
		case err != nil:
			return err
		case pause != nil:
			if err := x.standStill(it, pause); err != nil {
				return err
			}
		case it.chance:
			x.anotherLook(t)
		case m.Wait || it.stocked:
			x.wait(it)
		default:
			failing = append(failing, t)
		}
	}
	if len(failing) == 0 {
		return nil
	}
	return x.refuse(failing)
}

// refuse ends messages for which there is no permit.
func (x *claim) refuse(ts []*taker) error {
	refused, err := x.refusals(ts)
	if err != nil {
		return err
	}
	for _, t := range ts {
		reason := wxnotify.ReasonNoPermit
		if m := &t.m; refused[needKey{m.App, m.To, m.TemplateID}] {
			reason = wxnotify.ReasonRefusedByUser
		}
		x.end(t.item, wxnotify.Failed, reason)
	}
	return nil
}

// wait lets a message wait for a permit that it may use.
func (x *claim) wait(it *item) {
	m := &it.m
	ch := change{move: it.seen(), turns: it.shed}
	m.State, m.UpdatedAt = wxnotify.Waiting, x.now.Virtual
	it.due, it.parked = ms(m.ExpiresAt), ""
	x.c.steps = append(x.c.steps, ch)
	x.waiting = append(x.waiting, user{m.App, m.To})
	x.rest(it)
}

// sourcePause finds the paused source that the user has a free permit of.
func (x *claim) sourcePause(u *need) (*wxnotify.Pause, error) {
	for _, source := range u.skip {
		if source == "" {
			continue
		}
		var one int
		found, err := x.w.one([]any{&one}, `select 1 from permit where app = $1 and openid = $2 and till > $3 and state = 'free'
			and template_id = $4 and source = $5 limit 1`, u.app, u.openid, fresh(x.now), u.template, source)
		if err != nil {
			return nil, err
		}
		if found {
			return &x.paused.scoped(u.app, source)[0], nil
		}
	}
	return nil, nil
}

// refusals are the users whose last word about the template was no: a ban and a
// filter are the platform's.
func (x *claim) refusals(ts []*taker) (map[needKey]bool, error) {
	rows := make([][]string, 0, len(ts))
	for _, t := range ts {
		rows = append(rows, []string{t.m.App, t.m.To, t.m.TemplateID})
	}
	refused := map[needKey]bool{}
	err := x.w.each(func(r scanner) error {
		var k needKey
		err := r.Scan(&k.app, &k.openid, &k.template)
		refused[k] = true
		return err
	}, `select t.app, t.openid, t.template_id from `+x.w.unpack("$1", "app", "openid", "template")+` u
		cross join word t where t.app = u.app and t.openid = u.openid and t.template_id = u.template and t.said = 'reject'`, pack(rows))
	return refused, err
}

// send turns the takers into attempts.
func (x *claim) send() error {
	last, err := x.lastUses()
	if err != nil {
		return err
	}
	x.c.steps, x.out.Tries = slices.Grow(x.c.steps, len(x.takers)), slices.Grow(x.out.Tries, len(x.takers))
	for _, t := range x.takers {
		it, m, p := t.item, &t.item.m, t.permit
		body, err := x.s.unseal("message.body", m.App, m.ID, it.body)
		code, err2 := x.s.unseal("permit.code", p.App, p.ID, p.sealed)
		if err != nil || err2 != nil || it.bad != nil || body == nil {
			x.s.log.Error("a message cannot be read and is given up", "message", m.ID, "error", cmp.Or(err, err2, it.bad, errSealed))
			x.giveUp(t)
			continue
		}
		m.State, m.Permit, m.Source = wxnotify.Sending, p.ID, p.Source
		it.due, it.owner = ms(x.now.Real.Add(x.lease)), x.owner
		it.mode, it.parked = modeRepeat, ""
		if !t.again {
			it.number++
			it.started = ms(x.now.Virtual)
			m.UpdatedAt = x.now.Virtual
		}
		try := x.try(it, p)
		try.Message.Body, try.Permit.Code = body, string(code)
		try.LastUse = last(p)
		try.Attempt = wxnotify.Attempt{ID: wxnotify.AttemptID(m.ID, it.number), Number: it.number, Permit: p.ID, Code: try.Permit.Code, StartedAt: at(it.started), Node: x.s.Node()}
		if p := x.paces[m.App]; p != nil {
			try.Start = p.start()
		}
		if t.probe != "" {
			x.probes[try.Attempt.ID] = t.probe
		}
		t.turns = append(t.turns, it.shed...)
		x.c.steps = append(x.c.steps, t.change)
		x.out.Tries = append(x.out.Tries, try)
	}
	return x.hear()
}

// giveUp ends a message that cannot be read. A permit that this claim chose for
// it was not written yet; one that it had before goes its way.
func (x *claim) giveUp(t *taker) {
	it := t.item
	if t.need == nil {
		it.permit = t.permit
	}
	if it.m.State != wxnotify.Unsure {
		x.end(it, wxnotify.Failed, wxnotify.ReasonInternal)
		return
	}
	x.c.apply(it, nil, it.permit, wxnotify.Step{State: wxnotify.Unknown, Reason: wxnotify.ReasonUnresolved,
		Permit: wxnotify.Kill, Cause: wxnotify.CauseUnresolved, Tries: it.m.Tries}, time.Time{}, time.Time{})
	x.rest(it)
}

// lastUses says of a permit whether its code has exactly this use left at
// WeChat: every other one was used, with proof. What this claim binds is not
// in the rows yet, and counts as open.
func (x *claim) lastUses() (func(*permit) bool, error) {
	var ps []*permit
	for _, t := range x.takers {
		ps = append(ps, t.permit)
	}
	return x.w.lastUses(ps)
}

func (w *work) lastUses(ps []*permit) (func(*permit) bool, error) {
	var rows [][]string
	for _, p := range ps {
		if p.Source == wxnotify.Payment && p.hash != "" {
			rows = append(rows, []string{p.App, p.hash})
		}
	}
	unused := map[[2]string]map[string]bool{} // app and hash: ids
	if len(rows) > 0 {
		err := w.each(func(r scanner) error {
			var k [2]string
			var id string
			if err := r.Scan(&k[0], &k[1], &id); err != nil {
				return err
			}
			if unused[k] == nil {
				unused[k] = map[string]bool{}
			}
			unused[k][id] = true
			return nil
		}, `select p.app, p.code_hash, p.id from `+w.unpack("$1", "app", "hash")+` u
			cross join permit p where p.app = u.app and p.code_hash = u.hash and p.state <> 'used'`, pack(rows))
		if err != nil {
			return nil, err
		}
	}
	return func(p *permit) bool {
		switch {
		case !wxnotify.Rules[p.Source].Code:
			return false
		case p.Source.Single():
			return true
		}
		k := [2]string{p.App, p.hash}
		return p.hash != "" && len(unused[k]) == 1 && unused[k][p.ID]
	}, nil
}

// readBack takes up attempts whose commit was unknown to us: they were
// committed, and no call was made, so they go out now under a new lease.
func (x *claim) readBack(owners []string) error {
	for _, owner := range owners {
		err := x.w.each(func(r scanner) error {
			it, err := scanItem(r)
			if err != nil || it.permit == nil {
				return err
			}
			x.takers = append(x.takers, &taker{change: change{move: it.seen()}, permit: it.permit, again: true})
			return nil
		}, `select `+itemColumns+` from app a cross join queue q`+itemTables+`
			where q.app = a.app and q.state = 'sending' and q.owner = $1`+x.w.lockQ, owner)
		if err != nil {
			return err
		}
	}
	return nil
}

// next says when the earliest work is due of apps that got less than they wanted.
func (x *claim) next(wants []wxnotify.Want) error {
	var rows [][]string
	x.out.Next = map[string]time.Time{}
	x.out.Paced = x.later
	for _, want := range wants {
		if !x.later[want.App].IsZero() {
			continue
		}
		if ps := x.paused.scoped(want.App, "all"); len(ps) > 0 {
			x.soonest(want.App, ps[0].Until)
			x.soonest(want.App, ps[0].Probe)
			continue
		}
		rows = append(rows, []string{want.App})
	}
	if len(rows) == 0 {
		return nil
	}
	return x.w.each(func(r scanner) error {
		var app string
		var queued, unsure, scheduled int64
		if err := r.Scan(&app, &queued, &unsure, &scheduled); err != nil {
			return err
		}
		x.soonest(app, at(queued))
		x.soonest(app, at(unsure))
		if scheduled > 0 {
			x.soonest(app, realTime(x.now, at(scheduled)))
		}
		return nil
	}, `select w.app,
			coalesce((select due from queue where app = w.app and state = 'queued' and due > $1 order by due limit 1), 0),
			coalesce((select due from queue where app = w.app and state = 'unsure' and mode <> 'hold' and due > $2 order by due limit 1), 0),
			coalesce((select due from queue where app = w.app and state = 'scheduled' and due > $3 order by due limit 1), 0)
		from `+x.w.unpack("$4", "app")+` w`, ms(x.now.Real), ms(x.now.Real), ms(x.now.Virtual), pack(rows))
}

func (x *claim) soonest(app string, t time.Time) {
	if old := x.out.Next[app]; !t.IsZero() && (old.IsZero() || t.Before(old)) {
		x.out.Next[app] = t
	}
}
