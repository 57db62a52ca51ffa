package wxnotify

import (
	"encoding/json"
	"time"
)

// waits are how long to wait after the first, second … failure: the first
// repeat comes within ten seconds, the last after three days.
var waits = []time.Duration{
	5 * time.Second, 30 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 18 * time.Hour, 22 * time.Hour,
}

// A NoticeState is where a notice stands.
type NoticeState string

// The states. A pending one waits for its turn, for the end of an attempt, or
// for the next.
const (
	NoticePending   NoticeState = "pending"
	NoticeDelivered NoticeState = "delivered"
	NoticeFailed    NoticeState = "failed" // after the last attempt; it can be sent again
)

// A Notice is one event on its way to one webhook. The id is that of the
// event: the same at every webhook and in every attempt.
type Notice struct {
	ID        string
	Webhook   string
	App       string
	Topic     Topic
	Data      []byte // JSON
	Trace     Trace  // of the message, where it is about one
	State     NoticeState
	Tries     int       // begun since it was written down, or sent again
	Due       time.Time // of the next attempt, or the end of the one under way
	CreatedAt time.Time
	Answer    Answer // to the last attempt
}

// Body is what is posted: thin and stable, the same in every attempt.
func (n Notice) Body() []byte {
	b, err := json.Marshal(struct {
		Type      Topic           `json:"type"`
		Timestamp time.Time       `json:"timestamp"`
		Data      json.RawMessage `json:"data"`
	}{n.Topic, n.CreatedAt.UTC(), n.Data})
	if err != nil {
		panic(err) // Data was made by us
	}
	return b
}

// An Answer is what came of one attempt.
type Answer struct {
	At         time.Time // zero: there was none yet
	Took       time.Duration
	Status     int           // 0: no answer came
	Body       string        // its first bytes
	Fault      Fault         // "": a 2xx
	Detail     string        // of the fault
	RetryAfter time.Duration // at most LongestAfter
}

// A Fault says why an attempt was none.
type Fault string

// The faults.
const (
	FaultBlocked    Fault = "blocked_address" // the name leads to an address that webhooks must not reach
	FaultDNS        Fault = "dns"
	FaultConnection Fault = "connection"
	FaultTLS        Fault = "tls"
	FaultTimeout    Fault = "timeout"
	FaultRedirect   Fault = "redirect"
	FaultStatus     Fault = "status"
)

// Gone says that the endpoint wants no more: it is switched off.
func (a Answer) Gone() bool { return a.Status == 410 }

// After decides what becomes of a notice after an answer at real time now.
// jitter is a random number from 0 to 1 that spreads the repeats.
func (n Notice) After(a Answer, now time.Time, jitter float64) (NoticeState, time.Time) {
	switch {
	case a.Fault == "":
		return NoticeDelivered, time.Time{}
	case n.Tries > len(waits) && !a.Gone():
		return NoticeFailed, time.Time{}
	}
	wait := waits[min(max(n.Tries, 1), len(waits))-1]
	wait += time.Duration(float64(wait) * 0.2 * jitter)
	return NoticePending, now.Add(max(wait, a.RetryAfter))
}

// A NoticeOutcome is what was decided about a notice after an attempt.
type NoticeOutcome struct {
	Webhook, ID, Owner string
	State              NoticeState
	Due                time.Time
	Answer             Answer
}

// A Post is a notice to be posted now, with what it takes. Owner names the
// claim: only its outcome counts.
type Post struct {
	Notice
	Hook  Webhook
	Owner string
}

// NoticeWant is how many notices of a webhook may be claimed.
type NoticeWant struct {
	Webhook string
	N       int
}

// MessageData is the data of a message's event. Template values are not in it.
func MessageData(m *Message) []byte {
	type data struct {
		ID         string            `json:"id"`
		App        string            `json:"app"`
		To         string            `json:"touser"`
		State      State             `json:"state"`
		Reason     *Reason           `json:"reason"`
		Evidence   *Evidence         `json:"evidence"`
		TemplateID string            `json:"template_id"`
		Channel    Channel           `json:"channel"`
		MsgID      *string           `json:"msgid"`
		Meta       map[string]string `json:"meta"`
		UpdatedAt  time.Time         `json:"updated_at"`
	}
	d := data{m.ID, m.App, m.To, m.State, orNull(m.Reason), orNull(m.Evidence), m.TemplateID, m.Channel, orNull(m.MsgID), m.Meta, m.UpdatedAt.UTC()}
	if d.Meta == nil {
		d.Meta = map[string]string{}
	}
	return encoded(d)
}

// PermitData is the data of permit.created (cause "") and permit.revoked:
// n permits of p's kind.
func PermitData(t Topic, p *Permit, n int) []byte {
	type data struct {
		App        string     `json:"app"`
		To         string     `json:"touser"`
		Source     *Source    `json:"source,omitempty"`
		TemplateID *string    `json:"template_id"`
		Count      int        `json:"count"`
		ExpiresAt  *time.Time `json:"expires_at,omitempty"`
		Cause      Cause      `json:"cause,omitempty"`
	}
	d := data{App: p.App, To: p.To, Source: orNull(p.Source), TemplateID: orNull(p.TemplateID), Count: n}
	if t == PermitRevoked {
		d.Cause = p.Cause
	} else if !p.ExpiresAt.IsZero() {
		ends := p.ExpiresAt.UTC()
		d.ExpiresAt = &ends
	}
	return encoded(d)
}

// PauseData is the data of app.paused and, with no reason, of app.resumed.
func PauseData(p *Pause) []byte {
	type data struct {
		App    string     `json:"app"`
		Scope  string     `json:"scope"`
		Reason string     `json:"reason,omitempty"`
		Detail string     `json:"detail,omitempty"`
		Until  *time.Time `json:"until,omitempty"`
	}
	d := data{App: p.App, Scope: p.Scope, Reason: p.Reason, Detail: p.Detail}
	if !p.Until.IsZero() {
		until := p.Until.UTC()
		d.Until = &until
	}
	return encoded(d)
}

// AppData is the data of an event that says no more than which app.
func AppData(app string) []byte { return encoded(map[string]string{"app": app}) }

func encoded(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structs always can be
	}
	return b
}

func orNull[T ~string](s T) *T {
	if s == "" {
		return nil
	}
	return &s
}
