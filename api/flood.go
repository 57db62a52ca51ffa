package api

import (
	"hash/maphash"
	"sync"

	"golang.org/x/time/rate"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/dam"
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

// A flood keeps what one caller sends from drowning the others.
type flood struct {
	keys, users, addresses, apps *dam.Meter

	seed  maphash.Seed
	turns [64]*sync.Mutex // one user's uploads, one after the other
}

func newFlood() flood {
	f := flood{keys: dam.NewMeter(), users: dam.NewMeter(), addresses: dam.NewMeter(), apps: dam.NewMeter(), seed: maphash.MakeSeed()}
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
	return take(f.keys, k.ID, rate.Limit(k.Rate), k.Rate, "this key")
}

// address refuses what is over the rate of an address.
func (f *flood) address(a string) error {
	return take(f.addresses, a, perAddress, addressBurst, "this address")
}

// app refuses what is over the rate of all users of an app.
func (f *flood) app(id string) error { return take(f.apps, id, perApp, appBurst, "this app") }

func (f *flood) upload(app, openid string) error {
	return take(f.users, app+"/"+openid, perUser, userBurst, "this user")
}

// turn lets one upload of a user wait for the one before it, so that two at
// once do not both find room for the last form_id.
func (f *flood) turn(app, openid string) *sync.Mutex {
	return f.turns[maphash.String(f.seed, app+"/"+openid)%uint64(len(f.turns))]
}

// take is a refusal when the bucket of this name is empty.
func take(m *dam.Meter, name string, per rate.Limit, burst int, who string) error {
	wait := m.Take(name, per, burst)
	if wait == 0 {
		return nil
	}
	refusal := wxnotify.Refuse(wxnotify.RateLimited, "too many requests of %s", who)
	refusal.RetryAfter = wait
	return refusal
}
