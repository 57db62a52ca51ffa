package wxnotify

import (
	"regexp"
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
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// DefaultInFlight is how many calls of one app run at once unless it says otherwise.
const DefaultInFlight = 256

// A Callback is how WeChat's message push for an app is checked and read.
type Callback struct {
	Token  Secret
	AESKey Secret // EncodingAESKey, 43 characters
	Mode   string // safe or plain
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

var (
	appidShape  = regexp.MustCompile(`^[0-9A-Za-z_-]{6,64}$`)
	openidShape = regexp.MustCompile(`^[0-9A-Za-z_-]{6,64}$`)
)

// ValidAppID says whether s can be an appid.
func ValidAppID(s string) bool { return appidShape.MatchString(s) }

// ValidOpenID says whether s can be an openid.
func ValidOpenID(s string) bool { return openidShape.MatchString(s) }

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
	for _, have := range k.Scopes {
		if have == s {
			return true
		}
	}
	return false
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
