package console

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
)

// ranges are the spans of time that pages offer.
var ranges = []string{"1h", "6h", "24h", "7d", "30d"}

var rangeLasts = map[string]time.Duration{"1h": time.Hour, "6h": 6 * time.Hour, "24h": 24 * time.Hour, "7d": 7 * 24 * time.Hour, "30d": 30 * 24 * time.Hour}

// states lists the states of messages, as filters offer them.
var states = []wxnotify.State{
	wxnotify.Scheduled, wxnotify.Waiting, wxnotify.Queued, wxnotify.Sending, wxnotify.Unsure,
	wxnotify.Sent, wxnotify.Delivered, wxnotify.Failed, wxnotify.Expired, wxnotify.Canceled, wxnotify.Unknown,
}

// groups are states that filters offer together.
var groups = []wxnotify.Group{wxnotify.GroupTaken, wxnotify.GroupMissed, wxnotify.GroupTried, wxnotify.GroupLost, wxnotify.GroupMoving}

// reasons lists why messages fail, expire, are canceled or unknown.
var reasons = []wxnotify.Reason{
	wxnotify.ReasonNoPermit, wxnotify.ReasonPermitUsed, wxnotify.ReasonPermitDead, wxnotify.ReasonRefusedByUser, wxnotify.ReasonRefusedLater,
	wxnotify.ReasonOpenID, wxnotify.ReasonTemplate, wxnotify.ReasonData, wxnotify.ReasonPage, wxnotify.ReasonChannelRetired, wxnotify.ReasonAccountBlocked,
	wxnotify.ReasonAttempts, wxnotify.ReasonDeadline, wxnotify.ReasonCanceled, wxnotify.ReasonUnresolved, wxnotify.ReasonErased, wxnotify.ReasonOperator, wxnotify.ReasonInternal,
}

// restOf is the state in which a reason ends a message: a list by reason goes
// by the index of that state.
var restOf = map[wxnotify.Reason]wxnotify.State{
	wxnotify.ReasonDeadline: wxnotify.Expired, wxnotify.ReasonCanceled: wxnotify.Canceled, wxnotify.ReasonErased: wxnotify.Canceled, wxnotify.ReasonUnresolved: wxnotify.Unknown,
}

// messageFilter reads the filter from an address or a form. What makes no
// sense there matches nothing, or is left out.
func messageFilter(q url.Values, now time.Time) wxnotify.MessageFilter {
	f := wxnotify.MessageFilter{
		App: q.Get("app"), To: q.Get("touser"), State: wxnotify.State(q.Get("state")), TemplateID: q.Get("template_id"), Group: wxnotify.Group(q.Get("group")),
		Reason: wxnotify.Reason(q.Get("reason")), Channel: wxnotify.Channel(q.Get("channel")), Open: q.Get("open") == "1", Cursor: q.Get("cursor"),
		Rested: q.Get("by") == byRest,
	}
	if g := wxnotify.Group(f.State); slices.Contains(groups, g) { // one list to choose from
		f.State, f.Group = "", g
	}
	if n, err := strconv.Atoi(q.Get("errcode")); err == nil {
		f.Errcode = &n
	}
	if v := q.Get("answer"); v != "" {
		f.Answers = strings.Split(v, ",")
		f.Answers = f.Answers[:min(len(f.Answers), 200)]
	}
	if name, value, ok := strings.Cut(q.Get("meta"), "="); ok {
		f.Meta = map[string]string{name: value}
	}
	if f.State == "" && f.Group == "" && f.Reason != "" {
		if f.State = restOf[f.Reason]; f.State == "" {
			f.State = wxnotify.Failed
		}
	}
	f.Since, f.Until = span(q, now)
	f.UnderWay = instant(q.Get("at"))
	return f
}

// byRest in by= makes the times of a filter tell when a message came to rest.
const byRest = "rest"

// span is the time that an address names: a range that ends now, or from and to.
func span(q url.Values, now time.Time) (since, until time.Time) {
	since, until = instant(q.Get("from")), instant(q.Get("to"))
	if d := rangeLasts[q.Get("range")]; d > 0 {
		since = now.Add(-d).Truncate(time.Second)
	}
	return since, until
}

// instant is a time in seconds; what is none is zero.
func instant(s string) time.Time {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 0 && n < 1e11 {
		return time.Unix(n, 0)
	}
	return time.Time{}
}

// filterNames are the values of an address that belong to a filter of messages.
var filterNames = []string{"app", "touser", "state", "group", "template_id", "reason", "channel", "errcode", "answer", "open", "meta", "by", "range", "from", "to", "at"}

// filterOf is the part of an address that belongs to the filter.
func filterOf(q url.Values) url.Values {
	out := url.Values{}
	for _, name := range filterNames {
		if v := q.Get(name); v != "" {
			out.Set(name, v)
		}
	}
	return out
}
