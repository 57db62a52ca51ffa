package outbox_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/outbox"
	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// taking is a WeChat that takes every message, and says when.
func taking(calls chan<- time.Time) sender {
	return func(context.Context, string, []byte) wxnotify.Outcome {
		calls <- time.Now()
		return taken
	}
}

func appOf(id string, inFlight int, at time.Time) wxnotify.App {
	return wxnotify.App{ID: id, MaxInFlight: inFlight, TokenMode: wxnotify.StableToken, CreatedAt: at, UpdatedAt: at}
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
		if err := dead.CreateApp(t.Context(), appOf("wxshop", 256, began)); err != nil {
			t.Fatal(err)
		}
		if _, err := dead.Accept(t.Context(), now, entries("wxshop", 0, 1)); err != nil {
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
		calls := make(chan time.Time, 1)
		box := outbox.New(slog.New(slog.DiscardHandler), busy{storetest.Open(t, dsn, nil)}, taking(calls), taking(calls), outbox.Options{})
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
		if err := s.CreateApp(t.Context(), appOf("wxshop", 256, began)); err != nil {
			t.Fatal(err)
		}
		first := entries("wxshop", 0, 3)
		calls, rests := taking(make(chan time.Time, 9)), make(chan wxnotify.Rest, 9)
		box := outbox.New(slog.New(slog.DiscardHandler), spoilt{s, first[1].Message.ID}, calls, calls, outbox.Options{OnRest: func(r wxnotify.Rest) { rests <- r }})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			box.Run(ctx)
			close(done)
		}()
		for _, batch := range [][]wxnotify.Entry{first, entries("wxshop", 3, 1)} {
			if _, err := box.Accept(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			for range min(len(batch), 2) { // of the first three all but one
				if r := <-rests; r.State != wxnotify.Sent || r.ID == first[1].Message.ID {
					t.Errorf("%+v", r)
				}
			}
		}
		stop()
		<-done
	})
}
