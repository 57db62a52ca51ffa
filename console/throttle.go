package console

import (
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"github.com/wxnotify/wxnotify/dam"
)

// How often somebody may try to log in. An address gets less than a name, so
// that a stranger does not lock others out of their own name soon.
const (
	triesOfAddress = 10
	addressEvery   = 20 * time.Second
	triesOfName    = 30
	nameEvery      = 10 * time.Second
)

// A throttle counts tries.
type throttle struct{ addresses, names *dam.Meter }

func newThrottle() throttle { return throttle{dam.NewMeter(), dam.NewMeter()} }

// take says whether one more try is allowed. A name is written down only for an
// address that still may try: else one address could fill the memory with names.
// Names that nobody can have count as one.
func (t throttle) take(address, name string) bool {
	if t.addresses.Take(address, rate.Every(addressEvery), triesOfAddress) > 0 {
		return false
	}
	if !userName.MatchString(name) {
		name = ""
	}
	return t.names.Take(name, rate.Every(nameEvery), triesOfName) == 0
}

// address is where a request came from.
func (d *Door) address(r *http.Request) string { return dam.Address(r, d.opt.Proxies) }
