package store

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/wxnotify/wxnotify"
)

// LoadToken returns the token's row, or the zero Token. The value is empty
// when it was dropped.
func (s *Store) LoadToken(ctx context.Context, app string) (t wxnotify.Token, err error) {
	err = s.look(ctx, "load a token", func(ctx context.Context) error {
		return s.each(ctx, func(r scanner) (err error) {
			t, err = s.scanToken(r, app)
			return err
		}, `select value, expires_at, gen, dead, renewed_by, renewed_at from token where app = $1`, app)
	})
	return t, err
}

// Tokens tells of all apps' tokens at once, by app, without their values: for
// gauges, which need none unsealed. ExpiresAt is zero where there is no value.
func (s *Store) Tokens(ctx context.Context) (all map[string]wxnotify.Token, err error) {
	err = s.look(ctx, "look at all tokens", func(ctx context.Context) error {
		all = map[string]wxnotify.Token{}
		return s.each(ctx, func(r scanner) error {
			var app string
			var t wxnotify.Token
			var expires, renewed int64
			err := r.Scan(&app, &expires, &t.Gen, &t.By, &renewed)
			t.ExpiresAt, t.At = at(expires), at(renewed)
			all[app] = t
			return err
		}, `select app, case when value is null then 0 else expires_at end, gen, renewed_by, renewed_at from token order by app`)
	})
	return all, err
}

func (s *Store) scanToken(r scanner, app string) (t wxnotify.Token, err error) {
	var value, dead []byte
	var expires, renewed int64
	if err := r.Scan(&value, &expires, &t.Gen, &dead, &t.By, &renewed); err != nil {
		return t, err
	}
	copy(t.Dead[:], dead)
	t.ExpiresAt, t.At = at(expires), at(renewed)
	t.Value, err = s.unsealSecret("token.value", app, value)
	return t, err
}

// SaveToken writes t, with the generation that it has, if the row's generation
// is gen (0: there is no row, or nothing was fetched yet), and ends the lease
// of the renewal. The hash of the dropped value stays as it is.
func (s *Store) SaveToken(ctx context.Context, app string, t wxnotify.Token, gen int64) (saved bool, err error) {
	err = s.do(ctx, "save a token", engineLimit, func(w *work) error {
		n, err := w.exec(`insert into token (app, value, expires_at, gen, renewed_by, renewed_at, dead, lease_until)
			values ($1, $2, $3, $4, $5, $6, null, 0)
			on conflict (app) do update set value = excluded.value, expires_at = excluded.expires_at, gen = excluded.gen,
			renewed_by = excluded.renewed_by, renewed_at = excluded.renewed_at, lease_until = 0 where token.gen = $7`,
			app, s.sealSecret("token.value", app, t.Value), ms(t.ExpiresAt), t.Gen, t.By, ms(t.At), gen)
		saved = n == 1
		return err
	})
	return saved && err == nil, err
}

// DropToken empties the value if the row's generation is gen, and keeps the
// value's SHA-256, so that a renewal can see that it was given the dead one
// again. The generation stays.
func (s *Store) DropToken(ctx context.Context, app string, gen int64) (dropped bool, err error) {
	err = s.do(ctx, "drop a token", engineLimit, func(w *work) error {
		dropped = false
		var value []byte
		found, err := w.one([]any{&value}, `select value from token where app = $1 and gen = $2 and value is not null`+w.lock, app, gen)
		if err != nil || !found {
			return err
		}
		secret, err := s.unsealSecret("token.value", app, value)
		if err != nil {
			return err
		}
		dead := sha256.Sum256([]byte(secret.Reveal()))
		n, err := w.exec(`update token set value = null, dead = $1 where app = $2`, dead[:], app)
		dropped = n == 1
		return err
	})
	return dropped && err == nil, err
}

// LeaseRenewal gives the right to renew an app's token to one caller in the
// cluster until now + d (real time). It is false while another lease lasts.
func (s *Store) LeaseRenewal(ctx context.Context, app string, now time.Time, d time.Duration) (leased bool, err error) {
	err = s.do(ctx, "lease a renewal", engineLimit, func(w *work) error {
		n, err := w.exec(`insert into token (app, value, expires_at, gen, renewed_by, renewed_at, dead, lease_until)
			values ($1, null, 0, 0, '', 0, null, $2)
			on conflict (app) do update set lease_until = excluded.lease_until where token.lease_until <= $3`,
			app, ms(now.Add(d)), ms(now))
		leased = n == 1
		return err
	})
	return leased && err == nil, err
}

// EndRenewal gives back the lease of an app's token that lasts until then.
func (s *Store) EndRenewal(ctx context.Context, app string, until time.Time) error {
	return s.do(ctx, "end a lease", engineLimit, func(w *work) error {
		_, err := w.exec(`update token set lease_until = 0 where app = $1 and lease_until = $2`, app, ms(until))
		return err
	})
}
