package outbox

import (
	"context"
	"time"

	"github.com/wxnotify/wxnotify"
)

// Cancel ends a message that is not on its way: message_in_flight while an
// attempt is unresolved, message_at_rest afterwards.
func (b *Box) Cancel(ctx context.Context, app, id string) error {
	r, err := b.store.Cancel(ctx, b.opt.Now(), app, id)
	if err != nil {
		return err
	}
	b.tell(r)
	return nil
}

// Erase lets a person be forgotten, beginning now: it is durable on return, and
// done when the sweep has been through everything that names them. The
// pseudonym is what stands in place of the openid afterwards.
func (b *Box) Erase(ctx context.Context, app, openid string) (pseudonym string, err error) {
	if pseudonym, err = b.store.Erase(ctx, b.opt.Now(), app, openid); err == nil {
		b.Tick()
	}
	return pseudonym, err
}

// CallbackSeen tells that a valid event of WeChat's came for the app, at that
// real time: lost answers of subscribe messages are worth waiting for events.
func (b *Box) CallbackSeen(app string, at time.Time) { b.lanes.seen(app, at) }

// Told passes on what somebody else learned about a message at rest.
func (b *Box) Told(r wxnotify.Rest) { b.tell(r) }

// Resolve takes an operator's word for what became of an unknown or unsure message.
func (b *Box) Resolve(ctx context.Context, app, id string, sent bool) error {
	r, err := b.store.Resolve(ctx, b.opt.Now(), app, id, sent)
	if err != nil {
		return err
	}
	b.tell(r)
	return nil
}

// Resend makes a new message with the old content, to go out now with a permit
// that the ledger chooses. The old one stays as it is.
func (b *Box) Resend(ctx context.Context, app, id string) (wxnotify.Receipt, error) {
	return b.again(ctx, app, id, "")
}

// Retry is Resend, once: asked again, also after a crash in between, it answers
// with the message that was made then. No caller's own Idempotency-Key can be
// the same: those have no blanks.
func (b *Box) Retry(ctx context.Context, app, id string) (wxnotify.Receipt, error) {
	return b.again(ctx, app, id, "retry "+id)
}

func (b *Box) again(ctx context.Context, app, id, key string) (wxnotify.Receipt, error) {
	old, err := b.store.Message(ctx, app, id)
	if err != nil {
		return wxnotify.Receipt{}, err
	}
	if old.Body == nil {
		return wxnotify.Receipt{}, wxnotify.Refuse(wxnotify.ContentGone, "the content of this message was deleted after its retention time")
	}
	now := b.opt.Now().Virtual
	m := wxnotify.Message{
		ID: NewID(), App: old.App, To: old.To, TemplateID: old.TemplateID, Channel: old.Channel, Body: old.Body,
		Meta: old.Meta, OnUnsure: old.OnUnsure, Wait: old.Wait, Trace: old.Trace, State: wxnotify.Queued,
		SendAt: now, ExpiresAt: now.Add(wxnotify.Lasts), CreatedAt: now, UpdatedAt: now,
	}
	e := wxnotify.Entry{Message: m, Key: key}
	if key != "" {
		e.Fingerprint = wxnotify.KeyHash(key)
	}
	receipts, err := b.Accept(ctx, []wxnotify.Entry{e})
	if err != nil {
		return wxnotify.Receipt{}, err
	}
	return receipts[0], receipts[0].Err
}
