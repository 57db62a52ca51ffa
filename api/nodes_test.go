package api_test

import (
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/api"
	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// A key that was revoked on one node opens nothing there, and nothing on the
// others as soon as what they remember of it is a second old. Sessions are
// remembered nowhere.
func TestARevokedKeyEndsOnAllNodes(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	h := build(t, func(testing.TB) string { return dsn }, nil)
	second := storetest.Open(t, dsn, func(o *store.Options) { o.Node = "second:8080" })
	srv := httptest.NewServer(api.New(slog.New(slog.DiscardHandler), api.Deps{
		Reader: second, Admin: second, Now: h.now, Ready: second.Ping, Stop: h.stop,
	}, api.Options{Version: "test"}))
	t.Cleanup(srv.Close)
	k, err := h.c.CreateKey(t.Context(), client.NewKey{Scopes: []string{"read"}})
	h.must(err)
	here, there := client.New(h.url, k.Text, client.Tries(1)), client.New(srv.URL, k.Text, client.Tries(1))
	for _, c := range []*client.Client{here, there} {
		_, err := c.App(t.Context(), h.app)
		h.must(err)
	}
	h.must(h.c.RevokeKey(t.Context(), k.ID))
	_, err = here.App(t.Context(), h.app)
	h.refused(err, wxnotify.Unauthenticated)
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if _, err = there.App(t.Context(), h.app); err != nil {
			break
		}
	}
	h.refused(err, wxnotify.Unauthenticated)
}
