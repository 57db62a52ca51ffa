package gateway

import (
	"slices"

	"github.com/wxnotify/wxnotify"
)

// accepted is WeChat's success. Its msgid is a 64-bit number that fits into no
// float, so it is written as it came: in decimal digits.
func accepted(msgid string) []byte {
	if msgid == "" {
		return []byte(`{"errcode":0,"errmsg":"ok"}`)
	}
	return []byte(`{"errcode":0,"errmsg":"ok","msgid":` + msgid + `}`)
}

// answer says in WeChat's words what a message came to. As long as it is not
// known whether it arrived, that is unknown; busy only where it is proved that
// it did not, and where WeChat gave no reason of its own.
func answer(m *wxnotify.Message) ([]byte, error) {
	switch m.State {
	case wxnotify.Sent, wxnotify.Delivered:
		return accepted(m.MsgID), nil
	case wxnotify.Failed:
		return refused(m)
	case wxnotify.Canceled, wxnotify.Expired:
		return nil, heard(m)
	}
	return nil, say(unknown)
}

// refused is why a message failed.
func refused(m *wxnotify.Message) ([]byte, error) {
	switch m.Reason {
	case wxnotify.ReasonRefusedLater: // to the call itself WeChat had answered 0
		return accepted(m.MsgID), nil
	case wxnotify.ReasonNoPermit:
		return nil, say(noPermit(m.Channel))
	}
	if s := heard(m); s.errcode != busy {
		return nil, s
	}
	if errcode, ok := reasons[m.Reason]; ok {
		return nil, say(errcode)
	}
	return nil, say(busy, string(m.Reason))
}

// noPermit is what WeChat answers to a user who gave no leave.
func noPermit(ch wxnotify.Channel) int {
	if ch == wxnotify.ChannelSubscribe {
		return 43101
	}
	return 41028
}

// reasons are the errcodes of failures that WeChat was not asked about.
var reasons = map[wxnotify.Reason]int{
	wxnotify.ReasonPermitUsed:     41029,
	wxnotify.ReasonPermitDead:     41028,
	wxnotify.ReasonRefusedByUser:  43101,
	wxnotify.ReasonOpenID:         40003,
	wxnotify.ReasonTemplate:       40037,
	wxnotify.ReasonData:           47003,
	wxnotify.ReasonPage:           41030,
	wxnotify.ReasonChannelRetired: 45103,
	wxnotify.ReasonAccountBlocked: 50002,
}

// heard is the last refusal that WeChat gave; busy, with what went wrong, where
// there is none, or none that is the caller's affair.
func heard(m *wxnotify.Message) saying {
	for _, a := range slices.Backward(m.Attempts) {
		switch {
		case a.Errcode == nil || *a.Errcode == 0:
			continue
		case a.Outcome != wxnotify.Refused || tokenDead(*a.Errcode):
			return say(busy, a.Errmsg)
		default:
			return saying{*a.Errcode, a.Errmsg}
		}
	}
	return say(busy)
}
