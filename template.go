package wxnotify

import "time"

// A Channel is the call that carries a message.
type Channel string

// The channels.
const (
	ChannelTemplate  Channel = "template"  // /cgi-bin/message/wxopen/template/send
	ChannelSubscribe Channel = "subscribe" // /cgi-bin/message/subscribe/send
)

// The kinds of subscribe templates.
const (
	KindOnce     = "once"     // one acceptance, one message
	KindLongterm = "longterm" // one acceptance, as many as one likes
)

// A Template is what WeChat lists, or what was put here by hand.
type Template struct {
	App      string
	ID       string // WeChat's template id
	Alias    string // ours, may be empty
	Channel  Channel
	Kind     string // of a subscribe template: once or longterm
	Title    string
	Keywords []Keyword // empty: not known, so not checked
	SyncedAt time.Time // zero: put here by hand
	Gone     bool      // WeChat no longer lists it
}

// A Keyword is one line of a template: its key in data, and its label.
type Keyword struct {
	Key  string `json:"key"`
	Name string `json:"name"`
}
