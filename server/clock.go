package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wxnotify/wxnotify"
)

// A clock tells both times. The virtual one is real time plus the offset of the
// sandbox at url, where there is one; else they are the same.
type clock struct {
	log    *slog.Logger
	url    string
	http   *http.Client
	moved  func()       // the virtual clock jumped: look at everything that time moves
	offset atomic.Int64 // nanoseconds
}

// A clock may lag behind its sandbox by a second (contract.md section 6).
const (
	clockEvery   = 250 * time.Millisecond
	clockTimeout = 2 * time.Second
)

func newClock(log *slog.Logger, url string, moved func()) *clock {
	return &clock{log: log, url: strings.TrimSuffix(url, "/"), moved: moved, http: &http.Client{
		Timeout:       clockTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the clock is where the setting says
	}}
}

// Now is the present instant on both clocks.
func (c *clock) Now() wxnotify.Now {
	now := time.Now()
	return wxnotify.Now{Real: now, Virtual: now.Add(time.Duration(c.offset.Load()))}
}

// Follow keeps the offset until ctx ends. While the sandbox is away the last
// one holds; that is logged once, and once more when it is back.
func (c *clock) Follow(ctx context.Context) {
	if c.url == "" {
		return
	}
	tick := time.NewTicker(clockEvery)
	defer tick.Stop()
	for away := false; ; {
		err := c.Sync(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !away:
			c.log.Warn("the sandbox's clock cannot be read; going on with the last offset", "clock_url", c.url, "error", err)
		case err == nil && away:
			c.log.Info("the sandbox's clock is back", "clock_url", c.url)
		}
		away = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Sync asks the sandbox once.
func (c *clock) Sync(ctx context.Context) error {
	if c.url == "" {
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/sandbox/clock", nil)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the sandbox answered %s", resp.Status)
	}
	var answer struct {
		Offset *int64 `json:"offset_seconds"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&answer); err != nil {
		return err
	}
	if answer.Offset == nil {
		return fmt.Errorf("the answer has no offset_seconds")
	}
	now := int64(time.Duration(*answer.Offset) * time.Second)
	if c.offset.Swap(now) != now && c.moved != nil {
		c.moved()
	}
	return nil
}
