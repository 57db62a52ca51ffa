package console

import (
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How often somebody may try to log in. An address gets less than a name, so
// that a stranger does not lock others out of their own name soon.
const (
	triesOfAddress = 10
	addressEvery   = 20 * time.Second
	triesOfName    = 30
	nameEvery      = 10 * time.Second
	maxThrottled   = 10_000 // names and addresses that are remembered
)

// A throttle counts tries per node, in memory.
type throttle struct {
	mu sync.Mutex
	m  map[string]*rate.Limiter
}

func newThrottle() throttle { return throttle{m: map[string]*rate.Limiter{}} }

// take says whether one more try is allowed.
func (t *throttle) take(address, name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.m) > maxThrottled {
		t.m = map[string]*rate.Limiter{} // a flood: remembering nothing beats running out of memory
	}
	a := t.limiter("a "+address, addressEvery, triesOfAddress)
	n := t.limiter("n "+name, nameEvery, triesOfName)
	return a.Allow() && n.Allow()
}

func (t *throttle) limiter(key string, every time.Duration, burst int) *rate.Limiter {
	l := t.m[key]
	if l == nil {
		l = rate.NewLimiter(rate.Every(every), burst)
		t.m[key] = l
	}
	return l
}

// address is where a request came from: its peer, or what the nearest trusted
// proxy was told.
func (d *Door) address(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	a := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && d.trusted(a); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		a = hop.Unmap()
	}
	if a.Is6() {
		p, _ := a.Prefix(64) // a household has as many as it likes
		return p.String()
	}
	return a.String()
}

func (d *Door) trusted(a netip.Addr) bool {
	for _, p := range d.opt.Proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
