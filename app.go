// Package wxnotify holds the nouns of a notification server for WeChat Mini
// Programs, and every rule about them: what a permit is and what kills it, what
// a message may say, what an answer of WeChat means, and what is to be done
// when there is none. It does no I/O and has no clock: time comes in as an
// argument, and the decision goes out as a value.
//
// A permit is the right to send one message. A message goes through attempts,
// each written down with its permit before the call to WeChat is made. Next
// decides what becomes of a message after the outcome of an attempt; Late and
// Overdue do when evidence comes afterwards, or none comes. All states follow
// from the attempts, so that a node may die at any point: whoever finds the
// rows knows what may have happened, and what may be repeated.
package wxnotify

import (
	"slices"
	"time"
)

// A TokenMode is how an app's access_token is fetched.
type TokenMode string

// The token modes (wechat-api.md 2.1 and 2.2).
const (
	StableToken  TokenMode = "stable"
	ClassicToken TokenMode = "classic"
)

// An App is one mini program.
type App struct {
	ID          string // appid
	Name        string
	Secret      Secret
	Callback    Callback
	Sandbox     bool // takes mock codes and reports of payments from the mini program
	MPPayments  bool // the mini program itself may report payments
	Rate        int  // calls per second; 0: unlimited
	MaxInFlight int  // calls at once, at most
	DailyQuota  int  // sends per UTC+8 day; 0: WeChat's own
	TokenMode   TokenMode
	StockLow    int    // permits of one kind below which stock.low is told; 0: never
	TokenURL    Secret // of a token server that somebody else runs; zero: as the server's settings say
	TokenPath   string // where the token is in its answer
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Drift       Drift // read only
}

// A Drift counts where WeChat's answers contradicted the books. Each time the
// books were corrected.
type Drift struct {
	Closed int64     // 43101 although permits were in stock
	Spent  int64     // 41029 on the first use of a code: somebody else used it
	At     time.Time // of the last one; zero: never
}

// DefaultInFlight is how many calls of one app run at once unless it says otherwise.
const DefaultInFlight = 256

// A Callback is how WeChat's message push for an app is checked and read.
type Callback struct {
	Token  Secret
	AESKey Secret    // EncodingAESKey, 43 characters
	Mode   string    // safe or plain
	SeenAt time.Time // real: of the last valid event, to within an hour; zero: none yet
}

// A Secret prints as [redacted] in every format. Reveal is the only way out.
type Secret struct{ s string }

// NewSecret hides s.
func NewSecret(s string) Secret { return Secret{s} }

// Reveal returns what is hidden. It goes to WeChat, to the sealer and nowhere else.
func (s Secret) Reveal() string { return s.s }

// IsZero says that there is nothing to hide.
func (s Secret) IsZero() bool { return s.s == "" }

// String, GoString, Format's fallbacks and the encoders below keep the secret
// out of logs, errors and answers.
func (Secret) String() string { return redacted }

// GoString is String, for %#v.
func (Secret) GoString() string { return redacted }

// MarshalText is String, for encoders.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

const redacted = "[redacted]"

// ValidAppID says whether s can be an appid.
func ValidAppID(s string) bool { return made(s, &wordChars, 6, 64) }

// ValidOpenID says whether s can be an openid.
func ValidOpenID(s string) bool { return made(s, &wordChars, 6, 64) }

// A Pause stops a part of an app's sending: the scope is "all", a channel
// (template, subscribe), a source of permits (form, payment) or a template id.
type Pause struct {
	App    string
	Scope  string
	Reason string    // operator, quota, channel_retired, …
	Detail string    // what WeChat said, with what to do; no secret
	Since  time.Time // real
	Until  time.Time // real; zero: until somebody resumes it
	Probe  time.Time // real; zero: no probing. From then on one message may try
}

// PauseScope is what a verdict about m with permits of source s pauses.
func PauseScope(p Part, m Message, s Source) string {
	switch p {
	case PartAll:
		return "all"
	case PartChannel:
		return string(m.Channel)
	case PartSource:
		return string(s)
	case PartTemplateID:
		return m.TemplateID
	}
	return ""
}

// A Now is the same instant on two clocks. What expires (permits, messages,
// tokens, sessions, quotas, holds) reads Virtual, which a sandbox may move
// forward; leases, time-outs, pacing and backoff read Real.
type Now struct {
	Real, Virtual time.Time
}

// A Scope is what a key may do.
type Scope string

// The scopes of keys.
const (
	ScopeSend    Scope = "send"
	ScopePermits Scope = "permits"
	ScopeRead    Scope = "read"
	ScopeToken   Scope = "token"
	ScopeAdmin   Scope = "admin"
)

// Scopes lists all of them, in the order in which they are shown.
var Scopes = []Scope{ScopeSend, ScopePermits, ScopeRead, ScopeToken, ScopeAdmin}

// A Key lets a backend in. Only a hash of it is kept.
type Key struct {
	ID        string
	Name      string
	Scopes    []Scope
	App       string // empty: every app
	Rate      int    // requests per second; 0: unlimited
	ExpiresAt time.Time
	CreatedAt time.Time
	LastUsed  time.Time
	RevokedAt time.Time
}

// May says whether the key has scope s.
func (k Key) May(s Scope) bool {
	return slices.Contains(k.Scopes, s)
}

// A Session is a mini program's login: an opaque token of ours stands for it.
type Session struct {
	App        string
	To         string // openid
	SessionKey Secret
	ExpiresAt  time.Time
}

// SessionLasts is how long a session is good.
const SessionLasts = 7 * 24 * time.Hour
