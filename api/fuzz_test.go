package api

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/dam"
)

// What stands in headers comes from anybody, before any key was seen.
func FuzzHeaders(f *testing.F) {
	for _, s := range []string{"Bearer x", "bearer  a b", "application/json; charset=gbk", "a/b; c=\"", "10.0.0.1, 192.0.2.7:80", "[::1]:5, x", "fe80::1%eth0", "req-1", "\xff\x00", "gzip"} {
		f.Add(s)
	}
	everybody := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	f.Fuzz(func(t *testing.T, s string) {
		h := http.Header{"Authorization": {s}, "Content-Type": {s}, "Content-Encoding": {s}, "X-Request-Id": {s}, "X-Forwarded-For": {s, s}}
		if b := bearer(h); strings.TrimSpace(b) != b {
			t.Errorf("a token with blanks: %q", b)
		}
		if err := checkMediaType(h); err != nil {
			mustBeRefusal(t, err)
		}
		if id := wxnotify.RequestID(h.Get("X-Request-ID"), 1); id == "" || len(id) > 128 || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Errorf("request id %q", id)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header = h
		if a := dam.Address(r, everybody); a == "" || len(a) > 64 {
			t.Errorf("address %q", a)
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add(sealCursor("key_1"))
	f.Add("AAAAAA")
	f.Add("E-WkDm\rtleV8x")
	f.Add("!")
	f.Fuzz(func(t *testing.T, s string) {
		if id, ok := openCursor(s); ok && sealCursor(id) != s {
			t.Errorf("two cursors stand for %q", id)
		}
	})
}

func FuzzTime(f *testing.F) {
	for _, s := range []string{"2026-01-02T15:04:05+08:00", "2026-01-02T15:04:05", "0001-01-01T00:00:00Z", "9999-12-31T23:59:60Z", "2026-01-02 15:04", "1767337445"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := parseTime(s); err != nil {
			mustBeRefusal(t, err)
		}
		var in struct {
			At instant `json:"at"`
		}
		if err := decode(mustMarshal(map[string]string{"at": strings.ToValidUTF8(s, "")}), &in); err != nil {
			mustBeRefusal(t, err)
		}
		if wxnotify.ValidKeyText(s) && !strings.HasPrefix(s, wxnotify.KeyPrefixText) {
			t.Errorf("%q is taken for a key", s)
		}
	})
}
