package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// A NewMessage is what to tell whom. To, TemplateID and Data are needed.
type NewMessage struct {
	App              string            `json:"app,omitempty"` // appid; may be left out when the key is bound to one app or only one exists
	To               string            `json:"touser"`        // openid
	TemplateID       string            `json:"template_id"`   // WeChat's id, or an alias of yours
	Page             string            `json:"page,omitempty"`
	Data             Data              `json:"data"`
	Emphasis         string            `json:"emphasis_keyword,omitempty"` // keyword1.DATA
	FormID           string            `json:"form_id,omitempty"`          // exactly this code; left out, the server chooses a permit
	Channel          string            `json:"channel,omitempty"`          // template or subscribe; left out, it follows from the template
	MiniprogramState string            `json:"miniprogram_state,omitempty"`
	Lang             string            `json:"lang,omitempty"`
	SendAt           time.Time         `json:"send_at,omitzero"`    // not before; at most 30 days ahead
	ExpiresAt        time.Time         `json:"expires_at,omitzero"` // give up after; default 7 days
	Wait             bool              `json:"wait,omitempty"`      // for a permit, when none is at hand
	OnUnsure         string            `json:"on_unsure,omitempty"` // hold or resend
	Meta             map[string]string `json:"meta,omitempty"`
	IdempotencyKey   string            `json:"idempotency_key,omitempty"` // 1–255 visible characters, unique per app: one key, one message
}

// Data are the values of a template's keywords.
type Data map[string]Value

// A Value is what a card shows beside a keyword.
type Value struct {
	Value string `json:"value"`
	Color string `json:"color,omitempty"` // #RRGGBB
}

// A Message is a message as the server knows it.
type Message struct {
	ID         string            `json:"id"`
	App        string            `json:"app"`
	To         string            `json:"touser"`
	TemplateID string            `json:"template_id"`
	Channel    string            `json:"channel"`
	Page       string            `json:"page"`
	Data       Data              `json:"data"` // nil after the retention time
	Emphasis   string            `json:"emphasis_keyword"`
	State      string            `json:"state"`
	Reason     string            `json:"reason"`   // why it failed, expired, was canceled or is unknown
	Evidence   string            `json:"evidence"` // why it is called sent or delivered
	SendAt     time.Time         `json:"send_at"`
	ExpiresAt  time.Time         `json:"expires_at"`
	CreatedAt  time.Time         `json:"created_at"`
	UpdatedAt  time.Time         `json:"updated_at"`
	Permit     *PermitRef        `json:"permit"` // bound to it or used for it
	MsgID      string            `json:"msgid"`  // WeChat's
	Meta       map[string]string `json:"meta"`
	TraceID    string            `json:"trace_id"` // of the header traceparent with which it was posted
	Attempts   []Attempt         `json:"attempts"` // oldest first; not in lists

	Replayed bool `json:"-"` // of Send: the IdempotencyKey was known, this is the first message
}

// AtRest says that only evidence can still change the message.
func (m *Message) AtRest() bool {
	switch m.State {
	case "sent", "delivered", "failed", "expired", "canceled", "unknown":
		return true
	}
	return false
}

// A PermitRef names a permit.
type PermitRef struct {
	ID     string `json:"id"`
	Source string `json:"source"`
}

// An Attempt is one call to WeChat.
type Attempt struct {
	ID         string    `json:"id"`
	Number     int       `json:"number"`
	Permit     string    `json:"permit"`
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at"` // zero in flight
	Outcome    string    `json:"outcome"`     // "" in flight, accepted, refused, not_sent, lost, inferred
	Errcode    *int      `json:"errcode"`     // nil where WeChat did not say
	Errmsg     string    `json:"errmsg"`
	RID        string    `json:"rid"`
	Node       string    `json:"node"`
}

// Send hands in one message. When it returns without error the message is
// durable. With an IdempotencyKey it may be repeated after any error.
func (c *Client) Send(ctx context.Context, m NewMessage) (Message, error) {
	return c.SendAndWait(ctx, m, 0)
}

// SendAndWait hands in one message and waits until it is at rest, at most for
// wait, which the server bounds to 30 s. Look at its State afterwards.
func (c *Client) SendAndWait(ctx context.Context, m NewMessage, wait time.Duration) (Message, error) {
	k := call{method: http.MethodPost, path: "/v1/messages", query: url.Values{}}
	if wait > 0 {
		k.query.Set("wait_ms", strconv.FormatInt(min(wait, 30*time.Second).Milliseconds(), 10))
	}
	if m.IdempotencyKey != "" {
		k.header, k.safe = map[string]string{"Idempotency-Key": m.IdempotencyKey}, true
		m.IdempotencyKey = ""
	}
	var out Message
	k.body, k.out = m, &out
	h, err := c.do(ctx, k)
	if err != nil {
		return Message{}, err
	}
	out.Replayed = h.Get("Idempotent-Replayed") == "true"
	return out, nil
}

// A BatchResult is what became of one message of a batch: ID and State, or Error.
type BatchResult struct {
	Index int      `json:"index"`
	ID    string   `json:"id"`
	State string   `json:"state"`
	Error *Problem `json:"error"`
}

// SendBatch hands in 1 to 1000 messages, durable together. A fault of one is in
// its result; the others stand. It is repeated only if each has an IdempotencyKey.
func (c *Client) SendBatch(ctx context.Context, ms []NewMessage) ([]BatchResult, error) {
	safe := true
	for _, m := range ms {
		safe = safe && m.IdempotencyKey != ""
	}
	var out struct {
		Results []BatchResult `json:"results"`
	}
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/v1/messages/batch", body: map[string]any{"messages": ms}, out: &out, safe: safe})
	return out.Results, err
}

// Message reads one message with its attempts.
func (c *Client) Message(ctx context.Context, id string) (m Message, err error) {
	return m, c.get(ctx, "/v1/messages/"+url.PathEscape(id), nil, &m)
}

// A MessageFilter says which messages to list; what is left empty matches all.
type MessageFilter struct {
	App, To, State, TemplateID, Reason, Channel string

	Meta         map[string]string // by exact value
	Since, Until time.Time         // of creation: from Since, before Until
	PageSize     int               // how many are fetched at once, 1–250; 0: 50
}

// Messages lists messages, newest first, fetching page after page as they are
// read. An error ends the list.
func (c *Client) Messages(ctx context.Context, f MessageFilter) iter.Seq2[Message, error] {
	q := url.Values{
		"app": {f.App}, "touser": {f.To}, "state": {f.State}, "template_id": {f.TemplateID}, "reason": {f.Reason}, "channel": {f.Channel},
		"since": {stamp(f.Since)}, "until": {stamp(f.Until)}, "limit": {size(f.PageSize)},
	}
	for name, value := range f.Meta {
		q.Set("meta."+name, value)
	}
	return list[Message](ctx, c, "/v1/messages", q)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func size(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// Cancel ends a message that is not on its way yet: message_in_flight while it
// is, message_at_rest afterwards.
func (c *Client) Cancel(ctx context.Context, id string) (Message, error) {
	return c.change(ctx, id, "cancel", nil)
}

// Resend makes a new message with the content of an old one. It is never
// repeated by itself: two calls make two messages.
func (c *Client) Resend(ctx context.Context, id string) (Message, error) {
	return c.change(ctx, id, "resend", nil)
}

// Resolve says what became of an unknown or unsure message, by somebody who
// looked at the phone.
func (c *Client) Resolve(ctx context.Context, id string, sent bool) (Message, error) {
	state := "failed"
	if sent {
		state = "sent"
	}
	return c.change(ctx, id, "resolve", map[string]string{"state": state})
}

func (c *Client) change(ctx context.Context, id, verb string, body any) (m Message, err error) {
	_, err = c.do(ctx, call{method: http.MethodPost, path: "/v1/messages/" + url.PathEscape(id) + "/" + verb, body: body, out: &m})
	return m, err
}
