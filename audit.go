package wxnotify

import "time"

// An AuditEntry is one line of the audit log: who asked for what change, or
// looked at what content, and when. It is written before the change is made, so
// that there is no change without its line. It never holds a secret or a value.
type AuditEntry struct {
	ID        string    // given by the store when empty; grows with time
	At        time.Time // real; given by the store when zero
	Actor     string    // the id of a key, ActorCommand, or ActorConsole with the name of a user behind it
	App       string    // appid; empty: it concerns no app
	Action    string    // noun.verb: app.create, key.revoke
	Object    string    // id of what it is about; of a person the pseudonym
	Detail    string    // names of what was changed, a scope, a state; at most 1000 bytes
	RequestID string
}

// Actors that are no keys.
const (
	ActorCommand = "command"  // somebody with the database in their hands
	ActorConsole = "console:" // and the user's name
)

// The actions of the API's doors.
const (
	AuditAppCreate      = "app.create"
	AuditAppChange      = "app.change"
	AuditAppDelete      = "app.delete"
	AuditAppPause       = "app.pause"
	AuditAppResume      = "app.resume"
	AuditKeyCreate      = "key.create"
	AuditKeyRevoke      = "key.revoke"
	AuditMasterRotate   = "master_key.rotate"
	AuditTemplateAdd    = "template.add"
	AuditTemplatePut    = "template.put"
	AuditTemplateDelete = "template.delete"
	AuditTemplateSync   = "template.sync"
	AuditMessageResolve = "message.resolve"
	AuditUserErase      = "user.erase"
	AuditWebhookCreate  = "webhook.create"
	AuditWebhookChange  = "webhook.change"
	AuditWebhookDelete  = "webhook.delete"
	AuditWebhookResend  = "webhook.resend"  // one delivery
	AuditWebhookRecover = "webhook.recover" // all that failed since a time
)

// An AuditFilter says which lines a list is to hold, as a MessageFilter does.
type AuditFilter struct {
	App, Actor, Action, Object string
	Since, Until               time.Time // real
	Limit                      int       // 1–250
	Cursor                     string
}

// AuditPrefix begins the ids of lines of the audit log.
const AuditPrefix = "aud_"
