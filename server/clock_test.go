package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

func TestClockFollowsTheSandbox(t *testing.T) {
	t.Parallel()
	var offset atomic.Int64
	sandbox := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/sandbox/clock" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprintf(w, `{"now":"2026-01-02T03:04:05Z","offset_seconds":%d}`, offset.Load())
	}))
	defer sandbox.Close()
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	done := make(chan struct{})
	moved := make(chan struct{}, 1)
	c := newClock(slog.New(slog.DiscardHandler), sandbox.URL, func() { moved <- struct{}{} })
	go func() { c.Follow(ctx); close(done) }()
	defer func() { stop(); <-done }()

	offset.Store(7 * 86400)
	select {
	case <-moved:
	case <-ctx.Done():
		t.Fatal("after 30 s the clock has not moved")
	}
	if now := c.Now(); now.Virtual.Sub(now.Real) != 7*24*time.Hour {
		t.Errorf("got %v", now.Virtual.Sub(now.Real))
	}
}

func TestClockKeepsTheLastOffset(t *testing.T) {
	t.Parallel()
	var answer atomic.Value
	answer.Store(`{"offset_seconds":60}`)
	sandbox := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer.Load()) }))
	defer sandbox.Close()
	c := newClock(slog.New(slog.DiscardHandler), sandbox.URL, nil)
	if err := c.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	answer.Store(`{}`)
	if err := c.Sync(t.Context()); err == nil {
		t.Error("an answer without an offset was taken")
	}
	if now := c.Now(); now.Virtual.Sub(now.Real) != time.Minute {
		t.Errorf("got %v", now.Virtual.Sub(now.Real))
	}
}

func TestClockFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"offset_seconds":60}`) }))
	defer elsewhere.Close()
	sandbox := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusFound))
	defer sandbox.Close()
	c := newClock(slog.New(slog.DiscardHandler), sandbox.URL, nil)
	if err := c.Sync(t.Context()); err == nil {
		t.Error("a redirect is followed")
	}
	if now := c.Now(); !now.Virtual.Equal(now.Real) {
		t.Error("somebody else's clock is taken")
	}
}
