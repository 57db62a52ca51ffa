package sandbox

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// cursor says how far a listener has read: the world, and in it the last card,
// request, event and move of the clock. It is the id of a server-sent event, so
// a resumed stream is read from the journals, and nothing has to be kept for
// listeners who may never come back.
type cursor struct {
	generation                      int
	cards, requests, events, clocks uint64
}

func (c cursor) String() string {
	return fmt.Sprintf("%d.%d.%d.%d.%d", c.generation, c.cards, c.requests, c.events, c.clocks)
}

func parseCursor(s string) (c cursor, ok bool) {
	parts := strings.Split(s, ".")
	if len(parts) != 5 {
		return c, false
	}
	var n [5]uint64
	for i, p := range parts {
		var err error
		if n[i], err = strconv.ParseUint(p, 10, 62); err != nil {
			return c, false
		}
	}
	return cursor{int(n[0]), n[1], n[2], n[3], n[4]}, true
}

// newest is the cursor of a listener who knows everything.
func (w *world) newest() cursor {
	return cursor{w.generation, w.cards.last(), w.requests.last(), w.events.last(), w.moves}
}

// news is what a listener has not read yet.
type news struct {
	reset    bool
	cards    []*card
	requests []*record
	events   []*Event
	clock    *Clock
	changed  <-chan struct{}
}

// newsAfter also moves the cursor into the present world: after a reset
// everything in it is new.
func (s *Sandbox) newsAfter(c *cursor) news {
	s.mu.Lock()
	defer s.mu.Unlock()
	var n news
	if c.generation != s.w.generation {
		*c = cursor{generation: s.w.generation}
		n.reset = true
	}
	n.cards = s.w.cards.after(c.cards)
	n.requests = s.w.requests.after(c.requests)
	n.events = s.w.events.after(c.events)
	if n.reset || c.clocks < s.w.moves {
		k := s.w.clock(s.now())
		n.clock = &k
		c.clocks = s.w.moves
	}
	n.changed = s.wait()
	return n
}

const (
	heartbeat = 15 * time.Second
	breath    = 20 * time.Millisecond // between two looks, so that a busy sandbox is not slowed
)

// GET /sandbox/stream
//
// Server-sent events: card, request, event, clock, and reset when the world is
// new. It begins with what happens from now on, or after Last-Event-ID.
func (s *Sandbox) stream(w http.ResponseWriter, r *http.Request) {
	if err := onlyQuery(r); err != nil {
		writeRefusal(w, err)
		return
	}
	c, err := s.startOfStream(r.Header.Get("Last-Event-ID"))
	if err != nil {
		writeRefusal(w, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	out := &eventWriter{w: w, flush: http.NewResponseController(w).Flush}
	out.writef("id: %s\n\n", c) // so that a listener who leaves now can resume
	for out.err == nil {
		n := s.newsAfter(&c)
		out.write(n, &c)
		out.err = orErr(out.err, out.flush())
		select {
		case <-r.Context().Done():
			return
		case <-s.ctx.Done():
			return
		case <-n.changed:
			s.pause(breath)
		case <-time.After(heartbeat):
			out.writef(": still here\n\n")
		}
	}
}

func (s *Sandbox) startOfStream(last string) (cursor, error) {
	if last == "" {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.w.newest(), nil
	}
	c, ok := parseCursor(last)
	if !ok {
		return c, refuse(400, "Last-Event-ID is no id of this stream; leave it out to begin with what is new")
	}
	return c, nil
}

// eventWriter writes server-sent events until the first error.
type eventWriter struct {
	w     http.ResponseWriter
	flush func() error
	err   error
}

func (e *eventWriter) writef(format string, args ...any) {
	if e.err == nil {
		_, e.err = fmt.Fprintf(e.w, format, args...)
	}
}

func (e *eventWriter) event(name string, c cursor, v any) {
	e.writef("event: %s\nid: %s\ndata: %s\n\n", name, c, encode(v))
}

// write sends the news; each event's id says that it has been read.
func (e *eventWriter) write(n news, c *cursor) {
	if n.reset {
		e.event("reset", *c, struct{}{})
	}
	if n.clock != nil {
		e.event("clock", *c, n.clock)
	}
	for _, r := range n.requests {
		c.requests = r.seq
		e.event("request", *c, r.request())
	}
	for _, k := range n.cards {
		c.cards = k.seq
		e.event("card", *c, k.show())
	}
	for _, ev := range n.events {
		c.events = ev.Seq
		e.event("event", *c, ev)
	}
}

func orErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
