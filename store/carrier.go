package store

import (
	"github.com/wxnotify/wxnotify"
)

// A carrier is one way of a message that has two.
type carrier struct {
	channel  wxnotify.Channel
	template string
	body     []byte // sealed as the message's own; of one that is on its way in
}

// A carried is a carrier with the message that it is of.
type carried struct {
	*item
	carrier
}

// insertCarriers writes the ways of messages that have two. The message's own
// row holds one of them: the subscription, until a claim takes the other.
func (w *work) insertCarriers(rows []*item) error {
	var all []carried
	for _, it := range rows {
		if it.other != nil {
			all = append(all, carried{it, carrier{it.m.Channel, it.m.TemplateID, it.body}}, carried{it, *it.other})
		}
	}
	if len(all) == 0 {
		return nil
	}
	return w.hot.carry(w, all)
}

// choose takes, for each message that may go either way and has no permit, the
// way whose permit expires first. Ways that are paused are left out, unless it
// is time that a message tries them. What is chosen here is bound by the
// ordinary course; where somebody else was faster, the message comes back and
// chooses again.
func (x *claim) choose(items []*item) error {
	var open []*item
	for _, it := range items {
		if it.m.Either && it.permit == nil && it.m.State != wxnotify.Unsure {
			open = append(open, it)
		}
	}
	if len(open) == 0 {
		return nil
	}
	ways, err := x.w.carriers(open)
	if err != nil {
		return err
	}
	wares, err := x.w.stockFor(x.now, open, ways)
	if err != nil {
		return err
	}
	var changed []carried
	for _, it := range open {
		ways := ways[it.m.ID]
		stock := wares.of(it, ways)
		it.stocked = len(stock) > 0
		best := stock.soonest(x.paused, x.now, it.m.App, ways)
		if it.chance = best >= 0; !it.chance {
			best = x.patient(it, ways)
		}
		if best >= 0 && ways[best].channel != it.m.Channel {
			changed = append(changed, carried{it, ways[best]})
		}
	}
	return x.w.take(changed)
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

// carriers are the ways of messages, by their ids.
func (w *work) carriers(items []*item) (map[string][]carrier, error) {
	ways := make(map[string][]carrier, len(items))
	rows := make([][]string, len(items))
	for i, it := range items {
		rows[i] = []string{it.m.App, it.m.ID}
	}
	err := w.each(func(r scanner) error {
		var id string
		var c carrier
		err := r.Scan(&id, &c.channel, &c.template)
		ways[id] = append(ways[id], c)
		return err
	}, `select c.message, c.channel, c.template_id from `+w.unpack("$1", "app", "id")+` u cross join carrier c
		where c.app = u.app and c.message = u.id order by c.message, c.channel`, pack(rows))
	return ways, err
}

// take makes one way each message's own.
func (w *work) take(all []carried) error {
	if len(all) == 0 {
		return nil
	}
	byID := make(map[string]carried, len(all))
	rows := make([][]string, len(all))
	for i, c := range all {
		byID[c.m.ID], rows[i] = c, []string{c.m.App, c.m.ID, string(c.channel)}
	}
	return w.each(func(r scanner) error {
		var id string
		var body []byte
		err := r.Scan(&id, &body)
		c := byID[id]
		c.m.Channel, c.m.TemplateID, c.item.body = c.channel, c.template, body
		return err
	}, `update message set channel = c.channel, template_id = c.template_id, body = c.body
		from `+w.unpack("$1", "app", "id", "channel")+` u cross join carrier c
		where message.app = u.app and message.id = u.id and c.app = u.app and c.message = u.id and c.channel = u.channel
		returning message.id, message.body`, pack(rows))
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

// stockFor is what the users of messages have for their ways, used or not by
// pauses.
func (w *work) stockFor(now wxnotify.Now, items []*item, ways map[string][]carrier) (wares, error) {
	all := wares{}
	var rows [][]string
	for _, it := range items {
		for _, c := range ways[it.m.ID] {
			k := needOf(&it.m, c.channel, c.template)
			if _, asked := all[k]; !asked {
				all[k] = nil
				rows = append(rows, []string{k.app, k.openid, k.template})
			}
		}
	}
	err := w.each(func(r scanner) error {
		var k needKey
		var v ware
		err := r.Scan(&k.app, &k.openid, &k.template, &v.source, &v.till)
		all[k] = append(all[k], v)
		return err
	}, `select p.app, p.openid, p.template_id, p.source, min(p.till) from `+w.unpack("$1", "app", "openid", "template")+` u cross join permit p
		where p.app = u.app and p.openid = u.openid and p.till > $2 and p.state = 'free' and p.template_id = u.template
		group by p.app, p.openid, p.template_id, p.source`, pack(rows), fresh(now))
	return all, err
}

// wares are what users have for what they need.
type wares map[needKey][]ware

// of is what there is for the ways of one message.
func (all wares) of(it *item, ways []carrier) (s stock) {
	for i, c := range ways {
		for _, k := range all[needOf(&it.m, c.channel, c.template)] {
			k.way = i
			s = append(s, k)
		}
	}
	return s
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
