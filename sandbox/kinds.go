package sandbox

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// kinds are the types of values in subscribe messages, by the prefix of their
// key, with an example that fits. Lengths count code points.
var kinds = map[string]struct {
	example string
	fits    func(s string, n int) bool
}{
	"thing":            {"请手机保持通畅", func(_ string, n int) bool { return n <= 20 }},
	"number":           {"12", func(s string, n int) bool { return n <= 32 && numberForm.MatchString(s) }},
	"letter":           {"ABC", func(s string, n int) bool { return n <= 32 && every(s, asciiLetter) }},
	"symbol":           {"-/*", func(s string, n int) bool { return n <= 5 && every(s, symbol) }},
	"character_string": {"A-1019", func(s string, n int) bool { return n <= 32 && every(s, printable) }},
	"time":             {"2019年10月1日 15:01", func(s string, _ int) bool { return ranged(s, timeForm) }},
	"date":             {"2019年10月1日", func(s string, _ int) bool { return ranged(s, dateForm) }},
	"amount":           {"¥28.50", func(s string, _ int) bool { return amountForm.MatchString(s) }},
	"phone_number":     {"+86-0766-66888866", func(s string, n int) bool { return n <= 17 && every(s, digitOrSymbol) }},
	"car_number":       {"粤A8Z888挂", func(s string, n int) bool { return n <= 8 && carForm.MatchString(s) }},
	"name":             {"张一山", nameFits},
	"phrase":           {"已接单", func(s string, n int) bool { return n <= 5 && every(s, chinese) }},
	"enum_string":      {"已完成", func(string, int) bool { return true }}, // its keyword has the values
}

// day may lack its year or its day of the month.
const day = `((\d{4}年)?\d{1,2}月\d{1,2}日?|\d{4}年\d{1,2}月|(\d{4}[-/.])?\d{1,2}[-/.]\d{1,2}|\d{4}[-/.]\d{1,2})`
const clock = `(([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d)?)`

var (
	numberForm = regexp.MustCompile(`^\d+(\.\d+)?$`)
	timeForm   = regexp.MustCompile(`^(` + day + `\s*)?` + clock + `$`)
	dateForm   = regexp.MustCompile(`^` + day + `(\s*` + clock + `)?$`)
	amountForm = regexp.MustCompile(`^\p{Sc}?\d{1,10}(\.\d+)?元?$`)
	carForm    = regexp.MustCompile(`^[\p{Han}0-9A-Za-z][0-9A-Za-z·-]*[\p{Han}0-9A-Za-z]$`)
	keyForm    = regexp.MustCompile(`^([a-z_]+?)\d+$`)
)

// fits tells whether text is of the kind that the key names.
func fits(key, text string) bool {
	k, ok := kinds[kindOf(key)]
	if !ok || text == "" || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return false
	}
	return k.fits(text, utf8.RuneCountInString(text))
}

// takes tells whether WeChat would take text for this keyword of a template.
func (k Keyword) takes(text string) bool {
	return fits(k.Key, text) && (len(k.Values) == 0 || slices.Contains(k.Values, text))
}

// example is a value that the keyword takes.
func (k Keyword) example() string {
	if len(k.Values) > 0 {
		return k.Values[0]
	}
	return kinds[kindOf(k.Key)].example
}

// kindOf takes thing from thing1; keys of another form have no kind.
func kindOf(key string) string {
	m := keyForm.FindStringSubmatch(key)
	if m == nil {
		return ""
	}
	return m[1]
}

// ranged accepts one value of the form, or two with a tilde between.
func ranged(s string, form *regexp.Regexp) bool {
	from, to, two := strings.Cut(s, "~")
	if !two {
		return form.MatchString(s)
	}
	return form.MatchString(strings.TrimSpace(from)) && form.MatchString(strings.TrimSpace(to))
}

// nameFits: 20 characters without Chinese, 10 with; no digits.
func nameFits(s string, n int) bool {
	if strings.ContainsFunc(s, chinese) {
		return n <= 10 && !strings.ContainsFunc(s, asciiDigit)
	}
	return n <= 20 && !strings.ContainsFunc(s, asciiDigit)
}

func every(s string, f func(rune) bool) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !f(r) })
}

func chinese(r rune) bool       { return unicode.Is(unicode.Han, r) }
func asciiDigit(r rune) bool    { return '0' <= r && r <= '9' }
func asciiLetter(r rune) bool   { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }
func printable(r rune) bool     { return ' ' <= r && r <= '~' || symbol(r) }
func symbol(r rune) bool        { return unicode.IsPunct(r) || unicode.IsSymbol(r) }
func digitOrSymbol(r rune) bool { return asciiDigit(r) || symbol(r) || r == ' ' }
