package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/wxnotify/wxnotify"
)

// What a message says goes when the message has been at rest for the retention
// time; the message itself, with its attempts and the record of its idempotency
// key, 90 days after that. Ids grow with time, so a walk from the oldest finds
// what is old without an index of its own, and goes past each message once: how
// far it came is kept. A message that is passed by too early (it was scheduled,
// or waited long) stands in aging until its time has come. What this costs
// depends on how much grows old, not on how much there is.
//
// Both read the virtual clock. Ids are made on the real one: where a sandbox is
// ahead, the walk comes by early, and aging makes up for it.

// keyOutlives is how long a record of an idempotency key outlives the content
// of its message.
const keyOutlives = 90 * 24 * time.Hour

const defaultRetention = 7 * 24 * time.Hour

// How much goes at once. A message that goes whole is several rows.
const (
	rowsBite   = 100
	agingBites = 20 // in one sweep
	// agingSlack is how long the walk waits at a message that is not old enough
	// yet, before it goes on without it. Most come to rest within moments, and
	// have no need of aging.
	agingSlack = time.Hour
)

func (s *Store) retention() time.Duration {
	if s.opt.Retention > 0 {
		return s.opt.Retention
	}
	return defaultRetention
}

// sweepOld takes away what was kept long enough, and says whether there is more.
func (s *Store) sweepOld(ctx context.Context, now wxnotify.Now, apps []string) (more bool, err error) {
	parts := []func() (bool, error){func() (bool, error) { return s.sweepAging(ctx, now) }}
	for _, app := range apps {
		parts = append(parts,
			func() (bool, error) { return s.sweepContents(ctx, now, app) },
			func() (bool, error) { return s.sweepRows(ctx, now, app) },
			func() (bool, error) { return s.sweepSpent(ctx, now, app) })
	}
	for _, part := range parts {
		full := true
		for n := 0; full && n < agingBites; n++ {
			if full, err = part(); err != nil {
				return more, fmt.Errorf("retention: %w", err)
			}
		}
		more = more || full
	}
	return more, nil
}

// An aged is a message on the way to its end.
type aged struct {
	app, id, state string
	updated        int64
}

// over says when its content may go, or when to look again. One that is not at
// rest yet cannot be over sooner than that.
func (a *aged) over(now wxnotify.Now, keep time.Duration) (due int64, ok bool) {
	if !wxnotify.State(a.state).AtRest() {
		return ms(now.Virtual.Add(keep)), false
	}
	due = a.updated + keep.Milliseconds()
	return due, due <= ms(now.Virtual)
}

// sweepContents takes the next stretch of the walk.
func (s *Store) sweepContents(ctx context.Context, now wxnotify.Now, app string) (full bool, err error) {
	keep := s.retention()
	edge := now.Virtual.Add(-keep)
	err = s.do(ctx, "sweep", engineLimit, func(w *work) error {
		full = false
		var from, last string
		if _, err := w.exec(`insert into progress (name, app, id) values ('contents', $1, '') on conflict do nothing`, app); err != nil {
			return err
		}
		if mine, err := w.one([]any{&from}, `select id from progress where name = 'contents' and app = $1`+w.skip, app); !mine || err != nil {
			return err
		}
		var old, young [][]string
		seen, wait := 0, false
		err := w.each(func(r scanner) error {
			a := aged{app: app}
			if err := r.Scan(&a.id, &a.state, &a.updated); err != nil || wait {
				return err
			}
			due, over := a.over(now, keep)
			switch {
			case over:
				old = append(old, []string{app, a.id})
			case a.id >= idAt(wxnotify.MessagePrefix, edge.Add(-agingSlack)):
				wait = true
				return nil
			default:
				young = append(young, []string{app, a.id, fmt.Sprint(due)})
			}
			seen, last = seen+1, a.id
			return nil
		}, `select m.id, q.state, q.updated_at from message m join queue q on q.app = m.app and q.id = m.id
			where m.app = $1 and m.id > $2 and m.id < $3 order by m.id limit $4`, app, from, idAt(wxnotify.MessagePrefix, edge.Add(time.Millisecond)), bite)
		if err != nil || seen == 0 {
			return err
		}
		full = seen == bite
		if err := w.empty(old); err != nil {
			return err
		}
		if len(young) > 0 {
			if _, err := w.exec(`insert into aging (app, id, due) select u.app, u.id, cast(u.due as bigint) from `+w.unpack("$1", "app", "id", "due")+` u
				where true on conflict do nothing`, pack(young)); err != nil {
				return err
			}
		}
		_, err = w.exec(`update progress set id = $1 where name = 'contents' and app = $2`, last, app)
		return err
	})
	return full, err
}

// empty takes what messages said.
func (w *work) empty(old [][]string) error {
	if len(old) == 0 {
		return nil
	}
	if _, err := w.exec(`update message set body = null where (app, id) in (select u.app, u.id from `+
		w.unpack("$1", "app", "id")+` u) and body is not null`, pack(old)); err != nil {
		return err
	}
	_, err := w.exec(`update carrier set body = null where (app, message) in (select u.app, u.id from `+
		w.unpack("$1", "app", "id")+` u) and body is not null`, pack(old))
	return err
}

// sweepAging looks at messages again that the walk left behind.
func (s *Store) sweepAging(ctx context.Context, now wxnotify.Now) (full bool, err error) {
	keep := s.retention()
	err = s.do(ctx, "sweep", engineLimit, func(w *work) error {
		full = false
		var due, old, young, done [][]string
		err := w.each(func(r scanner) error {
			var app, id string
			err := r.Scan(&app, &id)
			due = append(due, []string{app, id})
			return err
		}, `select app, id from aging where due <= $1 order by due, app, id limit $2`+w.skip, ms(now.Virtual), bite)
		if err != nil || len(due) == 0 {
			return err
		}
		full = len(due) == bite
		err = w.each(func(r scanner) error {
			var a aged
			if err := r.Scan(&a.app, &a.id, &a.state, &a.updated); err != nil {
				return err
			}
			if a.state == "" {
				done = append(done, []string{a.app, a.id}) // it is gone
			} else if due, over := a.over(now, keep); over {
				old = append(old, []string{a.app, a.id})
			} else {
				young = append(young, []string{a.app, a.id, fmt.Sprint(due)})
			}
			return nil
		}, `select u.app, u.id, coalesce(q.state, ''), coalesce(q.updated_at, 0) from `+w.unpack("$1", "app", "id")+` u
			left join queue q on q.app = u.app and q.id = u.id`, pack(due))
		if err != nil {
			return err
		}
		if err := w.empty(old); err != nil {
			return err
		}
		if len(young) > 0 {
			if _, err := w.exec(`update aging set due = cast(u.due as bigint) from `+w.unpack("$1", "app", "id", "due")+` u
				where aging.app = u.app and aging.id = u.id`, pack(young)); err != nil {
				return err
			}
		}
		if done = append(done, old...); len(done) == 0 {
			return nil
		}
		_, err = w.exec(`delete from aging where (app, id) in (select u.app, u.id from `+w.unpack("$1", "app", "id")+` u)`, pack(done))
		return err
	})
	return full, err
}

// sweepRows takes messages away altogether, walking from the oldest. Few stand
// still at its beginning: those that came to rest long after they were made.
func (s *Store) sweepRows(ctx context.Context, now wxnotify.Now, app string) (full bool, err error) {
	walk, last, seen := s.walks.at("rows", app), "", 0
	over := now.Virtual.Add(-keyOutlives - s.retention())
	var gone, keys, metas [][]string
	err = s.look(ctx, "sweep", func(ctx context.Context) error {
		return s.each(ctx, func(r scanner) error {
			var hash, meta, state string
			var updated int64
			if err := r.Scan(&last, &hash, &meta, &state, &updated); err != nil {
				return err
			}
			seen++
			if !wxnotify.State(state).AtRest() || updated > ms(over) {
				return nil
			}
			gone = append(gone, []string{last})
			if hash != "" {
				keys = append(keys, []string{hash, last})
			}
			if meta == "" {
				return nil
			}
			var pairs map[string]string
			err := json.Unmarshal([]byte(meta), &pairs)
			for name, value := range pairs {
				metas = append(metas, []string{name, value, last})
			}
			return err
		}, `select m.id, m.key_hash, m.meta, q.state, q.updated_at from message m join queue q on q.app = m.app and q.id = m.id
			where m.app = $1 and m.id > $2 and m.id < $3 order by m.id limit $4`,
			app, walk.id, idAt(wxnotify.MessagePrefix, over), rowsBite)
	})
	if err != nil {
		return false, err
	}
	if seen < rowsBite {
		last = "" // some that were too young may be old enough by now
	}
	s.walks.set("rows", app, position{id: last})
	if len(gone) == 0 {
		return seen == rowsBite, nil
	}
	return seen == rowsBite, s.do(ctx, "sweep", engineLimit, func(w *work) error { return w.remove(app, gone, keys, metas) })
}

func (w *work) remove(app string, gone, keys, metas [][]string) error {
	if len(keys) > 0 {
		if _, err := w.exec(`delete from idem where app = $1 and (key_hash, message) in (select u.hash, u.id from `+
			w.unpack("$2", "hash", "id")+` u)`, app, pack(keys)); err != nil {
			return err
		}
	}
	if len(metas) > 0 {
		if _, err := w.exec(`delete from message_meta where app = $1 and (name, value, id) in (select u.name, u.value, u.id from `+
			w.unpack("$2", "name", "value", "id")+` u)`, app, pack(metas)); err != nil {
			return err
		}
	}
	for _, text := range []string{
		`delete from attempt where app = $1 and message in (select u.id from ` + w.unpack("$2", "id") + ` u)`,
		`delete from carrier where app = $1 and message in (select u.id from ` + w.unpack("$2", "id") + ` u)`,
		`delete from queue where app = $1 and id in (select u.id from ` + w.unpack("$2", "id") + ` u)`,
		`delete from message where app = $1 and id in (select u.id from ` + w.unpack("$2", "id") + ` u)`,
	} {
		if _, err := w.exec(text, app, pack(gone)); err != nil {
			return err
		}
	}
	return nil
}
