package wxnotify

import (
	"crypto/sha256"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode/utf8"
)

// A Draft is a message as a backend posted it, decoded and not yet checked.
type Draft struct {
	App              string
	To               string // openid
	TemplateID       string // WeChat's id or an alias of ours
	Page             string
	Data             []Datum // in the order in which they were posted
	Emphasis         string  // keyword1.DATA
	FormID           string  // exactly this code; empty: the ledger chooses
	Channel          Channel // empty: known from the template or from the keys of Data
	MiniprogramState string
	Lang             string
	SendAt           time.Time
	ExpiresAt        time.Time
	Wait             bool
	OnUnsure         OnUnsure
	Meta             map[string]string
	IdempotencyKey   string
}

// A Datum is one keyword's value.
type Datum struct {
	Key, Value, Color string
	Name              string // as it was posted, where a field map put Key in its place
}

// path is where the value stands in what was posted.
func (x Datum) path() string {
	if x.Name != "" {
		return "data." + x.Name
	}
	return "data." + x.Key
}

// Limits of a draft.
const (
	MaxAhead   = 30 * 24 * time.Hour // of send_at
	Lasts      = 7 * 24 * time.Hour  // a message gives up after, unless it says otherwise
	MaxMeta    = 8
	maxPage    = 1024
	maxValue   = 2000 // characters of a classic value; WeChat names no limit
	maxKeyword = 64
)

var (
	keywordShape = regexp.MustCompile(`^[a-z][a-z_]*[0-9]+$`)
	classicShape = regexp.MustCompile(`^keyword[0-9]+$`)
)

// The shapes below stand in every message that comes in: an expression for
// each of them costs more than decoding the message (BenchmarkCheck).

// A charset says which bytes a text may have.
type charset [256]bool

func chars(s string) (set charset) {
	for i := range len(s) {
		set[s[i]] = true
	}
	return set
}

const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

var (
	wordChars = chars(letters + "_-")
	nameChars = chars(letters + "_-.")
	pathChars = chars(letters + "_-./")
	hexChars  = chars("0123456789ABCDEFabcdef")
)

// made says whether s has low to high bytes, all of them of set.
func made(s string, set *charset, low, high int) bool {
	for i := range len(s) {
		if !set[s[i]] {
			return false
		}
	}
	return len(s) >= low && len(s) <= high
}

// ValidTemplateID says whether s can be a template id or an alias.
func ValidTemplateID(s string) bool { return made(s, &nameChars, 1, 64) }

func validColor(s string) bool { return len(s) == 7 && s[0] == '#' && made(s[1:], &hexChars, 6, 6) }

// validPage says whether p is a path inside a mini program, with or without a query.
func validPage(p string) bool {
	path, _, _ := strings.Cut(p, "?")
	return len(p) <= maxPage && made(path, &pathChars, 1, maxPage) && wordChars[path[0]] &&
		!strings.Contains(path, "..") && !strings.Contains(path, "//") && !strings.ContainsAny(p, "\n\r\t")
}

// Resolve fills in what follows from the rest: channel and times.
// t is the template, nil where it is not known.
func (d *Draft) Resolve(t *Template, now time.Time) {
	if d.Channel == "" {
		d.Channel = d.channel(t)
	}
	if d.SendAt.IsZero() {
		d.SendAt = now
	}
	if d.ExpiresAt.IsZero() {
		d.ExpiresAt = d.SendAt.Add(Lasts)
	}
	if d.OnUnsure == "" {
		d.OnUnsure = Hold
	}
}

func (d *Draft) channel(t *Template) Channel {
	if t != nil {
		return t.Channel
	}
	if d.FormID != "" || slices.ContainsFunc(d.Data, func(x Datum) bool { return classicShape.MatchString(x.Key) }) {
		return ChannelTemplate
	}
	return ChannelSubscribe
}

// Check refuses what WeChat would refuse, and what makes no sense, before a
// permit is spent on it: all faults at once, each with its field's path.
// It comes after Resolve. sandbox lets a client's mock form_id pass.
func (d *Draft) Check(t *Template, sandbox bool, now time.Time) error {
	c := checker{}
	c.check(d.To != "", FieldRequired, "touser", "name the user's openid")
	c.check(d.To == "" || ValidOpenID(d.To), OpenIDInvalid, "touser", "an openid has 6 to 64 letters, digits, - and _")
	c.check(d.TemplateID != "", FieldRequired, "template_id", "name the template")
	c.check(d.TemplateID == "" || ValidTemplateID(d.TemplateID), TemplateUnknown, "template_id", "this cannot be a template id or an alias")
	c.check(t == nil || t.Channel == d.Channel, ChannelInvalid, "channel", "the template belongs to the other channel")
	c.page(d.Page)
	c.data(d, t)
	if d.FormID != "" {
		c.check(d.Channel == ChannelTemplate, ChannelInvalid, "form_id", "a form_id goes with a template message")
		c.add(CheckCode(d.FormID, sandbox), "form_id")
	}
	c.check(d.Channel == ChannelTemplate || d.Channel == ChannelSubscribe, ChannelInvalid, "channel", "channel is template or subscribe")
	c.check(slices.Contains([]string{"", "developer", "trial", "formal"}, d.MiniprogramState), FieldInvalid, "miniprogram_state", "one of developer, trial, formal")
	c.check(slices.Contains([]string{"", "zh_CN", "en_US", "zh_HK", "zh_TW"}, d.Lang), FieldInvalid, "lang", "one of zh_CN, en_US, zh_HK, zh_TW")
	c.check(d.OnUnsure == Hold || d.OnUnsure == Resend, FieldInvalid, "on_unsure", "one of hold, resend")
	c.times(d, now)
	c.meta(d.Meta)
	return c.err()
}

// A checker collects what is wrong.
type checker struct{ fields []FieldError }

func (c *checker) check(ok bool, code Code, field, detail string) {
	if !ok {
		c.fields = append(c.fields, FieldError{Field: field, Code: code, Detail: detail})
	}
}

func (c *checker) add(err error, field string) {
	if r, ok := err.(*Refusal); ok && r != nil {
		c.check(false, r.Code, field, r.Detail)
	}
}

func (c *checker) err() error {
	if len(c.fields) == 0 {
		return nil
	}
	first := c.fields[0]
	return &Refusal{Code: first.Code, Detail: first.Field + ": " + first.Detail, Fields: c.fields}
}

func (c *checker) page(p string) {
	c.check(p == "" || validPage(p), PageInvalid, "page", "a path inside the mini program, without scheme, leading slash or ../, at most 1024 bytes")
}

func (c *checker) times(d *Draft, now time.Time) {
	c.check(!d.SendAt.Before(now), SendAtPast, "send_at", "send_at has passed")
	c.check(!d.SendAt.After(now.Add(MaxAhead)), SendAtTooFar, "send_at", "at most 30 days ahead")
	c.check(d.ExpiresAt.After(d.SendAt) && d.ExpiresAt.After(now), ExpiresAtInvalid, "expires_at", "expires_at must lie after send_at and in the future")
}

func (c *checker) meta(m map[string]string) {
	c.check(len(m) <= MaxMeta, OutOfRange, "meta", "at most 8 names")
	for _, k := range sortedKeys(m) {
		c.check(k != "" && utf8.RuneCountInString(k) <= 40, ValueTooLong, "meta", "a name has 1 to 40 characters")
		c.check(utf8.RuneCountInString(m[k]) <= 256, ValueTooLong, "meta."+k, "at most 256 characters")
	}
}

func (c *checker) data(d *Draft, t *Template) {
	known := t != nil && len(t.Keywords) > 0
	for _, x := range d.Data {
		switch {
		case known && !t.Has(x.Key), !known && (!keywordShape.MatchString(x.Key) || len(x.Key) > maxKeyword):
			c.check(false, TemplateDataUnknown, x.path(), "the template has no such keyword")
			continue
		case strings.TrimSpace(x.Value) == "":
			c.check(false, TemplateValueEmpty, x.path()+".value", "the value is empty")
		case d.Channel == ChannelSubscribe:
			err := CheckValue(x.Key, x.Value)
			if err == nil {
				err = t.allow(x.Key, x.Value)
			}
			c.add(err, x.path()+".value")
		case len(x.Value) > maxValue && utf8.RuneCountInString(x.Value) > maxValue:
			c.check(false, TemplateValueTooLong, x.path()+".value", "at most 2000 characters")
		}
		if x.Color != "" && !validColor(x.Color) {
			c.check(false, FieldInvalid, x.path()+".color", "a colour is written #RRGGBB")
		}
	}
	if known {
		for _, k := range t.Keywords {
			if !d.has(k.Key) {
				c.check(false, TemplateDataMissing, "data."+t.said(k.Key), "the template has this keyword, and data has not")
			}
		}
	}
	c.check(len(d.Data) > 0 || known, FieldRequired, "data", "data is empty")
	c.emphasis(d)
}

func (c *checker) emphasis(d *Draft) {
	if d.Emphasis == "" {
		return
	}
	key, ok := strings.CutSuffix(d.Emphasis, ".DATA")
	c.check(ok && d.has(key), FieldInvalid, "emphasis_keyword", "name a keyword of data, such as keyword1.DATA")
}

func (d *Draft) has(key string) bool {
	return slices.ContainsFunc(d.Data, func(x Datum) bool { return x.Key == key })
}

// Has says whether the template has a keyword of this key.
func (t *Template) Has(key string) bool {
	return slices.ContainsFunc(t.Keywords, func(k Keyword) bool { return k.Key == key })
}

// Message makes the message of a checked draft: body rendered, state set.
func (d *Draft) Message(id string, now time.Time) Message {
	m := Message{
		ID: id, App: d.App, To: d.To, TemplateID: d.TemplateID, Channel: d.Channel,
		Body: d.Render(d.TemplateID), Meta: d.Meta, OnUnsure: d.OnUnsure, Wait: d.Wait, Fixed: d.FormID != "",
		SendAt: d.SendAt, ExpiresAt: d.ExpiresAt, CreatedAt: now, UpdatedAt: now, State: Queued,
	}
	if d.SendAt.After(now) {
		m.State = Scheduled
	}
	return m
}

// Fingerprint is the same for the same decoded content: what the caller said,
// without the key and without what we filled in. It is taken before Resolve.
func (d *Draft) Fingerprint() [32]byte {
	b := make([]byte, 0, 512+64*len(d.Data))
	for _, s := range []string{
		d.App, d.To, d.TemplateID, d.Page, d.Emphasis, d.FormID, string(d.Channel), d.MiniprogramState, d.Lang, string(d.OnUnsure),
		stamp(d.SendAt), stamp(d.ExpiresAt),
	} {
		b = appendString(b, s)
	}
	if d.Wait {
		b = append(b, 'w')
	}
	data := d.Data
	byKey := func(a, b Datum) int { return strings.Compare(a.Key, b.Key) }
	if !slices.IsSortedFunc(data, byKey) {
		data = slices.Clone(data)
		slices.SortFunc(data, byKey)
	}
	for _, x := range data {
		b = appendString(appendString(appendString(b, x.Key), x.Value), x.Color)
	}
	for _, k := range sortedKeys(d.Meta) {
		b = appendString(appendString(append(b, 'm'), k), d.Meta[k])
	}
	return sha256.Sum256(b)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
