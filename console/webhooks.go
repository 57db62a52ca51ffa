package console

import (
	"net/url"

	"github.com/wxnotify/wxnotify"
)

// webhooksPage lists the webhooks; webhookPage is one with its deliveries.
// They are made and changed through the API.
type webhooksPage struct {
	*frame
	All []webhookRow
}

// A webhookRow has no secret, and of the address no password.
type webhookRow struct {
	wxnotify.Webhook
	Address string
}

type webhookPage struct {
	*frame
	W       webhookRow
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
func (d *Door) webhooks(c *call) (any, error) {
	all, err := d.Admin.Webhooks(c.ctx())
	p := webhooksPage{frame: c.frame}
	for _, h := range all {
		if c.App == "" || h.App == "" || h.App == c.App {
			p.All = append(p.All, newWebhookRow(h))
		}
	}
	return p, err
}

// GET /console/webhooks/{id}
func (d *Door) webhook(c *call) (any, error) {
	c.Here = "webhooks"
	h, err := d.Admin.Webhook(c.ctx(), c.r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	state := wxnotify.NoticeState("")
	for _, s := range noticeStates {
		if string(s) == c.Q("state") {
			state = s
		}
	}
	ns, next, err := d.Admin.Notices(c.ctx(), h.ID, state, pageSize, c.Q("cursor"))
	return webhookPage{c.frame, newWebhookRow(h), ns, next, noticeStates}, err
}
