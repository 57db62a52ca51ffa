package outbox_test

import (
	"context"
	"errors"
	"fmt"
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

func appOf(at time.Time) wxnotify.App {
	return wxnotify.App{ID: "wxshop", MaxInFlight: 256, TokenMode: wxnotify.StableToken, CreatedAt: at, UpdatedAt: at}
}

// entry is the n-th message, with a form of its own.
func entry(n int, at time.Time) wxnotify.Entry {
	return wxnotify.Entry{FormID: fmt.Sprintf("form-%010d", n), Message: wxnotify.Message{
		ID: outbox.NewID(), App: "wxshop", To: "alice", TemplateID: "t", Channel: wxnotify.ChannelTemplate, Fixed: true, Body: []byte(`{"touser":"alice"}`),
		OnUnsure: wxnotify.Hold, State: wxnotify.Queued, SendAt: at, ExpiresAt: at.Add(wxnotify.Lasts), CreatedAt: at, UpdatedAt: at,
	}}
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
		if err := dead.CreateApp(t.Context(), appOf(began)); err != nil {
			t.Fatal(err)
		}
		if _, err := dead.Accept(t.Context(), now, []wxnotify.Entry{entry(1, began)}); err != nil {
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

// spoilt is a database that cannot write the result of one message.
type spoilt struct {
	*store.Store
	id string
}

func (s spoilt) Settle(ctx context.Context, now wxnotify.Now, batch []wxnotify.Settlement) ([]int, error) {
	for i := range batch {
		if batch[i].Try.Message.ID == s.id {
			return nil, errors.New("a bad row")
		}
	}
	return s.Store.Settle(ctx, now, batch)
}

func TestAResultThatCannotBeWrittenHoldsUpNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := storetest.Open(t, storetest.SQLite(t), nil)
		began := time.Now()
		if err := s.CreateApp(t.Context(), appOf(began)); err != nil {
			t.Fatal(err)
		}
		entries := []wxnotify.Entry{entry(1, began), entry(2, began), entry(3, began)}
		calls, rests := make(far, 9), make(chan wxnotify.Rest, 9)
		box := outbox.New(slog.New(slog.DiscardHandler), spoilt{s, entries[1].Message.ID}, calls, calls, outbox.Options{OnRest: func(r wxnotify.Rest) { rests <- r }})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			box.Run(ctx)
			close(done)
		}()
		for _, batch := range [][]wxnotify.Entry{entries, {entry(4, began)}} {
			if _, err := box.Accept(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			for range min(len(batch), 2) { // of the first three all but one
				if r := <-rests; r.State != wxnotify.Sent || r.ID == entries[1].Message.ID {
					t.Errorf("%+v", r)
				}
			}
		}
		stop()
		<-done
	})
}
