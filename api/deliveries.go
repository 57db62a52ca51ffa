package api

import (
	"net/http"
	"time"

	"github.com/wxnotify/wxnotify"
)

// GET /v1/webhooks/{id}/deliveries
func (d *Door) listDeliveries(c *call) (answer, error) {
	limit, err1 := c.query.limit()
	state, err2 := c.query.oneOf("state", noticeStates...)
	if err := firstError(err1, err2); err != nil {
		return answer{}, err
	}
	h, err := d.pathWebhook(c)
	if err != nil {
		return answer{}, err
	}
	ns, next, err := d.Admin.Notices(c.Context(), h.ID, wxnotify.NoticeState(state), limit, c.query["cursor"])
	if err != nil {
		return answer{}, err
	}
	out := Deliveries{Data: make([]Delivery, len(ns)), Next: null(next)}
	for i := range ns {
		out.Data[i] = showDelivery(&h, &ns[i])
	}
	return ok(out)
}

var noticeStates = []string{string(wxnotify.NoticePending), string(wxnotify.NoticeDelivered), string(wxnotify.NoticeFailed)}

// POST /v1/webhooks/{id}/deliveries/{delivery}/resend
func (d *Door) resendDelivery(c *call) (answer, error) {
	h, err := d.pathWebhook(c)
	if err != nil {
		return answer{}, err
	}
	id := c.r.PathValue("delivery")
	if !wxnotify.ValidTemplateID(id) {
		return answer{}, wxnotify.Refuse(wxnotify.NotFound, "there is no such delivery")
	}
	if err := d.audit(c, h.App, wxnotify.AuditWebhookResend, id); err != nil {
		return answer{}, err
	}
	n, err := d.Admin.ResendNotice(c.Context(), h.ID, id)
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusAccepted, body: showDelivery(&h, &n)}, nil
}

// POST /v1/webhooks/{id}/recover
func (d *Door) recoverDeliveries(c *call) (answer, error) {
	raw, err := c.body(maxBody)
	if err != nil {
		return answer{}, err
	}
	var in RecoverSince
	if err := decode(raw, &in); err != nil {
		return answer{}, err
	}
	if in.Since.IsZero() {
		return answer{}, wxnotify.RefuseField(wxnotify.FieldRequired, "since", "name the time from which on events are to be sent again")
	}
	h, err := d.pathWebhook(c)
	if err != nil {
		return answer{}, err
	}
	if err := d.audit(c, h.App, wxnotify.AuditWebhookRecover, h.ID, in.Since.UTC().Format(time.RFC3339)); err != nil {
		return answer{}, err
	}
	n, more, err := d.Admin.RecoverNotices(c.Context(), h.ID, in.Since.Time)
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusAccepted, body: Recovered{Recovered: n, Complete: !more}}, nil
}
