package sandbox

import "time"

// maxAdvance is ten years in seconds, for one move of the clock.
const maxAdvance = 10 * 365 * 86400

// maxOffset keeps dates within what JSON's readers can take.
const maxOffset = 100 * 365 * 24 * time.Hour

// Clock is the world's time, and how far it is ahead of real time.
type Clock struct {
	Now           string `json:"now"`
	OffsetSeconds int64  `json:"offset_seconds"`
}

func (w *world) clock(now time.Time) Clock {
	return Clock{stamp(now), int64(w.offset / time.Second)}
}

// Clock returns the world's time.
func (s *Sandbox) Clock() Clock {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.clock(s.now())
}

// Advance moves the world's clock forward.
func (s *Sandbox) Advance(by time.Duration) (out Clock, err error) {
	if by < 0 {
		return out, refuse(422, "the clock only goes forward")
	}
	err = s.do(func(w *world, now time.Time) error {
		if w.offset+by > maxOffset {
			return refuse(422, "the clock is ahead far enough; POST /sandbox/reset starts anew")
		}
		w.offset += by
		w.moves++
		out = w.clock(now.Add(by))
		return nil
	})
	return out, err
}

// Reset makes the world as new: same ids, clock at real time, nothing sent. A
// server that joined stays, and goes on to hear of its app.
func (s *Sandbox) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.w = newWorld(s.opt, s.w.generation+1)
	s.listenIn(s.w)
	s.settle()
}
