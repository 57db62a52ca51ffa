package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wxnotify/wxnotify"
)

// A newsreel prints one line per message that came to rest. What comes faster
// than people read is counted.
type newsreel struct {
	rests  chan wxnotify.Rest
	missed atomic.Int64
	look   func(ctx context.Context, id string) (story, error)
	sent   map[string]bool // what has its line, and may be told delivered yet
}

// A story is what a line tells of a message.
type story struct {
	at             time.Time
	state, reason  string
	user, template string // as people call them
	took           time.Duration
}

const linesPerSecond = 25

func newNewsreel() *newsreel {
	return &newsreel{rests: make(chan wxnotify.Rest, 1000), sent: map[string]bool{}}
}

// known says that r only confirms what its line told: WeChat took the message,
// and then said that it arrived.
func (n *newsreel) known(r wxnotify.Rest) bool {
	was := n.sent[r.ID]
	delete(n.sent, r.ID)
	if r.State == wxnotify.Sent {
		if len(n.sent) == cap(n.rests) { // most are never told delivered
			clear(n.sent)
		}
		n.sent[r.ID] = true
	}
	return was && r.State == wxnotify.Delivered
}

// tell takes the news. It never blocks: it is called on the way of messages.
func (n *newsreel) tell(r wxnotify.Rest) {
	select {
	case n.rests <- r:
	default:
		n.missed.Add(1)
	}
}

// print writes the lines until ctx ends.
func (n *newsreel) print(ctx context.Context, w io.Writer) error {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	shown, more := 0, int64(0)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-second.C:
			if more += n.missed.Swap(0); more > 0 {
				fmt.Fprintf(w, "          … and %d more\n", more)
			}
			shown, more = 0, 0
		case r := <-n.rests:
			if n.known(r) {
				continue
			}
			if shown >= linesPerSecond {
				more++
				continue
			}
			shown++
			s, err := n.look(ctx, r.ID)
			if err != nil {
				more++
				continue
			}
			fmt.Fprintln(w, s)
		}
	}
}

// String is the line: time, state, user, template, milliseconds.
func (s story) String() string {
	what := strings.TrimSpace(s.state + " " + s.reason)
	return fmt.Sprintf("%s  %s  %s  %s  %d ms", s.at.Local().Format("15:04:05"), pad(what, 16), pad(s.user, 10), pad(s.template, 14), s.took.Milliseconds())
}

// pad fills s up to n columns, and cuts what is longer than any table.
func pad(s string, n int) string {
	s = clip(plain(s), 40)
	return s + strings.Repeat(" ", max(n-columns(s), 0))
}
