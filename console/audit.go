package console

import "github.com/wxnotify/wxnotify"

// auditPage shows who changed what, and who looked at what content.
type auditPage struct {
	*frame
	Entries []wxnotify.AuditEntry
	Next    string
}

// GET /console/audit
func (d *Door) auditLog(c *call) (any, error) {
	es, next, err := d.Admin.Audits(c.ctx(), wxnotify.AuditFilter{
		App: c.App, Actor: c.Q("actor"), Action: c.Q("action"), Object: c.Q("object"), Limit: pageSize, Cursor: c.Q("cursor"),
	})
	return auditPage{c.frame, es, next}, err
}

// note writes down what a reader is about to do, or to see; where it cannot be
// written, it is not done.
func (d *Door) note(c *call, app, action, object, detail string) error {
	return d.Admin.Audit(c.ctx(), wxnotify.AuditEntry{Actor: wxnotify.ActorConsole + c.User.Name, App: app, Action: action, Object: object, Detail: detail, RequestID: c.id()})
}

// What the console writes down beside the actions of the API.
const (
	auditRead       = "message.read"
	auditResend     = "message.resend"
	auditTest       = "message.test"
	auditCancel     = "message.cancel"
	auditHandle     = "message.handle"
	auditBulk       = "message.bulk"
	auditExport     = "message.export"
	auditUserPut    = "console_user.put"
	auditUserDelete = "console_user.delete"
)
