package wxnotify

import (
	"regexp"
	"strings"
	"time"
)

// A Source is the act by which a user gives leave to be written to.
type Source string

// The sources of permits.
const (
	Form      Source = "form"      // a submitted <form report-submit>: formId
	Payment   Source = "payment"   // a paid order: prepay_id
	Subscribe Source = "subscribe" // an accepted one-time subscription
	Longterm  Source = "longterm"  // an accepted long-term subscription
)

// A Rule says what one act of a source gives.
type Rule struct {
	Uses     int           // messages per act; 0: as many as one likes, the row is never bound
	Lasts    time.Duration // 0: no deadline is known, and none is invented
	Code     bool          // WeChat knows the permit by a code that goes into the call
	Template bool          // good for one template only
	Channel  Channel       // the call that carries it
}

// Rules holds what each source gives
// (wechat-api.md 3.3 for forms and payments, 5.3 for subscriptions).
// A new way of giving leave is one more line here, and its wire name in wechat.
var Rules = map[Source]Rule{
	Form:      {Uses: 1, Lasts: 7 * 24 * time.Hour, Code: true, Channel: ChannelTemplate},
	Payment:   {Uses: 3, Lasts: 7 * 24 * time.Hour, Code: true, Channel: ChannelTemplate},
	Subscribe: {Uses: 1, Template: true, Channel: ChannelSubscribe},
	Longterm:  {Template: true, Channel: ChannelSubscribe},
}

// Standing says that the permit is not used up by sending.
func (s Source) Standing() bool { return Rules[s].Uses == 0 }

// Single says that the permit is the only use of a code: whoever dies with it
// in hand leaves an attempt that may be repeated, whether it was begun or not
// (wechat-api.md 3.3).
func (s Source) Single() bool { return Rules[s].Code && Rules[s].Uses == 1 }

// Margin is how far away the deadline of a permit must be for it to be newly
// bound: clocks differ, and a repeat after a lost answer takes its time.
const Margin = 10 * time.Minute

// A PermitState is where a permit stands in the ledger.
type PermitState string

// The states of a permit. A bound one belongs to a message that has not been
// answered yet, a held one to a message whose answer was lost.
const (
	PermitFree  PermitState = "free"
	PermitBound PermitState = "bound"
	PermitUsed  PermitState = "used"
	PermitHeld  PermitState = "held"
	PermitDead  PermitState = "dead"
)

// A Cause says why a permit is dead.
type Cause string

// The causes of death.
const (
	CauseExpired    Cause = "expired"    // its deadline passed unused
	CauseInvalid    Cause = "invalid"    // WeChat answered 41028
	CauseSpent      Cause = "spent"      // WeChat answered 41029 on a first use: somebody else used it
	CauseBlocked    Cause = "blocked"    // WeChat answered 41031
	CauseRefused    Cause = "refused"    // WeChat answered 43101: the books were wrong
	CauseWithdrawn  Cause = "withdrawn"  // the user turned the template off
	CauseUnresolved Cause = "unresolved" // its message ended as unknown
	CauseDeleted    Cause = "deleted"    // an operator took it away
	CauseErased     Cause = "erased"     // the person was erased
)

// A Permit is the right to send one message: one row per use. A payment makes
// three rows with one code, a long-term subscription one that is never bound.
type Permit struct {
	ID         string
	App        string
	To         string // openid
	Source     Source
	Code       string // form_id or prepay_id; sealed at rest; empty for subscriptions
	TemplateID string // subscriptions only
	Use        int    // 1, 2, 3 within the same code
	State      PermitState
	Cause      Cause
	Message    string    // the message it is bound to, was used for or is held by
	GivenAt    time.Time // when the user acted, as well as is known
	ExpiresAt  time.Time // zero: no deadline
}

// A Deposit is what was handed in: one act of a user, one or more permits.
type Deposit struct {
	App        string
	To         string // openid
	Source     Source
	Code       string // form and payment
	Key        string // the caller's own id for the act; a known one creates nothing
	TemplateID string // subscribe and longterm
	Count      int    // subscribe: acceptances, 1–100; else ignored
	Result     string // accept, reject, ban or filter; empty is accept
	GivenAt    time.Time
}

// A Deposited is what became of a Deposit. Err is a refusal of this one alone.
type Deposited struct {
	Created int // rows made; 0: known already
	Err     error
}

// A Stock is what one user has given and has not been used: permits that can
// be used now, their deadline at least Margin away.
type Stock struct {
	Permits    map[Source]int    // form, payment
	Subscribe  map[string]int    // by template id
	Longterm   []string          // template ids
	Reserved   int               // bound to messages that are to go out
	Held       int               // their message's answer is missing
	NextExpiry time.Time         // zero: none
	Said       map[string]string // by template id: accept, reject, ban or filter, the last word; why somebody cannot be reached
}

// Reachable says whether any message can go out to the user now.
func (s Stock) Reachable() bool {
	return s.Permits[Form]+s.Permits[Payment]+len(s.Subscribe)+len(s.Longterm) > 0
}

// paymentShape tells a prepay_id from a form_id where nobody says which it is.
var paymentShape = regexp.MustCompile(`^wx[0-9]{2}[0-9A-Za-z]{16,}$`)

// SourceOf guesses the source of a code that came without one.
func SourceOf(code string) Source {
	if paymentShape.MatchString(code) {
		return Payment
	}
	return Form
}

// CheckCode refuses what cannot be a form_id or prepay_id. Texts that a
// client reports in place of a form_id (wechat-api.md 3.3, 11.2) are
// form_id_mock, unless the app is a sandbox app.
func CheckCode(code string, sandbox bool) error {
	switch {
	case MockCode(code) && sandbox && code != "" && code != "undefined":
		return nil
	case MockCode(code):
		return Refuse(FormIDMock, "this is what a client reports when it has no form_id; DevTools, trial and develop versions give none")
	case !made(code, &wordChars, 10, 128): // old and new: digits, hex, "wx…"
		return Refuse(CodeInvalid, "a form_id or prepay_id has 10 to 128 letters, digits, - and _")
	}
	return nil
}

// MockCode says whether code is a client's excuse and not a code.
func MockCode(code string) bool {
	return code == "" || code == "undefined" || code == "null" ||
		code == "the formId is a mock one" ||
		strings.HasPrefix(code, "requestFormId:fail") ||
		strings.HasPrefix(code, "the formId is no longer available")
}

// MockLoginCode is what DevTools report in place of a login code. Every login
// there has the same one, so it says nothing; a sandbox app takes it.
const MockLoginCode = "the code is a mock one"

// DefaultDeadline is when a permit of source s ends that was given at t.
func (s Source) DefaultDeadline(t time.Time) time.Time {
	if d := Rules[s].Lasts; d > 0 {
		return t.Add(d)
	}
	return time.Time{}
}

// Open draws up the rows of a deposit, without ids. Rows that are past their
// deadline, or within Margin of it, are not worth keeping: permit_expired.
func (d Deposit) Open(now time.Time) ([]Permit, error) {
	rule := Rules[d.Source]
	ends := d.Source.DefaultDeadline(d.GivenAt)
	if !ends.IsZero() && !ends.After(now) {
		return nil, Refuse(PermitExpired, "a %s is good for %d days, and this one is older", d.Source, int(rule.Lasts.Hours()/24))
	}
	n := rule.Uses
	if d.Source == Subscribe && d.Count > 1 {
		n = d.Count
	}
	rows := make([]Permit, max(n, 1))
	for i := range rows {
		rows[i] = Permit{
			App: d.App, To: d.To, Source: d.Source, Code: d.Code, TemplateID: d.TemplateID,
			Use: i + 1, State: PermitFree, GivenAt: d.GivenAt, ExpiresAt: ends,
		}
	}
	return rows, nil
}
