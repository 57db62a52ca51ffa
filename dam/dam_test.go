package dam

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"testing"
)

func TestAMeterForgetsOnlyWhatIsFull(t *testing.T) {
	t.Parallel()
	m := NewMeter()
	for range 3 {
		m.Take("busy", 0.001, 3)
	}
	for i := range least + 10 {
		if wait := m.Take(strconv.Itoa(i), 1e6, 5); wait != 0 {
			t.Fatalf("the first of %d waits %s", i, wait)
		}
	}
	if m.Take("busy", 0.001, 3) == 0 {
		t.Error("the flood washed its own limit away")
	}
	if len(m.m) > least+10 {
		t.Errorf("holds %d", len(m.m))
	}
}

func TestAnAddressIsThatOfTheNearestStranger(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, c := range map[string]struct {
		peer      string
		forwarded []string
		want      string
	}{
		"no proxy":                      {"203.0.113.9:4711", nil, "203.0.113.9"},
		"a stranger's word":             {"203.0.113.9:4711", []string{"198.51.100.1"}, "203.0.113.9"},
		"a proxy's word":                {"10.0.0.1:80", []string{"203.0.113.9"}, "203.0.113.9"},
		"with a port":                   {"10.0.0.1:80", []string{"203.0.113.9:4711"}, "203.0.113.9"},
		"IPv6 with a port":              {"10.0.0.1:80", []string{"[2001:db8:1:2:3::4]:4711"}, "2001:db8:1:2::/64"},
		"IPv6 counts by /64":            {"[2001:db8:1:2:ffff::1]:4711", nil, "2001:db8:1:2::/64"},
		"IPv4 in IPv6":                  {"[::ffff:203.0.113.9]:1", nil, "203.0.113.9"},
		"two proxies":                   {"10.0.0.1:80", []string{"198.51.100.1, 203.0.113.9, 10.0.0.2"}, "203.0.113.9"},
		"two headers":                   {"10.0.0.1:80", []string{"198.51.100.1", "203.0.113.9"}, "203.0.113.9"},
		"a port at a proxy between":     {"[fd00::1]:80", []string{"203.0.113.9, 10.0.0.2:8443"}, "203.0.113.9"},
		"what is no address ends it":    {"10.0.0.1:80", []string{"203.0.113.9, unknown"}, "10.0.0.1"},
		"a zone is the machine's alone": {"10.0.0.1:80", []string{"fe80::1%eth0"}, "fe80::/64"},
		"no peer":                       {"@", []string{"203.0.113.9"}, "@"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr, r.Header["X-Forwarded-For"] = c.peer, c.forwarded
		if got := Address(r, proxies); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}
