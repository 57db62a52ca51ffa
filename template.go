package wxnotify

import (
	"slices"
	"strings"
	"time"
)

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
	Keywords []Keyword         // empty: not known, so not checked
	SyncedAt time.Time         // zero: put here by hand
	Gone     bool              // WeChat no longer lists it
	Fields   map[string]string // names that data may use, and the keyword that each stands for
	Trim     bool              // values that are too long are cut, not refused
}

// Adapt says a draft in the template's own words: names of its field map become
// keywords, and values are cut where the template says so. What is only for the
// alias's other template is left out. Errors afterwards name what was posted.
func (t *Template) Adapt(d *Draft, other *Template) {
	if t == nil || len(t.Fields) == 0 && !t.Trim && other == nil {
		return
	}
	data := make([]Datum, 0, len(d.Data))
	for _, x := range d.Data {
		key, mapped := t.Fields[x.Key]
		switch {
		case mapped && !d.has(key):
			x.Name, x.Key = x.Key, key
		case !t.Has(x.Key) && other.knows(x.Key):
			continue
		}
		if t.Trim {
			x.Value = trim(t.Channel, x.Key, x.Value)
		}
		data = append(data, x)
	}
	d.Data = data
	if name, ok := strings.CutSuffix(d.Emphasis, ".DATA"); ok && t.Fields[name] != "" {
		d.Emphasis = t.Fields[name] + ".DATA"
	}
	if t.Channel == ChannelSubscribe && other != nil {
		d.Emphasis = "" // its cards have none
	}
}

// knows says whether the template has a keyword or a field of this name.
func (t *Template) knows(name string) bool {
	return t != nil && (t.Has(name) || t.Fields[name] != "")
}

// said is the name by which a backend knows a keyword.
func (t *Template) said(key string) string {
	for name, k := range t.Fields {
		if k == key {
			return name
		}
	}
	return key
}

// A Keyword is one line of a template: its key in data, and its label.
type Keyword struct {
	Key    string   `json:"key"`
	Name   string   `json:"name"`
	Values []string `json:"values,omitempty"` // of an enum_string: all that it may say; empty: not known
}

// allow refuses a value that is none of those which the keyword may have.
func (t *Template) allow(key, value string) error {
	if t == nil {
		return nil
	}
	for _, k := range t.Keywords {
		if k.Key == key && len(k.Values) > 0 && !slices.Contains(k.Values, value) {
			return Refuse(TemplateValueInvalid, "one of %s", strings.Join(k.Values, ", "))
		}
	}
	return nil
}
