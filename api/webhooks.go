package api

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/wxnotify/wxnotify"
)

// A WebhookKeeper keeps webhooks and what goes to them.
type WebhookKeeper interface {
	CreateWebhook(ctx context.Context, h wxnotify.Webhook) error
	Webhooks(ctx context.Context) ([]wxnotify.Webhook, error)
	Webhook(ctx context.Context, id string) (wxnotify.Webhook, error)
	UpdateWebhook(ctx context.Context, h wxnotify.Webhook) error
	DeleteWebhook(ctx context.Context, id string) error
	Notices(ctx context.Context, webhook string, state wxnotify.NoticeState, limit int, cursor string) ([]wxnotify.Notice, string, error)
	ResendNotice(ctx context.Context, webhook, id string) (wxnotify.Notice, error)
	RecoverNotices(ctx context.Context, webhook string, since time.Time) (n int, more bool, err error)
}

// Targets says whether an address may be posted to: a refusal if not.
type Targets interface {
	Check(ctx context.Context, url string) error
}

// POST /v1/webhooks
func (d *Door) postWebhook(c *call) (answer, error) {
	raw, err := c.body(maxBody)
	if err != nil {
		return answer{}, err
	}
	var in NewWebhook
	if err := decode(raw, &in); err != nil {
		return answer{}, err
	}
	f := faults{}
	f.check(in.URL != "", wxnotify.FieldRequired, "url", "name the address to post to")
	topics := f.topics(in.Topics)
	if err := f.err(); err != nil {
		return answer{}, err
	}
	if in.App != "" || c.key.App != "" {
		app, err := d.app(c.Context(), c.key, in.App)
		if err != nil {
			return answer{}, err
		}
		in.App = app.ID
	}
	if err := d.Targets.Check(c.Context(), in.URL); err != nil {
		return answer{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return answer{}, err
	}
	h := wxnotify.Webhook{
		ID: wxnotify.EncodeID(wxnotify.WebhookPrefix, id), App: in.App, URL: in.URL, Topics: topics,
		Secret: newWebhookSecret(), CreatedAt: c.now.Real, UpdatedAt: c.now.Real,
	}
	if err := d.audit(c, h.App, wxnotify.AuditWebhookCreate, h.ID, in.Topics...); err != nil {
		return answer{}, err
	}
	if err := d.Admin.CreateWebhook(c.Context(), h); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusCreated, body: withSecret(&h)}, nil
}

// topics checks the names of events.
func (f *faults) topics(names []string) (topics []wxnotify.Topic) {
	for i, s := range names {
		at := "types[" + strconv.Itoa(i) + "]"
		f.check(wxnotify.ValidTopic(wxnotify.Topic(s)), wxnotify.FieldInvalid, at, "there is no event of this name; the document lists them")
		f.check(!slices.Contains(names[:i], s), wxnotify.FieldInvalid, at, "the event appears twice")
		topics = append(topics, wxnotify.Topic(s))
	}
	return topics
}

func newWebhookSecret() wxnotify.Secret {
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails
	return wxnotify.WebhookSecret(random)
}

func withSecret(h *wxnotify.Webhook) Webhook {
	out := showWebhook(h)
	secret := h.Secret.Reveal()
	out.Secret = &secret
	return out
}

// GET /v1/webhooks
func (d *Door) listWebhooks(c *call) (answer, error) {
	all, err := d.Admin.Webhooks(c.Context())
	if err != nil {
		return answer{}, err
	}
	all = slices.DeleteFunc(all, func(h wxnotify.Webhook) bool { return c.key.App != "" && c.key.App != h.App })
	part, next, err := page(c.query, all, func(h wxnotify.Webhook) string { return h.ID })
	if err != nil {
		return answer{}, err
	}
	out := Webhooks{Data: make([]Webhook, len(part)), Next: next}
	for i := range part {
		out.Data[i] = showWebhook(&part[i])
	}
	return ok(out)
}

// pathWebhook is the webhook that the path names, if the key may see it.
func (d *Door) pathWebhook(c *call) (wxnotify.Webhook, error) {
	id, err := c.pathID()
	if err != nil {
		return wxnotify.Webhook{}, err
	}
	h, err := d.Admin.Webhook(c.Context(), id)
	if err == nil && c.key.App != "" && c.key.App != h.App {
		return wxnotify.Webhook{}, wxnotify.Refuse(wxnotify.NotFound, "there is no such webhook")
	}
	return h, err
}

// GET /v1/webhooks/{id}
func (d *Door) getWebhook(c *call) (answer, error) {
	h, err := d.pathWebhook(c)
	if err != nil {
		return answer{}, err
	}
	return ok(showWebhook(&h))
}

// PATCH /v1/webhooks/{id}
func (d *Door) patchWebhook(c *call) (answer, error) {
	raw, err := c.body(maxBody)
	if err != nil {
		return answer{}, err
	}
	var in WebhookChange
	if err := decode(raw, &in); err != nil {
		return answer{}, err
	}
	h, err := d.pathWebhook(c)
	if err != nil {
		return answer{}, err
	}
	changed, err := d.changeWebhook(c, &h, &in)
	if err != nil {
		return answer{}, err
	}
	if err := d.audit(c, h.App, wxnotify.AuditWebhookChange, h.ID, changed...); err != nil {
		return answer{}, err
	}
	if err := d.Admin.UpdateWebhook(c.Context(), h); err != nil {
		return answer{}, err
	}
	if in.Rotate != nil && *in.Rotate {
		return ok(withSecret(&h))
	}
	return ok(showWebhook(&h))
}

// changeWebhook applies a change to h, and names what it speaks of.
func (d *Door) changeWebhook(c *call, h *wxnotify.Webhook, in *WebhookChange) (changed []string, err error) {
	f := faults{}
	if in.Topics != nil {
		h.Topics = f.topics(*in.Topics)
		changed = append(changed, "types")
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	if in.URL != nil {
		if err := d.Targets.Check(c.Context(), *in.URL); err != nil {
			return nil, err
		}
		h.URL = *in.URL
		changed = append(changed, "url")
	}
	now := c.now.Real.Truncate(time.Millisecond)
	if in.Off != nil {
		h.Switch(*in.Off, now)
		changed = append(changed, "disabled")
	}
	if in.Rotate != nil && *in.Rotate {
		h.Rotate(newWebhookSecret(), now)
		changed = append(changed, "rotate_secret")
	}
	h.UpdatedAt = now
	return changed, nil
}

// DELETE /v1/webhooks/{id}
func (d *Door) deleteWebhook(c *call) (answer, error) {
	h, err := d.pathWebhook(c)
	if err != nil {
		return answer{}, err
	}
	if err := d.audit(c, h.App, wxnotify.AuditWebhookDelete, h.ID); err != nil {
		return answer{}, err
	}
	if err := d.Admin.DeleteWebhook(c.Context(), h.ID); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}
