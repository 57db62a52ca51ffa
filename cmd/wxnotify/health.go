package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"
)

type healthCmd struct {
	Listen  string        `name:"listen" default:":8080" placeholder:"ADDR" help:"Where the server of this container listens. Default :8080."`
	TLSCert string        `name:"tls-cert" placeholder:"FILE" help:"Set where the server speaks https."`
	URL     string        `name:"url" placeholder:"URL" help:"What to ask; left out, /healthz at listen."`
	Ready   bool          `name:"ready" help:"Ask whether it can take work (/readyz), not only whether it is alive."`
	Wait    time.Duration `name:"wait" default:"3s" placeholder:"TIME" help:"How long to wait for the answer. Default 3s."`
}

// Help shows examples.
func (*healthCmd) Help() string {
	return `The exit code says it: 0 alive, 1 not. It needs no shell and no curl beside it.

Examples:

  wxnotify healthcheck
  wxnotify healthcheck --ready --url https://notify.example.com/readyz`
}

// Run asks.
func (c *healthCmd) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.Wait)
	defer cancel()
	url, err := c.address()
	if err != nil {
		return usageError{err}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return usage("--url: want an address such as http://127.0.0.1:8080/healthz")
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	if c.URL == "" { // the certificate is for the public name, not for this address
		t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // it asks this machine, and tells it nothing
		t.Proxy = nil
	}
	resp, err := (&http.Client{Transport: t}).Do(r)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer from %s within %s", url, c.Wait)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing answers at %s", url)
	case err != nil:
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return nil
}

func (c *healthCmd) address() (string, error) {
	if c.URL != "" {
		return c.URL, nil
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return "", errors.New("listen: want an address such as :8080 or 127.0.0.1:8080")
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	scheme, path := "http", "/healthz"
	if c.TLSCert != "" {
		scheme = "https"
	}
	if c.Ready {
		path = "/readyz"
	}
	return scheme + "://" + net.JoinHostPort(host, port) + path, nil
}
