package client

import (
	"context"
	"iter"
	"net/url"
	"time"
)

// An AuditEntry is one line of the audit log: who changed what.
type AuditEntry struct {
	ID        string    `json:"id"`
	At        time.Time `json:"at"`
	Actor     string    `json:"actor"`
	App       string    `json:"app"`
	Action    string    `json:"action"`
	Object    string    `json:"object"`
	Detail    string    `json:"detail"`
	RequestID string    `json:"request_id"`
}

// Audit lists the audit log, newest first; an app of "" stands for every app
// that the key may see.
func (c *Client) Audit(ctx context.Context, app string) iter.Seq2[AuditEntry, error] {
	q := url.Values{}
	if app != "" {
		q.Set("app", app)
	}
	return list[AuditEntry](ctx, c, "/v1/audit", q)
}
