package wxnotify

import "time"

// A MessageFilter says which messages a list is to hold. What is left zero
// matches everything. Lists are newest first; Cursor is what the page before
// gave, "" the beginning, and belongs to the same filter.
type MessageFilter struct {
	App        string
	To         string // openid
	State      State
	TemplateID string
	Reason     Reason
	Channel    Channel
	Taken      bool              // sent or delivered
	Errcode    int               // of the last attempt; 0 is any
	Open       bool              // failed or unknown, and nobody saw to it yet
	Meta       map[string]string // every one of these, by exact value
	Since      time.Time         // created at or after
	Until      time.Time         // created before
	// Rested makes Since and Until tell when a message came to rest as what it
	// is: those are the messages that Point.Ended counts.
	Rested bool
	// Answer is a key of Point.Answers: an attempt ended so at or after Since
	// and before Until.
	//
	// Where a filter asks for one of these two, what was accepted long before
	// Since is not looked at: more than RestReach where State is failed,
	// expired, canceled or unknown, else more than Reach.
	Answer string
	Limit  int // 1–250
	Cursor string
}

// How far before its end a message is looked for. All that were accepted in
// that time are gone through, but in the four states that have an index; there
// it is longer than a message lives that neither is scheduled nor says how long
// it may wait.
const (
	Reach     = 24 * time.Hour
	RestReach = 8 * 24 * time.Hour
)

// A PermitFilter says which permits a list is to hold, as a MessageFilter does.
type PermitFilter struct {
	App    string
	To     string // openid
	Source Source
	State  PermitState
	// EndsFrom and EndsTo are bounds of the deadline, given together. The list
	// is then the oldest first, since what was given first ends first.
	EndsFrom, EndsTo time.Time
	Lasting          bool // no deadline
	Limit            int  // 1–250
	Cursor           string
}
