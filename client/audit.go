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

// An AuditFilter says which lines to list; what is left empty matches all that
// the key may see.
type AuditFilter struct {
	App, Actor, Action, Object string

	Since, Until time.Time // at or after Since, before Until
}

// Audit lists the audit log, newest first.
func (c *Client) Audit(ctx context.Context, f AuditFilter) iter.Seq2[AuditEntry, error] {
	return list[AuditEntry](ctx, c, "/v1/audit", url.Values{
		"app": {f.App}, "actor": {f.Actor}, "action": {f.Action}, "object": {f.Object}, "since": {stamp(f.Since)}, "until": {stamp(f.Until)},
	})
}
