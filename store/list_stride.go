package store

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/wxnotify/wxnotify"
)

// A list goes through an index that has its order, from the newest, and leaves
// out what its filter does not ask for. Where nearly all is left out, a page
// would last as long as what lies between is much; and an index for each thing
// that can be asked for would be paid for by every message. So a list goes in
// strides, and once it has lasted long enough it ends where it is, and its
// cursor goes on there.

// A stride is how a list goes.
type stride struct {
	rows  int           // of the index at a time; more, as long as that takes next to no time
	lasts time.Duration // how long is enough
}

// strideOf leaves half of the time that a door waits for the database to what
// a list began and has to end.
func strideOf(opt *Options) stride {
	return stride{rows: 2000, lasts: max(doorLimit, opt.Patience) / 2}
}

// A way is the index by which a list goes, and how all else is found from there.
type way struct {
	table string // that the index is of, with its alias
	where string // what of the index may belong to the list; with args
	args  []any
	key   string // the column by which the list and the index are ordered
	joins string
	on    string
	all   bool // all of that belongs to the list, or it is short: there is nothing to stride over
}

// A leg is a part of a list: what lies on its way before an id ("": from the
// newest), down to another and with it ("": to the oldest), at most so much.
type leg struct {
	way
	before, from string
	most         int
}

// within adds the ends of a leg.
func (q *where) within(x *leg) {
	if x.before != "" {
		q.and(x.key+` < ?`, x.before)
	}
	if x.from != "" {
		q.and(x.key+` >= ?`, x.from)
	}
}

// strides reads a leg, and says how much it found, and where it ended
// because it was enough; "": it did not.
func (s *Store) strides(ctx context.Context, x leg, enough time.Time, read func(leg) (int, error)) (n int, stopped string, err error) {
	if x.all {
		n, err = read(x)
		return n, "", err
	}
	for rows := s.stride.rows; ; {
		began := time.Now()
		part := x
		end, err := s.further(ctx, &x, rows)
		if err != nil {
			return n, "", err
		}
		if end != "" {
			part.from = end
		}
		k, err := read(part)
		n, x.most, x.before = n+k, x.most-k, end
		switch {
		case err != nil || end == "" || x.most == 0:
			return n, "", err
		case !time.Now().Before(enough):
			return n, end, nil
		case time.Since(began) < s.stride.lasts/16:
			rows *= 4
		}
	}
}

// further is the id that lies so many rows further in the index; "": the leg
// ends before.
func (s *Store) further(ctx context.Context, x *leg, rows int) (id string, err error) {
	q := furtherText(x, rows)
	err = s.each(ctx, func(r scanner) error { return r.Scan(&id) }, q.b.String(), q.args...)
	return id, err
}

func furtherText(x *leg, rows int) *where {
	q := new(where)
	q.add(`select `+x.key+` from `+x.table+` where `+x.where, x.args...)
	q.within(x)
	q.add(` order by `+x.key+` desc limit 1 offset ?`, rows)
	return q
}

// chooseWay chooses the index that fits a filter best.
func (s *Store) chooseWay(ctx context.Context, app string, f wxnotify.MessageFilter) (w way, err error) {
	few := false
	switch {
	case f.To != "":
		w = messageWay(` and m.openid = ?`, app, f.To)
		f.To = ""
	case len(f.Meta) > 0:
		name := slices.Sorted(maps.Keys(f.Meta))[0]
		w = way{table: `message_meta n`, where: `n.app = ? and n.name = ? and n.value = ?`, args: []any{app, name, f.Meta[name]}, key: `n.id`,
			joins: ` cross join queue q cross join message m`, on: `q.app = n.app and q.id = n.id and m.app = n.app and m.id = n.id`}
		if len(f.Meta) == 1 {
			f.Meta = nil
		}
	case f.Open && (f.State == wxnotify.Failed || f.State == wxnotify.Unknown):
		w = queueWay(` and q.state = '`+string(f.State)+`' and q.handled = 0`, app)
		f.State, f.Open = "", false
	default:
		if few, err = s.few(ctx, app, f.State); err != nil {
			return w, err
		}
		switch {
		case few || restIndex[f.State]:
			w = queueWay(` and q.state = '`+string(f.State)+`'`, app)
			f.State = ""
		case reaches(f): // decided without the message's other half
			w = queueWay(``, app)
		default:
			w = messageWay(``, app)
		}
	}
	asks := f.State != "" || f.TemplateID != "" || f.Reason != "" || f.Channel != "" || f.Group != "" || f.Errcode != nil || f.Open || len(f.Meta) > 0 || reaches(f)
	w.all = few || !asks
	return w, nil
}

func messageWay(more string, args ...any) way {
	return way{table: `message m`, where: `m.app = ?` + more, args: args, key: `m.id`, joins: ` cross join queue q`, on: `q.app = m.app and q.id = m.id`}
}

func queueWay(more string, args ...any) way {
	return way{table: `queue q`, where: `q.app = ?` + more, args: args, key: `q.id`, joins: ` cross join message m`, on: `m.app = q.app and m.id = q.id`}
}

// restIndex are the states that the index queue_rest has, in the order of lists.
var restIndex = map[wxnotify.State]bool{wxnotify.Failed: true, wxnotify.Expired: true, wxnotify.Canceled: true, wxnotify.Unknown: true}

// few says whether the messages in a state are so few that sorting them costs
// less than walking through all messages from the newest.
func (s *Store) few(ctx context.Context, app string, state wxnotify.State) (bool, error) {
	const many = 5000
	switch state {
	case wxnotify.Scheduled, wxnotify.Waiting, wxnotify.Queued, wxnotify.Sending, wxnotify.Unsure:
	default:
		return false, nil
	}
	n := 0
	err := s.each(ctx, func(r scanner) error { return r.Scan(&n) },
		`select count(*) from (select 1 from queue where app = $1 and state = '`+string(state)+`' limit $2) x`, app, many)
	return n < many, err
}
