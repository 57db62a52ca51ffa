package store

import (
	"context"

	"github.com/wxnotify/wxnotify"
)

const appColumns = `app, name, secret, callback_token, callback_key, callback_mode, sandbox, mp_payments,
	rate, max_in_flight, daily_quota, token_mode, created_at, updated_at, stock_low,
	token_url, token_path`

// appRecord is what nobody sets: it is learned.
const appRecord = `, callback_seen, drift_closed, drift_spent, drift_at`

// Apps returns all apps, by appid.
func (s *Store) Apps(ctx context.Context) ([]wxnotify.App, error) {
	var apps []wxnotify.App
	err := s.look(ctx, "read apps", func(ctx context.Context) error {
		return s.each(ctx, func(r scanner) error {
			a, err := s.scanApp(r)
			apps = append(apps, a)
			return err
		}, `select `+appColumns+appRecord+` from app order by app`)
	})
	return apps, err
}

// App returns an app, or app_unknown.
func (s *Store) App(ctx context.Context, id string) (wxnotify.App, error) {
	var a wxnotify.App
	err := s.look(ctx, "read an app", func(ctx context.Context) error {
		found := false
		err := s.each(ctx, func(r scanner) (err error) {
			found = true
			a, err = s.scanApp(r)
			return err
		}, `select `+appColumns+appRecord+` from app where app = $1`, id)
		if err == nil && !found {
			return errAppUnknown
		}
		return err
	})
	return a, err
}

var errAppUnknown = wxnotify.Refuse(wxnotify.AppUnknown, "this app is not registered")

func (s *Store) scanApp(r scanner) (a wxnotify.App, err error) {
	var secret, token, key, from []byte
	var mode string
	var created, updated, seen, drifted int64
	if err := r.Scan(&a.ID, &a.Name, &secret, &token, &key, &a.Callback.Mode, &a.Sandbox, &a.MPPayments,
		&a.Rate, &a.MaxInFlight, &a.DailyQuota, &mode, &created, &updated, &a.StockLow, &from, &a.TokenPath,
		&seen, &a.Drift.Closed, &a.Drift.Spent, &drifted); err != nil {
		return a, err
	}
	a.TokenMode, a.CreatedAt, a.UpdatedAt = wxnotify.TokenMode(mode), at(created), at(updated)
	a.Callback.SeenAt, a.Drift.At = at(seen), at(drifted)
	if a.Secret, err = s.unsealSecret("app.secret", a.ID, secret); err != nil {
		return a, err
	}
	if a.TokenURL, err = s.unsealSecret("app.token_url", a.ID, from); err != nil {
		return a, err
	}
	if a.Callback.Token, err = s.unsealSecret("app.callback_token", a.ID, token); err != nil {
		return a, err
	}
	a.Callback.AESKey, err = s.unsealSecret("app.callback_key", a.ID, key)
	return a, err
}

// CreateApp registers an app: app_exists if it is registered.
func (s *Store) CreateApp(ctx context.Context, a wxnotify.App) error {
	return s.do(ctx, "create an app", doorLimit, func(w *work) error {
		n, err := w.exec(`insert into app (`+appColumns+`)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) on conflict do nothing`,
			a.ID, a.Name, s.sealSecret("app.secret", a.ID, a.Secret), s.sealSecret("app.callback_token", a.ID, a.Callback.Token),
			s.sealSecret("app.callback_key", a.ID, a.Callback.AESKey), a.Callback.Mode, flag(a.Sandbox), flag(a.MPPayments),
			a.Rate, a.MaxInFlight, a.DailyQuota, string(a.TokenMode), ms(a.CreatedAt), ms(a.UpdatedAt), a.StockLow,
			s.sealSecret("app.token_url", a.ID, a.TokenURL), a.TokenPath)
		if err == nil && n == 0 {
			return wxnotify.Refuse(wxnotify.AppExists, "this app is registered already")
		}
		return err
	})
}

// UpdateApp writes all fields but the id and the time of creation.
func (s *Store) UpdateApp(ctx context.Context, a wxnotify.App) error {
	defer s.walks.hurry() // with another stock_low there may be a shortage
	return s.do(ctx, "update an app", doorLimit, func(w *work) error {
		n, err := w.exec(`update app set name = $1, secret = $2, callback_token = $3, callback_key = $4, callback_mode = $5,
			sandbox = $6, mp_payments = $7, rate = $8, max_in_flight = $9, daily_quota = $10, token_mode = $11, updated_at = $12, stock_low = $13,
			token_url = $14, token_path = $15 where app = $16`,
			a.Name, s.sealSecret("app.secret", a.ID, a.Secret), s.sealSecret("app.callback_token", a.ID, a.Callback.Token),
			s.sealSecret("app.callback_key", a.ID, a.Callback.AESKey), a.Callback.Mode, flag(a.Sandbox), flag(a.MPPayments),
			a.Rate, a.MaxInFlight, a.DailyQuota, string(a.TokenMode), ms(a.UpdatedAt), a.StockLow,
			s.sealSecret("app.token_url", a.ID, a.TokenURL), a.TokenPath, a.ID)
		if err == nil && n == 0 {
			return errAppUnknown
		}
		return err
	})
}

// DeleteApp forgets an app with its secrets, token, templates, pauses and
// sessions. Its messages and permits stay as history; what was still to be
// sent is not sent. Registered again, the app goes on where it stopped.
func (s *Store) DeleteApp(ctx context.Context, id string) error {
	defer s.ears.drop()
	return s.do(ctx, "delete an app", doorLimit, func(w *work) error {
		n, err := w.exec(`delete from app where app = $1`, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return errAppUnknown
		}
		for _, text := range []string{
			`delete from token where app = $1`, `delete from template where app = $1`, `delete from pause where app = $1`,
			`delete from session where app = $1`, `delete from login_code where app = $1`, `delete from webhook where app = $1`,
			`delete from shortage where app = $1`, `delete from pace where app = $1`,
		} {
			if _, err := w.exec(text, id); err != nil {
				return err
			}
		}
		return nil
	})
}
