package api

import (
	"context"
	"net/http"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/outbox"
)

// maxWait is how long ?wait_ms may hold an answer, in milliseconds.
const maxWait = 30_000

// POST /v1/messages
func (d *Door) postMessage(c *call) (answer, error) {
	wait, err := c.query.number("wait_ms", 0, maxWait, 0)
	if err != nil {
		return answer{}, err
	}
	key, err := idempotencyKey(c.r.Header)
	if err != nil {
		return answer{}, err
	}
	raw, err := c.body(maxBody)
	if err != nil {
		return answer{}, err
	}
	var in NewMessage
	if err := decode(raw, &in); err != nil {
		return answer{}, err
	}
	e, known, err := d.entry(c, in.draft(), key)
	switch {
	case err != nil:
		return answer{}, err
	case known != "":
		return d.accepted(c, e.Message.App, known, wait, true)
	}
	rs, err := d.Box.Accept(c.Context(), []wxnotify.Entry{e})
	switch {
	case err != nil:
		return answer{}, err
	case rs[0].Err != nil:
		return answer{}, rs[0].Err
	case rs[0].Replayed || wait > 0:
		return d.accepted(c, e.Message.App, rs[0].ID, wait, rs[0].Replayed)
	}
	e.Message.ID, e.Message.State = rs[0].ID, rs[0].State
	return answer{status: http.StatusAccepted, body: show(&e.Message)}, nil
}

// accepted answers with the message as it is now, or as it is when it has come
// to rest, or when the wait is over.
func (d *Door) accepted(c *call, app, id string, wait int, replayed bool) (answer, error) {
	m, err := d.await(c.Context(), app, id, time.Duration(wait)*time.Millisecond)
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusAccepted, body: show(&m), replayed: replayed}, nil
}

// await reads a message, when it has come to rest or the wait is over; a node
// that stops does not wait.
func (d *Door) await(ctx context.Context, app, id string, wait time.Duration) (wxnotify.Message, error) {
	if wait == 0 {
		return d.Reader.Message(ctx, app, id)
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	go func() {
		select {
		case <-d.Stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	return d.Box.Wait(ctx, app, id)
}

// entry makes a message of a draft. A known Idempotency-Key is answered before
// anything that a later repeat could fail by, such as a send_at that has come:
// then known is the id of the first message.
func (d *Door) entry(c *call, draft wxnotify.Draft, key string) (e wxnotify.Entry, known string, err error) {
	app, err := d.app(c.Context(), c.key, draft.App)
	if err != nil {
		return e, "", err
	}
	draft.App = app.ID
	e = wxnotify.Entry{Message: wxnotify.Message{App: app.ID}, FormID: draft.FormID, Key: key, Fingerprint: draft.Fingerprint()}
	now := c.now.Virtual.Truncate(time.Millisecond)
	if e.Other, err = d.carriers(c.Context(), app, &draft, now); err != nil {
		known, err = d.replay(c.Context(), e, err)
		return e, known, err
	}
	e.Message = draft.Message(outbox.NewID(), now)
	e.Message.Trace = wxnotify.TraceOf(c.r.Header["Traceparent"])
	return e, "", nil
}

// replay looks whether what was refused now had been accepted before.
func (d *Door) replay(ctx context.Context, e wxnotify.Entry, refusal error) (string, error) {
	if e.Key == "" {
		return "", refusal
	}
	id, fingerprint, ok, err := d.Reader.Replay(ctx, e.Message.App, e.Key)
	switch {
	case err != nil:
		return "", err
	case !ok:
		return "", refusal
	case fingerprint != e.Fingerprint:
		return "", wxnotify.Refuse(wxnotify.IdempotencyReused, "this Idempotency-Key belongs to a message with other content")
	}
	return id, nil
}

// idempotencyKey reads the header; "" when there is none.
func idempotencyKey(h http.Header) (string, error) {
	list := h.Values("Idempotency-Key")
	switch {
	case len(list) == 0:
		return "", nil
	case len(list) > 1 || !visible(list[0], 255):
		return "", refuseIdempotencyKey()
	}
	return list[0], nil
}

func refuseIdempotencyKey() error {
	return wxnotify.Refuse(wxnotify.IdempotencyInvalid, "an Idempotency-Key has 1 to 255 visible characters")
}

// visible says whether s has 1 to n characters of printable ASCII without blanks.
func visible(s string, n int) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return s != "" && len(s) <= n
}

// GET /v1/messages/{id}
func (d *Door) getMessage(c *call) (answer, error) {
	m, err := d.message(c)
	if err != nil {
		return answer{}, err
	}
	return ok(show(&m))
}

// message reads the message that the path names.
func (d *Door) message(c *call) (wxnotify.Message, error) {
	id, err := c.pathID()
	if err != nil {
		return wxnotify.Message{}, err
	}
	return d.Reader.Message(c.Context(), c.key.App, id)
}

// POST /v1/messages/{id}/cancel
func (d *Door) cancelMessage(c *call) (answer, error) {
	return d.change(c, func(m wxnotify.Message) error {
		return d.Box.Cancel(c.Context(), m.App, m.ID)
	})
}

// A Resolution is an operator's word about a message whose answer was lost.
type Resolution struct {
	State string `json:"state" enum:"sent,failed" doc:"What became of it, as somebody saw it on the phone."`
}

// POST /v1/messages/{id}/resolve
func (d *Door) resolveMessage(c *call) (answer, error) {
	raw, err := c.body(maxBody)
	if err != nil {
		return answer{}, err
	}
	var in Resolution
	if err := decode(raw, &in); err != nil {
		return answer{}, err
	}
	if err := requireOneOf("state", in.State, "sent", "failed"); err != nil {
		return answer{}, err
	}
	return d.change(c, func(m wxnotify.Message) error {
		if err := d.audit(c, m.App, wxnotify.AuditMessageResolve, m.ID, in.State); err != nil {
			return err
		}
		return d.Box.Resolve(c.Context(), m.App, m.ID, in.State == "sent")
	})
}

// change finds the message, lets f change it, and shows what it is then.
func (d *Door) change(c *call, f func(wxnotify.Message) error) (answer, error) {
	m, err := d.message(c)
	if err != nil {
		return answer{}, err
	}
	if err := f(m); err != nil {
		return answer{}, err
	}
	if m, err = d.Reader.Message(c.Context(), m.App, m.ID); err != nil {
		return answer{}, err
	}
	return ok(show(&m))
}

// POST /v1/messages/{id}/resend
func (d *Door) resendMessage(c *call) (answer, error) {
	m, err := d.message(c)
	if err != nil {
		return answer{}, err
	}
	r, err := d.Box.Resend(c.Context(), m.App, m.ID)
	if err != nil {
		return answer{}, err
	}
	return d.accepted(c, m.App, r.ID, 0, false)
}
