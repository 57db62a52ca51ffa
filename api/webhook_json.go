package api

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/wxnotify/wxnotify"
)

// A NewWebhook is the body of POST /v1/webhooks.
type NewWebhook struct {
	URL    string   `json:"url" doc:"Where to post: https, and public unless the setting webhook_allow opens its range." maxLength:"2048" example:"https://shop.example/wxnotify"`
	Topics []string `json:"types,omitempty" doc:"Of what to be told; left out or empty: of everything, also of what later versions add." enum:"message.sent,message.delivered,message.failed,message.unknown,message.expired,permit.created,permit.revoked,stock.low,app.paused,app.resumed,token.contention"`
	App    string   `json:"app,omitempty" doc:"Of this app alone. Left out: of every app, or of the one that the key is bound to."`
}

// A WebhookChange is the body of PATCH /v1/webhooks/{id}. What is left out stays.
type WebhookChange struct {
	URL    *string   `json:"url,omitempty" maxLength:"2048"`
	Topics *[]string `json:"types,omitempty" doc:"An empty list: everything." enum:"message.sent,message.delivered,message.failed,message.unknown,message.expired,permit.created,permit.revoked,stock.low,app.paused,app.resumed,token.contention"`
	Off    *bool     `json:"disabled,omitempty" doc:"False switches it on again, whoever switched it off; what waited goes out."`
	Rotate *bool     `json:"rotate_secret,omitempty" doc:"True: a new secret, which the answer shows. The old one signs beside it for 24 hours."`
}

// A Webhook is a webhook as the API shows it.
type Webhook struct {
	ID           string     `json:"id" example:"whk_01kb3x5wq7f8v9n2c4d6e8g0hj"`
	URL          string     `json:"url"`
	Topics       []string   `json:"types" doc:"Empty: everything."`
	App          *string    `json:"app" doc:"Null: every app."`
	Off          bool       `json:"disabled"`
	OffReason    *string    `json:"disabled_reason" doc:"operator; gone: it answered 410; failing: for five days."`
	OffAt        *time.Time `json:"disabled_at"`
	FailingSince *time.Time `json:"failing_since" doc:"Of the first failure after its last success."`
	OldUntil     *time.Time `json:"old_secret_until" doc:"So long the secret before this one signs as well."`
	CreatedAt    *time.Time `json:"created_at"`
	UpdatedAt    *time.Time `json:"updated_at"`
	Secret       *string    `json:"secret,omitempty" doc:"Only in the answer that made it." example:"whsec_…"`
}

// Webhooks is a page of webhooks, newest first.
type Webhooks struct {
	Data []Webhook `json:"data"`
	Next *string   `json:"next_cursor"`
}

// A Delivery is one event on its way to one webhook, with the last attempt.
type Delivery struct {
	ID        string           `json:"id" doc:"Of the event: the header webhook-id, the same at every webhook and in every attempt." example:"evt_01kb3x5wq7f8v9n2c4d6e8g0hj"`
	Type      string           `json:"type"`
	App       string           `json:"app"`
	State     string           `json:"state" enum:"pending,delivered,failed" doc:"failed: given up after three days."`
	Attempts  int              `json:"attempts" doc:"Since it was written down, or sent again."`
	CreatedAt *time.Time       `json:"created_at"`
	NextTry   *time.Time       `json:"next_try_at" doc:"Null at rest, and while the webhook is disabled."`
	Request   DeliveryRequest  `json:"request"`
	Answer    *DeliveryAnswers `json:"answer" doc:"To the last attempt; null before it."`
}

// A DeliveryRequest is what is posted.
type DeliveryRequest struct {
	URL  string         `json:"url" doc:"As it is now."`
	Body jsontext.Value `json:"body"`
}

// A DeliveryAnswers is what came of an attempt.
type DeliveryAnswers struct {
	At     *time.Time `json:"at"`
	Status *int       `json:"status" doc:"Null: no answer came."`
	MS     int64      `json:"ms"`
	Error  *string    `json:"error" enum:"blocked_address,dns,connection,tls,timeout,redirect,status" doc:"Null: it was taken."`
	Detail *string    `json:"detail"`
	Body   string     `json:"body" doc:"The first 512 bytes."`
}

// Deliveries is a page of deliveries, newest first.
type Deliveries struct {
	Data []Delivery `json:"data"`
	Next *string    `json:"next_cursor"`
}

// A RecoverSince is the body of POST /v1/webhooks/{id}/recover.
type RecoverSince struct {
	Since instant `json:"since" doc:"Failed deliveries of events from then on are sent again."`
}

// A Recovered says how many deliveries are sent again.
type Recovered struct {
	Recovered int  `json:"recovered"`
	Complete  bool `json:"complete" doc:"False: there may be more; ask again."`
}

func showWebhook(h *wxnotify.Webhook) Webhook {
	out := Webhook{
		ID: h.ID, URL: h.URL, App: null(h.App), Off: h.Off != "", OffReason: null(h.Off), OffAt: when(h.OffAt), FailingSince: when(h.FailingSince),
		OldUntil: when(h.OldUntil), CreatedAt: when(h.CreatedAt), UpdatedAt: when(h.UpdatedAt), Topics: make([]string, len(h.Topics)),
	}
	for i, t := range h.Topics {
		out.Topics[i] = string(t)
	}
	return out
}

func showDelivery(h *wxnotify.Webhook, n *wxnotify.Notice) Delivery {
	out := Delivery{
		ID: n.ID, Type: string(n.Topic), App: n.App, State: string(n.State), Attempts: n.Tries, CreatedAt: when(n.CreatedAt),
		Request: DeliveryRequest{URL: h.URL, Body: n.Body()},
	}
	if n.State == wxnotify.NoticePending && h.Off == "" {
		out.NextTry = when(n.Due)
	}
	if a := &n.Answer; !a.At.IsZero() {
		out.Answer = &DeliveryAnswers{
			At: when(a.At), MS: a.Took.Milliseconds(), Error: null(string(a.Fault)), Detail: null(a.Detail), Body: strings.ToValidUTF8(a.Body, "\uFFFD"),
		}
		if a.Status != 0 {
			out.Answer.Status = &a.Status
		}
	}
	return out
}
