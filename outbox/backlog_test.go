package outbox_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/outbox"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// entries are n messages to go out at once, each with a form of its own.
func entries(app string, from, n int) (es []wxnotify.Entry) {
	now := time.Now()
	for i := range n {
		es = append(es, wxnotify.Entry{FormID: fmt.Sprintf("form-%s-%010d", app, from+i), Message: wxnotify.Message{
			ID: outbox.NewID(), App: app, To: "alice", TemplateID: "t", Channel: wxnotify.ChannelTemplate, Fixed: true, Body: fmt.Appendf(nil, `{"touser":"alice","n":%d}`, from+i),
			OnUnsure: wxnotify.Hold, State: wxnotify.Queued, SendAt: now, ExpiresAt: now.Add(wxnotify.Lasts), CreatedAt: now, UpdatedAt: now,
		}})
	}
	return es
}

// An app of which too much is under way is refused, and no other; when some has
// gone there is room again.
func TestABacklogHasABound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := storetest.TryOpen(t, storetest.SQLite(t), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"wxfull", "wxother"} {
			if err := s.CreateApp(t.Context(), appOf(id, 256, time.Now())); err != nil {
				t.Fatal(err)
			}
		}
		calls := make(chan time.Time, 100)
		box := outbox.New(slog.New(slog.DiscardHandler), s, taking(calls), taking(calls), outbox.Options{Backlog: 5})
		accepted := func(es ...wxnotify.Entry) (n int) {
			t.Helper()
			receipts, err := box.Accept(t.Context(), es)
			if err != nil || len(receipts) != len(es) {
				t.Fatalf("%d receipts, %v", len(receipts), err)
			}
			for i, r := range receipts {
				switch {
				case r.Err == nil && r.ID == es[i].Message.ID:
					n++
				case wxnotify.CodeOf(r.Err) != wxnotify.BacklogFull:
					t.Errorf("receipt %d: %+v", i, r)
				}
			}
			return n
		}
		if n := accepted(append(entries("wxfull", 0, 7), entries("wxother", 0, 2)...)...); n != 5+2 {
			t.Errorf("%d accepted, want 5 of the one and 2 of the other", n)
		}
		if n := accepted(append(entries("wxother", 2, 1), entries("wxfull", 7, 1)...)...); n != 1 {
			t.Errorf("%d accepted of a full app", n)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { box.Run(ctx); close(done) }()
		for range 8 {
			<-calls
		}
		time.Sleep(time.Minute)
		if n := accepted(entries("wxfull", 8, 4)...); n != 4 {
			t.Errorf("%d accepted when the first had gone", n)
		}
		stop()
		<-done
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
