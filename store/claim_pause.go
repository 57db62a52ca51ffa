package store

import (
	"time"

	"github.com/wxnotify/wxnotify"
)

// loadPauses reads what is paused; it is little.
func (x *claim) loadPauses() error {
	x.paused = map[string][]wxnotify.Pause{}
	return x.w.each(func(r scanner) error {
		p, err := scanPause(r)
		x.paused[p.App] = append(x.paused[p.App], p)
		return err
	}, `select `+pauseColumns+` from pause where until > $1`, ms(x.now.Real))
}

// scoped is the pause of one part of an app: a slice of one, or of none.
func (x *claim) scoped(app, scope string) []wxnotify.Pause {
	ps := x.paused[app]
	for i := range ps {
		if ps[i].Scope == scope {
			return ps[i : i+1]
		}
	}
	return nil
}

// mayClaim is what may be claimed of an app: nothing while all of it is
// paused, one message when it is time to probe.
func (x *claim) mayClaim(want wxnotify.Want) int {
	ps := x.scoped(want.App, "all")
	switch {
	case len(ps) == 0:
		return want.N
	case x.probeDue(&ps[0]):
		return min(want.N, 1)
	}
	return 0
}

func (x *claim) probeDue(p *wxnotify.Pause) bool {
	return !p.Probe.IsZero() && !p.Probe.After(x.now.Real)
}

// parkedProbes takes one message out of each part of the app that is to be
// probed: nothing of it would come up by itself.
func (x *claim) parkedProbes(app string) (items []*item, err error) {
	for i := range x.paused[app] {
		p := &x.paused[app][i]
		if p.Scope == "all" || !x.probeDue(p) {
			continue
		}
		if err := x.w.each(func(r scanner) error {
			it, err := scanItem(r)
			items = append(items, it)
			return err
		}, `select `+itemColumns+` from queue q`+itemTables+` where q.app = $1 and q.parked = $2 and q.parked <> '' and q.due > $3 order by q.id limit 1`+x.w.skipQ,
			app, p.Scope, ms(x.now.Real)); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// halted says which pause stands in the way of a message, or which one it
// probes. The source is that of its permit, "" when it has none yet.
func (x *claim) halted(m *wxnotify.Message, source wxnotify.Source) (probe string, pause *wxnotify.Pause, err error) {
	ps := x.paused[m.App]
	for i := range ps {
		p := &ps[i]
		switch p.Scope {
		case "all", string(m.Channel), m.TemplateID:
		case string(source):
			if source == "" {
				continue
			}
		default:
			continue
		}
		ok, err := x.mayProbe(p)
		if err != nil || !ok {
			return "", p, err
		}
		probe = p.Scope
	}
	return probe, nil, nil
}

// mayProbe takes the right to probe, which one message in the cluster has at a time.
func (x *claim) mayProbe(p *wxnotify.Pause) (bool, error) {
	if !x.probeDue(p) {
		return false, nil
	}
	k := [2]string{p.App, p.Scope}
	if _, asked := x.probing[k]; asked {
		return false, nil
	}
	n, err := x.w.exec(`update pause set probe = $1 where app = $2 and scope = $3 and probe = $4`,
		ms(x.now.Real.Add(probeEvery)), p.App, p.Scope, ms(p.Probe))
	x.probing[k] = n == 1
	return n == 1, err
}

// park lets a message wait for the end of a pause, or for its own deadline.
// Resume brings it back before.
func (x *claim) park(it *item, p *wxnotify.Pause) {
	until := realTime(x.now, it.m.ExpiresAt)
	if it.m.State == wxnotify.Unsure && it.permit != nil && !it.permit.ExpiresAt.IsZero() {
		until = earlier(until, realTime(x.now, it.permit.ExpiresAt.Add(-wxnotify.Margin)))
	}
	if !p.Until.IsZero() {
		until = earlier(until, p.Until)
	}
	ch := change{move: it.seen(), turns: it.shed}
	if it.m.State == wxnotify.Scheduled {
		it.m.State = wxnotify.Queued // its due is real from here on
	}
	it.due, it.parked = ms(until), p.Scope
	x.c.steps = append(x.c.steps, ch)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
