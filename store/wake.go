package store

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/wxnotify/wxnotify"
)

// Wake puts messages back into the queue that wait for what these deposits
// brought: of each user no more than the deposits made permits, the oldest
// first. It comes after the deposits' commit.
func (s *Store) Wake(ctx context.Context, now wxnotify.Now, app string, ds []wxnotify.Deposit) (int, error) {
	users := make([]user, 0, len(ds))
	for _, d := range ds {
		users = append(users, user{app, d.To})
	}
	rests, err := s.rouse(ctx, now, users)
	return len(rests), err
}

// rouseFor looks for messages that wait for what changes set free.
func (s *Store) rouseFor(ctx context.Context, now wxnotify.Now, c *changes) {
	var users []user
	for i := range c.steps {
		ch := &c.steps[i]
		if !ch.m.State.AtRest() {
			continue // it takes its permit again
		}
		for _, t := range ch.turns {
			if t.state == wxnotify.PermitFree {
				users = append(users, user{ch.m.App, ch.m.To})
			}
		}
	}
	if len(users) == 0 {
		return
	}
	ctx = context.WithoutCancel(ctx) // what set them free is written, whoever has gone by now
	if _, err := s.rouse(ctx, now, users); err != nil {
		s.log.Warn("messages that wait for a permit were not looked at; the sweep will", "error", err)
	}
}

// rouse puts waiting messages of these users back into the queue, as many as
// there are free permits for them. Whoever creates one side of the match,
// message or permit, calls it after the commit: one of two at the same time
// sees the other.
func (s *Store) rouse(ctx context.Context, now wxnotify.Now, users []user) (rests []wxnotify.Rest, err error) {
	slices.SortFunc(users, func(a, b user) int { return slices.Compare([]string{a.app, a.openid}, []string{b.app, b.openid}) })
	users = slices.Compact(users)
	for chunk := range slices.Chunk(users, bite) {
		some, err := s.rouseSome(ctx, now, chunk)
		if err != nil {
			return rests, err
		}
		rests = append(rests, some...)
	}
	return rests, nil
}

func (s *Store) rouseSome(ctx context.Context, now wxnotify.Now, users []user) (rests []wxnotify.Rest, err error) {
	rows := make([][]string, len(users))
	for i, u := range users {
		rows[i] = []string{u.app, u.openid}
	}
	err = s.do(ctx, "wake", engineLimit, func(w *work) error {
		rests = nil
		// Counting first: waiting without a permit is the common case here.
		left := larder{}
		err := w.each(func(r scanner) error {
			var k needKey
			var source wxnotify.Source
			var n int
			err := r.Scan(&k.app, &k.openid, &k.template, &source, &n)
			if source.Standing() {
				n = bite
			}
			left.put(k, source, n)
			return err
		}, `select p.app, p.openid, p.template_id, p.source, count(*)
			from `+w.unpack("$1", "app", "openid")+` u cross join permit p
			where p.app = u.app and p.openid = u.openid and p.till > $2 and p.state = 'free' group by p.app, p.openid, p.template_id, p.source`,
			pack(rows), fresh(now))
		if err != nil || len(left) == 0 {
			return err
		}
		return w.wakeWaiting(now, rows, left, &rests)
	})
	return rests, err
}

// A larder is what users have that is not promised to a message yet.
type larder map[needKey]map[wxnotify.Source]int

func (l larder) put(k needKey, source wxnotify.Source, n int) {
	if l[k] == nil {
		l[k] = map[wxnotify.Source]int{}
	}
	l[k][source] += n
}

// take takes one permit out of any source that is not barred.
func (l larder) take(k needKey, barred func(wxnotify.Source) bool) bool {
	for source, n := range l[k] {
		if n > 0 && !barred(source) {
			l[k][source]--
			return true
		}
	}
	return false
}

func (w *work) wakeWaiting(now wxnotify.Now, users [][]string, left larder, rests *[]wxnotify.Rest) error {
	var items, either []*item
	err := w.each(func(r scanner) error {
		it, err := scanItem(r)
		items = append(items, it)
		if err == nil && it.m.Either {
			either = append(either, it)
		}
		return err
	}, `select `+itemColumns+` from `+w.unpack("$1", "app", "openid")+` u cross join queue q`+itemTables+`
		where q.app = u.app and q.openid = u.openid and q.state = 'waiting' order by q.app, q.id limit 10000`+w.lockQ, pack(users))
	var paused halts
	var ways map[string][]carrier
	if err == nil && len(either) > 0 {
		if ways, err = w.carriers(either); err == nil {
			paused, err = w.halts(now)
		}
	}
	if err != nil {
		return err
	}
	c := changes{now: now}
	for _, it := range items {
		if len(c.steps) == bite {
			break
		}
		if !left.promise(now, it, ways[it.m.ID], paused) {
			continue
		}
		ch := change{move: it.seen()}
		it.m.State, it.due, it.m.UpdatedAt = wxnotify.Queued, ms(now.Real), now.Virtual
		c.steps = append(c.steps, ch)
		*rests = append(*rests, wxnotify.Rest{App: it.m.App, ID: it.m.ID, State: wxnotify.Queued})
	}
	_, err = c.write(w)
	return err
}

// promise takes a permit out of l with which the message may go out. One with
// two ways waits for pauses, too: it is not woken for a way that is closed.
func (l larder) promise(now wxnotify.Now, it *item, ways []carrier, paused halts) bool {
	m := &it.m
	if !m.Either {
		return l.take(needOf(m, m.Channel, m.TemplateID), func(wxnotify.Source) bool { return false })
	}
	if len(paused.scoped(m.App, "all")) > 0 {
		return false
	}
	for _, way := range ways {
		barred := func(s wxnotify.Source) bool { return paused.barred(m.App, s) }
		if !way.closed(paused, now, m.App) && l.take(needOf(m, way.channel, way.template), barred) {
			return true
		}
	}
	return false
}

// needOf is what a message needs for a way.
func needOf(m *wxnotify.Message, channel wxnotify.Channel, template string) needKey {
	if channel != wxnotify.ChannelSubscribe {
		template = ""
	}
	return needKey{m.App, m.To, template}
}

// wakes bundle what other nodes are to be told: an app that has a thousand new
// messages is told once in a while, and never inside of a hot transaction.
type wakes struct {
	mu   sync.Mutex
	apps map[string]bool
	bell chan struct{}
}

// notifyEvery keeps notifications under twenty a second.
const notifyEvery = 50 * time.Millisecond

// Notify tells other nodes, soon, that an app has work. On SQLite there are none.
func (s *Store) Notify(app string) {
	w := &s.wakes
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bell == nil {
		return
	}
	w.apps[app] = true
	select {
	case w.bell <- struct{}{}:
	default:
	}
}

func (w *wakes) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	apps := make([]string, 0, len(w.apps))
	for app := range w.apps {
		apps = append(apps, app)
	}
	clear(w.apps)
	return apps
}
