//go:build unix

package chaos

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/wxnotify/wxnotify/client"
)

// ears are a webhook of a customer's: they take everything that they are told
// of messages, and write it down before they say so.
type ears struct {
	address string
	id      string // of the webhook, once a server knows of it
	server  *http.Server

	mu   sync.Mutex
	told []Told
}

func newEars() (*ears, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e := &ears{address: "http://" + l.Addr().String() + "/", told: []Told{}}
	e.server = &http.Server{Handler: e, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = e.server.Serve(l) }() // until close
	return e, nil
}

// ServeHTTP is one delivery.
func (e *ears) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var notice struct {
		Data struct {
			State string `json:"state"`
			Meta  struct {
				Mark string `json:"mark"`
			} `json:"meta"`
		} `json:"data"`
	}
	if err := json.NewDecoder(r.Body).Decode(&notice); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.told = append(e.told, Told{At: time.Now(), Mark: notice.Data.Meta.Mark, State: notice.Data.State})
}

// open makes the webhook, and waits until every server knows of it: that takes
// them a second at most.
func (e *ears) open(ctx context.Context, c *client.Client) error {
	h, err := c.CreateWebhook(ctx, client.NewWebhook{
		URL: e.address, Types: []string{"message.sent", "message.delivered", "message.failed", "message.unknown", "message.expired"},
	})
	e.id = h.ID
	if err == nil && !rest(ctx, 2*time.Second) {
		err = errOver
	}
	return err
}

// all is everything that the webhook was told, when nothing is on its way to it
// any more. What does not come in three minutes is a finding.
func (e *ears) all(ctx context.Context, c *client.Client) []Told {
	_ = until(ctx, "the webhook", 3*time.Minute, func() bool { return e.pending(ctx, c) == "" })
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.told)
}

// pending names a delivery that is to come; "": none is.
func (e *ears) pending(ctx context.Context, c *client.Client) string {
	for d, err := range c.Deliveries(ctx, e.id, "pending") {
		if err != nil {
			return err.Error()
		}
		return d.ID
	}
	return ""
}

func (e *ears) close() { _ = e.server.Close() }
