package api

import (
	"hash/maphash"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/wxnotify/wxnotify"
)

// Limits of the mini program's door (reliability.md 6). An address may be a
// whole town behind one carrier's gateway, so its limit is generous; a user is
// one thumb.
const (
	perUser      = rate.Limit(20.0 / 60) // uploads of one user
	userBurst    = 20
	perAddress   = rate.Limit(50) // requests of one address; a /64 of IPv6 is one
	addressBurst = 200
	perApp       = rate.Limit(2000) // requests of one app
	appBurst     = 4000
	maxLive      = 50 // form_ids that are kept of one user
)

// A flood keeps what one caller sends from drowning the others. It counts in
// memory, per node: it is a dam, not a bill.
type flood struct {
	keys, users, addresses, apps *meter

	seed  maphash.Seed
	turns [64]*sync.Mutex // one user's uploads, one after the other
}

func newFlood() flood {
	f := flood{keys: newMeter(), users: newMeter(), addresses: newMeter(), apps: newMeter(), seed: maphash.MakeSeed()}
	for i := range f.turns {
		f.turns[i] = new(sync.Mutex)
	}
	return f
}

// key refuses what is over the rate of a key; most have none.
func (f *flood) key(k wxnotify.Key) error {
	if k.Rate <= 0 {
		return nil
	}
	return f.keys.take(k.ID, rate.Limit(k.Rate), k.Rate, "this key")
}

// address refuses what is over the rate of an address.
func (f *flood) address(a string) error {
	return f.addresses.take(a, perAddress, addressBurst, "this address")
}

// app refuses what is over the rate of all users of an app.
func (f *flood) app(id string) error { return f.apps.take(id, perApp, appBurst, "this app") }

func (f *flood) upload(app, openid string) error {
	return f.users.take(app+"/"+openid, perUser, userBurst, "this user")
}

// turn lets one upload of a user wait for the one before it, so that two at
// once do not both find room for the last form_id.
func (f *flood) turn(app, openid string) *sync.Mutex {
	return f.turns[maphash.String(f.seed, app+"/"+openid)%uint64(len(f.turns))]
}

// A meter holds a token bucket for each of its names.
type meter struct {
	mu   sync.Mutex
	m    map[string]*rate.Limiter
	full int // how many there may be before the next sweep
}

func newMeter() *meter { return &meter{m: map[string]*rate.Limiter{}, full: maxCached} }

func (m *meter) take(name string, per rate.Limit, burst int, who string) error {
	m.mu.Lock()
	l := m.m[name]
	if l == nil || l.Limit() != per {
		if len(m.m) >= m.full {
			m.sweep()
		}
		l = rate.NewLimiter(per, burst)
		m.m[name] = l
	}
	m.mu.Unlock()
	r := l.Reserve()
	wait := r.Delay()
	if wait == 0 {
		return nil
	}
	r.Cancel()
	refusal := wxnotify.Refuse(wxnotify.RateLimited, "too many requests of %s", who)
	refusal.RetryAfter = wait
	return refusal
}

// sweep forgets the buckets that are full again, which loses nothing. The next
// one comes when there are twice as many: each taker pays for a few.
func (m *meter) sweep() {
	now := time.Now()
	for name, l := range m.m {
		if l.TokensAt(now) >= float64(l.Burst()) {
			delete(m.m, name)
		}
	}
	m.full = max(maxCached, 2*len(m.m))
}

// address is where a request came from: its peer, or, where that is a trusted
// proxy, what the nearest proxy that is not ours was told. IPv6 counts by /64.
func (d *Door) address(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	at := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && d.trusts(at); i-- {
		hop := strings.TrimSpace(hops[i])
		next, err := netip.ParseAddr(hop)
		if withPort, e := netip.ParseAddrPort(hop); e == nil { // some proxies write the port as well
			next, err = withPort.Addr(), nil
		}
		if err != nil {
			break
		}
		at = next.Unmap().WithZone("")
	}
	if at.Is6() {
		if p, err := at.Prefix(64); err == nil {
			return p.String()
		}
	}
	return at.String()
}

func (d *Door) trusts(a netip.Addr) bool {
	for _, p := range d.opt.Proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
