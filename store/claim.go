package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wxnotify/wxnotify"
)

// Claim takes what is due: of each app what it wants, the oldest first. It
// binds the permits and commits the attempts before it returns, and only what
// it returns may be sent, while the lease lasts. Messages that cannot be sent
// come to rest, wait for a permit, or are parked for a pause.
//
// When its commit is unknown nothing may be sent; the next Claim reads back
// what became of it.
func (s *Store) Claim(ctx context.Context, now wxnotify.Now, lease time.Duration, wants []wxnotify.Want) (wxnotify.Claim, error) {
	s.saw(now)
	x := &claim{s: s, now: now, lease: lease, owner: s.owner()}
	doubtful := s.doubts.all()
	err := s.do(ctx, "claim", engineLimit, func(w *work) error { return x.run(w, wants, doubtful) })
	var unknown *commitError
	switch {
	case errors.As(err, &unknown):
		s.doubts.add(x.owner)
		return wxnotify.Claim{}, err
	case err != nil:
		return wxnotify.Claim{}, err
	}
	s.doubts.done(doubtful)
	for attempt, scope := range x.probes {
		s.probes.add(attempt, scope)
	}
	// A permit may have come while the message was still on its way to wait for
	// one. SQLite has one writer: there nothing can come in between.
	if len(x.waiting) > 0 && s.base.dialect().skip != "" {
		if _, err := s.rouse(ctx, now, x.waiting); err != nil {
			s.log.Warn("messages that wait for a permit were not looked at; the sweep will", "error", err)
		}
	}
	return x.out, nil
}

// A claim is one claim under way.
type claim struct {
	s     *Store
	w     *work
	now   wxnotify.Now
	lease time.Duration
	owner string

	out     wxnotify.Claim
	paused  halts
	probing map[[2]string]bool // app and scope: what asking for a probe gave
	probes  map[string]string  // attempt id: scope
	c       changes
	needs   map[needKey]*need
	takers  []*taker
	waiting []user
	events  map[string]bool
	slots   map[string]int       // by app: how many may start at once
	paces   map[string]*pace     // of the apps with a rate
	later   map[string]time.Time // apps whose rate leaves no room before
}

type needKey struct{ app, openid, template string }

// A taker is a message that can go out if it has a permit.
type taker struct {
	change
	permit *permit
	need   *need  // nil: the permit is at hand
	probe  string // the pause that it tries out
	again  bool   // its attempt is committed already
}

// A user is one to whom something has come.
type user struct{ app, openid string }

func (x *claim) run(w *work, wants []wxnotify.Want, doubtful []string) error {
	*x = claim{s: x.s, w: w, now: x.now, lease: x.lease, owner: x.owner,
		probing: map[[2]string]bool{}, probes: map[string]string{}, needs: map[needKey]*need{}, events: map[string]bool{},
		slots: map[string]int{}, paces: map[string]*pace{}, later: map[string]time.Time{}}
	x.c.now = x.now
	wants = slices.Clone(wants) // this run may be begun anew
	for i := range wants {
		want := &wants[i]
		x.events[want.App], x.slots[want.App] = want.Events, want.N
		want.N += want.Ahead
	}
	if err := x.readBack(doubtful); err != nil {
		return err
	}
	var err error
	if x.paused, err = w.halts(x.now); err != nil {
		return err
	}
	if err := x.openPaces(wants); err != nil {
		return err
	}
	items, rest, err := x.candidates(wants)
	if err != nil {
		return err
	}
	if err := x.choose(items); err != nil {
		return err
	}
	for _, it := range items {
		if err := x.look(it); err != nil {
			return err
		}
	}
	if err := x.takeTurns(); err != nil {
		return err
	}
	if err := x.bind(); err != nil {
		return err
	}
	x.keep()
	if err := x.send(); err != nil {
		return err
	}
	if err := x.closePaces(); err != nil {
		return err
	}
	if _, err := x.c.write(w); err != nil {
		return err
	}
	return x.next(rest)
}

// candidates are at most as many of each app as it wants, in the order in
// which they are due, and what was not wanted in full.
func (x *claim) candidates(wants []wxnotify.Want) (items []*item, rest []wxnotify.Want, err error) {
	asked := make([]wxnotify.Want, 0, len(wants))
	for _, want := range wants {
		if want.N = x.mayClaim(want); want.N > 0 {
			asked = append(asked, want)
		} else {
			rest = append(rest, want)
		}
	}
	if len(asked) == 0 {
		return nil, rest, nil
	}
	all, err := x.w.hot.due(x.w, x.now, asked)
	if err != nil {
		return nil, nil, err
	}
	slices.SortFunc(all, func(a, b *item) int {
		return cmp.Or(strings.Compare(a.m.App, b.m.App), cmp.Compare(a.due, b.due), strings.Compare(a.m.ID, b.m.ID))
	})
	for _, want := range asked {
		from, _ := slices.BinarySearchFunc(all, want.App, func(it *item, app string) int { return strings.Compare(it.m.App, app) })
		n := 0
		for from+n < len(all) && n < want.N && all[from+n].m.App == want.App {
			n++
		}
		items = append(items, all[from:from+n]...)
		if n == want.N && len(x.paused.scoped(want.App, "all")) == 0 {
			x.out.Full = append(x.out.Full, want.App)
		} else {
			rest = append(rest, want)
		}
		tried, err := x.parkedProbes(want.App)
		if err != nil {
			return nil, nil, err
		}
		items = append(items, tried...)
	}
	return items, rest, nil
}

// keep leaves what would have to wait for its turn, and could not be repeated
// if this node died meanwhile. Of a taker that is left nothing is written yet;
// its message stays due.
func (x *claim) keep() {
	n, kept := map[string]int{}, map[string]bool{}
	x.takers = slices.DeleteFunc(x.takers, func(t *taker) bool {
		app := t.m.App
		n[app]++
		if n[app] <= x.slots[app] || t.permit.Source.Single() || t.again || t.probe != "" || t.mode == modeOther {
			return false
		}
		if !kept[app] {
			kept[app] = true
			x.out.Kept = append(x.out.Kept, app)
		}
		return true
	})
}

// look decides what can be decided about a candidate without a permit.
func (x *claim) look(it *item) error {
	m := &it.m
	if m.State == wxnotify.Unsure && !x.repeatable(it) {
		x.overdue(it)
		return nil
	}
	if m.State != wxnotify.Unsure && !m.ExpiresAt.After(x.now.Virtual) {
		x.end(it, wxnotify.Expired, wxnotify.ReasonDeadline)
		return nil
	}
	if p := it.permit; p != nil && m.State != wxnotify.Unsure && !p.ExpiresAt.IsZero() && !p.ExpiresAt.After(x.now.Virtual) {
		if m.Fixed {
			x.end(it, wxnotify.Failed, wxnotify.ReasonPermitDead)
			return nil
		}
		// Kept for a second try, and too old by now: another one will do.
		it.shed = append(it.shed, x.c.free(p, m.ID))
		it.permit, m.Permit, m.Source = nil, "", ""
	}
	if m.Fixed && it.permit == nil {
		x.end(it, wxnotify.Failed, wxnotify.ReasonPermitDead)
		return nil
	}
	source := wxnotify.Source("")
	if it.permit != nil && it.mode != modeOther {
		source = it.permit.Source
	}
	probe, halted, err := x.halted(m, source)
	if err != nil {
		return err
	}
	if halted != nil {
		return x.standStill(it, halted)
	}
	t := &taker{change: change{move: it.seen()}, probe: probe}
	switch {
	case it.mode == modeOther:
		if t.permit, err = x.sibling(it); err != nil {
			return err
		}
		if t.permit == nil {
			x.overdue(it)
			return nil
		}
	case it.permit != nil:
		t.permit = it.permit
	default:
		t.need = x.need(m)
	}
	x.takers = append(x.takers, t)
	return nil
}

func (x *claim) repeatable(it *item) bool {
	return x.try(it, it.permit).Repeatable(x.now.Virtual)
}

// try is the item as the rules see it. What takes a look at other permits
// (LastUse) is not in it.
func (x *claim) try(it *item, p *permit) wxnotify.Try {
	t := wxnotify.Try{Message: it.m, Unresolved: it.lost, Events: x.events[it.m.App]}
	if p != nil {
		t.Permit = p.Permit
	}
	return t
}

// overdue ends an unsure message that may not be repeated, or not yet.
func (x *claim) overdue(it *item) {
	step := wxnotify.Overdue(x.try(it, it.permit), x.now.Virtual)
	x.c.apply(it, nil, it.permit, step, x.now.Real, time.Time{})
	x.rest(it)
}

// end brings a message to rest that was never sent, or proved not to be.
func (x *claim) end(it *item, state wxnotify.State, reason wxnotify.Reason) {
	x.c.end(it, state, reason)
	x.rest(it)
}

func (c *changes) end(it *item, state wxnotify.State, reason wxnotify.Reason) {
	c.apply(it, nil, it.permit, wxnotify.Step{State: state, Reason: reason, Permit: wxnotify.Free, Tries: it.m.Tries}, time.Time{}, time.Time{})
}

func (x *claim) rest(it *item) {
	x.out.Rest = append(x.out.Rest, it.m.Rest())
}

// doubts are claims whose commit is unknown.
type doubts struct {
	mu     sync.Mutex
	owners []string
}

func (d *doubts) add(owner string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.owners = append(d.owners, owner)
}

func (d *doubts) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.owners)
}

func (d *doubts) done(owners []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.owners = slices.DeleteFunc(d.owners, func(o string) bool { return slices.Contains(owners, o) })
}
