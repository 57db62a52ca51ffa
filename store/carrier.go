package store

import (
	"github.com/wxnotify/wxnotify"
)

// A carrier is one way of a message that has two.
type carrier struct {
	channel  wxnotify.Channel
	template string
	body     []byte // sealed as the message's own
}

// insertCarriers writes the ways of messages that have two. The message's own
// row holds one of them: the subscription, until a claim takes the other.
func (w *work) insertCarriers(rows []*item) error {
	for _, it := range rows {
		if it.other == nil {
			continue
		}
		m := &it.m
		if _, err := w.exec(`update message set either = 1 where app = $1 and id = $2`, m.App, m.ID); err != nil {
			return err
		}
		for _, c := range []carrier{{m.Channel, m.TemplateID, it.body}, *it.other} {
			if _, err := w.exec(`insert into carrier (app, message, channel, template_id, body) values ($1, $2, $3, $4, $5)`,
				m.App, m.ID, string(c.channel), c.template, c.body); err != nil {
				return err
			}
		}
	}
	return nil
}

// choose takes, for each message that may go either way and has no permit, the
// way whose permit expires first. Ways that are paused are left out, unless it
// is time that a message tries them. What is chosen here is bound by the
// ordinary course; where somebody else was faster, the message comes back and
// chooses again.
func (x *claim) choose(items []*item) error {
	for _, it := range items {
		if !it.m.Either || it.permit != nil || it.m.State == wxnotify.Unsure {
			continue
		}
		ways, err := x.w.carriers(it)
		if err != nil {
			return err
		}
		stock, err := x.w.stockFor(x.now, it, ways)
		if err != nil {
			return err
		}
		it.stocked = len(stock) > 0
		best := stock.soonest(x.paused, x.now, it.m.App, ways)
		if it.chance = best >= 0; !it.chance {
			best = x.patient(it, ways)
		}
		if best >= 0 && ways[best].channel != it.m.Channel {
			if err := x.w.take(it, ways[best]); err != nil {
				return err
			}
		}
	}
	return nil
}

// patient is the way of a message that has no permit: the subscription, of
// which the user may have said no, unless only the other one is open.
func (x *claim) patient(it *item, ways []carrier) int {
	open := -1
	for i, c := range ways {
		if !c.paused(x.paused, it.m.App) && (open < 0 || c.channel == wxnotify.ChannelSubscribe) {
			open = i
		}
	}
	return open
}

func (w *work) carriers(it *item) (ways []carrier, err error) {
	err = w.each(func(r scanner) error {
		var c carrier
		err := r.Scan(&c.channel, &c.template, &c.body)
		ways = append(ways, c)
		return err
	}, `select channel, template_id, body from carrier where app = $1 and message = $2 order by channel`, it.m.App, it.m.ID)
	return ways, err
}

// take makes one way the message's own.
func (w *work) take(it *item, c carrier) error {
	it.m.Channel, it.m.TemplateID, it.body = c.channel, c.template, c.body
	_, err := w.exec(`update message set channel = $1, template_id = $2, body = $3 where app = $4 and id = $5`,
		string(c.channel), c.template, c.body, it.m.App, it.m.ID)
	return err
}

// paused says whether a pause stands in this way. closed says that none may
// try it either.
func (c *carrier) paused(h halts, app string) bool {
	return len(h.scoped(app, string(c.channel))) > 0 || len(h.scoped(app, c.template)) > 0
}

func (c *carrier) closed(h halts, now wxnotify.Now, app string) bool {
	return h.closed(app, string(c.channel), now) || h.closed(app, c.template, now)
}

// A ware is a user's permits for one way that come from one source.
type ware struct {
	way    int
	source wxnotify.Source
	till   int64 // of the one that expires first
}

type stock []ware

// stockFor is what a user has for the ways of a message, used or not by pauses.
func (w *work) stockFor(now wxnotify.Now, it *item, ways []carrier) (all stock, err error) {
	for i, c := range ways {
		template := c.template
		if c.channel == wxnotify.ChannelTemplate {
			template = ""
		}
		err := w.each(func(r scanner) error {
			k := ware{way: i}
			err := r.Scan(&k.source, &k.till)
			all = append(all, k)
			return err
		}, `select source, min(till) from permit where app = $1 and openid = $2 and till > $3 and state = 'free'
			and template_id = $4 group by source`, it.m.App, it.m.To, fresh(now), template)
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// soonest is the open way whose permit expires first; where there is none, one
// that is to be tried; else -1.
func (s stock) soonest(h halts, now wxnotify.Now, app string, ways []carrier) int {
	best, trial, till := -1, false, int64(0)
	for _, k := range s {
		way := &ways[k.way]
		if way.closed(h, now, app) || h.barred(app, k.source) {
			continue
		}
		paused := way.paused(h, app)
		if best < 0 || trial && !paused || trial == paused && k.till < till {
			best, trial, till = k.way, paused, k.till
		}
	}
	return best
}

// anotherLook lets a message that may go either way choose again: the permit
// that it had in view went to somebody else.
func (x *claim) anotherLook(t *taker) {
	x.putOff(&taker{change: t.change}, userTurn)
}
