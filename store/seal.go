package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/wxnotify/wxnotify"
)

// Secrets, contents and codes are sealed with AES-256-GCM. A seal names its
// key and is good for one column of one row only: both are additional data.
// What must be found again without being readable is kept as a keyed hash.
//
// The keys themselves lie in the table keyring, sealed with the master key, so
// that a new master key rewrites a few rows. A new key for seals is made when
// the newest is a month old: GCM's random nonces are good for four thousand
// million seals of one key.
type keyring struct {
	mu     sync.RWMutex
	seals  map[string]cipher.AEAD // by id, 4 bytes
	newest string
	stale  bool // the newest is a month old
	hash   []byte
}

const sealKeyLasts = 30 * 24 * time.Hour

var errSealed = errors.New("a sealed value does not open: it was altered, or belongs to another row")

// unlock loads the keyring, and makes what is missing in it. Where the disk has
// no room for a new key, the old one seals on.
func (s *Store) unlock(ctx context.Context) error {
	master, err := masterSeal(s.opt.MasterKey)
	if err != nil {
		return err
	}
	err = s.do(ctx, "unlock", engineLimit, func(w *work) error {
		if w.lock != "" {
			if _, err := w.exec(`select pg_advisory_xact_lock($1)`, int64(lockKeyring)); err != nil {
				return err
			}
		}
		if err := s.loadKeys(w.each, master); err != nil {
			return err
		}
		for _, purpose := range s.keys.missing() {
			if err := newKey(w, master, purpose); err != nil {
				return err
			}
		}
		return s.loadKeys(w.each, master)
	})
	if wxnotify.CodeOf(err) != wxnotify.StorageFull {
		return err
	}
	// What was made is not there: nothing may be sealed with it.
	if again := s.loadKeys(s.eacher(ctx), master); again != nil || s.keys.newest == "" || s.keys.hash == nil {
		return err
	}
	s.log.Error("the database's disk is full: there is no room for a new key, so the old one is used on", "error", err)
	return nil
}

func masterSeal(master []byte) (cipher.AEAD, error) {
	k, err := hkdf.Key(sha256.New, master, nil, "wxnotify keyring", 32)
	if err != nil {
		return nil, err
	}
	return newAEAD(k)
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(b)
}

type eacher func(f func(scanner) error, text string, args ...any) error

// eacher reads outside of a transaction.
func (s *Store) eacher(ctx context.Context) eacher {
	return func(f func(scanner) error, text string, args ...any) error { return s.each(ctx, f, text, args...) }
}

func (s *Store) loadKeys(each eacher, master cipher.AEAD) error {
	k, err := readKeys(each, master)
	if err != nil {
		return err
	}
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	s.keys.seals, s.keys.newest, s.keys.stale, s.keys.hash = k.seals, k.newest, k.stale, k.hash
	return nil
}

func readKeys(each eacher, master cipher.AEAD) (*keyring, error) {
	ring := &keyring{seals: map[string]cipher.AEAD{}}
	fresh := time.Now().Add(-sealKeyLasts).UnixMilli()
	err := each(func(r scanner) error {
		var id, purpose string
		var wrapped []byte
		var created int64
		if err := r.Scan(&id, &purpose, &wrapped, &created); err != nil {
			return err
		}
		k, err := openWith(master, wrapped, id+purpose)
		if err != nil {
			return errors.New("the master key does not belong to this database: use the one that it was made with")
		}
		if purpose == "hash" {
			ring.hash = k
			return nil
		}
		raw, err := hex.DecodeString(id)
		if err != nil {
			return err
		}
		ring.newest, ring.stale = string(raw), created <= fresh
		ring.seals[string(raw)], err = newAEAD(k)
		return err
	}, `select id, purpose, wrapped, created_at from keyring order by created_at, id`)
	return ring, err
}

func (k *keyring) missing() []string {
	var m []string
	if k.newest == "" || k.stale {
		m = append(m, "seal")
	}
	if k.hash == nil {
		m = append(m, "hash")
	}
	return m
}

func newKey(w *work, master cipher.AEAD, purpose string) error {
	var id [4]byte
	key := make([]byte, 32)
	_, _ = rand.Read(id[:]) // never fails
	_, _ = rand.Read(key)
	name := hex.EncodeToString(id[:])
	_, err := w.exec(`insert into keyring (id, purpose, wrapped, created_at) values ($1, $2, $3, $4)`,
		name, purpose, sealWith(master, nil, key, name+purpose), nowMS())
	return err
}

func sealWith(a cipher.AEAD, head, plain []byte, data string) []byte {
	out := make([]byte, len(head)+a.NonceSize(), len(head)+a.NonceSize()+len(plain)+a.Overhead())
	copy(out, head)
	nonce := out[len(head):]
	_, _ = rand.Read(nonce) // never fails
	return a.Seal(out, nonce, plain, []byte(data))
}

func openWith(a cipher.AEAD, sealed []byte, data string) ([]byte, error) {
	if len(sealed) < a.NonceSize() {
		return nil, errSealed
	}
	plain, err := a.Open(nil, sealed[:a.NonceSize()], sealed[a.NonceSize():], []byte(data))
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}

// sealVersion is the first byte of every seal; the id of the key follows.
const sealVersion = 1

// seal closes plain for the place (table and column) of one row. Nothing to
// hide stays null.
func (s *Store) seal(place, app, id string, plain []byte) []byte {
	if len(plain) == 0 {
		return nil
	}
	s.keys.mu.RLock()
	defer s.keys.mu.RUnlock()
	head := append([]byte{sealVersion}, s.keys.newest...)
	return sealWith(s.keys.seals[s.keys.newest], head, plain, sealData(s.keys.newest, place, app, id))
}

func sealData(key, place, app, id string) string {
	return key + "\x00" + place + "\x00" + app + "\x00" + id
}

// unseal opens what seal closed for the same place and row.
func (s *Store) unseal(place, app, id string, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	if len(sealed) < 5 || sealed[0] != sealVersion {
		return nil, errSealed
	}
	key := string(sealed[1:5])
	a, err := s.sealKey(key)
	if err != nil {
		return nil, err
	}
	plain, err := openWith(a, sealed[5:], sealData(key, place, app, id))
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", place, id, err)
	}
	return plain, nil
}

// sealKey finds a key; one that another node has just made is fetched.
func (s *Store) sealKey(id string) (cipher.AEAD, error) {
	s.keys.mu.RLock()
	a := s.keys.seals[id]
	s.keys.mu.RUnlock()
	if a != nil {
		return a, nil
	}
	master, err := masterSeal(s.opt.MasterKey)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(s.ctx, doorLimit)
	defer cancel()
	if err := s.loadKeys(s.eacher(ctx), master); err != nil {
		return nil, err
	}
	s.keys.mu.RLock()
	defer s.keys.mu.RUnlock()
	if a = s.keys.seals[id]; a == nil {
		return nil, errSealed
	}
	return a, nil
}

func (s *Store) sealSecret(place, app string, secret wxnotify.Secret) []byte {
	return s.seal(place, app, app, []byte(secret.Reveal()))
}

func (s *Store) unsealSecret(place, app string, sealed []byte) (wxnotify.Secret, error) {
	plain, err := s.unseal(place, app, app, sealed)
	return wxnotify.NewSecret(string(plain)), err
}

// hashed is a keyed hash of the parts: 128 bits as 22 characters.
func (s *Store) hashed(parts ...string) string {
	m := hmac.New(sha256.New, s.keys.hash)
	for _, p := range parts {
		m.Write([]byte(p))
		m.Write([]byte{0})
	}
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:16])
}

// Derive makes a secret for one purpose: the same on all nodes that share the
// database, after every restart, and under a new master key.
func (s *Store) Derive(purpose string) wxnotify.Secret {
	s.keys.mu.RLock()
	defer s.keys.mu.RUnlock()
	k, err := hkdf.Expand(sha256.New, s.keys.hash, "wxnotify "+purpose, 32)
	if err != nil {
		panic(err) // only for lengths that nobody asks for
	}
	return wxnotify.NewSecret(string(k))
}
