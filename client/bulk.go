package client

import (
	"context"
	"encoding/json"
	"net/http"
)

// SendBatchJSON is SendBatch of messages that are JSON already, each with an
// idempotency_key, so that it is repeated after errors.
func (c *Client) SendBatchJSON(ctx context.Context, ms []json.RawMessage) ([]BatchResult, error) {
	var out struct {
		Results []BatchResult `json:"results"`
	}
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/v1/messages/batch", body: map[string]any{"messages": ms}, out: &out, safe: true})
	return out.Results, err
}

// DepositPermitsJSON is DepositPermits of permits that are JSON already, each
// with a code or an id.
func (c *Client) DepositPermitsJSON(ctx context.Context, app string, ps []json.RawMessage) ([]PermitResult, error) {
	body := map[string]any{"permits": ps}
	if app != "" {
		body["app"] = app
	}
	var out struct {
		Results []PermitResult `json:"results"`
	}
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/v1/permits", body: body, out: &out, safe: true})
	return out.Results, err
}
