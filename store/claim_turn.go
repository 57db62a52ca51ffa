package store

import (
	"time"

	"github.com/wxnotify/wxnotify"
)

// userTurn is how far apart the subscribe messages of one user are started when
// several are due at once.
const userTurn = 250 * time.Millisecond

// takeTurns lets only one subscribe message of a user go out at a time: WeChat
// answers 43108 when two of them meet. The others are put off, each a little
// further. Two nodes that claim in the same moment may still let two meet; then
// the refusal repeats one of them.
func (x *claim) takeTurns() error {
	var apps [][]string
	seen := map[string]bool{}
	for _, t := range x.takers {
		if app := t.m.App; t.m.Channel == wxnotify.ChannelSubscribe && !seen[app] {
			seen[app] = true
			apps = append(apps, []string{app})
		}
	}
	if len(apps) == 0 {
		return nil
	}
	busy := map[user]int{}
	err := x.w.each(func(r scanner) error {
		var u user
		err := r.Scan(&u.app, &u.openid)
		busy[u] = 1
		return err
	}, `select q.app, q.openid from `+x.w.unpack("$1", "app")+` u cross join queue q cross join message m
		where q.app = u.app and q.state = 'sending' and m.app = q.app and m.id = q.id and m.channel = 'subscribe'`, pack(apps))
	if err != nil {
		return err
	}
	going := x.takers[:0]
	for _, t := range x.takers {
		u := user{t.m.App, t.m.To}
		switch {
		case t.m.Channel != wxnotify.ChannelSubscribe, t.again, t.probe != "":
			going = append(going, t)
		case busy[u] == 0:
			busy[u]++
			going = append(going, t)
		default:
			x.putOff(t, time.Duration(busy[u])*userTurn)
			busy[u]++
		}
	}
	x.takers = going
	return nil
}

func (x *claim) putOff(t *taker, wait time.Duration) {
	if t.need != nil {
		t.need.n--
	}
	it := t.item
	ch := change{move: it.seen(), turns: it.shed}
	if it.m.State == wxnotify.Scheduled {
		it.m.State = wxnotify.Queued // its due is real from here on
	}
	it.due, it.parked = ms(x.now.Real.Add(wait)), ""
	x.c.steps = append(x.c.steps, ch)
}
