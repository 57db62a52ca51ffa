package wechat

import (
	"fmt"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
)

// An Error is what a call other than Send came to when it was no success. It
// holds no URL, token or secret.
type Error struct {
	Call    string        // token, stable_token, jscode2session, …
	Kind    wxnotify.Kind // refused, not_sent or lost
	Errcode int           // 0 where WeChat did not say
	Errmsg  string        // what WeChat said, or what went wrong
	RID     string
	Verdict wxnotify.Verdict // of a refusal
}

func failed(call string, o wxnotify.Outcome) *Error {
	return &Error{Call: call, Kind: o.Kind, Errcode: o.Errcode, Errmsg: o.Errmsg, RID: o.RID, Verdict: o.Verdict}
}

// Outcome is the same as a send would have had it.
func (e *Error) Outcome() wxnotify.Outcome {
	return wxnotify.Outcome{Kind: e.Kind, Errcode: e.Errcode, Errmsg: e.Errmsg, RID: e.RID, Verdict: e.Verdict, Said: e.Errcode != 0}
}

// Error tells what WeChat said, where it names one the address of ours that it
// saw, and what it means: it is fit to be shown to an operator.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "wechat: %s: ", e.Call)
	if e.Errcode == 0 {
		fmt.Fprintf(&b, "%s: %s", e.Kind, e.Errmsg)
		return b.String()
	}
	fmt.Fprintf(&b, "%d %s", e.Errcode, e.Errmsg)
	if ip := CallerIP(e.Errmsg); ip != "" {
		fmt.Fprintf(&b, " (WeChat saw %s)", ip)
	}
	if c, ok := Lookup(e.Errcode); ok {
		fmt.Fprintf(&b, ": %s", c.En)
	}
	return b.String()
}

// Unwrap gives the refusal that stands for the error at our own doors.
func (e *Error) Unwrap() error {
	r := wxnotify.Refuse(wxnotify.UpstreamUnavailable, "WeChat gave no answer: %s", e.Errmsg)
	if e.Kind == wxnotify.Refused {
		r = wxnotify.Refuse(wxnotify.UpstreamRefused, "WeChat refused: %d %s", e.Errcode, e.Errmsg)
	}
	if e.Call == callLogin && codeRejected(e.Errcode) {
		r = wxnotify.Refuse(wxnotify.CodeRejected, "WeChat did not accept the code")
	}
	if e.Verdict.Do == wxnotify.SlowDown {
		r.RetryAfter = max(time.Minute, e.Verdict.For)
	}
	if e.Errcode != 0 {
		r.WeChat = &wxnotify.WeChatError{Errcode: e.Errcode, Errmsg: e.Errmsg, RID: e.RID}
	}
	return r
}
