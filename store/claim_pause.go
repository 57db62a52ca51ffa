package store

import (
	"time"

	"github.com/wxnotify/wxnotify"
)

// halts are the pauses that last, by app.
type halts map[string][]wxnotify.Pause

// halts reads what is paused; it is little.
func (w *work) halts(now wxnotify.Now) (halts, error) {
	all := halts{}
	err := w.each(func(r scanner) error {
		p, err := scanPause(r)
		all[p.App] = append(all[p.App], p)
		return err
	}, `select `+pauseColumns+` from pause where until > $1`, ms(now.Real))
	return all, err
}

// scoped is the pause of one part of an app: a slice of one, or of none.
func (h halts) scoped(app, scope string) []wxnotify.Pause {
	ps := h[app]
	for i := range ps {
		if ps[i].Scope == scope {
			return ps[i : i+1]
		}
	}
	return nil
}

// barred says whether permits of a source may not be used. Only those with a
// code are paused by their source; "subscribe" is a channel.
func (h halts) barred(app string, source wxnotify.Source) bool {
	return wxnotify.Rules[source].Code && len(h.scoped(app, string(source))) > 0
}

// closed says whether a part of an app is paused, and it is not yet time for a
// message to try.
func (h halts) closed(app, scope string, now wxnotify.Now) bool {
	ps := h.scoped(app, scope)
	return len(ps) > 0 && !probeDue(&ps[0], now.Real)
}

// mayClaim is what may be claimed of an app: nothing while all of it is
// paused, one message when it is time to probe.
func (x *claim) mayClaim(want wxnotify.Want) int {
	ps := x.paused.scoped(want.App, "all")
	switch {
	case len(ps) == 0:
		return want.N
	case probeDue(&ps[0], x.now.Real):
		return min(want.N, 1)
	}
	return 0
}

func probeDue(p *wxnotify.Pause, now time.Time) bool {
	return !p.Probe.IsZero() && !p.Probe.After(now)
}

// parkedProbes takes one message out of each part of the app that is to be
// probed: nothing of it would come up by itself.
func (x *claim) parkedProbes(app string) (items []*item, err error) {
	for i := range x.paused[app] {
		p := &x.paused[app][i]
		if p.Scope == "all" || !probeDue(p, x.now.Real) {
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
	if !probeDue(p, x.now.Real) {
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

// standStill stops a message at a pause. One that may go another way as well
// does not wait for the end of this pause, but for whatever opens a way first:
// the end of a pause, or a permit.
func (x *claim) standStill(it *item, p *wxnotify.Pause) error {
	switch {
	case p.Reason == string(wxnotify.ReasonChannelRetired) && !it.m.Either && it.m.State != wxnotify.Unsure:
		x.end(it, wxnotify.Failed, wxnotify.ReasonChannelRetired) // WeChat does not bring it back
	case !it.m.Either || it.permit != nil:
		x.park(it, p)
	case it.m.Wait || it.stocked:
		x.wait(it)
	default:
		return x.refuse([]*taker{{change: change{move: it.seen()}}})
	}
	return nil
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
