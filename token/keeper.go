// Package token keeps one access_token for each app, for all callers and all
// nodes. WeChat lets the newest fetch kill the tokens before it, so whoever
// fetches without asking the others takes theirs away.
//
// A caller gets the token from memory; else from the row that the nodes share;
// else from one renewal, under the row's lease, while everybody else in this
// process waits for it and the other nodes look at the row. A token that is
// used is renewed ahead of its end in the background; one that nobody asks for
// is not.
//
// Generations number the renewals. A caller whom WeChat told that the token is
// dead drops the generation that it used: if that is still the newest it is
// gone, everywhere; if not, somebody was faster, and nothing happens. In stable
// mode WeChat goes on handing out a token that it no longer accepts, so a
// dropped value leaves its hash behind: when a fetch returns it again, one
// forced refresh follows.
//
// A failure is the answer to all callers for a short while that grows, so that
// a thousand callers cost one call. More than five drops in ten minutes mean
// that somebody else fetches tokens of the app: that is told once, and the
// keeper renews only once a minute, since each of its renewals hurts the other.
//
// When a renewer dies its lease ends after 30 s. When the database is away the
// token in memory still serves. Two renewals at once, after a process stood
// still under its lease, are told apart by the compare-and-set of the row.
package token

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/wxnotify/wxnotify"
)

// Store is the row that all nodes share. now and d are real time.
type Store interface {
	// LoadToken returns the row, or the zero Token.
	LoadToken(ctx context.Context, app string) (wxnotify.Token, error)
	// SaveToken writes t, its value sealed, if the row's generation is gen (0:
	// there is no row, or nothing was fetched yet), and ends the lease.
	SaveToken(ctx context.Context, app string, t wxnotify.Token, gen int64) (bool, error)
	// DropToken empties the value if the row's generation is gen, and puts its
	// SHA-256 into Dead. The generation stays.
	DropToken(ctx context.Context, app string, gen int64) (bool, error)
	// LeaseRenewal gives the right to renew to one caller until now + d. It is
	// false while another lease, or an own one, lasts.
	LeaseRenewal(ctx context.Context, app string, now time.Time, d time.Duration) (bool, error)
	// EndRenewal gives back the lease that lasts until then.
	EndRenewal(ctx context.Context, app string, until time.Time) error
}

// Fetcher asks WeChat. It repeats nothing, and returns within about 10 s.
type Fetcher interface {
	FetchToken(ctx context.Context, app wxnotify.App, force bool) (wxnotify.Secret, time.Duration, error)
}

// Failure is an error that knows what the call to WeChat came to. The errors
// of Get are such, but for faults of the store: the verdict says whether the
// app has to pause, and Errmsg has the address of ours that WeChat saw.
type Failure interface {
	error
	Outcome() wxnotify.Outcome
}

// Options of a Keeper. All have defaults.
type Options struct {
	Now  func() wxnotify.Now // both clocks
	Node string              // this node's name, for the row
	// OnContention is told that somebody else fetches tokens of the app, at
	// most once in ten minutes. It must not block.
	OnContention func(app string)
}

// A Keeper keeps the tokens of all apps. It is safe for many goroutines.
type Keeper struct {
	log   *slog.Logger
	store Store
	from  Fetcher
	opt   Options

	ctx  context.Context // ends with Close
	stop context.CancelFunc

	mu      sync.Mutex
	holds   map[string]*hold
	closed  bool
	flights sync.WaitGroup
}

// New makes a Keeper. Nothing is fetched until somebody asks.
func New(log *slog.Logger, store Store, from Fetcher, opt Options) *Keeper {
	if opt.Now == nil {
		opt.Now = func() wxnotify.Now { t := time.Now(); return wxnotify.Now{Real: t, Virtual: t} }
	}
	k := &Keeper{log: log, store: store, from: from, opt: opt, holds: make(map[string]*hold)}
	k.ctx, k.stop = context.WithCancel(context.Background())
	return k
}

// Close gives up renewals under way, waits for them, and gives back the right
// to renew: whoever comes next need not wait until it lapses.
func (k *Keeper) Close() {
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	k.stop()
	k.flights.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	k.mu.Lock()
	holds := maps.Clone(k.holds)
	k.mu.Unlock()
	for app, h := range holds {
		if !k.opt.Now().Real.Before(h.leased) {
			continue
		}
		if err := k.store.EndRenewal(ctx, app, h.leased); err != nil {
			k.log.Warn("the right to renew an access token is not given back; it lapses within half a minute", "app", app, "error", err)
		}
	}
}

// Get returns a token of app that is good as far as anybody knows, with its
// generation for Drop. It waits for a renewal when there is none, at most
// until ctx ends; the renewal itself goes on then.
func (k *Keeper) Get(ctx context.Context, app wxnotify.App) (value string, gen int64, err error) {
	h := k.hold(app.ID)
	for range 3 {
		t, f, err := k.look(h, app)
		if err != nil {
			return "", 0, err
		}
		if f == nil {
			return t.Value.Reveal(), t.Gen, nil
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return "", 0, ctx.Err()
		}
		if f.err != nil {
			return "", 0, f.err
		}
	}
	return "", 0, errShort
}

// Drop tells that WeChat no longer accepts generation gen (40001, 40014,
// 41001, 42001). The next Get renews, once, unless somebody has done so.
func (k *Keeper) Drop(ctx context.Context, app wxnotify.App, gen int64) error {
	h := k.hold(app.ID)
	first, alarm := h.drop(app, gen, k.opt.Now())
	if alarm {
		k.log.Warn("somebody else fetches access tokens of the app", "app", app.ID)
		if k.opt.OnContention != nil {
			k.opt.OnContention(app.ID)
		}
	}
	if !first {
		return nil
	}
	if _, err := k.store.DropToken(ctx, app.ID, gen); err != nil {
		return &fault{"drop the token", err}
	}
	return nil
}

// look returns the token at hand, or the flight that is to bring one, or the
// failure that was just met.
func (k *Keeper) look(h *hold, app wxnotify.App) (wxnotify.Token, *flight, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := k.opt.Now()
	usable := h.usable(h.token, now)
	if usable && now.Virtual.Before(h.renewAt) {
		return h.token, nil, nil
	}
	failing := h.failing(app, now)
	if h.flight == nil && !failing {
		h.flight = k.start(h, app, usable)
	}
	switch {
	case usable:
		return h.token, nil, nil
	case h.flight == nil:
		return wxnotify.Token{}, nil, h.failed
	}
	return wxnotify.Token{}, h.flight, nil
}

func (k *Keeper) hold(app string) *hold {
	k.mu.Lock()
	defer k.mu.Unlock()
	h := k.holds[app]
	if h == nil {
		h = new(hold)
		k.holds[app] = h
	}
	return h
}
