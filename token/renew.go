package token

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wxnotify/wxnotify"
)

// A flight brings a token into the hold, for all who wait for it.
type flight struct {
	done chan struct{}
	err  error
}

const (
	leaseFor = 30 * time.Second // three calls to WeChat and the row's writes
	patience = 5 * time.Second  // that callers wait for another node, and Close for the database
)

// start begins a flight; h.mu is held. ahead: the old token still serves.
func (k *Keeper) start(h *hold, app wxnotify.App, ahead bool) *flight {
	f := &flight{done: make(chan struct{})}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		f.err = &unavailable{text: "the server is stopping"}
		close(f.done)
		return f
	}
	k.flights.Go(func() { k.fly(h, app, f, ahead) })
	return f
}

func (k *Keeper) fly(h *hold, app wxnotify.App, f *flight, ahead bool) {
	ctx, cancel := context.WithTimeout(k.ctx, leaseFor)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			f.err = &fault{"renew the token", fmt.Errorf("panic: %T", p)}
			h.fail(f.err, app, k.opt.Now())
		}
		h.mu.Lock()
		h.flight = nil
		h.mu.Unlock()
		close(f.done)
	}()
	t, err := k.obtain(ctx, h, app, ahead)
	if err == nil {
		h.take(t, app.TokenMode, k.opt.Now())
		return
	}
	f.err = err
	h.fail(err, app, k.opt.Now())
	if ahead {
		k.log.Warn("the access token could not be renewed ahead of its end", "app", app.ID, "error", err)
	}
}

// obtain takes the token from the row, or renews it under the row's lease, or
// waits until another node has.
func (k *Keeper) obtain(ctx context.Context, h *hold, app wxnotify.App, ahead bool) (wxnotify.Token, error) {
	since := k.opt.Now().Real
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, 500*time.Millisecond) {
		row, ok, err := k.row(ctx, h, app, ahead)
		if ok || err != nil {
			return row, err
		}
		leased, err := k.lease(ctx, h, app)
		if err != nil {
			return wxnotify.Token{}, err
		}
		if leased {
			return k.renew(ctx, h, app, ahead)
		}
		if k.opt.Now().Real.Sub(since) > patience {
			return wxnotify.Token{}, &unavailable{text: "another node is renewing the access token"}
		}
		if err := sleep(ctx, wait); err != nil {
			return wxnotify.Token{}, &unavailable{text: "the renewal was given up"}
		}
	}
}

// row reads the shared row; ok when its token will do.
func (k *Keeper) row(ctx context.Context, h *hold, app wxnotify.App, ahead bool) (row wxnotify.Token, ok bool, err error) {
	row, err = k.store.LoadToken(ctx, app.ID)
	if err != nil {
		return row, false, &fault{"load the token", err}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return row, h.usable(row, k.opt.Now()) && (!ahead || row.Gen > h.token.Gen), nil
}

// lease gets the right to renew. After a failed renewal it is still ours.
func (k *Keeper) lease(ctx context.Context, h *hold, app wxnotify.App) (bool, error) {
	now := k.opt.Now().Real
	h.mu.Lock()
	held := now.Before(h.leased)
	h.mu.Unlock()
	if held {
		return true, nil
	}
	// Whoever stops now has to know whether it was given, to give it back.
	ok, err := k.store.LeaseRenewal(context.WithoutCancel(ctx), app.ID, now, leaseFor)
	if err != nil {
		return false, &fault{"lease the renewal", err}
	}
	if ok {
		h.mu.Lock()
		h.leased = now.Add(leaseFor)
		h.mu.Unlock()
	}
	return ok, nil
}

// renew fetches a token and writes it to the row. The lease is ours; the row is
// read once more, since another node may have renewed just before.
func (k *Keeper) renew(ctx context.Context, h *hold, app wxnotify.App, ahead bool) (wxnotify.Token, error) {
	row, ok, err := k.row(ctx, h, app, ahead)
	if ok || err != nil {
		return row, err
	}
	now := k.opt.Now()
	value, life, err := k.fetch(ctx, h, app, row)
	if err != nil {
		return wxnotify.Token{}, err
	}
	h.mu.Lock()
	usable, gone := h.usable(row, now), h.gone
	h.mu.Unlock()
	if value == row.Value && usable {
		return row, nil // WeChat does not want a successor yet
	}
	t := wxnotify.Token{
		Value: value, ExpiresAt: now.Virtual.Add(life), Gen: max(row.Gen, gone) + 1,
		Dead: row.Dead, By: k.opt.Node, At: now.Real,
	}
	saved, err := k.store.SaveToken(ctx, app.ID, t, row.Gen)
	switch {
	case err != nil:
		return wxnotify.Token{}, &fault{"save the token", err}
	case !saved:
		return wxnotify.Token{}, &unavailable{text: "another node renewed the access token at the same time"}
	}
	h.mu.Lock()
	h.leased = time.Time{} // the save ended it
	h.mu.Unlock()
	k.log.Info("access token renewed", "app", app.ID, "generation", t.Gen, "expires_at", t.ExpiresAt)
	return t, nil
}

// fetch asks WeChat. Stable mode may hand out the token that was dropped: then
// it is forced to make another. The day's fetches of classic mode are 2,000;
// when they are used up WeChat itself refers to the stable token.
func (k *Keeper) fetch(ctx context.Context, h *hold, app wxnotify.App, row wxnotify.Token) (wxnotify.Secret, time.Duration, error) {
	value, life, err := k.from.FetchToken(ctx, app, false)
	var f Failure
	if app.TokenMode == wxnotify.ClassicToken && errors.As(err, &f) && f.Outcome().Errcode == 45009 {
		app.TokenMode = wxnotify.StableToken
		value, life, err = k.from.FetchToken(ctx, app, false)
	}
	if err != nil || !h.isDead(value, row) {
		return value, life, err
	}
	if app.TokenMode == wxnotify.ClassicToken {
		return value, 0, errSameAgain
	}
	if wait := h.mayForce(k.opt.Now().Virtual); wait > 0 {
		return value, 0, &unavailable{text: errSameAgain.text, wait: wait}
	}
	value, life, err = k.from.FetchToken(ctx, app, true)
	if err == nil && h.isDead(value, row) {
		return value, 0, &unavailable{text: errSameAgain.text, wait: forceAgain}
	}
	return value, life, err
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
