package store

import (
	"context"
	"encoding/hex"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
)

const keyColumns = `id, name, scopes, app, rate, expires_at, created_at, last_used, revoked_at`

// CreateKey keeps a key by its hash; the key itself is nowhere.
func (s *Store) CreateKey(ctx context.Context, k wxnotify.Key, hash [32]byte) error {
	return s.do(ctx, "create a key", doorLimit, func(w *work) error {
		scopes := make([]string, len(k.Scopes))
		for i, sc := range k.Scopes {
			scopes[i] = string(sc)
		}
		_, err := w.exec(`insert into app_key (id, hash, name, scopes, app, rate, expires_at, created_at, last_used, revoked_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			k.ID, hex.EncodeToString(hash[:]), k.Name, strings.Join(scopes, " "), k.App, k.Rate,
			end(k.ExpiresAt), ms(k.CreatedAt), ms(k.LastUsed), ms(k.RevokedAt))
		return err
	})
}

// KeyByHash returns a key, revoked and expired ones too, or not_found.
func (s *Store) KeyByHash(ctx context.Context, hash [32]byte) (wxnotify.Key, error) {
	return s.keyWhere(ctx, ` where hash = $1`, hex.EncodeToString(hash[:]))
}

// Key is KeyByHash by the key's id.
func (s *Store) Key(ctx context.Context, id string) (wxnotify.Key, error) {
	return s.keyWhere(ctx, ` where id = $1`, id)
}

func (s *Store) keyWhere(ctx context.Context, where, value string) (wxnotify.Key, error) {
	keys, err := s.keysWhere(ctx, where, value)
	if err != nil {
		return wxnotify.Key{}, err
	}
	if len(keys) == 0 {
		return wxnotify.Key{}, wxnotify.Refuse(wxnotify.NotFound, "there is no such key")
	}
	return keys[0], nil
}

// Keys returns all keys, the newest first.
func (s *Store) Keys(ctx context.Context) ([]wxnotify.Key, error) {
	return s.keysWhere(ctx, ` order by created_at desc, id desc`)
}

func (s *Store) keysWhere(ctx context.Context, where string, args ...any) ([]wxnotify.Key, error) {
	var keys []wxnotify.Key
	err := s.look(ctx, "read keys", func(ctx context.Context) error {
		return s.each(ctx, func(r scanner) error {
			k, err := scanKey(r)
			keys = append(keys, k)
			return err
		}, `select `+keyColumns+` from app_key`+where, args...)
	})
	return keys, err
}

func scanKey(r scanner) (k wxnotify.Key, err error) {
	var scopes string
	var expires, created, used, revoked int64
	err = r.Scan(&k.ID, &k.Name, &scopes, &k.App, &k.Rate, &expires, &created, &used, &revoked)
	for sc := range strings.FieldsSeq(scopes) {
		k.Scopes = append(k.Scopes, wxnotify.Scope(sc))
	}
	k.ExpiresAt, k.CreatedAt, k.LastUsed, k.RevokedAt = at(expires), at(created), at(used), at(revoked)
	return k, err
}

// RevokeKey makes a key void from now on, or answers not_found. A second time
// changes nothing. Other nodes are told with the commit.
func (s *Store) RevokeKey(ctx context.Context, id string) error {
	err := s.do(ctx, "revoke a key", doorLimit, func(w *work) error {
		n, err := w.exec(`update app_key set revoked_at = case when revoked_at = 0 then $1 else revoked_at end where id = $2`, nowMS(), id)
		if err == nil && n == 0 {
			return wxnotify.Refuse(wxnotify.NotFound, "there is no such key")
		}
		if err == nil && w.lock != "" { // PostgreSQL
			_, err = w.exec(`select pg_notify($1, $2)`, keysChannel, s.boot)
		}
		return err
	})
	s.revoked() // also when nobody knows whether it was written
	return err
}

// TouchKey notes that a key was used.
func (s *Store) TouchKey(ctx context.Context, id string, when time.Time) error {
	return s.do(ctx, "touch a key", doorLimit, func(w *work) error {
		_, err := w.exec(`update app_key set last_used = $1 where id = $2 and last_used < $3`, ms(when), id, ms(when))
		return err
	})
}
