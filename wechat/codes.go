package wechat

import (
	"cmp"
	"slices"

	"github.com/wxnotify/wxnotify"
)

// A Code is one line of what is known about WeChat's errcodes. The console, the
// phone page, docs/errors.md and the sandbox are drawn from these lines.
type Code struct {
	Errcode int
	// Text is the wire text before the hint or rid; "" where none was ever
	// seen. {ip} and {key} stand for the caller's address and for the key of
	// data that WeChat names. Never compare an errmsg with it for equality.
	Text    string
	Calls   Calls            // where WeChat answers it
	Verdict wxnotify.Verdict // what a send does about it; see TokenVerdict
	En, Zh  string           // what it means, and what the server does
}

// Calls names the group of calls that answer a code.
type Calls string

// The groups of calls.
const (
	CallsAll       Calls = "all"
	CallsToken     Calls = "token"     // fetching an access_token
	CallsLogin     Calls = "login"     // jscode2session
	CallsTemplate  Calls = "template"  // template/send
	CallsSubscribe Calls = "subscribe" // subscribe/send
	CallsSend      Calls = "send"      // both of them
	CallsManage    Calls = "manage"    // lists of templates, quotas, pass-through
)

// Lookup finds the line of an errcode.
func Lookup(errcode int) (Code, bool) {
	i, ok := slices.BinarySearchFunc(codes, errcode, func(c Code, n int) int { return cmp.Compare(c.Errcode, n) })
	if !ok {
		return Code{}, false
	}
	return codes[i], true
}

// Codes returns all lines, ordered by errcode. The caller may change the slice.
func Codes() []Code { return slices.Clone(codes) }

// VerdictOf is what a send does about an errcode. What is not in the table
// fails the message and leaves the permit alone: nothing is burned for an
// answer that nobody understood.
func VerdictOf(errcode int) wxnotify.Verdict {
	if c, ok := Lookup(errcode); ok {
		return c.Verdict
	}
	return fails(wxnotify.ReasonInternal)
}

// TokenVerdict is VerdictOf for the answer of a token endpoint: without a token
// nothing of the app can go out, so whatever is not simply "later" pauses the
// whole app, and the messages wait (wechat-api.md 2.1 and 10).
func TokenVerdict(errcode int) wxnotify.Verdict {
	v := VerdictOf(errcode)
	switch {
	case errcode == -1:
		return wxnotify.Verdict{Do: wxnotify.Repeat}
	case v.Do == wxnotify.SlowDown && v.Part != "":
		v.Part = wxnotify.PartAll
		return v
	case v.Do == wxnotify.Repeat, v.Do == wxnotify.SlowDown:
		return v
	}
	return wxnotify.Verdict{Do: wxnotify.Halt, Reason: v.Reason, Part: wxnotify.PartAll, For: v.For}
}

// codes is the whole table, in order; it never changes.
var codes = ordered(commonCodes, tokenCodes, sendCodes, manageCodes)

func ordered(parts ...[]Code) []Code {
	all := slices.Concat(parts...)
	slices.SortFunc(all, func(a, b Code) int { return cmp.Compare(a.Errcode, b.Errcode) })
	return all
}

// fails ends the message and keeps its permit.
func fails(r wxnotify.Reason) wxnotify.Verdict {
	return wxnotify.Verdict{Do: wxnotify.Fail, Reason: r}
}

// failsAndStops ends the message, and a part of the app waits for an operator.
func failsAndStops(r wxnotify.Reason, p wxnotify.Part) wxnotify.Verdict {
	return wxnotify.Verdict{Do: wxnotify.Fail, Reason: r, Part: p}
}

// kills burns every free row of the permit's code.
func kills(c wxnotify.Cause) wxnotify.Verdict {
	return wxnotify.Verdict{Do: wxnotify.NextPermit, Cause: c}
}

// stops lets the messages of a part of the app wait for an operator.
func stops(p wxnotify.Part) wxnotify.Verdict {
	return wxnotify.Verdict{Do: wxnotify.Halt, Part: p}
}

var (
	again    = wxnotify.Verdict{Do: wxnotify.Repeat}
	slower   = wxnotify.Verdict{Do: wxnotify.SlowDown}
	renews   = wxnotify.Verdict{Do: wxnotify.NewToken}
	misfit   = fails(wxnotify.ReasonData)
	ourFault = fails(wxnotify.ReasonInternal)
	retired  = failsAndStops(wxnotify.ReasonChannelRetired, wxnotify.PartChannel)
	barred   = failsAndStops(wxnotify.ReasonAccountBlocked, wxnotify.PartChannel)
	frozen   = wxnotify.Verdict{Do: wxnotify.Halt, Reason: wxnotify.ReasonAccountBlocked, Part: wxnotify.PartAll}
)
