package console

import (
	"crypto/rand"
	"errors"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/wxnotify/wxnotify"
)

// webhooksPage lists the webhooks, and makes them; webhookPage is one with its
// deliveries.
type webhooksPage struct {
	*frame
	All    []webhookRow
	Topics []topicRow
	In     webhookRow // as it was filled in
	Wrong  string     // what is wrong about it
}

// A webhookRow has no secret, and of the address no password.
type webhookRow struct {
	wxnotify.Webhook
	Address string
}

// A topicRow is an event that can be chosen.
type topicRow struct {
	wxnotify.Topic
	Means string
}

type webhookPage struct {
	*frame
	W       webhookRow
	Fresh   string // a secret that was just made: shown once
	Notices []wxnotify.Notice
	Next    string
	States  []wxnotify.NoticeState
}

var noticeStates = []wxnotify.NoticeState{wxnotify.NoticePending, wxnotify.NoticeDelivered, wxnotify.NoticeFailed}

func newWebhookRow(h wxnotify.Webhook) webhookRow {
	h.Secret, h.OldSecret = wxnotify.Secret{}, wxnotify.Secret{}
	r := webhookRow{Webhook: h}
	if u, err := url.Parse(h.URL); err == nil {
		u.User, u.RawQuery = nil, "" // both may hold a secret of its owner's
		r.Address = u.String()
	}
	return r
}

// GET /console/webhooks
func (d *Door) webhooks(c *call) (any, error) { return d.webhooksPage(c, webhookRow{}, nil) }

func (d *Door) webhooksPage(c *call, in webhookRow, refused *wxnotify.Refusal) (any, error) {
	all, err := d.Admin.Webhooks(c.ctx())
	p := webhooksPage{frame: c.frame, In: in}
	for _, h := range all {
		if c.App == "" || h.App == "" || h.App == c.App {
			p.All = append(p.All, newWebhookRow(h))
		}
	}
	for _, t := range wxnotify.Topics {
		means := t.En
		if c.Lang == "zh" {
			means = t.Zh
		}
		p.Topics = append(p.Topics, topicRow{t.Topic, means})
	}
	p.Wrong = c.wrong(refused)
	return p, err
}

// POST /console/webhooks makes one and answers with its page, which shows the
// secret.
func (d *Door) createWebhook(c *call) (any, error) {
	now := d.Now().Real.Truncate(time.Millisecond)
	h := wxnotify.Webhook{
		ID: wxnotify.EncodeID(wxnotify.WebhookPrefix, uuid.Must(uuid.NewV7())), App: c.form("app"), URL: c.form("url"),
		Secret: newSecret(), CreatedAt: now, UpdatedAt: now,
	}
	for _, t := range c.r.PostForm["type"] {
		if topic := wxnotify.Topic(t); wxnotify.ValidTopic(topic) {
			h.Topics = append(h.Topics, topic)
		}
	}
	err := d.Targets.Check(c.ctx(), h.URL)
	if err == nil && h.App != "" {
		_, err = d.Admin.App(c.ctx(), h.App)
	}
	if refused, ok := errors.AsType[*wxnotify.Refusal](err); ok {
		return d.webhooksPage(c, webhookRow{h, h.URL}, refused)
	}
	if err == nil {
		err = d.note(c, h.App, wxnotify.AuditWebhookCreate, h.ID, "")
	}
	if err == nil {
		err = d.Admin.CreateWebhook(c.ctx(), h)
	}
	if err != nil {
		return nil, err
	}
	c.page = "webhook"
	return d.webhookPage(c, h, h.Secret.Reveal())
}

func newSecret() wxnotify.Secret {
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails
	return wxnotify.WebhookSecret(random)
}

// GET /console/webhooks/{id}
func (d *Door) webhook(c *call) (any, error) {
	h, err := d.Admin.Webhook(c.ctx(), c.r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return d.webhookPage(c, h, "")
}

func (d *Door) webhookPage(c *call, h wxnotify.Webhook, fresh string) (any, error) {
	c.Here = "webhooks"
	c.Path = Root + "/webhooks/" + h.ID
	state := wxnotify.NoticeState("")
	for _, s := range noticeStates {
		if string(s) == c.Q("state") {
			state = s
		}
	}
	ns, next, err := d.Admin.Notices(c.ctx(), h.ID, state, pageSize, c.Q("cursor"))
	return webhookPage{c.frame, newWebhookRow(h), fresh, ns, next, noticeStates}, err
}

// change changes the webhook that the path names.
func (d *Door) changeWebhook(c *call, what string, f func(h *wxnotify.Webhook, now time.Time)) (h wxnotify.Webhook, err error) {
	if h, err = d.Admin.Webhook(c.ctx(), c.r.PathValue("id")); err != nil {
		return h, err
	}
	if err = d.note(c, h.App, wxnotify.AuditWebhookChange, h.ID, what); err != nil {
		return h, err
	}
	h.UpdatedAt = d.Now().Real.Truncate(time.Millisecond)
	f(&h, h.UpdatedAt)
	return h, d.Admin.UpdateWebhook(c.ctx(), h)
}

// POST /console/webhooks/{id}/rotate makes a new secret and answers with the
// page that shows it.
func (d *Door) rotateWebhook(c *call) (any, error) {
	h, err := d.changeWebhook(c, "rotate_secret", func(h *wxnotify.Webhook, now time.Time) { h.Rotate(newSecret(), now) })
	if err != nil {
		return nil, err
	}
	return d.webhookPage(c, h, h.Secret.Reveal())
}

// POST /console/webhooks/{id}/switch
func (d *Door) switchWebhook(c *call) (string, error) {
	h, err := d.changeWebhook(c, "disabled", func(h *wxnotify.Webhook, now time.Time) { h.Switch(c.form("off") == "1", now) })
	if err != nil {
		return "", err
	}
	return d.done(c, Root+"/webhooks/"+h.ID, c.T("note_saved"))
}

// POST /console/webhooks/{id}/delete
func (d *Door) deleteWebhook(c *call) (string, error) {
	h, err := d.Admin.Webhook(c.ctx(), c.r.PathValue("id"))
	if err == nil {
		err = d.note(c, h.App, wxnotify.AuditWebhookDelete, h.ID, "")
	}
	if err == nil {
		err = d.Admin.DeleteWebhook(c.ctx(), h.ID)
	}
	if err != nil {
		return "", err
	}
	return d.done(c, Root+"/webhooks", c.T("note_deleted"))
}

// POST /console/webhooks/{id}/deliveries/{delivery}/resend
func (d *Door) resendDelivery(c *call) (string, error) {
	h, err := d.Admin.Webhook(c.ctx(), c.r.PathValue("id"))
	if err == nil {
		err = d.note(c, h.App, wxnotify.AuditWebhookResend, c.r.PathValue("delivery"), "")
	}
	if err == nil {
		_, err = d.Admin.ResendNotice(c.ctx(), h.ID, c.r.PathValue("delivery"))
	}
	if err != nil {
		return "", err
	}
	return d.done(c, Root+"/webhooks/"+h.ID, c.T("note_delivery"))
}

// POST /console/webhooks/{id}/recover posts again what failed since a time. A
// time that comes without a zone, as it does where no script runs, is in UTC:
// as the page shows times then.
func (d *Door) recoverDeliveries(c *call) (string, error) {
	h, err := d.Admin.Webhook(c.ctx(), c.r.PathValue("id"))
	if err != nil {
		return "", err
	}
	back := Root + "/webhooks/" + h.ID
	since, ok := parsed(c.form("since"), time.RFC3339, "2006-01-02T15:04")
	if !ok {
		d.sessions.Put(c.ctx(), sessionWarn, c.T("recover_when"))
		return back, nil
	}
	if err := d.note(c, h.App, wxnotify.AuditWebhookRecover, h.ID, since.UTC().Format(time.RFC3339)); err != nil {
		return "", err
	}
	n, more, err := d.Admin.RecoverNotices(c.ctx(), h.ID, since)
	if err != nil {
		return "", err
	}
	note := "note_recovered"
	if more {
		note = "note_recovered_part"
	}
	return d.done(c, back, c.T(note, "n", c.N(n)))
}

// parsed is a time that is written in one of some ways.
func parsed(s string, layouts ...string) (t time.Time, ok bool) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return t, false
}
