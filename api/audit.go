package api

import (
	"context"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
)

// An AuditEntry is one line of the audit log.
type AuditEntry struct {
	ID        string     `json:"id"`
	At        *time.Time `json:"at"`
	Actor     string     `json:"actor" doc:"The id of a key; command: somebody with the database in their hands; console: and the name of a user."`
	App       *string    `json:"app" doc:"Null: it concerns no app."`
	Action    string     `json:"action" example:"app.change" doc:"noun.verb. The line is written before the change is made: one that failed afterwards has a line, too."`
	Object    string     `json:"object" doc:"Id of what it is about; of an erased person the pseudonym."`
	Detail    *string    `json:"detail" doc:"What of it: names of fields, a scope, a state. Never a value."`
	RequestID *string    `json:"request_id"`
}

// AuditEntries is a page of the audit log, newest first.
type AuditEntries struct {
	Data []AuditEntry `json:"data"`
	Next *string      `json:"next_cursor"`
}

// audit writes down what a caller is about to change. It comes after every
// check that can be made before, and where it fails the change is not made.
func (d *Door) audit(c *call, app, action, object string, detail ...string) error {
	return d.Admin.Audit(c.Context(), wxnotify.AuditEntry{
		Actor: d.actor(c.key), App: app, Action: action, Object: object, Detail: strings.Join(detail, " "), RequestID: c.id,
	})
}

func (d *Door) actor(k wxnotify.Key) string {
	if d.opt.Actor != "" {
		return d.opt.Actor
	}
	return k.ID
}

// An Auditor keeps the audit log.
type Auditor interface {
	Audit(ctx context.Context, e wxnotify.AuditEntry) error
	// Pseudonym stands for a person where the openid must not stand.
	Pseudonym(app, openid string) string
	Audits(ctx context.Context, f wxnotify.AuditFilter) ([]wxnotify.AuditEntry, string, error)
}

// GET /v1/audit
func (d *Door) listAudit(c *call) (answer, error) {
	q := c.query
	since, err1 := q.time("since")
	until, err2 := q.time("until")
	limit, err3 := q.limit()
	app, err4 := d.appFilter(c)
	if err := firstError(err1, err2, err3, err4); err != nil {
		return answer{}, err
	}
	es, next, err := d.Admin.Audits(c.Context(), wxnotify.AuditFilter{
		App: app, Actor: q["actor"], Action: q["action"], Object: q["object"], Since: since, Until: until, Limit: limit, Cursor: q["cursor"],
	})
	if err != nil {
		return answer{}, err
	}
	out := AuditEntries{Data: make([]AuditEntry, len(es)), Next: null(next)}
	for i, e := range es {
		out.Data[i] = AuditEntry{
			ID: e.ID, At: when(e.At), Actor: e.Actor, App: null(e.App), Action: e.Action, Object: e.Object, Detail: null(e.Detail), RequestID: null(e.RequestID),
		}
	}
	return ok(out)
}
