package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"
)

// permitFields are the columns of permits, among them those that export
// writes, which has its lines refused with a reason. A column without a value
// is read and left out.
var permitFields = map[string]column{
	"touser": {"touser", text}, "openid": {"touser", text},
	"form_id": {"form_id", text}, "formid": {"form_id", text}, "prepay_id": {"prepay_id", text}, "code": {"code", text},
	"source": {"source", text}, "template_id": {"template_id", text}, "template": {"template_id", text},
	"count": {"count", whole}, "age": {"age_seconds", age}, "age_seconds": {"age_seconds", age}, "id": {"id", text}, "app": {"app", text},
	"created_at": {}, "state": {}, "cause": {}, "expires_at": {}, "message": {},
}

// messageFields are the columns of messages, among them those that export
// writes.
var messageFields = map[string]column{
	"app": {"app", text}, "touser": {"touser", text}, "openid": {"touser", text}, "template_id": {"template_id", text}, "template": {"template_id", text},
	"page": {"page", text}, "data": {"data", object}, "data.*": {}, "emphasis_keyword": {"emphasis_keyword", text}, "form_id": {"form_id", text},
	"channel": {"channel", text}, "miniprogram_state": {"miniprogram_state", text}, "lang": {"lang", text}, "send_at": {"send_at", text},
	"expires_at": {"expires_at", text}, "wait": {"wait", yesNo}, "on_unsure": {"on_unsure", text}, "meta": {"meta", object}, "meta.*": {},
	"idempotency_key": {"idempotency_key", text},
	"id":              {"id", text}, "state": {"state", text}, "reason": {}, "evidence": {}, "created_at": {}, "updated_at": {}, "permit": {}, "permit_source": {}, "msgid": {},
}

// str is a field that holds a text, "" for everything else.
func (r *row) str(field string) (s string) {
	_ = json.Unmarshal(r.fields[field], &s)
	return s
}

// take is str, and takes the field away.
func (r *row) take(field string) string {
	s := r.str(field)
	delete(r.fields, field)
	return s
}

// rename moves a field that is known by another name, too.
func (r *row) rename(from, to string) {
	if v, ok := r.fields[from]; ok && r.fields[to] == nil {
		r.fields[to] = v
		delete(r.fields, from)
	}
}

// payment is how prepay ids look (contract of POST /v1/messages).
var payment = regexp.MustCompile(`^wx[0-9]{2}[0-9A-Za-z]{16,}$`)

// shapePermit makes a row what POST /v1/permits takes. The code makes a form or
// a payment the same one; other acts need an id.
func shapePermit(r *row, id string, _ time.Time) (app string, err error) {
	r.rename("openid", "touser")
	r.rename("template", "template_id")
	if strings.HasPrefix(r.str("id"), "prm_") {
		return "", refuseLine(r.line, "exported", "this is a permit that a server has; to move permits to another one, use: wxnotify backup, or wxnotify move")
	}
	r.source()
	if r.str("id") == "" && r.fields["code"] == nil {
		r.fields["id"] = encoded(id)
	}
	return r.take("app"), nil
}

// source finds out what the user did, where the row does not say it.
func (r *row) source() {
	kind := ""
	for _, c := range []struct{ field, source string }{{"form_id", "form"}, {"prepay_id", "payment"}} {
		if r.fields[c.field] != nil {
			r.rename(c.field, "code")
			kind = c.source
		}
	}
	switch {
	case r.str("source") != "":
		return
	case payment.MatchString(r.str("code")):
		kind = "payment"
	case kind == "" && r.fields["code"] != nil:
		kind = "form"
	case kind == "" && r.fields["template_id"] != nil:
		kind = "subscribe"
	}
	if kind != "" {
		r.fields["source"] = encoded(kind)
	}
}

// shapeMessage makes a row what POST /v1/messages/batch takes. An exported
// message that is not at rest is the same message: its id is its key.
func shapeMessage(r *row, id string, now time.Time) (app string, err error) {
	r.rename("openid", "touser")
	r.rename("template", "template_id")
	old := r.take("id")
	switch state := r.take("state"); state {
	case "", "scheduled", "waiting", "queued":
	default:
		return "", refuseLine(r.line, "at_rest", "this message is %s, and would be sent again; to do that use: wxnotify message resend", clip(plain(state), 20))
	}
	for _, f := range []string{"reason", "evidence", "created_at", "updated_at", "permit", "permit_source", "msgid", "attempts"} {
		delete(r.fields, f)
	}
	for f, v := range r.fields {
		if string(v) == "null" || old != "" && string(v) == `""` {
			delete(r.fields, f)
		}
	}
	if t, err := time.Parse(time.RFC3339, r.str("send_at")); err == nil && old != "" && t.Before(now) {
		delete(r.fields, "send_at") // it was due
	}
	switch {
	case r.str("idempotency_key") != "":
	case old != "":
		r.fields["idempotency_key"] = encoded("import-" + old)
	default:
		r.fields["idempotency_key"] = encoded(id)
	}
	return r.str("app"), nil
}
