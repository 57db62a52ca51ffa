package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// A NewKey is a key to be made.
type NewKey struct {
	Name          string    `json:"name,omitempty"`
	Scopes        []string  `json:"scopes"`              // send, permits, read, token, admin
	App           string    `json:"app,omitempty"`       // bind it to this app
	ExpiresAt     time.Time `json:"expires_at,omitzero"` // zero: it does not expire
	RatePerSecond int       `json:"rate_per_second,omitempty"`
}

// A Key is an API key without its text.
type Key struct {
	ID            string    `json:"id"`
	Name          string    `json:"name"`
	Scopes        []string  `json:"scopes"`
	App           string    `json:"app"`
	RatePerSecond int       `json:"rate_per_second"`
	ExpiresAt     time.Time `json:"expires_at"`
	CreatedAt     time.Time `json:"created_at"`
	LastUsedAt    time.Time `json:"last_used_at"`
	RevokedAt     time.Time `json:"revoked_at"`
}

// A CreatedKey is a new key with its text, which is shown this once.
type CreatedKey struct {
	Key
	Text string `json:"key"`
}

// CreateKey makes a key.
func (c *Client) CreateKey(ctx context.Context, k NewKey) (out CreatedKey, err error) {
	_, err = c.do(ctx, call{method: http.MethodPost, path: "/v1/keys", body: k, out: &out})
	return out, err
}

// Keys lists the keys, newest first.
func (c *Client) Keys(ctx context.Context) iter.Seq2[Key, error] {
	return list[Key](ctx, c, "/v1/keys", nil)
}

// RevokeKey revokes a key by its id.
func (c *Client) RevokeKey(ctx context.Context, id string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: "/v1/keys/" + url.PathEscape(id), safe: true})
	return err
}
