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
// way whose permit expires first. Ways that are paused are left out. What is
// chosen here is bound by the ordinary course; where somebody else was faster,
// the message comes back and chooses again.
func (x *claim) choose(items []*item) error {
	for _, it := range items {
		if !it.m.Either || it.permit != nil || it.m.State == wxnotify.Unsure {
			continue
		}
		ways, err := x.w.carriers(it)
		if err != nil {
			return err
		}
		best, till := -1, int64(0)
		for i, c := range ways {
			t, err := x.soonestPermit(it, c)
			if err != nil {
				return err
			}
			if t > 0 && (best < 0 || t < till) {
				best, till = i, t
			}
		}
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
		if !x.wayPaused(it, c) && (open < 0 || c.channel == wxnotify.ChannelSubscribe) {
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

func (x *claim) wayPaused(it *item, c carrier) bool {
	return len(x.scoped(it.m.App, string(c.channel))) > 0 || len(x.scoped(it.m.App, c.template)) > 0
}

// soonestPermit is when the first of the user's permits for a way expires, 0
// when there is none.
func (x *claim) soonestPermit(it *item, c carrier) (till int64, err error) {
	if x.wayPaused(it, c) {
		return 0, nil
	}
	template, skip := c.template, [2]string{}
	if c.channel == wxnotify.ChannelTemplate {
		template = ""
		for i, source := range []wxnotify.Source{wxnotify.Form, wxnotify.Payment} {
			if len(x.scoped(it.m.App, string(source))) > 0 {
				skip[i] = string(source)
			}
		}
	}
	_, err = x.w.one([]any{&till}, `select till from permit where app = $1 and openid = $2 and till > $3 and state = 'free'
		and template_id = $4 and source <> $5 and source <> $6 order by till limit 1`,
		it.m.App, it.m.To, fresh(x.now), template, skip[0], skip[1])
	return till, err
}

// anotherLook lets a message that may go either way choose again: the permit
// that it had in view went to somebody else.
func (x *claim) anotherLook(t *taker) {
	x.putOff(&taker{change: t.change}, userTurn)
}
