package ledger_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/ledger"
	"github.com/wxnotify/wxnotify/outbox"
	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// leaving is a store whose caller goes away as soon as the permits are safe.
type leaving struct {
	*store.Store

	leave func()
}

func (l leaving) Deposit(ctx context.Context, now wxnotify.Now, acts []wxnotify.Deposit) ([]wxnotify.Deposited, error) {
	defer l.leave()
	return l.Store.Deposit(ctx, now, acts)
}

// Whoever hands in a permit and hangs up at once has still woken the message
// that waits for it.
func TestACallerThatLeavesHasWokenTheMessage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		s := storetest.Open(t, db(t), nil)
		at := time.Now()
		now := wxnotify.Now{Real: at, Virtual: at}
		if err := s.CreateApp(t.Context(), wxnotify.App{ID: "wxshop", MaxInFlight: 256, TokenMode: wxnotify.StableToken, CreatedAt: at, UpdatedAt: at}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Accept(t.Context(), now, []wxnotify.Entry{{Message: wxnotify.Message{
			ID: outbox.NewID(), App: "wxshop", To: "alice", TemplateID: "t", Channel: wxnotify.ChannelTemplate, Wait: true, Body: []byte(`{"touser":"alice"}`),
			OnUnsure: wxnotify.Hold, State: wxnotify.Queued, SendAt: at, ExpiresAt: at.Add(wxnotify.Lasts), CreatedAt: at, UpdatedAt: at,
		}}}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Claim(t.Context(), now, time.Minute, []wxnotify.Want{{App: "wxshop", N: 1}}); err != nil { // it waits from now on
			t.Fatal(err)
		}
		ctx, leave := context.WithCancel(t.Context())
		woken := 0
		books := ledger.New(slog.New(slog.DiscardHandler), leaving{s, leave}, func() wxnotify.Now { return now }, func(string) { woken++ })
		if _, err := books.Deposit(ctx, now, "wxshop", []wxnotify.Deposit{{App: "wxshop", To: "alice", Source: wxnotify.Form, Code: "form-0000000001", GivenAt: at}}); err != nil {
			t.Fatal(err)
		}
		if woken != 1 {
			t.Errorf("the outbox was woken %d times", woken)
		}
	})
}
