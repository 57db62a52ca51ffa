package wxnotify

import "time"

// The batches that move between the outbox and its store. They are plain
// values: what they mean is said where they are used.

// An Entry is a message on its way in.
type Entry struct {
	Message     Message
	Other       *Carrier // the message's second way; nil: it has one
	FormID      string   // named by the sender; "": the ledger chooses at claim
	Key         string   // Idempotency-Key, "": none
	Fingerprint [32]byte // of the content, to tell a repeat from a reuse
}

// A Carrier is one way of a message that has two: the alias names a classic and
// a subscribe template.
type Carrier struct {
	Channel    Channel
	TemplateID string
	Body       []byte // rendered for it
}

// A Receipt is what became of an Entry. Err is a refusal that concerns this
// entry alone: the others of its batch stand.
type Receipt struct {
	ID       string
	State    State
	Replayed bool // the key was known: ID and State are those of the first one
	Err      error
}

// A Want says how many attempts of an app may be claimed now.
type Want struct {
	App    string
	N      int  // to be started at once
	Ahead  int  // more than that, to be started when others have ended: only with permits that are Single
	Events bool // the app's callback was seen working
	Rate   int  // calls of the app that may start in a second, on all nodes; 0: no limit
}

// A Claim is what one claim brought: attempts whose rows are committed, and
// messages that came to rest on the way (no permit, expired, unknown).
type Claim struct {
	Tries []Try
	Rest  []Rest
	Full  []string // apps that had at least as much due as was wanted
	Kept  []string // apps of which something was not claimed ahead, since it could not be repeated
	// Next says, for every other wanted app that has work which is not due
	// yet, when the earliest of it is due, on the real clock.
	Next map[string]time.Time
	// Paced says, for apps of which nothing was claimed for their rate's sake,
	// when to ask again, on the real clock.
	Paced map[string]time.Time
}

// A Rest tells that a message came to rest, or changed its state.
type Rest struct {
	App, ID string
	To      string // the openid: for the pseudonym, never to be logged
	State   State
	Reason  Reason
	Trace   Trace
}

// Rest tells of the message as it is now.
func (m *Message) Rest() Rest {
	return Rest{App: m.App, ID: m.ID, To: m.To, State: m.State, Reason: m.Reason, Trace: m.Trace}
}

// A Settlement is what an attempt came to, and what was decided of it.
type Settlement struct {
	Try     Try
	Outcome Outcome
	Step    Step
	At      time.Time // real: when the call was over
	Due     time.Time // real: not to be claimed before
	Hold    time.Time // virtual: Step.Hold from now
}
