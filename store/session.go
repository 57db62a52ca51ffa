package store

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/wxnotify/wxnotify"
)

// CreateSession keeps a session by the hash of its token.
func (s *Store) CreateSession(ctx context.Context, hash [32]byte, v wxnotify.Session) error {
	return s.do(ctx, "create a session", doorLimit, func(w *work) error {
		id := hex.EncodeToString(hash[:])
		_, err := w.exec(`insert into session (hash, app, openid, session_key, expires_at) values ($1, $2, $3, $4, $5)`,
			id, v.App, v.To, s.seal("session.session_key", v.App, id, []byte(v.SessionKey.Reveal())), ms(v.ExpiresAt))
		return err
	})
}

// SessionByHash returns a session that is good at virtual time now, or not_found.
func (s *Store) SessionByHash(ctx context.Context, hash [32]byte, now time.Time) (v wxnotify.Session, err error) {
	id := hex.EncodeToString(hash[:])
	err = s.look(ctx, "read a session", func(ctx context.Context) error {
		found := false
		err := s.each(ctx, func(r scanner) error {
			var key []byte
			var expires int64
			if err := r.Scan(&v.App, &v.To, &key, &expires); err != nil {
				return err
			}
			plain, err := s.unseal("session.session_key", v.App, id, key)
			v.SessionKey, v.ExpiresAt, found = wxnotify.NewSecret(string(plain)), at(expires), true
			return err
		}, `select app, openid, session_key, expires_at from session where hash = $1 and expires_at > $2`, id, ms(now))
		if err == nil && !found {
			return wxnotify.Refuse(wxnotify.NotFound, "there is no such session")
		}
		return err
	})
	return v, err
}

// UseLoginCode notes that a login code was used, and says whether this was the
// first time. It is remembered until then, which has to be longer than WeChat
// takes it. The times are virtual.
func (s *Store) UseLoginCode(ctx context.Context, app string, hash [32]byte, now, until time.Time) (first bool, err error) {
	err = s.do(ctx, "use a login code", doorLimit, func(w *work) error {
		id := hex.EncodeToString(hash[:])
		if _, err := w.exec(`delete from login_code where app = $1 and hash = $2 and until <= $3`, app, id, ms(now)); err != nil {
			return err
		}
		n, err := w.exec(`insert into login_code (app, hash, until) values ($1, $2, $3) on conflict do nothing`, app, id, ms(until))
		first = n == 1
		return err
	})
	return first && err == nil, err
}
