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
	"fmt"
	"io"
	"slices"
	"time"
	"unicode/utf8"
	"unique"
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

// NewApp is an app with the settings of one of which nothing is said.
func NewApp(id string) App {
	return App{ID: id, MaxInFlight: DefaultInFlight, TokenMode: StableToken, Callback: Callback{Mode: SafeMode}}
}

// Check refuses settings that cannot be: all at once, each by its name in the
// API. Secrets may be absent.
func (a App) Check() error {
	c := checker{}
	c.check(ValidAppID(a.ID), FieldInvalid, "appid", "an appid has 6 to 64 letters, digits, - and _")
	c.check(utf8.RuneCountInString(a.Name) <= 100, ValueTooLong, "name", "at most 100 characters")
	c.check(a.Secret.within(&visibleChars, 1, 128), FieldInvalid, "secret", "a secret has 1 to 128 visible characters")
	c.check(a.Callback.Token.within(&letterChars, 3, 32), FieldInvalid, "callback.token", "3 to 32 letters and digits")
	c.check(a.Callback.AESKey.within(&letterChars, 43, 43), FieldInvalid, "callback.encoding_aes_key", "43 letters and digits")
	c.check(a.Callback.Mode == SafeMode || a.Callback.Mode == PlainMode, FieldInvalid, "callback.mode", "one of safe, plain is meant here")
	c.check(a.Rate >= 0 && a.Rate <= 100_000, OutOfRange, "rate_per_second", "from 0 to 100000")
	c.check(a.MaxInFlight >= 1 && a.MaxInFlight <= 10_000, OutOfRange, "max_in_flight", "from 1 to 10000")
	c.check(a.DailyQuota >= 0 && a.DailyQuota <= 1_000_000_000, OutOfRange, "daily_quota", "from 0 to 1000000000")
	c.check(a.StockLow >= 0 && a.StockLow <= 1_000_000_000, OutOfRange, "stock_low", "from 0 to 1000000000")
	c.check(a.TokenURL.within(&visibleChars, 1, 2048), FieldInvalid, "token_url", "an address has at most 2048 visible characters")
	c.check(a.TokenPath == "" || made(a.TokenPath, &visibleChars, 1, 100), FieldInvalid, "token_path", "a path has at most 100 visible characters")
	c.check(a.TokenMode == StableToken || a.TokenMode == ClassicToken, FieldInvalid, "token_mode", "one of stable, classic is meant here")
	return c.err()
}

// within says whether the secret is of a kind of text, or absent.
func (s Secret) within(set *charset, low, high int) bool {
	return s.IsZero() || made(s.Reveal(), set, low, high)
}

var (
	letterChars  = chars(letters)
	visibleChars = func() (set charset) {
		for b := '!'; b <= '~'; b++ {
			set[b] = true
		}
		return set
	}()
)

// The modes of callbacks.
const (
	SafeMode  = "safe"  // encrypted
	PlainMode = "plain" // signed alone
)

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
// The text stands behind a handle, because fmt asks no method of what lies in
// an unexported field, but prints what it finds there. Secrets of the same text
// are equal.
type Secret struct{ h unique.Handle[string] }

// NewSecret hides s.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{unique.Make(s)}
}

// Reveal returns what is hidden. It goes to WeChat, to the sealer and nowhere else.
func (s Secret) Reveal() string {
	if s.IsZero() {
		return ""
	}
	return s.h.Value()
}

// IsZero says that there is nothing to hide.
func (s Secret) IsZero() bool { return s == Secret{} }

// Format prints [redacted]. It and what follows keep the secret out of logs,
// errors and answers.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String is Format, for those who ask for a text.
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
