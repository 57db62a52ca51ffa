package gateway

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/outbox"
)

// SDKs repeat a send after -1, after 40001 and after a time-out of their own,
// with the same body. Such a repeat must not become a second card, so equal
// calls get equal Idempotency-Keys, and the outbox does the rest, on any node
// and after any crash. What makes a call equal is the key, the path and the
// decoded content.
//
// That must end after a minute, when the same text may well be meant anew; so
// the minute is part of the key, and a call also looks for the key of the
// minute before. After -1 it is a new try, so the number of the try is part of
// the key as well.
//
// Two equal calls at the very turn of a minute would each see only its own one:
// on one node they take turns. On two nodes, within the few milliseconds of an
// accept, they are two messages.

// repeatIn is how long the same call is taken for a repeat. A message that was
// begun may also be finished so long: its answer is still asked for.
const repeatIn = time.Minute

// maxTries is how often in a minute the same call may be tried anew after -1.
const maxTries = 16

// A recipe makes the Idempotency-Keys of equal calls.
type recipe struct {
	print  [32]byte
	minute int64
}

func (r recipe) key(try int) string {
	return fmt.Sprintf("gateway.%s.%d.%d", base64.RawURLEncoding.EncodeToString(r.print[:]), r.minute, try)
}

func (r recipe) earlier() recipe { return recipe{r.print, r.minute - 1} }

// begin makes the message of a call durable, or finds the one that an equal
// call has made.
func (g *Gateway) begin(c *call, v visitor, d *wxnotify.Draft) (string, error) {
	now := c.now.Virtual.Truncate(time.Millisecond)
	content := d.Fingerprint()
	r := recipe{minute: now.Unix() / int64(repeatIn/time.Second)}
	copy(r.print[:], g.mint.seal("repeat", v.key.ID, string(content[:])))

	turn := &g.turns[r.print[0]]
	turn.Lock()
	defer turn.Unlock()
	ctx := c.Context()
	if id, err := g.before(ctx, d.App, r.earlier(), now); id != "" || err != nil {
		return id, err
	}
	if halt := g.halted(c, v, d); halt != nil {
		// The first of equal calls may have gone out before: what became of it
		// is the truth.
		if id, err := g.before(ctx, d.App, r, now); id != "" || err != nil {
			return id, err
		}
		return "", halt
	}
	if !v.queued {
		d.ExpiresAt = now.Add(repeatIn)
	}
	d.Resolve(nil, now)
	e := wxnotify.Entry{Message: d.Message(outbox.NewID(), now), FormID: d.FormID, Fingerprint: content}
	e.Message.Trace = wxnotify.TraceOf(c.r.Header["Traceparent"])
	return g.accept(ctx, e, r)
}

// accept tries the keys of a minute in turn: a new one, or one whose message
// can still be joined.
func (g *Gateway) accept(ctx context.Context, e wxnotify.Entry, r recipe) (string, error) {
	for try := range maxTries {
		e.Key = r.key(try)
		receipts, err := g.Box.Accept(ctx, []wxnotify.Entry{e})
		if err != nil {
			return "", err
		}
		first := receipts[0]
		if first.Err != nil || !first.Replayed {
			return first.ID, first.Err
		}
		if over, err := g.over(ctx, e.Message.App, first.ID); !over || err != nil {
			return first.ID, err
		}
	}
	return "", wxnotify.Refuse(wxnotify.RateLimited, "the same call was tried %d times within a minute", maxTries)
}

// before finds the message of an equal call in the minute of r, unless it is
// older than a minute by now, or to be tried anew.
func (g *Gateway) before(ctx context.Context, app string, r recipe, now time.Time) (string, error) {
	last := ""
	for try := range maxTries {
		id, _, ok, err := g.Reader.Replay(ctx, app, r.key(try))
		if err != nil {
			return "", err
		}
		if !ok {
			break
		}
		last = id
	}
	if last == "" {
		return "", nil
	}
	m, err := g.Reader.Message(ctx, app, last)
	switch {
	case wxnotify.CodeOf(err) == wxnotify.NotFound: // its content is gone already
		return "", nil
	case err != nil:
		return "", err
	case m.CreatedAt.Add(repeatIn).Before(now) || over(&m):
		return "", nil
	}
	return last, nil
}

func (g *Gateway) over(ctx context.Context, app, id string) (bool, error) {
	m, err := g.Reader.Message(ctx, app, id)
	return err == nil && over(&m), err
}

// over says that a message was answered -1, so that the same call is a new try.
func over(m *wxnotify.Message) bool {
	if !m.State.AtRest() {
		return false
	}
	_, err := answer(m)
	s, _ := err.(saying)
	return s.errcode == busy
}
