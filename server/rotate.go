package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/store"
)

// RotateMaster puts a new master key in the place of the one that c names; see
// store.RotateMaster for what that means. Where the old key lies in the file
// beside a SQLite database, that file is replaced, and fresh may be left out;
// elsewhere the caller changes the setting afterwards.
//
// The new key is on disk, as KEYFILE.new, before the database learns of it.
// After a power cut in between the command is given again, and ends its work.
func RotateMaster(ctx context.Context, log *slog.Logger, c Config, fresh wxnotify.Secret) (file string, err error) {
	old, err := c.KnownMaster()
	if err != nil {
		return "", err
	}
	if c.MasterKey.IsZero() {
		file = c.KeyFile()
	}
	key, err := newMaster(file, fresh)
	if err != nil {
		return "", err
	}
	opt := store.Options{DSN: c.Database.Reveal(), MasterKey: old, Node: "command"}
	if err := store.RotateMaster(ctx, log, opt, key); err != nil {
		opt.MasterKey = key
		s, openErr := store.Open(ctx, log, opt)
		if openErr != nil {
			return "", err
		}
		_ = s.Close() // an earlier run came as far as this
	}
	if file == "" {
		return "", nil
	}
	if err := os.Rename(file+".new", file); err != nil {
		return "", fmt.Errorf("the database has its new master key, which lies in %s.new: %w", file, err)
	}
	syncDir(filepath.Dir(file))
	return file, nil
}

// newMaster is the key that is to come, kept beside file where there is one.
func newMaster(file string, fresh wxnotify.Secret) (key []byte, err error) {
	if !fresh.IsZero() {
		key, err = decodeKey(fresh.Reveal())
		if err != nil || file == "" {
			return key, err
		}
	} else if file == "" {
		return nil, wrong("new_master_key", "name the new key with --new-master-key-file; make one with: openssl rand -hex 32")
	}
	text, err := os.ReadFile(file + ".new")
	switch {
	case err == nil && key == nil:
		return decodeKey(string(text)) // of a run that was cut off
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("master key: %w", err)
	case key == nil:
		key = make([]byte, keySize)
		_, _ = rand.Read(key) // never fails
	}
	f, err := os.OpenFile(file+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	_, err = fmt.Fprintln(f, hex.EncodeToString(key))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	syncDir(filepath.Dir(file))
	return key, nil
}

// syncDir makes names durable, where the system can.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}
