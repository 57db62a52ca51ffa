package console

import (
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wxnotify/wxnotify"
)

// A frame is what a page shows around its own, and what its template speaks
// with.
type frame struct {
	Lang    string
	Theme   string
	Here    string // the page's name
	Path    string // of the page, without query
	User    *wxnotify.ConsoleUser
	Apps    []wxnotify.App
	App     string // the one that was chosen; "": all
	Now     wxnotify.Now
	Open    int // what needs attention, at most openMost
	Note    string
	Warn    string
	Node    string
	Version string
	Sandbox string
	Static  string // where the files are

	words words
	query url.Values
}

func (d *Door) frame(r *http.Request, here string) *frame {
	l := languageOf(r)
	f := &frame{
		Lang: l, Theme: chosen(r, "theme", themes), Here: here, Path: r.URL.Path, Now: d.Now(), Node: d.opt.Node, Version: d.opt.Version,
		Sandbox: d.opt.Sandbox, Static: Root + "/static/" + d.static.sum, words: d.words[l], query: r.URL.Query(),
	}
	if f.Theme == "" {
		f.Theme = themes[0]
	}
	return f
}

// T is a text of the catalogue, with its {names} filled in.
func (f *frame) T(key string, pairs ...any) string { return f.words.say(key, pairs...) }

// Has says whether the catalogue has a text.
func (f *frame) Has(key string) bool { return f.words[key] != "" }

// May says whether the reader may do what a role may.
func (f *frame) May(role string) bool {
	return f.User != nil && f.User.Role.May(wxnotify.Role(role))
}

// HTMLLang is the language for the page's root.
func (f *frame) HTMLLang() string {
	if f.Lang == "zh" {
		return "zh-CN"
	}
	return "en"
}

// To is the address of a page with the chosen app, and with pairs of names and
// values; empty values are left out.
func (f *frame) To(path string, pairs ...any) string {
	q := url.Values{}
	if f.App != "" {
		q.Set("app", f.App)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if v := text(pairs[i+1]); v != "" {
			q.Set(text(pairs[i]), v)
		}
	}
	if len(q) == 0 {
		return Root + path
	}
	return Root + path + "?" + q.Encode()
}

// With is this page's address with other values; an empty one goes.
func (f *frame) With(pairs ...any) string {
	q := url.Values{}
	maps.Copy(q, f.query)
	for i := 0; i+1 < len(pairs); i += 2 {
		name, v := text(pairs[i]), text(pairs[i+1])
		if q.Set(name, v); v == "" {
			q.Del(name)
		}
	}
	if len(q) == 0 {
		return f.Path
	}
	return f.Path + "?" + q.Encode()
}

// Q is a value of the address.
func (f *frame) Q(name string) string { return f.query.Get(name) }

// OpenMore says that more needs attention than was counted.
func (f *frame) OpenMore() bool { return f.Open >= openMost }

// AppName is how people call an app.
func (f *frame) AppName(id string) string {
	for _, a := range f.Apps {
		if a.ID == id && a.Name != "" {
			return a.Name
		}
	}
	return id
}

// Initial is the first letter of an app's name.
func (f *frame) Initial(id string) string {
	first, _ := utf8.DecodeRuneInString(f.AppName(id))
	return string(first)
}

// Many says whether there are several apps, so that pages have to say which.
func (f *frame) Many() bool { return len(f.Apps) > 1 }

// Time shows an instant. Scripts put it into the reader's zone; as says how:
// ago, clock, short or full.
func (f *frame) Time(t time.Time, as string) template.HTML {
	if t.IsZero() {
		return `<span class="m">–</span>`
	}
	utc := t.UTC()
	//nolint:gosec // digits of a time, and a word of our own, escaped
	return template.HTML(`<time datetime="` + utc.Format("2006-01-02T15:04:05.000Z") + `" data-as="` + template.HTMLEscapeString(as) + `">` +
		utc.Format("2006-01-02 15:04:05") + ` UTC</time>`)
}

// N is a number as people read it.
func (f *frame) N(n any) string {
	var v int64
	switch n := n.(type) {
	case int:
		v = int64(n)
	case int64:
		v = n
	}
	s := strconv.FormatInt(v, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Span is a length of time in one or two units.
func (f *frame) Span(d time.Duration) string {
	switch {
	case d < 0:
		return f.Span(-d)
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case d < time.Hour:
		return f.T("span_minutes", "n", int(d.Minutes()))
	case d < 48*time.Hour:
		return f.T("span_hours", "n", int(d.Hours()), "m", int(d.Minutes())%60)
	}
	return f.T("span_days", "n", int(d.Hours())/24, "h", int(d.Hours())%24)
}

// Short cuts a long id in its middle.
func (f *frame) Short(id string) string {
	if len(id) <= 18 {
		return id
	}
	return id[:8] + "…" + id[len(id)-6:]
}

// Scope is what a pause stops: all, a channel, a source of permits or a template.
func (f *frame) Scope(scope string) string {
	if key := "scope_" + scope; f.Has(key) {
		return f.T(key)
	}
	return f.T("scope_one") + " " + f.Short(scope)
}

// Tone is the colour of a state.
func (f *frame) Tone(s any) string {
	switch text(s) {
	case "sent", "delivered", "accepted", "inferred", "free", "used", "ok":
		return "ok"
	case "failed", "refused", "dead", "gone", "failing":
		return "bad"
	case "unknown", "unsure", "lost", "held", "expired", "paused":
		return "warn"
	case "sending", "queued", "waiting", "scheduled", "bound":
		return "info"
	}
	return "mut"
}

// text is a string, of whichever type, or a whole number.
func text(v any) string {
	switch v := reflect.ValueOf(v); v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Int, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	}
	return ""
}

// Word is a name of ours in the reader's language: Word "state" .State.
func (f *frame) Word(family string, name any) string {
	key := family + "_" + text(name)
	if w, ok := f.words[key]; ok {
		return w
	}
	return strings.ReplaceAll(text(name), "_", " ")
}
