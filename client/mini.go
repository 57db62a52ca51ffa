package client

import (
	"context"
	"net/http"
)

// What a mini program calls; here for tests and for programs that stand in for one.

// A Session is a user's login.
type Session struct {
	Token     string `json:"session"`
	ExpiresIn int    `json:"expires_in"` // seconds
	OpenID    string `json:"openid"`
	Sandbox   bool   `json:"sandbox"`
	Templates []struct {
		Alias      string `json:"alias"`
		TemplateID string `json:"template_id"`
		Channel    string `json:"channel"`
		Kind       string `json:"kind"`
	} `json:"templates"`
	Limits struct {
		SubscribeIDs int `json:"subscribe_ids"`
	} `json:"limits"`
}

// Login exchanges the code of wx.login for a session. A code is good once, so
// it is never repeated by itself.
func (c *Client) Login(ctx context.Context, app, code string) (s Session, err error) {
	_, err = c.do(ctx, call{method: http.MethodPost, path: "/mp/v1/login", body: map[string]string{"app": app, "code": code}, out: &s})
	return s, err
}

// An MPPermit is one act of the user, reported by the mini program.
type MPPermit struct {
	ID         string `json:"id"`     // made by the client
	Source     string `json:"source"` // form, payment, subscribe
	Code       string `json:"code,omitempty"`
	TemplateID string `json:"template_id,omitempty"`
	Result     string `json:"result,omitempty"` // accept, reject, ban, filter
	AgeSeconds int    `json:"age_seconds,omitempty"`
}

// An MPResult is what became of one item.
type MPResult struct {
	ID      string   `json:"id"`
	Created int      `json:"created"`
	Error   *Problem `json:"error"`
}

// MPPermits reports 1 to 50 acts of the session's user. It may be repeated.
func (c *Client) MPPermits(ctx context.Context, session string, ps []MPPermit) ([]MPResult, error) {
	var out struct {
		Results []MPResult `json:"results"`
	}
	body := map[string]any{"permits": ps}
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/mp/v1/permits", token: session, body: body, out: &out, safe: true})
	return out.Results, err
}

// MPMe is what the session's user has given.
func (c *Client) MPMe(ctx context.Context, session string) (u User, err error) {
	_, err = c.do(ctx, call{method: http.MethodGet, path: "/mp/v1/me", token: session, out: &u, safe: true})
	return u, err
}

// Ready is nil when the server can take work. It asks once.
func (c *Client) Ready(ctx context.Context) error {
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/readyz"})
	return err
}
