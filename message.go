package wxnotify

import (
	"strconv"
	"time"
)

// A State is where a message stands. It is derived from the message's attempts
// by Next and Late, and by nothing else.
type State string

// The states. The last six are at rest.
const (
	Scheduled State = "scheduled" // send_at has not come
	Waiting   State = "waiting"   // for a permit
	Queued    State = "queued"
	Sending   State = "sending"   // an attempt is in flight
	Unsure    State = "unsure"    // an answer was lost, evidence or a repeat is to come
	Sent      State = "sent"      // WeChat took it
	Delivered State = "delivered" // WeChat's own event says so
	Failed    State = "failed"
	Expired   State = "expired"
	Canceled  State = "canceled"
	Unknown   State = "unknown" // no evidence either way; never folded into success or failure
)

// AtRest says that only evidence can still change the message.
func (s State) AtRest() bool {
	switch s {
	case Sent, Delivered, Failed, Expired, Canceled, Unknown:
		return true
	}
	return false
}

// Evidence says why a message is called sent or delivered.
type Evidence string

// The kinds of evidence.
const (
	Answered   Evidence = "answered" // WeChat answered 0
	Inferred   Evidence = "inferred" // a repeat said "already used"
	ByEvent    Evidence = "event"    // WeChat's sent event
	ByOperator Evidence = "operator" // somebody looked at the phone
)

// A Reason says why a message failed, expired, was canceled or is unknown.
type Reason string

// The reasons.
const (
	ReasonNoPermit       Reason = "no_permit"
	ReasonPermitUsed     Reason = "permit_used"
	ReasonPermitDead     Reason = "permit_dead"
	ReasonRefusedByUser  Reason = "refused_by_user"
	ReasonRefusedLater   Reason = "refused_later"
	ReasonOperator       Reason = "operator"
	ReasonOpenID         Reason = "openid_invalid"
	ReasonTemplate       Reason = "template_invalid"
	ReasonData           Reason = "data_invalid"
	ReasonPage           Reason = "page_invalid"
	ReasonChannelRetired Reason = "channel_retired"
	ReasonAccountBlocked Reason = "account_blocked"
	ReasonAttempts       Reason = "attempts"
	ReasonDeadline       Reason = "deadline"
	ReasonCanceled       Reason = "canceled"
	ReasonUnresolved     Reason = "unresolved"
	ReasonErased         Reason = "erased"
	ReasonInternal       Reason = "internal"
)

// OnUnsure is what to do when an answer is lost and a repeat could deliver twice.
type OnUnsure string

// Hold never repeats blindly; Resend prefers a second copy to none.
const (
	Hold   OnUnsure = "hold"
	Resend OnUnsure = "resend"
)

// A Message is what to tell whom.
type Message struct {
	ID         string
	App        string
	To         string // openid
	TemplateID string // as posted: WeChat's id or an alias of ours
	Channel    Channel
	Body       []byte // rendered once at accept, sealed at rest; nil after retention
	Meta       map[string]string
	OnUnsure   OnUnsure
	Wait       bool // for a permit, when none is at hand
	Fixed      bool // exactly the permit that was named by form_id
	Either     bool // an alias of two templates: by whichever the user has a permit for
	SendAt     time.Time
	ExpiresAt  time.Time
	CreatedAt  time.Time
	Trace      Trace // of the caller who posted it

	State     State
	Reason    Reason
	Evidence  Evidence
	MsgID     string // WeChat's, where it gave one
	Permit    string // the permit bound to it, or used for it
	Source    Source // of that permit
	Tries     int    // refusals so far that may be repeated
	UpdatedAt time.Time
	Attempts  []Attempt // oldest first; only where a caller asked for them
}

// MaxTries is how often a refusal that may be repeated is repeated
// (reliability.md 4). What WeChat never saw does not count.
const MaxTries = 10

// An Attempt is one call to WeChat with one permit. Its row is committed
// before the call is made.
type Attempt struct {
	ID         string
	Number     int // 1, 2, 3 …
	Permit     string
	Code       string // the permit's code, "" in a subscription; never stored here
	StartedAt  time.Time
	FinishedAt time.Time
	Outcome    Kind // "" while in flight
	Errcode    *int // nil where WeChat did not say
	Errmsg     string
	RID        string
	MsgID      string
	Node       string
}

// Answer is the key of Point.Answers under which the attempt counts, once it
// has ended: WeChat's errcode, else the outcome.
func (a Attempt) Answer() string {
	if a.Errcode == nil {
		return string(a.Outcome)
	}
	return strconv.Itoa(*a.Errcode)
}
