package api

import (
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/wxnotify/wxnotify"
)

// A Message is a message as the API shows it.
type Message struct {
	ID         string            `json:"id" doc:"Ours." example:"msg_01kb3x5wq7f8v9n2c4d6e8g0hj"`
	App        string            `json:"app" doc:"The appid."`
	To         string            `json:"touser" doc:"The user's openid."`
	TemplateID string            `json:"template_id" doc:"WeChat's template id."`
	Channel    string            `json:"channel" doc:"The call that carries it." enum:"template,subscribe"`
	Page       *string           `json:"page" doc:"Null without one, and after the retention time."`
	Data       content           `json:"data" doc:"Null after the retention time."`
	Emphasis   *string           `json:"emphasis_keyword"`
	State      string            `json:"state" enum:"scheduled,waiting,queued,sending,unsure,sent,delivered,failed,expired,canceled,unknown" doc:"At rest from sent on: then only evidence can change it. unknown is never folded into success or failure."`
	Reason     *string           `json:"reason" doc:"Why it failed, expired, was canceled or is unknown: no_permit, permit_used, permit_dead, refused_by_user, refused_later, operator, openid_invalid, template_invalid, data_invalid, page_invalid, channel_retired, account_blocked, attempts, deadline, canceled, unresolved, erased, internal."`
	Evidence   *string           `json:"evidence" doc:"Why it is called sent or delivered: answered (WeChat answered 0), inferred (a repeat was told \"already used\"), event (WeChat's sent event), operator."`
	SendAt     *time.Time        `json:"send_at"`
	ExpiresAt  *time.Time        `json:"expires_at"`
	CreatedAt  *time.Time        `json:"created_at"`
	UpdatedAt  *time.Time        `json:"updated_at"`
	Permit     *PermitRef        `json:"permit" doc:"The permit bound to it or used for it."`
	MsgID      *string           `json:"msgid" doc:"WeChat's 64-bit id, where it gave one."`
	Meta       map[string]string `json:"meta" doc:"Yours."`
	TraceID    *string           `json:"trace_id" doc:"Of the header traceparent with which it was posted." example:"4bf92f3577b34da6a3ce929d0e0e4736"`
	Attempts   []Attempt         `json:"attempts" doc:"The calls to WeChat, oldest first; empty in lists and in the answer to a post."`
}

// A PermitRef names the permit of a message.
type PermitRef struct {
	ID     string `json:"id"`
	Source string `json:"source" enum:"form,payment,subscribe,longterm"`
}

// An Attempt is one call to WeChat with one permit.
type Attempt struct {
	ID         string     `json:"id"`
	Number     int        `json:"number"`
	Permit     *string    `json:"permit"`
	StartedAt  *time.Time `json:"started_at"`
	FinishedAt *time.Time `json:"finished_at"`
	Outcome    *string    `json:"outcome" doc:"Null in flight; accepted, refused, not_sent (nothing left us), lost (it may have arrived), inferred."`
	Errcode    *int       `json:"errcode" doc:"Null where WeChat did not say."`
	Errmsg     *string    `json:"errmsg"`
	RID        *string    `json:"rid" doc:"For WeChat's support."`
	Node       *string    `json:"node" doc:"Which of our nodes made the call."`
}

// content is the data of a message as JSON; empty is null.
type content jsontext.Value

// MarshalJSONTo writes it as it is.
func (c content) MarshalJSONTo(enc *jsontext.Encoder) error {
	if len(c) == 0 {
		return enc.WriteToken(jsontext.Null)
	}
	return enc.WriteValue(jsontext.Value(c))
}

// Schema is that of a rendered message: every value an object.
func (content) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, Nullable: true,
		AdditionalProperties: &huma.Schema{Type: huma.TypeObject, Required: []string{"value"}, Properties: map[string]*huma.Schema{
			"value": {Type: huma.TypeString}, "color": {Type: huma.TypeString},
		}},
	}
}

// TransformSchema lets permit be null, which a reference alone cannot say.
func (Message) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	p := s.Properties["permit"]
	s.Properties["permit"] = &huma.Schema{Description: p.Description, OneOf: []*huma.Schema{{Ref: p.Ref}, {Type: "null"}}}
	return s
}

// show is m for the outside. What the card says is read from the body that
// was rendered at accept: there is no second copy of it.
func show(m *wxnotify.Message) Message {
	out := Message{
		ID: m.ID, App: m.App, To: m.To, TemplateID: m.TemplateID, Channel: string(m.Channel),
		State: string(m.State), Reason: null(m.Reason), Evidence: null(m.Evidence),
		SendAt: when(m.SendAt), ExpiresAt: when(m.ExpiresAt), CreatedAt: when(m.CreatedAt), UpdatedAt: when(m.UpdatedAt),
		MsgID: null(m.MsgID), Meta: m.Meta, TraceID: null(m.Trace.ID()), Attempts: make([]Attempt, len(m.Attempts)),
	}
	if m.Permit != "" {
		out.Permit = &PermitRef{ID: m.Permit, Source: string(m.Source)}
	}
	if m.Body != nil {
		var body struct {
			Page     string         `json:"page"`
			Data     jsontext.Value `json:"data"`
			Emphasis string         `json:"emphasis_keyword"`
		}
		if err := json.Unmarshal(m.Body, &body); err == nil {
			out.Page, out.Data, out.Emphasis = null(body.Page), content(body.Data), null(body.Emphasis)
		}
	}
	for i, a := range m.Attempts {
		out.Attempts[i] = Attempt{
			ID: a.ID, Number: a.Number, Permit: null(a.Permit), StartedAt: when(a.StartedAt), FinishedAt: when(a.FinishedAt),
			Outcome: null(a.Outcome), Errcode: a.Errcode, Errmsg: null(a.Errmsg), RID: null(a.RID), Node: null(a.Node),
		}
	}
	return out
}
