package server

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const keySize = 32

func (c Config) checkMasterKey() error {
	if c.MasterKey.IsZero() {
		if c.Postgres() {
			return wrong("master_key", "PostgreSQL needs it set, the same on every node; make one with: openssl rand -hex 32")
		}
		return nil
	}
	_, err := decodeKey(c.MasterKey.Reveal())
	return err
}

// Master returns the 32 bytes that encrypt secrets at rest. Without a setting
// they come from the file beside the SQLite database, PATH.key, which is made
// when neither it nor the database is there. A database that has lost its key
// file is an error: a new key could not read what the old one sealed.
func (c Config) Master() ([]byte, error) {
	key, err := c.KnownMaster()
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if st, statErr := os.Stat(c.SQLiteFile()); statErr == nil && st.Size() > 0 {
		return nil, err
	}
	return makeKey(c.KeyFile())
}

// KnownMaster is Master without making one: an error that is fs.ErrNotExist
// says that there is none.
func (c Config) KnownMaster() ([]byte, error) {
	if !c.MasterKey.IsZero() {
		return decodeKey(c.MasterKey.Reveal())
	}
	if err := c.checkMasterKey(); err != nil {
		return nil, err
	}
	file := c.KeyFile()
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &keyGone{fmt.Sprintf("the key file %s of the database is not there: put it back from your backup, or set master_key", file)}
	case err != nil:
		return nil, fmt.Errorf("master key: %w", err)
	}
	key, err := decodeKey(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return key, nil
}

// A keyGone says more than the system's error that it stands for.
type keyGone struct{ text string }

func (e *keyGone) Error() string { return e.text }
func (e *keyGone) Unwrap() error { return fs.ErrNotExist }

// KeyFile is where the master key lies when it is not set: beside the SQLite
// database, "" for PostgreSQL.
func (c Config) KeyFile() string {
	if db := c.SQLiteFile(); db != "" {
		return db + ".key"
	}
	return ""
}

// SQLiteFile is the file that holds the database, "" where it is none.
func (c Config) SQLiteFile() string {
	path, ok := strings.CutPrefix(c.Database.Reveal(), "sqlite:")
	if !ok {
		return ""
	}
	return path
}

func decodeKey(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if key, err := hex.DecodeString(text); err == nil && len(key) == keySize {
		return key, nil
	}
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if key, err := enc.DecodeString(text); err == nil && len(key) == keySize {
			return key, nil
		}
	}
	return nil, wrong("master_key", "want 64 hex digits, or base64 of 32 bytes")
}

// makeKey makes a new key and keeps it. Of two that start at once, the second
// takes the first one's.
func makeKey(file string) ([]byte, error) {
	key := make([]byte, keySize)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	return KeepKey(file, key)
}

// KeepKey writes a master key into a new file, which gets its name only once it
// is whole and on disk, so that a power cut leaves no half of a key. It returns
// the key that is in the file afterwards: one that was there before stays.
func KeepKey(file string, key []byte) ([]byte, error) {
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	tmp, err := os.CreateTemp(dir, ".key-*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = fmt.Fprintln(tmp, hex.EncodeToString(key))
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	switch err := os.Link(tmp.Name(), file); {
	case errors.Is(err, fs.ErrExist):
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("master key: %w", err)
		}
		return decodeKey(string(text))
	case err != nil:
		return nil, fmt.Errorf("master key: %w", err)
	}
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
	return key, nil
}
