package token

import (
	"time"

	"github.com/wxnotify/wxnotify"
)

// unavailable is a Failure that is not WeChat's word: there is no token now,
// nothing was sent, and asking again later makes sense.
type unavailable struct {
	text string
	wait time.Duration // real; 0: as long as other failures
}

var (
	errContention = &unavailable{text: "somebody else fetches access tokens of this app; renewing once a minute", wait: slowly}
	errShort      = &unavailable{text: "access tokens end as soon as they are fetched"}
	errSameAgain  = &unavailable{text: "WeChat hands out the access token that it does not accept"}
)

func (e *unavailable) Error() string { return "token: " + e.text }

// Outcome says that nothing was sent.
func (e *unavailable) Outcome() wxnotify.Outcome {
	return wxnotify.Outcome{Kind: wxnotify.NotSent, Errmsg: e.text}
}

// Unwrap is the refusal that stands for it at our own doors.
func (e *unavailable) Unwrap() error {
	r := wxnotify.Refuse(wxnotify.UpstreamUnavailable, "there is no access token now: %s", e.text)
	r.RetryAfter = e.wait
	return r
}

// A fault is the store's.
type fault struct {
	doing string
	err   error
}

func (e *fault) Error() string { return "token: " + e.doing + ": " + e.err.Error() }
func (e *fault) Unwrap() error { return e.err }
