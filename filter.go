package wxnotify

import (
	"slices"
	"time"
)

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
	Group      Group
	Errcode    *int              // of the last attempt, 0 where WeChat said none; nil is any
	Open       bool              // failed or unknown, and nobody saw to it yet
	Meta       map[string]string // every one of these, by exact value
	Since      time.Time         // created at or after
	Until      time.Time         // created before
	// Rested makes Since and Until tell when a message came to rest as what it
	// is: those are the messages that Point.Ended counts.
	Rested bool
	// Answers are keys of Point.Answers: an attempt ended in one of these ways
	// at or after Since and before Until.
	Answers []string
	// UnderWay is a moment: the message was accepted before it, and came to
	// rest as what it is not before it. Since and Until do not count beside it.
	UnderWay time.Time
	Limit    int // 1–250
	Cursor   string
}

// A Group is several states of messages that are counted together.
type Group string

// The groups. Each has its line in Groups.
const (
	GroupTaken  Group = "taken"  // WeChat took it
	GroupMissed Group = "missed" // it could be tried, and came to nothing, or nobody knows
	GroupTried  Group = "tried"  // taken or missed: a success rate is of these
	GroupLost   Group = "lost"   // its user had given no permit, or had said no
	GroupMoving Group = "moving" // it is due, and not at rest
)

// A GroupRule is which messages belong to a group: those in one of its states,
// for one of its reasons, or for none of them where it says Except.
type GroupRule struct {
	States  []State
	Reasons []Reason
	Except  bool
}

// Groups has the rule of each group.
var Groups = map[Group]GroupRule{
	GroupTaken:  {States: []State{Sent, Delivered}},
	GroupMissed: {States: []State{Failed, Expired, Unknown}, Reasons: noPermit, Except: true},
	GroupTried:  {States: []State{Sent, Delivered, Failed, Expired, Unknown}, Reasons: noPermit, Except: true},
	GroupLost:   {States: []State{Failed}, Reasons: noPermit},
	GroupMoving: {States: []State{Queued, Sending, Unsure}},
}

var noPermit = []Reason{ReasonNoPermit, ReasonRefusedByUser}

// Has says whether what ended so belongs to the group.
func (g Group) Has(e Ended) bool {
	rule := Groups[g]
	return slices.Contains(rule.States, e.State) && (len(rule.Reasons) == 0 || slices.Contains(rule.Reasons, e.Reason) != rule.Except)
}

// A PermitFilter says which permits a list is to hold, as a MessageFilter does.
type PermitFilter struct {
	App        string
	To         string // openid
	Source     Source
	State      PermitState
	TemplateID string
	Channel    Channel   // that it can carry
	Usable     time.Time // it can be bound to a message then, or is
	// EndsFrom and EndsTo are bounds of the deadline, given together. The list
	// is then the oldest first, since what was given first ends first.
	EndsFrom, EndsTo time.Time
	Lasting          bool // no deadline
	Limit            int  // 1–250
	Cursor           string
}
