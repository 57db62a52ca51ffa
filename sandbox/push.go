package sandbox

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	deliveries    = 3               // of one event, in total
	answerTime    = 5 * time.Second // for one delivery
	pushersPerApp = 32
)

// push is an event on its way to its app's callback.
type push struct {
	app  *app
	body []byte      // JSON; made into XML or encrypted when it goes out
	done chan *Event // nil, or told the end of it
}

// Event is an event after its delivery: how often it was tried, and whether the
// callback took it. An app without a callback gets no delivery.
type Event struct {
	Seq        uint64         `json:"seq"`
	Time       string         `json:"time"`
	AppID      string         `json:"appid"`
	Event      jsontext.Value `json:"event"`
	Deliveries int            `json:"deliveries"`
	Answered   bool           `json:"answered"`
	Problem    string         `json:"problem,omitzero"` // of the last delivery
}

func callbackClient(rt http.RoundTripper) *http.Client {
	return &http.Client{Transport: rt, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// startPushers hands what is due to the pushers; the lock is held. A pusher is
// a goroutine that lives as long as its app's backlog.
func (s *Sandbox) startPushers() {
	due := s.w.due
	s.w.due = nil
	for _, p := range due {
		if p.app.callback == nil {
			s.w.finish(p, &Event{}, s.now())
			continue
		}
		p.app.backlog = append(p.app.backlog, p)
		if p.app.pushers < pushersPerApp && s.ctx.Err() == nil {
			p.app.pushers++
			s.pushing.Add(1)
			go s.pushAll(s.w, p.app)
		}
	}
}

// pushAll works off the backlog of an app. Events of a world that was reset
// meanwhile end in that world's journal, where nobody reads them.
func (s *Sandbox) pushAll(w *world, a *app) {
	defer s.pushing.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(a.backlog) > 0 && s.ctx.Err() == nil {
		p := a.backlog[0]
		a.backlog = a.backlog[1:]
		if a.callback == nil { // taken away meanwhile
			w.finish(p, &Event{}, s.now())
			continue
		}
		cb := *a.callback
		s.mu.Unlock()
		e := s.deliver(cb, a, p.body)
		s.mu.Lock()
		w.finish(p, e, s.now())
		s.settle()
	}
	a.pushers--
}

// finish writes the event down; the lock is held.
func (w *world) finish(p push, e *Event, now time.Time) {
	e.Seq, e.Time, e.AppID, e.Event = w.events.last()+1, stamp(now), p.app.id, p.body
	w.events.add(e)
	if p.done != nil {
		p.done <- e
	}
}

// deliver tries up to three times, as WeChat does, until the callback answers
// "success" or nothing within five seconds.
func (s *Sandbox) deliver(cb Callback, a *app, event []byte) *Event {
	e := &Event{}
	for {
		e.Deliveries++
		e.Problem = s.deliverOnce(cb, a, event)
		if e.Problem == "" {
			e.Answered = true
			return e
		}
		if e.Deliveries == deliveries || !s.pause(s.opt.CallbackPause) {
			return e
		}
	}
}

// pause waits in real time; false when the sandbox was closed.
func (s *Sandbox) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}

func (s *Sandbox) deliverOnce(cb Callback, a *app, event []byte) (problem string) {
	ctx, cancel := context.WithTimeout(s.ctx, answerTime)
	defer cancel()
	l, err := s.seal(cb, a, event)
	if err != nil {
		return "cannot encrypt: " + err.Error()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, withQuery(cb.URL, l.query), strings.NewReader(l.body))
	if err != nil {
		return "the callback url cannot be used"
	}
	req.Header.Set("Content-Type", l.contentType)
	resp, err := s.client.Do(req)
	if err != nil {
		return "no answer from the callback"
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	switch text := strings.TrimSpace(string(answer)); {
	case err != nil:
		return "the callback's answer broke off"
	case resp.StatusCode != http.StatusOK:
		return "the callback answered " + resp.Status
	case text != "" && text != "success":
		return "the callback answered neither success nor nothing"
	}
	return ""
}

func withQuery(address string, q url.Values) string {
	if strings.Contains(address, "?") {
		return address + "&" + q.Encode()
	}
	return address + "?" + q.Encode()
}

// Events returns the events after a number whose deliveries are over, oldest
// first, at most limit, and the number of the newest there is.
func (s *Sandbox) Events(after uint64, limit int) ([]*Event, uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.w.events.after(after)
	return append([]*Event{}, kept[:min(limit, len(kept))]...), s.w.events.last()
}

// PushEvent pushes an event of the caller's making, or an old one again, to the
// app's callback, and waits for the end of its deliveries. ToUserName,
// CreateTime and MsgType are filled in where they are missing.
func (s *Sandbox) PushEvent(ctx context.Context, appid string, event jsontext.Value) (Event, error) {
	done := make(chan *Event, 1)
	err := s.do(func(w *world, _ time.Time) error {
		a, err := w.app(appid)
		if err != nil {
			return err
		}
		if a.callback == nil {
			return refuse(409, "app %s has no callback; give it one with POST /sandbox/apps", appid)
		}
		body, err := completeEvent(a, event, s.opt.Now())
		if err == nil {
			w.due = append(w.due, push{app: a, body: body, done: done})
		}
		return err
	})
	if err != nil {
		return Event{}, err
	}
	select {
	case e := <-done:
		return *e, nil
	case <-ctx.Done():
		return Event{}, ctx.Err()
	case <-s.ctx.Done():
		return Event{}, refuse(503, "the sandbox is closing")
	}
}
