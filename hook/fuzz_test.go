package hook

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
)

// What customers and their receivers send: addresses, and when to come again.
// An address that passes without a name is public, by https, or was allowed.
func FuzzReceivers(f *testing.F) {
	for _, s := range []string{
		"https://93.184.215.14/hook?token=x", "http://192.168.7.7:8080/", "https://[64:ff9b::7f00:1]/", "https://[fe80::1%25eth0]/", "https://2130706433/", "https://0x7f.1/",
		"https://127.0.0.1./", "https://user@shop.example/#x", "https:shop.example", "gopher://127.0.0.1:6379/_x", "https://[::ffff:10.0.0.1]:65536", "120", "4294967296", "-1",
		"Fri, 31 Dec 1999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "0001-01-01",
	} {
		f.Add(s)
	}
	nobody := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no network here") }}
	g := NewGuard(ranges("192.168.7.0/24"), nobody)
	f.Fuzz(func(t *testing.T, s string) {
		if d := retryAfter(s, time.Unix(1714037059, 0)); d < 0 || d > wxnotify.LongestAfter {
			t.Errorf("%q: come again after %s", s, d)
		}
		if err := g.Check(t.Context(), s); err != nil {
			if code := wxnotify.CodeOf(err); code != wxnotify.FieldInvalid && code != wxnotify.URLForbiddenHost {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		u, err := url.Parse(s)
		if err != nil || u.Host == "" || u.User != nil {
			t.Fatalf("%q passes", s)
		}
		if a, err := netip.ParseAddr(u.Hostname()); err == nil && !g.open(a, u.Scheme == "https") {
			t.Errorf("%q passes", s)
		}
	})
}
