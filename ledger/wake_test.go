package ledger_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/ledger"
	"github.com/wxnotify/wxnotify/outbox"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// A far side takes every message, and says when.
type far chan time.Time

func (far) Get(context.Context, wxnotify.App) (string, int64, error) { return "token", 1, nil }

func (far) Drop(context.Context, wxnotify.App, int64) error { return nil }

func (f far) Send(context.Context, string, wxnotify.Channel, []byte) wxnotify.Outcome {
	f <- time.Now()
	return wxnotify.Outcome{Kind: wxnotify.Accepted, Said: true}
}

// What comes in has its effect at once: by the bell and the wake-up, and not by
// the nets under them, which look every five seconds. Everything here happens
// between two of their looks, on a clock that the test holds.
func TestWhatComesInHasItsEffectBeforeTheNetsLook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := storetest.TryOpen(t, storetest.SQLite(t), nil)
		if err != nil {
			t.Fatal(err)
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		clock := func() wxnotify.Now { return wxnotify.Now{Real: time.Now(), Virtual: time.Now()} }
		must(s.CreateApp(t.Context(), wxnotify.App{ID: "wxshop", MaxInFlight: 256, TokenMode: wxnotify.StableToken, CreatedAt: time.Now(), UpdatedAt: time.Now()}))
		log, calls := slog.New(slog.DiscardHandler), make(far, 10)
		box := outbox.New(log, s, calls, calls, outbox.Options{})
		books := ledger.New(log, s, clock, box.Wake)
		inbox := ledger.NewInbox(log, s, clock, ledger.Hooks{Seen: box.CallbackSeen, Rest: box.Told, Wake: box.Wake})
		ctx, stop := context.WithCancel(t.Context())
		began := time.Now()
		var running sync.WaitGroup
		running.Go(func() { box.Run(ctx) })
		running.Go(func() { inbox.Run(ctx) })

		acceptances := func() int {
			t.Helper()
			stock, err := books.Stock(ctx, "wxshop", "alice")
			must(err)
			return stock.Subscribe["t"]
		}
		patient := func(ch wxnotify.Channel) {
			t.Helper()
			now := time.Now()
			_, err := box.Accept(ctx, []wxnotify.Entry{{Message: wxnotify.Message{
				ID: outbox.NewID(), App: "wxshop", To: "alice", TemplateID: "t", Channel: ch, Wait: true, Body: []byte(`{"touser":"alice"}`),
				OnUnsure: wxnotify.Hold, State: wxnotify.Queued, SendAt: now, ExpiresAt: now.Add(wxnotify.Lasts), CreatedAt: now, UpdatedAt: now,
			}}})
			must(err)
		}
		says := func(kind wxnotify.EventKind, said string) {
			t.Helper()
			e := wxnotify.Event{App: "wxshop", Kind: kind, To: "alice", TemplateID: "t", At: time.Now().Truncate(time.Second), Said: said}
			must(inbox.Keep(ctx, "wxshop", string(kind)+said+e.At.String(), []wxnotify.Event{e}))
		}
		soon := func() { time.Sleep(700 * time.Millisecond) }
		sent := func(what string) {
			t.Helper()
			soon()
			select {
			case <-calls:
			default:
				t.Errorf("%s: the message that waits was not sent before the next look", what)
			}
		}

		time.Sleep(5100 * time.Millisecond) // both nets have just looked
		says(wxnotify.EventPopup, wxnotify.SaidAccept)
		soon()
		if n := acceptances(); n != 1 {
			t.Errorf("%d acceptances a moment after the event, want 1", n)
		}
		says(wxnotify.EventChange, wxnotify.SaidReject)
		soon()
		if n := acceptances(); n != 0 {
			t.Errorf("%d acceptances a moment after they were withdrawn", n)
		}
		patient(wxnotify.ChannelSubscribe)
		soon() // it waits
		says(wxnotify.EventPopup, wxnotify.SaidAccept)
		sent("an acceptance by event")
		patient(wxnotify.ChannelTemplate)
		soon()
		_, err = books.Deposit(ctx, clock(), "wxshop", []wxnotify.Deposit{{App: "wxshop", To: "alice", Source: wxnotify.Form, Code: "form-0000000001", GivenAt: time.Now()}})
		must(err)
		sent("a form_id that was handed in")
		if since := time.Since(began); since >= 10*time.Second {
			t.Fatalf("the nets looked in between: %v", since)
		}
		stop()
		running.Wait()
		must(s.Close())
	})
}
