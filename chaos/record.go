package chaos

import (
	"strings"
	"time"
)

// A Record is all that the checker may know of a run.
type Record struct {
	Journal  []Entry
	Calls    []Call
	Cards    []Card
	Messages []Message
	Permits  []Permit
	Events   []Event
	Told     []Told // nil: no webhook listened
}

// An Op is what an Entry tells.
type Op string

// What the load and the driver write down. Intents come before the request,
// what was heard after it.
const (
	OpGiven     Op = "given"     // a user gave a permit at the phone: Code, Uses, Deadline
	OpDeposit   Op = "deposit"   // about to hand it in
	OpDeposited Op = "deposited" // 200: it is in the ledger
	OpSend      Op = "send"      // about to send the message Mark
	OpAccepted  Op = "accepted"  // 202: it is durable, as ID
	OpRefused   Op = "refused"   // a 4xx: it was not accepted, and will not be
	OpUnheard   Op = "unheard"   // no answer, or one that leaves it open
	OpCancel    Op = "cancel"    // about to cancel it
	OpCanceled  Op = "canceled"  // 200: it is canceled
	OpFault     Op = "fault"     // the driver did Text to Node
	OpHealed    Op = "healed"    // and that ended
	OpCrashed   Op = "crashed"   // Node panicked; Text is its last word
)

// An Entry is a line of the journal.
type Entry struct {
	At   time.Time `json:"at"`
	Op   Op        `json:"op"`
	Mark string    `json:"mark,omitzero"`
	ID   string    `json:"id,omitzero"`
	App  string    `json:"app,omitzero"`
	To   string    `json:"to,omitzero"`
	// Code is the permit that was given; of a message, the form_id that it
	// names, or "" where the ledger chooses.
	Code     string    `json:"code,omitzero"`
	Uses     int       `json:"uses,omitzero"`
	Deadline time.Time `json:"deadline,omitzero"`
	// Doomed says that a message cannot be sent: its permit is too old.
	Doomed bool   `json:"doomed,omitzero"`
	Node   string `json:"node,omitzero"`
	Text   string `json:"text,omitzero"`
}

// A Call is one send call as WeChat's side saw it.
type Call struct {
	Seq      uint64
	At       time.Time
	App, To  string
	Code     string
	Mark     string
	Errcode  int
	Effect   bool // a card was made
	Answered bool
	Fault    string // the injected one; "": none
}

// A Card is a message on a phone.
type Card struct {
	Seq           uint64
	At            time.Time
	App, To, Code string
	Mark          string
}

// An Event is what WeChat pushed about a user: an acceptance (popup), its
// withdrawal (change), or what became of a message (sent). Those who accept are
// each somebody new, and get one message.
type Event struct {
	At            time.Time // of the end of its deliveries
	App, To, Kind string
	Answered      bool // a server said that it has it
}

// A Told is what a webhook was told of a message.
type Told struct {
	At          time.Time
	Mark, State string
}

// acceptance stands for the code that a subscription does not have.
func acceptance(to string) string { return "acceptance of " + to }

// A Message is what the public API says of one.
type Message struct {
	ID, Mark, App, To string
	State, Reason     string
	Evidence          string
	Permit            string // of which it made use; "": none
	Tries             []Try  // only of those that came to rest as unknown
}

// A Try is an attempt as the public API shows it.
type Try struct {
	Node, Outcome string
	Started       time.Time
}

// node is the name that the driver knows: a server whose name is still taken
// by its dead self adds a suffix.
func (t Try) node() string {
	name, _, _ := strings.Cut(t.Node, "-")
	return name
}

// A Permit is what the public API says of one.
type Permit struct {
	ID, App, To, State, Cause, Message string
}

func (m Message) atRest() bool {
	switch m.State {
	case "sent", "delivered", "failed", "expired", "canceled", "unknown":
		return true
	}
	return false
}

func (m Message) sent() bool { return m.State == "sent" || m.State == "delivered" }

// denied says that the message claims not to have been delivered.
func (m Message) denied() bool { return m.atRest() && !m.sent() && m.State != "unknown" }
