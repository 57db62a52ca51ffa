package store

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/wxnotify/wxnotify"
)

// What customers are told of is written down in the transaction that changes
// it, once for each webhook that wants to know. Where there is no webhook,
// which is the common case, this costs one look at a clock.

// A told is an event that a transaction tells of.
type told struct {
	topic   wxnotify.Topic
	app     string
	openid  string
	subject string // of one subject one notice goes after the other
	trace   wxnotify.Trace
	data    func() []byte
}

// ears are the webhooks, as this node last saw them.
type ears struct {
	mu   sync.Mutex
	list []wxnotify.Webhook // without addresses and secrets
	seen time.Time
}

// earsLast is how long a webhook may be there, or gone, unnoticed by a node.
const earsLast = time.Second

func (e *ears) get() (list []wxnotify.Webhook, fresh bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.list, time.Since(e.seen) < earsLast
}

func (e *ears) set(list []wxnotify.Webhook) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list, e.seen = list, time.Now()
}

func (e *ears) drop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seen = time.Time{}
}

// ears returns those who listen.
func (w *work) ears() ([]wxnotify.Webhook, error) {
	list, fresh := w.s.ears.get()
	if fresh {
		return list, nil
	}
	// No point for faults: it comes now and then, and tests count points.
	rows, err := w.tx.query(w.ctx, `select id, app, topics, off, off_at from webhook order by id`, nil)
	if err != nil {
		return nil, err
	}
	list = nil
	err = drain(rows, func(r scanner) error {
		var h wxnotify.Webhook
		var topics string
		var offAt int64
		err := r.Scan(&h.ID, &h.App, &topics, &h.Off, &offAt)
		h.Topics, h.OffAt = topicsOf(topics), at(offAt)
		list = append(list, h)
		return err
	})
	if err == nil {
		w.s.ears.set(list)
	}
	return list, err
}

// deaf says that nobody listens.
func (w *work) deaf() (bool, error) {
	hooks, err := w.ears()
	return len(hooks) == 0, err
}

// tell writes events down for those who want to know, in one statement. real is
// when they happened.
func (w *work) tell(real time.Time, events ...told) error {
	if len(events) == 0 {
		return nil
	}
	hooks, err := w.ears()
	if err != nil || len(hooks) == 0 {
		return err
	}
	var rows [][]string
	for i := range events {
		e, id, data := &events[i], "", ""
		for _, h := range hooks {
			if !h.Wants(e.app, e.topic, real) {
				continue
			}
			if id == "" {
				id, data = w.s.notices.id(wxnotify.NoticePrefix, real), string(e.data())
			}
			rows = append(rows, []string{h.ID, id, e.app, e.openid, string(e.topic), e.subject, data, string(e.trace)})
			if !slices.Contains(w.rung, h.ID) {
				w.rung = append(w.rung, h.ID)
			}
		}
	}
	if len(rows) == 0 {
		return nil
	}
	stamp := strconv.FormatInt(ms(real), 10)
	_, err = w.exec(`insert into notice (webhook, id, app, openid, topic, subject, data, trace, turn, state, due, owner, tries, tried_at, took, status, fault, detail, answer, created_at)
		select u.webhook, u.id, u.app, u.openid, u.topic, u.subject, u.data, u.trace,
			(select coalesce(max(n.turn), 0) + 1 from notice n where n.webhook = u.webhook and n.subject = u.subject and n.state = 'pending'),
			'pending', cast($1 as bigint), '', 0, 0, 0, 0, '', '', '', cast($2 as bigint)
		from `+w.unpack("$3", "webhook", "id", "app", "openid", "topic", "subject", "data", "trace")+` u`, stamp, stamp, pack(rows))
	return err
}

// tellMessages tells of messages that came to rest, or are known better.
func (w *work) tellMessages(now wxnotify.Now, hits []*change) error {
	if deaf, err := w.deaf(); deaf || err != nil {
		return err
	}
	var events []told
	for _, ch := range hits {
		if m := &ch.item.m; m.State != ch.state {
			events = appendMessage(events, m)
		}
	}
	return w.tell(now.Real, events...)
}

func appendMessage(events []told, m *wxnotify.Message) []told {
	topic := wxnotify.TopicOf(m.State)
	if topic == "" {
		return events
	}
	return append(events, told{topic, m.App, m.To, m.ID, m.Trace, func() []byte { return wxnotify.MessageData(m) }})
}

// tellPermits tells of permits that came in: one event for each act.
func (w *work) tellPermits(now wxnotify.Now, opened []*permit) error {
	if deaf, err := w.deaf(); deaf || err != nil {
		return err
	}
	var events []told
	for i := 0; i < len(opened); {
		p, n := &opened[i].Permit, 1
		for i+n < len(opened) && opened[i].hash != "" && opened[i+n].hash == opened[i].hash && opened[i+n].App == p.App {
			n++
		}
		events = append(events, told{wxnotify.PermitCreated, p.App, p.To, w.s.Pseudonym(p.App, p.To), "", func() []byte { return wxnotify.PermitData(wxnotify.PermitCreated, p, n) }})
		i += n
	}
	return w.tell(now.Real, events...)
}

// tellRevoked tells of n permits like p that were taken back.
func (w *work) tellRevoked(real time.Time, p *wxnotify.Permit, n int) error {
	return w.tell(real, told{wxnotify.PermitRevoked, p.App, p.To, w.s.Pseudonym(p.App, p.To), "", func() []byte { return wxnotify.PermitData(wxnotify.PermitRevoked, p, n) }})
}

func (w *work) tellPause(real time.Time, topic wxnotify.Topic, p *wxnotify.Pause) error {
	return w.tell(real, told{topic, p.App, "", p.App + "/" + p.Scope, "", func() []byte { return wxnotify.PauseData(p) }})
}

// TellContention tells that somebody else fetches an app's token.
func (s *Store) TellContention(ctx context.Context, app string) error {
	return s.do(ctx, "tell", doorLimit, func(w *work) error {
		return w.tell(time.Now(), told{wxnotify.TokenContention, app, "", app, "", func() []byte { return wxnotify.AppData(app) }})
	})
}

// OnNotice names who is called after notices were committed, with the webhooks
// that they are for. It must not block, and is set once, before the work begins.
func (s *Store) OnNotice(f func(webhooks []string)) { s.onNotice.Store(&f) }

func (s *Store) called(webhooks []string) {
	if f := s.onNotice.Load(); f != nil && len(webhooks) > 0 {
		(*f)(webhooks)
	}
}
