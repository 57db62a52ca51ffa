package hook

import (
	"sync"
	"time"

	"github.com/wxnotify/wxnotify"
)

// A lane is the way to one webhook from this node.
type lane struct {
	limit  float64   // posts at once
	flying int       // under way
	look   time.Time // when to look for notices; zero: nothing is known to come
	cut    time.Time // when the limit was halved last
	fails  int       // in a row at limit 1
	hold   time.Time // no post before: the next probe
}

const (
	mostAtOnce   = 16
	longestProbe = 4 * time.Second // the first repeat is to come within ten
)

// longAgo is a time to look that has long passed.
var longAgo = time.Unix(1, 0)

// lanes holds the lane of every webhook that is on.
type lanes struct {
	mu     sync.Mutex
	byHook map[string]*lane
}

// wake lets a lane look for notices at a time, the zero time is now.
func (l *lanes) wake(id string, when time.Time) {
	if when.IsZero() {
		when = longAgo
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := l.lane(id); n.look.IsZero() || when.Before(n.look) {
		n.look = when
	}
}

func (l *lanes) lane(id string) *lane {
	n := l.byHook[id]
	if n == nil {
		n = &lane{limit: mostAtOnce}
		l.byHook[id] = n
	}
	return n
}

// adopt brings the lanes in line with the webhooks there are.
func (l *lanes) adopt(due map[string]time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, when := range due {
		if n := l.lane(id); n.look.IsZero() || when.Before(n.look) {
			n.look = when
		}
	}
	for id, n := range l.byHook {
		if _, on := due[id]; !on && n.flying == 0 {
			delete(l.byHook, id)
		}
	}
}

// wants says what to claim now. Asking takes the wake-up: one that comes while
// the claim is under way counts for the next.
func (l *lanes) wants(now time.Time) (wants []wxnotify.NoticeWant) {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := batchMax
	for id, n := range l.byHook { // the map's order is the fair turn
		k := min(int(n.limit)-n.flying, left)
		if n.look.IsZero() || n.look.After(now) || n.hold.After(now) || k <= 0 {
			continue
		}
		n.look = time.Time{}
		left -= k
		wants = append(wants, wxnotify.NoticeWant{Webhook: id, N: k})
	}
	return wants
}

// again says how long nothing has to be asked, if nobody wakes us and no post ends.
func (l *lanes) again(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	again := sweepEvery
	for _, n := range l.byHook {
		if !n.look.IsZero() && int(n.limit) > n.flying {
			again = min(again, max(n.look.Sub(now), n.hold.Sub(now)))
		}
	}
	return max(again, time.Millisecond)
}

// claimed takes note of what a claim brought.
func (l *lanes) claimed(posts []wxnotify.Post, full []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range posts {
		l.lane(p.Webhook).flying++
	}
	for _, id := range full {
		l.lane(id).look = longAgo
	}
}

// done moves the limit: a failure halves it, down to one probe, a success lets
// it grow again. Posts that began before the last cut say nothing new.
func (l *lanes) done(id string, o wxnotify.NoticeOutcome, began time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, now := l.lane(id), time.Now()
	n.flying--
	switch {
	case o.Answer.Fault == "":
		n.fails, n.hold = 0, time.Time{}
		n.limit = min(n.limit+1, mostAtOnce)
	case began.Before(n.cut):
	case n.limit > 1:
		n.limit, n.cut = max(1, n.limit/2), now
	default:
		n.hold = now.Add(min(100*time.Millisecond<<min(n.fails, 6), longestProbe))
		n.fails++
		n.cut = now
	}
}
