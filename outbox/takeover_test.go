package outbox_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/outbox"
	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// far is the world on the other side: tokens are good, and calls are accepted.
type far chan time.Time

func (far) Get(context.Context, wxnotify.App) (string, int64, error) { return "token", 1, nil }

func (far) Drop(context.Context, wxnotify.App, int64) error { return nil }

func (f far) Send(context.Context, string, wxnotify.Channel, []byte) wxnotify.Outcome {
	f <- time.Now()
	return wxnotify.Outcome{Kind: wxnotify.Accepted, Said: true}
}

// busy is a database that takes its time to find what a dead server left: the
// box has looked for work by then, and found none.
type busy struct{ *store.Store }

func (b busy) Lapsed(ctx context.Context, now wxnotify.Now, n int) ([]wxnotify.Try, error) {
	time.Sleep(100 * time.Millisecond)
	return b.Store.Lapsed(ctx, now, n)
}

// A server dies with a message on its way, and starts again: the message goes
// out within the first wait (1 s), not with a later sweep.
func TestAServerThatIsBackGoesOnAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dsn := storetest.SQLite(t)
		dead, err := storetest.TryOpen(t, dsn, nil)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		now := wxnotify.Now{Real: began, Virtual: began}
		if err := dead.CreateApp(t.Context(), wxnotify.App{ID: "wxshop", MaxInFlight: 256, TokenMode: wxnotify.StableToken, CreatedAt: began, UpdatedAt: began}); err != nil {
			t.Fatal(err)
		}
		if _, err := dead.Accept(t.Context(), now, []wxnotify.Entry{{FormID: "form-0000000001", Message: wxnotify.Message{
			ID: outbox.NewID(), App: "wxshop", To: "alice", TemplateID: "t", Channel: wxnotify.ChannelTemplate, Fixed: true, Body: []byte(`{"touser":"alice"}`),
			OnUnsure: wxnotify.Hold, State: wxnotify.Queued, SendAt: began, ExpiresAt: began.Add(wxnotify.Lasts), CreatedAt: began, UpdatedAt: began,
		}}}); err != nil {
			t.Fatal(err)
		}
		c, err := dead.Claim(t.Context(), now, 30*time.Second, []wxnotify.Want{{App: "wxshop", N: 1}})
		if err != nil || len(c.Tries) != 1 {
			t.Fatalf("claimed %d, %v", len(c.Tries), err)
		}
		if err := dead.Close(); err != nil {
			t.Fatal(err)
		}

		ctx, stop := context.WithCancel(t.Context())
		calls := make(far, 1)
		box := outbox.New(slog.New(slog.DiscardHandler), busy{storetest.Open(t, dsn, nil)}, calls, calls, outbox.Options{})
		done := make(chan struct{})
		go func() {
			box.Run(ctx)
			close(done)
		}()
		if took := (<-calls).Sub(began); took > 1500*time.Millisecond {
			t.Errorf("it was sent again after %v", took)
		}
		stop()
		<-done
	})
}
