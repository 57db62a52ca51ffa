package store

import (
	"time"

	"github.com/wxnotify/wxnotify"
)

// paceAhead is how far ahead starts are given out, by all nodes together: well
// before a claim is too old to start.
const paceAhead = 5 * time.Second

// paceRival is when to look again where another node is giving out starts.
const paceRival = 50 * time.Millisecond

// A pace gives out the starts of an app's calls, evenly spread.
type pace struct {
	next int64 // real, in microseconds
	step int64
	used bool
}

// start takes the next one.
func (p *pace) start() time.Time {
	at := time.UnixMicro(p.next)
	p.next += p.step
	p.used = true
	return at
}

// openPaces takes the turn to give out starts of the apps that have a rate, and
// lowers what is wanted to what may start soon. Where another node has the turn
// nothing is claimed this time: an app's rate holds up nobody else.
func (x *claim) openPaces(wants []wxnotify.Want) error {
	for i := range wants {
		want := &wants[i]
		if want.Rate <= 0 || want.N == 0 {
			continue
		}
		if _, err := x.w.exec(`insert into pace (app, start_us) values ($1, 0) on conflict do nothing`, want.App); err != nil {
			return err
		}
		p := &pace{step: max(int64(time.Second/time.Microsecond)/int64(want.Rate), 1)}
		mine, err := x.w.one([]any{&p.next}, `select start_us from pace where app = $1`+x.w.skip, want.App)
		if err != nil {
			return err
		}
		now := x.now.Real.UnixMicro()
		if !mine {
			want.N, x.later[want.App] = 0, x.now.Real.Add(paceRival)
			continue
		}
		p.next = max(p.next, now)
		x.paces[want.App] = p
		room := (now + paceAhead.Microseconds() - p.next) / p.step
		if want.N = min(want.N, int(max(room, 0))); want.N == 0 {
			// A quarter of what may be given out, so that claims are not by ones.
			x.later[want.App] = time.UnixMicro(p.next - paceAhead.Microseconds()*3/4)
		}
	}
	return nil
}

// closePaces writes down what was given out.
func (x *claim) closePaces() error {
	for app, p := range x.paces {
		if !p.used {
			continue
		}
		if _, err := x.w.exec(`update pace set start_us = $1 where app = $2`, p.next, app); err != nil {
			return err
		}
	}
	return nil
}
