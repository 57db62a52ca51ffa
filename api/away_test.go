package api_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// What cannot be written is refused as a whole, and none of it is there afterwards.
func TestTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		var away atomic.Bool
		fault := func(point string) error {
			if away.Load() && strings.HasSuffix(point, "before_statement") {
				return context.DeadlineExceeded // the database does not answer in its time
			}
			return nil
		}
		h, ctx := build(t, db, func(o *store.Options) { o.Fault = fault }), t.Context()
		session := h.session(h.user)
		code, err := h.sb.Login(h.app, h.user)
		h.must(err)
		away.Store(true)
		_, err = h.c.Send(ctx, h.message())
		p := h.refused(err, wxnotify.StorageUnavailable)
		if p.RetryAfter != time.Second {
			t.Errorf("retry after %s", p.RetryAfter)
		}
		_, err = h.c.SendBatch(ctx, []client.NewMessage{h.message(), {}})
		h.refused(err, wxnotify.StorageUnavailable)
		_, err = h.c.DepositPermits(ctx, h.app, []client.NewPermit{{To: h.user, Source: "form", Code: "0123456789"}, {}})
		h.refused(err, wxnotify.StorageUnavailable)
		_, err = h.c.MPPermits(ctx, session, []client.MPPermit{{ID: "1", Source: "form", Code: "0123456789"}})
		h.refused(err, wxnotify.StorageUnavailable)
		_, err = h.c.Login(ctx, h.app, code)
		h.refused(err, wxnotify.StorageUnavailable)
		away.Store(false)
		_, err = h.c.Login(ctx, h.app, code) // it was not used up
		h.must(err)
		for m, err := range h.c.Messages(ctx, client.MessageFilter{}) {
			t.Errorf("got %+v, %v", m, err)
		}
		if u, err := h.c.User(ctx, "", h.user); err != nil || u.Reachable {
			t.Errorf("got %+v, %v", u, err)
		}
	})
}

// Reading that fails on our side is no fault of an item.
func TestWhatIsWrongOnOurSideIsNoFaultOfAnItem(t *testing.T) {
	t.Parallel()
	h := build(t, storetest.SQLite, nil)
	h.must(h.store.Close())
	body := `{"messages":[{"touser":"` + h.user + `","template_id":"` + h.template + `","data":{"keyword1":"a"}},{}]}`
	if status, _, p := h.send(request{method: "POST", path: "/v1/messages/batch", body: body}); status < 500 {
		t.Errorf("got %d %v", status, p)
	}
	if status, _, _ := h.send(request{method: "GET", path: "/healthz"}); status != 200 {
		t.Errorf("alive answers %d", status)
	}
	if status, _, _ := h.send(request{method: "GET", path: "/readyz"}); status < 500 {
		t.Errorf("ready answers %d", status)
	}
}

// A node that stops lets go of those who wait: what they wait for is durable.
func TestWaitsEndWhenTheNodeStops(t *testing.T) {
	t.Parallel()
	h, ctx := build(t, storetest.SQLite, nil), t.Context()
	m := h.message()
	m.Wait = true
	got := make(chan error, 1)
	var answer client.Message
	go func() {
		var err error
		answer, err = h.c.SendAndWait(ctx, m, 30*time.Second)
		got <- err
	}()
	until(t, func() bool {
		for m, err := range h.c.Messages(ctx, client.MessageFilter{}) {
			h.must(err)
			return m.State == "waiting"
		}
		return false
	})
	close(h.stop)
	select {
	case err := <-got:
		h.must(err)
		if answer.State != "waiting" {
			t.Errorf("got %+v", answer)
		}
	case <-time.After(10 * time.Second):
		t.Error("it waits on")
	}
	_, err := h.c.Send(ctx, m)
	h.refused(err, wxnotify.Draining)
	if status, header, _ := h.send(request{method: "POST", path: "/v1/messages", body: "{}"}); status != 503 || header.Get("Retry-After") == "" {
		t.Errorf("got %d %v", status, header)
	}
}
