package wxnotify

import (
	"strconv"
	"strings"
	"time"
)

// An EventKind is what WeChat tells about (wechat-api.md 6.4).
type EventKind string

// The kinds.
const (
	EventPopup  EventKind = "popup"  // the user answered the sheet of a subscription
	EventChange EventKind = "change" // the user turned a template off, in the settings or on a card
	EventSent   EventKind = "sent"   // what became of a message that WeChat had taken
)

// What a user says about a template.
const (
	SaidAccept = "accept"
	SaidReject = "reject"
	SaidBan    = "ban"    // the platform banned the template
	SaidFilter = "filter" // another one of the same title was asked for with it
)

// An Event is one entry of WeChat's message push. Taking it in a second time
// changes nothing.
type Event struct {
	App        string
	Kind       EventKind
	To         string // openid
	TemplateID string
	At         time.Time // CreateTime: whole seconds on the real clock
	Said       string    // of popup and change
	MsgID      string    // of sent: WeChat's 64-bit id in decimal
	Errcode    int       // of sent: 0 is success
	Status     string    // of sent: success, or WeChat's words
}

// Arrived says whether a sent event reports success: both of its fields do, as
// far as they are there.
func (e Event) Arrived() bool {
	return e.Errcode == 0 && (e.Status == "" || strings.EqualFold(e.Status, "success"))
}

// Because is the reason that a sent event gives, in WeChat's words.
func (e Event) Because() string {
	return strings.TrimSpace("WeChat said later: ErrorCode " + strconv.Itoa(e.Errcode) + " " + e.Status)
}

// A Delivery is one push of WeChat's, with what is of interest in it.
type Delivery struct {
	App       string
	Signature string // that it was checked by
	Events    []Event
}

// Key is WeChat's own identity of the event, unique within the app: it names
// no id, but nobody answers one sheet twice in the same second.
func (e Event) Key() string {
	return strings.Join([]string{string(e.Kind), e.To, e.TemplateID, strconv.FormatInt(e.At.Unix(), 10), e.Said, e.MsgID}, "\x00")
}

// EventsTrusted is how long after a valid event an app's callback counts as
// working, in real time: so long it is worth waiting for the next.
const EventsTrusted = 7 * 24 * time.Hour

// Working says whether WeChat's events can be counted on at real time now.
func (c Callback) Working(now time.Time) bool {
	return !c.SeenAt.IsZero() && now.Sub(c.SeenAt) < EventsTrusted
}

// SameTap is how far apart a mini program's report and WeChat's event of one
// tap may be. They share no id.
const SameTap = 2 * time.Minute

// StraySpan is how long a sent event whose message is not known is kept, and
// how old an attempt may be for one to be about it.
const StraySpan = 24 * time.Hour

// StraySlack is how much later than an event's CreateTime, which is cut to
// whole seconds, the attempt may have begun that it is about.
const StraySlack = 2 * time.Second

// Told decides what WeChat's sent event changes about the message of an
// attempt: it is evidence about a message that WeChat took. ok is false when
// it changes nothing. now is the virtual time.
func Told(t Try, e Event) (s Step, ok bool) {
	m := t.Message
	switch {
	case m.State == Delivered, m.State == Failed && m.Reason == ReasonRefusedLater:
		return s, false // what was said first stands
	case e.Arrived():
		return Step{State: Delivered, Evidence: ByEvent, Permit: Spend, Tries: m.Tries}, true
	case t.Unresolved, m.State == Sending, m.State == Queued:
		return s, false // another attempt may still arrive
	}
	return Step{State: Failed, Reason: ReasonRefusedLater, Permit: Spend, Tries: m.Tries}, true
}

// Heard is what one look at the events that came in has changed.
type Heard struct {
	Events int      // how many were looked at
	Apps   []string // have work now
	Rest   []Rest
}
