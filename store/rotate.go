package store

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"log/slog"

	"github.com/wxnotify/wxnotify"
)

// RotateMaster puts a new master key in the place of the one in opt: durable,
// whole, or not at all. Nobody else may hold the database.
//
// The master key only wraps the keys in the keyring, so those are wrapped anew.
// A new key for seals is made, what lasts (secrets of apps and webhooks, tokens of WeChat) is
// sealed anew with it, and so is everything from now on. Contents, codes and
// session keys stay under the key that they were sealed with until they go,
// after the retention time at the latest; whoever has the old master key and an
// old copy of the database can read that copy as before. The key of the hashes
// stays: what was spent has to be known again.
func RotateMaster(ctx context.Context, log *slog.Logger, opt Options, fresh []byte) error {
	if len(fresh) != 32 {
		return errors.New("the new master key needs 32 bytes")
	}
	s, err := Open(ctx, log, opt)
	if err != nil {
		return err
	}
	defer s.Close()
	master, err := masterSeal(opt.MasterKey)
	if err != nil {
		return err
	}
	wrap, err := masterSeal(fresh)
	if err != nil {
		return err
	}
	return s.do(ctx, "rotate", engineLimit, func(w *work) error {
		if w.lock != "" {
			if _, err := w.exec(`select pg_advisory_xact_lock($1)`, int64(lockKeyring)); err != nil {
				return err
			}
			if err := w.alone(); err != nil {
				return err
			}
		}
		return w.rotate(master, wrap)
	})
}

// alone refuses to go on while nodes run: they would not be able to read what
// is sealed from now on.
func (w *work) alone() error {
	names, err := w.nodes(`select name from node where name <> $1`, w.s.Node())
	for _, name := range names {
		if err != nil {
			break
		}
		var runs bool
		if runs, err = w.runs(name); err == nil && runs {
			err = fmt.Errorf("the node %s is running: stop all nodes, rotate, and start them with the new master key", name)
		}
	}
	return err
}

func (w *work) rotate(master, wrap cipher.AEAD) error {
	type row struct {
		id, purpose string
		key         []byte
	}
	var rows []row
	err := w.each(func(r scanner) error {
		var k row
		var wrapped []byte
		err := r.Scan(&k.id, &k.purpose, &wrapped)
		if err == nil {
			k.key, err = openWith(master, wrapped, k.id+k.purpose)
		}
		rows = append(rows, k)
		return err
	}, `select id, purpose, wrapped from keyring`)
	if err != nil {
		return err
	}
	for _, k := range rows {
		if _, err := w.exec(`update keyring set wrapped = $1 where id = $2`, sealWith(wrap, nil, k.key, k.id+k.purpose), k.id); err != nil {
			return err
		}
	}
	if err := newKey(w, wrap, "seal"); err != nil {
		return err
	}
	if err := w.s.loadKeys(w.each, wrap); err != nil {
		return err
	}
	for _, c := range lasting {
		if err := w.reseal(c); err != nil {
			return err
		}
	}
	return w.audit(wxnotify.AuditEntry{Actor: wxnotify.ActorCommand, Action: wxnotify.AuditMasterRotate, Object: "keyring"})
}

// A sealedColumn is one with seals in it, in a table whose rows are named by
// app and id.
type sealedColumn struct{ table, app, id, column string }

// lasting are the columns of what stays for years. What else is sealed goes by
// itself.
var lasting = []sealedColumn{
	{"app", "app", "app", "secret"}, {"app", "app", "app", "callback_token"}, {"app", "app", "app", "callback_key"}, {"app", "app", "app", "token_url"},
	{"token", "app", "app", "value"},
	{"webhook", "id", "id", "url"}, {"webhook", "id", "id", "secret"}, {"webhook", "id", "id", "old_secret"},
}

func (w *work) reseal(c sealedColumn) error {
	type row struct {
		app, id string
		sealed  []byte
	}
	var rows []row
	if err := w.each(func(r scanner) error {
		var x row
		err := r.Scan(&x.app, &x.id, &x.sealed)
		rows = append(rows, x)
		return err
	}, `select `+c.app+`, `+c.id+`, `+c.column+` from `+c.table+` where `+c.column+` is not null`); err != nil {
		return err
	}
	place := c.table + "." + c.column
	for _, x := range rows {
		plain, err := w.s.unseal(place, x.app, x.id, x.sealed)
		if err != nil {
			return err
		}
		if _, err := w.exec(`update `+c.table+` set `+c.column+` = $1 where `+c.app+` = $2 and `+c.id+` = $3`,
			w.s.seal(place, x.app, x.id, plain), x.app, x.id); err != nil {
			return err
		}
	}
	return nil
}
