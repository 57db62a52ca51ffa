package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// A NewWebhook is a webhook to be made.
type NewWebhook struct {
	URL   string   `json:"url"`
	Types []string `json:"types,omitempty"` // none: everything
	App   string   `json:"app,omitempty"`   // "": every app that the key may see
}

// A WebhookChange says what is to be changed of a webhook. Nil leaves it as it is.
type WebhookChange struct {
	URL          *string   `json:"url,omitempty"`
	Types        *[]string `json:"types,omitempty"`
	Disabled     *bool     `json:"disabled,omitempty"`
	RotateSecret *bool     `json:"rotate_secret,omitempty"`
}

// A Webhook is an address that the server posts events to, by Standard
// Webhooks 1.0.
type Webhook struct {
	ID             string    `json:"id"`
	URL            string    `json:"url"`
	Types          []string  `json:"types"`
	App            string    `json:"app"`
	Disabled       bool      `json:"disabled"`
	DisabledReason string    `json:"disabled_reason"` // operator, gone or failing
	DisabledAt     time.Time `json:"disabled_at"`
	FailingSince   time.Time `json:"failing_since"`
	OldSecretUntil time.Time `json:"old_secret_until"`
	CreatedAt      time.Time `json:"created_at"`
	UpdatedAt      time.Time `json:"updated_at"`
	Secret         string    `json:"secret"` // only from the call that made it
}

// A Delivery is one event on its way to a webhook.
type Delivery struct {
	ID        string    `json:"id"` // webhook-id
	Type      string    `json:"type"`
	App       string    `json:"app"`
	State     string    `json:"state"` // pending, delivered or failed
	Attempts  int       `json:"attempts"`
	CreatedAt time.Time `json:"created_at"`
	NextTryAt time.Time `json:"next_try_at"`
	Request   struct {
		URL  string          `json:"url"`
		Body json.RawMessage `json:"body"`
	} `json:"request"`
	Answer *struct { // nil before the first attempt is over
		At     time.Time `json:"at"`
		Status int       `json:"status"` // 0: no answer came
		MS     int64     `json:"ms"`
		Error  string    `json:"error"` // "": it was taken
		Detail string    `json:"detail"`
		Body   string    `json:"body"`
	} `json:"answer"`
}

// CreateWebhook makes a webhook. Keep its secret: it is shown this once.
func (c *Client) CreateWebhook(ctx context.Context, h NewWebhook) (out Webhook, err error) {
	_, err = c.do(ctx, call{method: http.MethodPost, path: "/v1/webhooks", body: h, out: &out})
	return out, err
}

// Webhooks lists the webhooks, newest first.
func (c *Client) Webhooks(ctx context.Context) iter.Seq2[Webhook, error] {
	return list[Webhook](ctx, c, "/v1/webhooks", nil)
}

// Webhook reads one.
func (c *Client) Webhook(ctx context.Context, id string) (out Webhook, err error) {
	err = c.get(ctx, webhookPath(id), nil, &out)
	return out, err
}

// ChangeWebhook changes what ch says.
func (c *Client) ChangeWebhook(ctx context.Context, id string, ch WebhookChange) (out Webhook, err error) {
	_, err = c.do(ctx, call{method: http.MethodPatch, path: webhookPath(id), body: ch, out: &out, safe: ch.RotateSecret == nil})
	return out, err
}

// DeleteWebhook forgets a webhook with its deliveries.
func (c *Client) DeleteWebhook(ctx context.Context, id string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: webhookPath(id), safe: true})
	return err
}

// Deliveries lists what went to a webhook, newest first; a state of "" is every
// state.
func (c *Client) Deliveries(ctx context.Context, id, state string) iter.Seq2[Delivery, error] {
	return list[Delivery](ctx, c, webhookPath(id)+"/deliveries", url.Values{"state": {state}})
}

// ResendDelivery posts one event again.
func (c *Client) ResendDelivery(ctx context.Context, id, delivery string) (out Delivery, err error) {
	_, err = c.do(ctx, call{method: http.MethodPost, path: webhookPath(id) + "/deliveries/" + url.PathEscape(delivery) + "/resend", out: &out, safe: true})
	return out, err
}

// RecoverDeliveries posts again what failed of the events since a time. It says
// how many they are; complete is false when there may be more.
func (c *Client) RecoverDeliveries(ctx context.Context, id string, since time.Time) (n int, complete bool, err error) {
	var out struct {
		Recovered int  `json:"recovered"`
		Complete  bool `json:"complete"`
	}
	_, err = c.do(ctx, call{method: http.MethodPost, path: webhookPath(id) + "/recover", body: map[string]time.Time{"since": since}, out: &out, safe: true})
	return out.Recovered, out.Complete, err
}

func webhookPath(id string) string { return "/v1/webhooks/" + url.PathEscape(id) }
