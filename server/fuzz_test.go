package server

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
)

// A setting is an operator's own text: it may be wrong, and must not panic, nor
// come back in an error where it is a secret.
func FuzzSetting(f *testing.F) {
	for _, s := range []string{"7d", "1h30m", "-5s", "9223372036854775807d", "10.0.0.0/8", "true", "debug", "sqlite:x", "postgres://u:p@h/d?x=%zz", "https://h/{appid}?a=%00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, into := range []any{new(time.Duration), new(netip.Prefix), new(bool), new(wxnotify.Secret), new(string), new([]netip.Prefix)} {
			_ = Set(reflect.ValueOf(into).Elem(), s)
		}
		c := Config{Database: wxnotify.NewSecret(s), TokenURL: wxnotify.NewSecret(s), MasterKey: wxnotify.NewSecret(s), APIKey: wxnotify.NewSecret(s),
			WeChatURL: s, ClockURL: s, PublicURL: s, Listen: s, MetricsListen: s}
		_ = c.Defaults().Check()
	})
}
