package hook

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/wxnotify/wxnotify"
)

// A Guard decides which addresses a webhook may have, and makes the connections
// to them. What a name leads to is looked at when a webhook is made, for a
// clear answer, and again at each connection, which is what counts: names change.
type Guard struct {
	allow    []netip.Prefix
	resolver *net.Resolver
	clients  map[string]*http.Client // by scheme
	patience time.Duration           // with one post
}

// NewGuard makes a Guard. In the ranges of allow everything goes, plain http
// included; outside of them only https to public addresses. A resolver of nil
// is the system's.
func NewGuard(allow []netip.Prefix, resolver *net.Resolver) *Guard {
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	g := &Guard{allow: allow, resolver: resolver, clients: map[string]*http.Client{}, patience: 15 * time.Second}
	for _, scheme := range []string{"http", "https"} {
		g.clients[scheme] = g.client(scheme == "https")
	}
	return g
}

// errBlocked is a connection that was not made.
var errBlocked = errors.New("webhooks must not reach this address")

func (g *Guard) client(secure bool) *http.Client {
	d := &net.Dialer{
		Timeout:  10 * time.Second,
		Resolver: g.resolver,
		// With the address that the connection goes to, whatever led there.
		Control: func(_, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil || !g.open(to.Addr(), secure) {
				return errBlocked
			}
			return nil
		},
	}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{ // no proxy: it would go where the Guard cannot see
			DialContext:            d.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    10 * time.Second,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true,
			MaxIdleConnsPerHost:    mostAtOnce,
			IdleConnTimeout:        time.Minute,
			MaxResponseHeaderBytes: 16 << 10,
		},
	}
}

// Transport makes connections for others who call addresses that a customer
// named: only where a webhook may go, too.
func (g *Guard) Transport(secure bool) http.RoundTripper {
	return g.clients[map[bool]string{true: "https", false: "http"}[secure]].Transport
}

// Close closes connections that nobody uses.
func (g *Guard) Close() {
	for _, c := range g.clients {
		c.CloseIdleConnections()
	}
}

// open says whether a connection may go to an address.
func (g *Guard) open(a netip.Addr, secure bool) bool {
	a = a.Unmap()
	if slices.ContainsFunc(g.allow, func(p netip.Prefix) bool { return p.Contains(a.WithZone("")) }) {
		return true
	}
	return secure && a.Zone() == "" && public(a)
}

// MaxURL is how long an address may be.
const MaxURL = 2048

// Check refuses an address that no webhook may have: field_invalid where it is
// none at all, url_forbidden_host where it must not be reached. What a name
// leads to is looked up; one that cannot be is left to the connection.
func (g *Guard) Check(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || len(address) > MaxURL || u.Host == "" || u.Opaque != "" || u.Hostname() == "" || u.Port() == "0":
		return invalid("an absolute https address of at most %d characters is meant", MaxURL)
	case u.User != nil:
		return invalid("the address must not hold a user or a password; the signature tells you who posts")
	case u.Fragment != "" || strings.HasSuffix(address, "#"):
		return invalid("the address must not have a fragment")
	case u.Scheme != "https" && u.Scheme != "http":
		return invalid("the address must begin with https://")
	}
	secure := u.Scheme == "https"
	addrs, err := g.lookUp(ctx, u.Hostname())
	if err != nil {
		return err
	}
	if !secure && len(addrs) == 0 {
		return forbidden("plain http only goes to addresses inside of webhook_allow, and this name leads to none")
	}
	for _, a := range addrs {
		switch {
		case g.open(a, secure):
		case secure:
			return forbidden("the host is, or leads to, an address that is not public")
		default:
			return forbidden("plain http only goes to addresses inside of webhook_allow")
		}
	}
	return nil
}

func invalid(format string, args ...any) error {
	return wxnotify.RefuseField(wxnotify.FieldInvalid, "url", format, args...)
}

func forbidden(detail string) error {
	return wxnotify.RefuseField(wxnotify.URLForbiddenHost, "url", "%s", detail)
}

// lookUp returns what a host leads to now, nothing where that cannot be said.
func (g *Guard) lookUp(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	// 127.1, 0x7f000001 and 2130706433 are addresses to some resolvers.
	last := strings.TrimSuffix(host, ".")
	last = strings.ToLower(last[strings.LastIndexByte(last, '.')+1:])
	if strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") {
		return nil, forbidden("write an IP address in its usual form")
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	addrs, err := g.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, nil // not now; the connection will tell
	}
	return addrs, nil
}
