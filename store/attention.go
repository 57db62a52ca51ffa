package store

import (
	"context"
	"slices"

	"github.com/wxnotify/wxnotify"
)

// What failed, or is unknown, is open until somebody saw to it. The index
// queue_open holds exactly that, so what was seen to costs nothing.

var openStates = []wxnotify.State{wxnotify.Failed, wxnotify.Unknown}

// Causes groups what is open, the newest most of each app and state, by cause:
// the largest groups first. Fewer than most of them is all there is.
func (s *Store) Causes(ctx context.Context, app string, most int) (groups []wxnotify.CauseGroup, err error) {
	err = s.look(ctx, "group what is open", func(ctx context.Context) error {
		apps, err := s.listApps(ctx, app)
		if err != nil {
			return err
		}
		for _, app := range apps {
			for _, state := range openStates {
				if err := s.each(ctx, func(r scanner) error {
					g := wxnotify.CauseGroup{App: app, State: state}
					var reason string
					var when int64
					err := r.Scan(&reason, &g.Errcode, &g.TemplateID, &g.Messages, &g.Users, &g.First, &g.Last, &when)
					g.Reason, g.At = wxnotify.Reason(reason), at(when)
					groups = append(groups, g)
					return err
				}, `select q.reason, coalesce(t.errcode, 0), m.template_id, count(*), count(distinct q.openid), min(q.id), max(q.id), max(q.updated_at)
					from (select app, id, openid, number, reason, updated_at from queue
						where app = $1 and state = '`+string(state)+`' and handled = 0 order by id desc limit $2) q
					join message m on m.app = q.app and m.id = q.id
					left join attempt t on t.app = q.app and t.message = q.id and t.number = q.number
					group by q.reason, coalesce(t.errcode, 0), m.template_id`, app, most); err != nil {
					return err
				}
			}
		}
		return nil
	})
	slices.SortStableFunc(groups, func(a, b wxnotify.CauseGroup) int { return b.Messages - a.Messages })
	return groups, err
}

// CountOpen counts what is open, as far as most.
func (s *Store) CountOpen(ctx context.Context, app string, most int) (n int, err error) {
	for _, state := range openStates {
		k, _, err := s.CountMessages(ctx, wxnotify.MessageFilter{App: app, State: state, Open: true}, most-n)
		if n += k; err != nil || n >= most {
			return n, err
		}
	}
	return n, nil
}

// IsOpen says whether a message failed, or is unknown, and nobody saw to it.
func (s *Store) IsOpen(ctx context.Context, app, id string) (open bool, err error) {
	n := 0
	err = s.look(ctx, "look at what is open", func(ctx context.Context) error {
		return s.each(ctx, func(r scanner) error { return r.Scan(&n) },
			`select count(*) from queue where app = $1 and id = $2 and handled = 0 and (state = 'failed' or state = 'unknown')`, app, id)
	})
	return n > 0, err
}

// Handle notes that somebody saw to messages that failed or are unknown, or,
// with open, that somebody still has to. It returns how many it changed.
func (s *Store) Handle(ctx context.Context, app string, ids []string, open bool) (n int, err error) {
	for part := range slices.Chunk(ids, bite) {
		err := s.do(ctx, "handle", doorLimit, func(w *work) error {
			rows := make([][]string, len(part))
			for i, id := range part {
				rows[i] = []string{id}
			}
			k, err := w.exec(`update queue set handled = $1 where app = $2 and handled = $3 and id in (select u.id from `+w.unpack("$4", "id")+` u)`,
				1-flag(open), app, flag(open), pack(rows))
			n += int(k)
			return err
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// MetaNames returns the names that an app's messages carry in meta, at most
// most of them, each found by one step through the index.
func (s *Store) MetaNames(ctx context.Context, app string, most int) (names []string, err error) {
	err = s.look(ctx, "read the names of meta", func(ctx context.Context) error {
		apps, err := s.listApps(ctx, app)
		if err != nil {
			return err
		}
		for _, app := range apps {
			last := ""
			for len(names) < most {
				next := ""
				if err := s.each(ctx, func(r scanner) error { return r.Scan(&next) },
					`select coalesce(min(name), '') from message_meta where app = $1 and name > $2`, app, last); err != nil {
					return err
				}
				if next == "" {
					break
				}
				if last = next; !slices.Contains(names, next) {
					names = append(names, next)
				}
			}
		}
		return nil
	})
	return names, err
}
