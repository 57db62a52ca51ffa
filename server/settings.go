package server

import (
	"encoding"
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
)

// A Setting is one line of the table that Config is.
type Setting struct {
	Flag    string   // wechat-url
	Default string   // "" where there is none
	Demo    string   // the default in demo, where it differs
	For     []string // the commands that heed it
	Secret  bool     // Flag-file, ENV_FILE and key_file are accepted as well
	En, Zh  string
}

// Key is the setting's name in the configuration file.
func (s Setting) Key() string { return strings.ReplaceAll(s.Flag, "-", "_") }

// Env is the setting's name in the environment.
func (s Setting) Env() string { return "WXNOTIFY_" + strings.ToUpper(s.Key()) }

// Settings lists the table, in its order.
func Settings() []Setting { return SettingsOf(reflect.TypeFor[Config]()) }

// SettingsOf reads the settings off the tags of a struct.
func SettingsOf(t reflect.Type) []Setting {
	var all []Setting
	for f := range t.Fields() {
		all = append(all, Setting{
			Flag:    f.Tag.Get("name"),
			Default: f.Tag.Get("default"),
			Demo:    f.Tag.Get("demo"),
			For:     strings.Fields(f.Tag.Get("for")),
			Secret:  f.Type == reflect.TypeFor[wxnotify.Secret](),
			En:      f.Tag.Get("help"),
			Zh:      f.Tag.Get("zh"),
		})
	}
	return all
}

// Defaults returns c with the default in each field that is zero.
func (c Config) Defaults() Config {
	v := reflect.ValueOf(&c).Elem()
	for i, s := range Settings() {
		if s.Default == "" || !v.Field(i).IsZero() {
			continue
		}
		if err := Set(v.Field(i), s.Default); err != nil {
			panic("default of " + s.Flag + ": " + err.Error())
		}
	}
	return c
}

// Set reads text into a field of Config. Its errors never hold the text, which
// may be a secret.
func Set(v reflect.Value, text string) error {
	switch p := v.Addr().Interface().(type) {
	case *string:
		*p = text
	case *wxnotify.Secret:
		*p = wxnotify.NewSecret(text)
	case *bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("want true or false")
		}
		*p = b
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("want a number")
		}
		*p = n
	case *time.Duration:
		d, err := ParseDuration(text)
		if err != nil {
			return err
		}
		*p = d
	case *[]netip.Prefix:
		return setPrefixes(p, text)
	case encoding.TextUnmarshaler:
		return p.UnmarshalText([]byte(text))
	default:
		panic("no reader for " + v.Type().String())
	}
	return nil
}

// ParseDuration is time.ParseDuration with days: 7d, 1d12h.
func ParseDuration(text string) (time.Duration, error) {
	var days time.Duration
	rest := text
	if n, after, ok := strings.Cut(text, "d"); ok {
		i, err := strconv.ParseUint(n, 10, 16)
		if err != nil {
			return 0, fmt.Errorf("want a time such as 30s, 5m, 12h or 7d")
		}
		days, rest = time.Duration(i)*24*time.Hour, after
		if rest == "" {
			return days, nil
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("want a time such as 30s, 5m, 12h or 7d")
	}
	return days + d, nil
}

// setPrefixes reads ranges and single addresses, with commas between them.
func setPrefixes(p *[]netip.Prefix, text string) error {
	*p = nil
	for s := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		if a, err := netip.ParseAddr(s); err == nil {
			*p = append(*p, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		r, err := netip.ParsePrefix(s)
		if err != nil {
			return fmt.Errorf("want ranges such as 10.0.0.0/8, with commas between them")
		}
		*p = append(*p, r.Masked())
	}
	return nil
}
