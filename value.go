package wxnotify

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A valueKind is one kind of a subscribe template's value.
type valueKind struct {
	max int            // characters (code points), 0: no limit is known
	re  *regexp.Regexp // nil: any text
	say string
}

// The parts of times and dates (wechat-api.md 5.2): a clock of 24 hours, and a
// day written with 年月日 or with one of - / and . which may leave out the year
// or the day of the month, as WeChat's page on sending says.
const (
	clock = `(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?`
	year  = `[0-9]{4}`
	month = `(?:0?[1-9]|1[0-2])`
	mday  = `(?:0?[1-9]|[12][0-9]|3[01])`
	day   = `(?:` + year + `年` + month + `月(?:` + mday + `日?)?|` + month + `月` + mday + `日?` +
		`|` + year + `-` + month + `(?:-` + mday + `)?|` + month + `-` + mday +
		`|` + year + `/` + month + `(?:/` + mday + `)?|` + month + `/` + mday +
		`|` + year + `\.` + month + `(?:\.` + mday + `)?|` + month + `\.` + mday + `)`
)

// span matches one point in time, or two with ~ between them.
func span(point string) *regexp.Regexp {
	return regexp.MustCompile(`^(?:` + point + `)(?: *~ *(?:` + point + `))?$`)
}

// valueKinds is wechat-api.md 5.2, a line each: what WeChat refuses with 47003
// after the permit was claimed is refused here before.
var valueKinds = map[string]valueKind{
	"thing":            {20, nil, "at most 20 characters"},
	"number":           {32, regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`), "a number of at most 32 digits, without a sign"},
	"letter":           {32, regexp.MustCompile(`^[A-Za-z]+$`), "at most 32 letters"},
	"symbol":           {5, regexp.MustCompile(`^[\p{P}\p{S}]+$`), "at most 5 symbols"},
	"character_string": {32, regexp.MustCompile(`^[ 0-9A-Za-z\p{P}\p{S}]+$`), "at most 32 letters, digits and symbols"},
	"time":             {64, span(`(?:` + day + ` *)?` + clock), "a time of the 24-hour clock such as 15:01, with a date in front or a range with ~ if you like"},
	"date":             {64, span(day + `(?: *` + clock + `)?`), "a date such as 2019年10月1日 or 2019-10-01, without the year or the day, with a time or a range with ~ if you like"},
	"amount":           {16, regexp.MustCompile(`^\p{Sc}?[0-9]{1,10}(\.[0-9]+)?元?$`), "one currency sign, at most 10 digits, 元 at the end if you like"},
	"phone_number":     {17, regexp.MustCompile(`^[0-9\p{P}\p{S} ]+$`), "at most 17 digits and symbols"},
	"car_number":       {8, regexp.MustCompile(`^\p{Han}?[0-9A-Za-z·-]+\p{Han}?$`), "at most 8 characters, the first and the last may be Chinese"},
	"name":             {20, regexp.MustCompile(`^[^0-9]+$`), "at most 10 Chinese characters, or 20 letters and symbols"},
	"phrase":           {5, regexp.MustCompile(`^\p{Han}+$`), "at most 5 Chinese characters"},
	"enum_string":      {0, nil, "one of the values that the template allows"}, // its keyword knows them
}

var kindShape = regexp.MustCompile(`^([a-z_]+?)_?[0-9]+$`)

// CheckValue refuses a value that a subscribe message may not carry under this
// key. Characters are code points, as in practice with WeChat
// (wechat-api.md 13, point 13); kinds that are not known are left to WeChat.
func CheckValue(key, value string) error {
	if strings.ContainsFunc(value, func(r rune) bool { return r == '\n' || r == '\r' || r == '\t' || unicode.IsControl(r) }) {
		return Refuse(TemplateValueInvalid, "line breaks and control characters are not allowed in a subscribe message")
	}
	kind, n := KindOf(key), utf8.RuneCountInString(value)
	k, known := valueKinds[kind]
	if !known {
		return nil
	}
	limit := k.max
	if kind == "name" && strings.ContainsFunc(value, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		limit = 10
	}
	switch {
	case limit > 0 && n > limit:
		return Refuse(TemplateValueTooLong, "%s", k.say)
	case k.re != nil && !k.re.MatchString(value):
		return Refuse(TemplateValueInvalid, "%s", k.say)
	}
	return nil
}

// trim cuts a value to what its kind allows, where cutting leaves it a value of
// that kind: a number or a time that is too long stays wrong.
func trim(ch Channel, key, value string) string {
	if ch != ChannelSubscribe {
		return value
	}
	value = strings.Join(strings.Fields(value), " ")
	kind := KindOf(key)
	limit, runes := valueKinds[kind].max, []rune(value)
	if kind == "name" && strings.ContainsFunc(value, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		limit = 10
	}
	switch {
	case len(runes) <= limit || limit == 0:
		return value
	case kind == "thing":
		return string(runes[:limit-1]) + "…"
	case kind == "character_string", kind == "letter", kind == "symbol", kind == "phrase", kind == "name":
		return string(runes[:limit])
	}
	return value
}

// KindOf is the kind that a keyword's key names: thing of thing1.
func KindOf(key string) string {
	if m := kindShape.FindStringSubmatch(key); m != nil {
		return m[1]
	}
	return ""
}
