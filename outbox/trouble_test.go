package outbox_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/outbox"
	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// A sender is a WeChat that a test makes: tokens are good and name their app.
type sender func(ctx context.Context, app string, body []byte) wxnotify.Outcome

func (sender) Get(_ context.Context, a wxnotify.App) (string, int64, error) { return a.ID, 1, nil }

func (sender) Drop(context.Context, wxnotify.App, int64) error { return nil }

func (f sender) Send(ctx context.Context, token string, _ wxnotify.Channel, body []byte) wxnotify.Outcome {
	return f(ctx, token, body)
}

var taken = wxnotify.Outcome{Kind: wxnotify.Accepted, Said: true}

// A shop is a box at work on SQLite, in a bubble of time: what the database does
// takes none of it.
type shop struct {
	*testing.T
	box   *outbox.Box
	store *store.Store
	log   bytes.Buffer
	stop  func() // ends the box and waits for it
}

func newShop(t *testing.T, far sender, apps ...string) *shop {
	s := &shop{T: t, store: storetest.Open(t, storetest.SQLite(t), nil)}
	for _, id := range apps {
		if err := s.store.CreateApp(t.Context(), appOf(id, 8, time.Now())); err != nil {
			t.Fatal(err)
		}
	}
	s.box = outbox.New(slog.New(slog.NewTextHandler(&s.log, nil)), s.store, far, far, outbox.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		s.box.Run(ctx)
		close(done)
	}()
	s.stop = func() { cancel(); <-done }
	t.Cleanup(s.stop)
	return s
}

// send accepts n messages with form_ids of their own.
func (s *shop) send(app string, n int) (ids []string) {
	s.Helper()
	receipts, err := s.box.Accept(s.Context(), entries(app, 0, n))
	if err != nil {
		s.Fatal(err)
	}
	for _, r := range receipts {
		if r.Err != nil {
			s.Fatal(r.Err)
		}
		ids = append(ids, r.ID)
	}
	s.box.Wake(app)
	return ids
}

// rest waits until messages are at rest, for a minute of the bubble at most,
// and returns them.
func (s *shop) rest(app string, ids []string) (ms []wxnotify.Message) {
	s.Helper()
	for end := time.Now().Add(time.Minute); len(ms) < len(ids); {
		m, err := s.store.Message(s.Context(), app, ids[len(ms)])
		switch {
		case err != nil:
			s.Fatal(err)
		case m.State.AtRest():
			ms = append(ms, m)
		case time.Now().After(end):
			s.Fatalf("after a minute %s is still %s", m.ID, m.State)
		default:
			time.Sleep(10 * time.Millisecond)
		}
	}
	return ms
}

// A panic of ours in the middle of a call: what it did is not known, so that
// message has lost an attempt, and is repeated. Nobody else notices.
func TestAPanicWhileSendingCostsOneMessageOneAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		panicked := make(chan struct{}, 1)
		s := newShop(t, func(_ context.Context, _ string, body []byte) wxnotify.Outcome {
			if bytes.Contains(body, []byte(`"n":3`)) {
				select {
				case panicked <- struct{}{}:
					panic("a secret of the message")
				default:
				}
			}
			return taken
		}, "wxshop")
		for i, m := range s.rest("wxshop", s.send("wxshop", 6)) {
			var outcomes []string
			for _, a := range m.Attempts {
				outcomes = append(outcomes, string(a.Outcome))
			}
			want := "accepted"
			if i == 3 {
				want = "lost accepted"
			}
			if got := strings.Join(outcomes, " "); m.State != wxnotify.Sent || got != want {
				t.Errorf("message %d is %s after %s, want sent after %s", i, m.State, got, want)
			}
		}
		s.stop()
		if log := s.log.String(); strings.Count(log, "a panic while sending") != 1 || strings.Contains(log, "a secret") {
			t.Errorf("the log says %s", log)
		}
	})
}

// The calls of one app hang until they are given up, and it has more messages
// than calls may be under way: another app's are sent before the first of those
// calls is over.
func TestAnAppWhoseCallsHangHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hung, givenUp := make(chan struct{}, 1000), make(chan struct{}, 1000)
		s := newShop(t, func(ctx context.Context, app string, _ []byte) wxnotify.Outcome {
			if app == "wxhangs" {
				hung <- struct{}{}
				<-ctx.Done()
				givenUp <- struct{}{}
				return wxnotify.Outcome{Kind: wxnotify.Lost}
			}
			time.Sleep(50 * time.Millisecond)
			return taken
		}, "wxhangs", "wxworks")
		s.send("wxhangs", 100)
		<-hung
		for _, m := range s.rest("wxworks", s.send("wxworks", 100)) {
			if m.State != wxnotify.Sent || len(m.Attempts) != 1 {
				t.Errorf("%s is %s after %d attempts", m.ID, m.State, len(m.Attempts))
			}
		}
		if len(givenUp) > 0 {
			t.Errorf("%d calls of the other app had to be given up first", len(givenUp))
		}
	})
}
