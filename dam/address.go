package dam

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Address is where a request came from: its peer, or, where that is one of the
// trusted proxies, what the nearest proxy that is not ours was told. IPv6 counts
// by /64: a household has as many addresses as it likes.
func Address(r *http.Request, proxies []netip.Prefix) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	at := peer.Addr().Unmap()
	trusted := func() bool {
		return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(at) })
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && trusted(); i-- {
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
