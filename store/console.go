package store

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/wxnotify/wxnotify"
)

const consoleUserColumns = `name, role, password, created_at, seen_at`

// ConsoleUsers returns all who may open the console, by name.
func (s *Store) ConsoleUsers(ctx context.Context) ([]wxnotify.ConsoleUser, error) {
	return s.consoleUsers(ctx, ` order by name`)
}

// ConsoleUser returns one of them, or not_found.
func (s *Store) ConsoleUser(ctx context.Context, name string) (wxnotify.ConsoleUser, error) {
	us, err := s.consoleUsers(ctx, ` where name = $1`, name)
	if err != nil {
		return wxnotify.ConsoleUser{}, err
	}
	if len(us) == 0 {
		return wxnotify.ConsoleUser{}, errNoConsoleUser
	}
	return us[0], nil
}

var errNoConsoleUser = wxnotify.Refuse(wxnotify.NotFound, "there is no such user of the console")

func (s *Store) consoleUsers(ctx context.Context, where string, args ...any) (us []wxnotify.ConsoleUser, err error) {
	err = s.look(ctx, "read the console's users", func(ctx context.Context) error {
		return s.each(ctx, func(r scanner) error {
			var u wxnotify.ConsoleUser
			var role, password string
			var created, seen int64
			err := r.Scan(&u.Name, &role, &password, &created, &seen)
			u.Role, u.Password = wxnotify.Role(role), wxnotify.NewSecret(password)
			u.CreatedAt, u.SeenAt = at(created), at(seen)
			us = append(us, u)
			return err
		}, `select `+consoleUserColumns+` from console_user`+where, args...)
	})
	return us, err
}

// PutConsoleUser writes a user, in place of what was known by that name.
func (s *Store) PutConsoleUser(ctx context.Context, u wxnotify.ConsoleUser) error {
	return s.do(ctx, "write a console user", doorLimit, func(w *work) error { return w.putConsoleUser(u) })
}

func (w *work) putConsoleUser(u wxnotify.ConsoleUser) error {
	_, err := w.exec(`insert into console_user (`+consoleUserColumns+`) values ($1, $2, $3, $4, $5)
		on conflict (name) do update set role = excluded.role, password = excluded.password, seen_at = excluded.seen_at`,
		u.Name, string(u.Role), u.Password.Reveal(), ms(u.CreatedAt), ms(u.SeenAt))
	return err
}

// DeleteConsoleUser takes a user away; who is logged in is out at the next click.
func (s *Store) DeleteConsoleUser(ctx context.Context, name string) error {
	return s.do(ctx, "delete a console user", doorLimit, func(w *work) error {
		n, err := w.exec(`delete from console_user where name = $1`, name)
		if err == nil && n == 0 {
			return errNoConsoleUser
		}
		return err
	})
}

// The kinds of links into the console. setup makes the first user, enter lets
// somebody in as one that exists.
const (
	LinkSetup = "setup"
	LinkEnter = "enter"
)

// CreateConsoleLink keeps a link by the hash of its token. Links that are over
// go at the same time.
func (s *Store) CreateConsoleLink(ctx context.Context, hash [32]byte, kind string, now, until time.Time) error {
	return s.do(ctx, "create a console link", doorLimit, func(w *work) error {
		if _, err := w.exec(`delete from console_link where expires_at <= $1`, ms(now)); err != nil {
			return err
		}
		_, err := w.exec(`insert into console_link (hash, kind, expires_at) values ($1, $2, $3)`, hex.EncodeToString(hash[:]), kind, ms(until))
		return err
	})
}

// HasConsoleLink says whether a link of the kind is good.
func (s *Store) HasConsoleLink(ctx context.Context, hash [32]byte, kind string, now time.Time) (ok bool, err error) {
	err = s.look(ctx, "read a console link", func(ctx context.Context) error {
		return s.each(ctx, func(r scanner) error {
			one := 0
			ok = true
			return r.Scan(&one)
		}, `select 1 from console_link where hash = $1 and kind = $2 and expires_at > $3`, hex.EncodeToString(hash[:]), kind, ms(now))
	})
	return ok, err
}

// UseConsoleLink uses a link up; false when there is none that is good. With a
// user the link must be one of setup: the user is written in the same
// transaction, and all other links of setup end.
func (s *Store) UseConsoleLink(ctx context.Context, hash [32]byte, kind string, now time.Time, u *wxnotify.ConsoleUser) (ok bool, err error) {
	err = s.do(ctx, "use a console link", doorLimit, func(w *work) error {
		ok = false
		n, err := w.exec(`delete from console_link where hash = $1 and kind = $2 and expires_at > $3`, hex.EncodeToString(hash[:]), kind, ms(now))
		if err != nil || n == 0 || u == nil {
			ok = n == 1
			return err
		}
		ok = true
		if _, err := w.exec(`delete from console_link where kind = $1`, LinkSetup); err != nil {
			return err
		}
		return w.putConsoleUser(*u)
	})
	return ok && err == nil, err
}

// ConsoleSession returns what is kept of a session, if it is not over. now is
// real time.
func (s *Store) ConsoleSession(ctx context.Context, hash string, now time.Time) (data []byte, found bool, err error) {
	err = s.look(ctx, "read a console session", func(ctx context.Context) error {
		return s.each(ctx, func(r scanner) error {
			found = true
			return r.Scan(&data)
		}, `select data from console_session where hash = $1 and expires_at > $2`, hash, ms(now))
	})
	return data, found, err
}

// PutConsoleSession keeps a session. Those that are over go at the same time.
func (s *Store) PutConsoleSession(ctx context.Context, hash string, data []byte, now, until time.Time) error {
	return s.do(ctx, "write a console session", doorLimit, func(w *work) error {
		if _, err := w.exec(`delete from console_session where expires_at <= $1`, ms(now)); err != nil {
			return err
		}
		_, err := w.exec(`insert into console_session (hash, data, expires_at) values ($1, $2, $3)
			on conflict (hash) do update set data = excluded.data, expires_at = excluded.expires_at`, hash, data, ms(until))
		return err
	})
}

// DeleteConsoleSession ends a session; one that is not there is no fault.
func (s *Store) DeleteConsoleSession(ctx context.Context, hash string) error {
	return s.do(ctx, "delete a console session", doorLimit, func(w *work) error {
		_, err := w.exec(`delete from console_session where hash = $1`, hash)
		return err
	})
}
