package hook

import (
	"net/netip"
	"slices"
)

// closed4 are the ranges of IPv4 that are not the public internet (IANA's
// special-purpose registry), and one that clouds keep for themselves.
var closed4 = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
	"192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
	"168.63.129.16/32", // Azure's platform; other clouds' metadata are in the ranges above
)

// open6 is the public part of IPv6, closed6 what is not public in it.
var (
	open6   = netip.MustParsePrefix("2000::/3")
	closed6 = prefixes("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
	nat64   = netip.MustParsePrefix("64:ff9b::/96")
)

func prefixes(texts ...string) (out []netip.Prefix) {
	for _, s := range texts {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// public says whether an address belongs to somebody on the internet. Of IPv6
// only what is known to be public is; an IPv4 address inside of one counts.
func public(a netip.Addr) bool {
	a = a.Unmap()
	within := func(p netip.Prefix) bool { return p.Contains(a) }
	switch {
	case a.Is4():
		return !slices.ContainsFunc(closed4, within)
	case nat64.Contains(a):
		b := a.As16()
		return public(netip.AddrFrom4([4]byte(b[12:])))
	}
	return open6.Contains(a) && !slices.ContainsFunc(closed6, within)
}
