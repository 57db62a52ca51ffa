package server

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certEvery is how often the files of the certificate are looked at, when
// somebody connects.
const certEvery = time.Second

// A certificate is read anew when its files have changed, so that a renewal
// needs no restart. While the new pair does not fit together, as between the
// writing of its two files, the old one is shown.
type certificate struct {
	log       *slog.Logger
	cert, key string

	mu     sync.Mutex
	pair   *tls.Certificate
	seen   [2]stamp
	looked time.Time
}

// A stamp tells a file from its successor.
type stamp struct {
	at   time.Time
	size int64
}

func newCertificate(log *slog.Logger, cert, key string) (*certificate, error) {
	c := &certificate{log: log, cert: cert, key: key}
	if err := c.read(c.stamps()); err != nil {
		return nil, fmt.Errorf("tls_cert: %w", err)
	}
	return c, nil
}

// get is tls.Config's GetCertificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) < certEvery {
		return c.pair, nil
	}
	c.looked = time.Now()
	now := c.stamps()
	if now == c.seen {
		return c.pair, nil
	}
	if err := c.read(now); err != nil {
		c.log.Warn("the certificate has changed and cannot be read; the old one is shown", "error", err)
		return c.pair, nil
	}
	c.log.Info("the certificate was read anew", "until", c.pair.Leaf.NotAfter)
	return c.pair, nil
}

func (c *certificate) read(now [2]stamp) error {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return err
	}
	c.pair, c.seen = &pair, now
	return nil
}

func (c *certificate) stamps() (s [2]stamp) {
	for i, name := range []string{c.cert, c.key} {
		if st, err := os.Stat(name); err == nil {
			s[i] = stamp{st.ModTime(), st.Size()}
		}
	}
	return s
}
