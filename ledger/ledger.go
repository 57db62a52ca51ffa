// Package ledger keeps the permits: what users gave, what was used, what ran
// out. It answers who can still be reached.
//
// A deposit is durable on return. Only after its commit does the ledger look
// for messages that wait for such a permit, and wakes at most as many as it
// brought: a message that began to wait meanwhile looks for permits after its
// own commit, so one of the two sees the other.
package ledger

import (
	"context"
	"log/slog"

	"github.com/wxnotify/wxnotify"
)

// Store keeps the rows.
type Store interface {
	// Deposit opens the rows of each act, in one transaction. A known code or
	// key creates nothing; a refusal of one act is in its result.
	Deposit(ctx context.Context, now wxnotify.Now, acts []wxnotify.Deposit) ([]wxnotify.Deposited, error)
	// Wake puts waiting messages that these acts can carry back into the
	// queue: no more of them than the acts brought permits.
	Wake(ctx context.Context, now wxnotify.Now, app string, acts []wxnotify.Deposit) (int, error)
	DeletePermit(ctx context.Context, now wxnotify.Now, app, id string) error
	Stock(ctx context.Context, now wxnotify.Now, app, openid string) (wxnotify.Stock, error)
}

// A Ledger is the books of all apps.
type Ledger struct {
	log   *slog.Logger
	store Store
	now   func() wxnotify.Now
	wake  func(app string)
}

// New makes a Ledger. wake tells the outbox that an app has work.
func New(log *slog.Logger, store Store, now func() wxnotify.Now, wake func(app string)) *Ledger {
	return &Ledger{log: log, store: store, now: now, wake: wake}
}

// Deposit takes in what users gave, all of one app. Refusals of single acts are
// in the results: the others stand. It may be repeated. now is the time that
// the caller dated the acts by: between two readings a virtual clock may leap
// past the deadline of what was given this moment.
func (l *Ledger) Deposit(ctx context.Context, now wxnotify.Now, app string, acts []wxnotify.Deposit) ([]wxnotify.Deposited, error) {
	results, err := l.store.Deposit(ctx, now, acts)
	if err != nil {
		return nil, err
	}
	var fresh []wxnotify.Deposit
	for i, r := range results {
		if r.Created > 0 {
			fresh = append(fresh, acts[i])
		}
	}
	if len(fresh) == 0 {
		return results, nil
	}
	// The permits are safe, also when the caller has gone by now; a wake-up that
	// fails is found by the sweep.
	n, err := l.store.Wake(context.WithoutCancel(ctx), l.now(), app, fresh)
	if err != nil {
		l.log.Error("waiting messages cannot be woken", "app", app, "error", err)
	}
	if n > 0 {
		l.wake(app)
	}
	return results, nil
}

// Stock says what a user's permits allow now.
func (l *Ledger) Stock(ctx context.Context, app, openid string) (wxnotify.Stock, error) {
	return l.store.Stock(ctx, l.now(), app, openid)
}

// Delete takes a free permit away: permit_in_use while a message has it.
func (l *Ledger) Delete(ctx context.Context, app, id string) error {
	return l.store.DeletePermit(ctx, l.now(), app, id)
}
