package sandbox_test

import (
	"context"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify/sandbox"
)

func TestLongPollGetsTheCard(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.token()
	got := make(chan reply, 1)
	go func() {
		got <- w.call("GET", "/sandbox/cards?wait_ms=60000&appid="+sandbox.FirstAppID+"&openid="+sandbox.SecondUser, nil)
	}()
	w.call("POST", templateSend+token, order(sandbox.MockForm)) // another user's
	w.call("POST", templateSend+token, with(order(sandbox.MockForm), map[string]any{"touser": sandbox.SecondUser}))
	select {
	case r := <-got:
		if cards := r["data"].([]any); len(cards) != 1 || cards[0].(map[string]any)["openid"] != sandbox.SecondUser {
			t.Errorf("got %v", r)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the poll did not end")
	}
}

func TestLongPollEndsEmpty(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.call("POST", templateSend+w.token(), order(sandbox.MockForm))
	got := w.must("GET", "/sandbox/cards?after=1&wait_ms=1", nil)
	if len(got["data"].([]any)) != 0 || got.text("last_seq") != "1" {
		t.Errorf("got %v", got)
	}
}

func TestLongPollEndsWithTheSandbox(t *testing.T) {
	t.Parallel()
	s := sandbox.New(sandbox.Options{})
	done := make(chan struct{})
	go func() {
		s.Cards(context.Background(), sandbox.CardQuery{Wait: time.Hour})
		close(done)
	}()
	s.Close()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the poll outlived the sandbox")
	}
}

func TestCardsInPages(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.token()
	for range 5 {
		w.call("POST", templateSend+token, order(sandbox.MockForm))
	}
	var seen []any
	after := "0"
	for range 3 {
		got := w.must("GET", "/sandbox/cards?limit=2&after="+after, nil)
		for _, c := range got["data"].([]any) {
			seen = append(seen, c.(map[string]any)["seq"])
			after = c.(map[string]any)["seq"].(interface{ String() string }).String()
		}
		if got.text("last_seq") != "5" {
			t.Errorf("last_seq %v", got["last_seq"])
		}
	}
	if len(seen) != 5 || after != "5" {
		t.Errorf("seen %v", seen)
	}
	for _, query := range []string{"limit=0", "limit=10001", "after=-1", "after=x", "wait_ms=60001", "before=3", "after=1&after=2"} {
		if status, _ := w.do("GET", "/sandbox/cards?"+query, nil); status < 400 || status > 499 {
			t.Errorf("%s: %d", query, status)
		}
	}
}

// After a reset the numbers begin anew, also for those who are waiting.
func TestLongPollSurvivesAReset(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.call("POST", templateSend+w.token(), order(sandbox.MockForm))
	got := make(chan []sandbox.Card, 1)
	waiting := make(chan struct{})
	go func() {
		close(waiting)
		cards, _ := w.Cards(context.Background(), sandbox.CardQuery{After: 1, Wait: time.Minute})
		got <- cards
	}()
	<-waiting
	w.must("POST", "/sandbox/reset", nil)
	deadline := time.Now().Add(10 * time.Second)
	for len(got) == 0 && time.Now().Before(deadline) { // until the poll began before one of the resets
		w.must("POST", "/sandbox/reset", nil)
		w.call("POST", templateSend+w.token(), order(sandbox.MockForm))
	}
	select {
	case cards := <-got:
		if len(cards) != 1 || cards[0].Seq != 1 {
			t.Errorf("got %+v", cards)
		}
	default:
		t.Error("the poll did not see the card of the new world")
	}
	if got := w.must("GET", "/sandbox/cards?after=5", nil); got.text("last_seq") != "1" {
		t.Errorf("got %v, want last_seq 1, which says that numbers began anew", got)
	}
}
