package outbox

import (
	"context"
	"sync"
	"time"

	"github.com/wxnotify/wxnotify"
)

// A lane is one app's way out of this node.
type lane struct {
	app    wxnotify.App
	limit  float64   // calls at once; between 1 and the app's maximum
	flying int       // calls under way
	look   time.Time // when to look for work again; zero: nothing is known to come
	cut    time.Time // when the limit was halved last
	probes int       // troubles in a row at limit 1
	hold   time.Time // no new call before: the next probe
	paced  time.Time // no new claim before: the app's rate leaves no room
}

// longAgo is a time to look that has long passed.
var longAgo = time.Unix(1, 0)

// lanes holds the lane of every app.
type lanes struct {
	mu    sync.Mutex
	byApp map[string]*lane
}

func (l *lanes) init() { l.byApp = map[string]*lane{} }

// wake marks an app as having work. It is false when there is no such lane yet.
func (l *lanes) wake(app string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, ok := l.byApp[app]
	if ok {
		n.look = longAgo
	}
	return ok
}

// adopt brings the lanes in line with the apps there are, and marks each as
// worth a look.
func (l *lanes) adopt(apps []wxnotify.App) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := map[string]bool{}
	for _, a := range apps {
		seen[a.ID] = true
		n, ok := l.byApp[a.ID]
		if !ok {
			n = &lane{limit: float64(a.MaxInFlight)}
			l.byApp[a.ID] = n
		}
		n.set(a)
		n.look = longAgo
	}
	for id := range l.byApp {
		if !seen[id] {
			delete(l.byApp, id)
		}
	}
}

func (n *lane) set(a wxnotify.App) {
	n.app = a
	n.limit = min(max(n.limit, 1), float64(a.MaxInFlight))
}

// soon is when the lane may ask for work.
func (n *lane) soon() time.Time { return later(later(n.look, n.hold), n.paced) }

// wants says what to claim now. Asking takes the wake-up: one that comes while
// the claim is under way counts for the next.
//
// A busy lane asks once a quarter of its slots is free: claiming in handfuls
// costs a transaction each.
func (l *lanes) wants(now time.Time) (wants []wxnotify.Want) {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := batchMax
	for id, n := range l.byApp { // the map's order is the fair turn
		k := min(n.free(), left)
		if n.look.IsZero() || n.soon().After(now) || k <= 0 || n.flying > 0 && k < int(n.limit)/4 {
			continue
		}
		n.look = time.Time{}
		left -= k
		wants = append(wants, wxnotify.Want{App: id, N: k, Events: n.app.Callback.Working(now), Rate: n.app.Rate})
	}
	return wants
}

// again says how long nothing has to be asked, if nobody wakes us and no call
// ends: at most as long as the sweep lets things lie.
func (l *lanes) again(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	again := sweepEvery
	for _, n := range l.byApp {
		if !n.look.IsZero() && n.free() > 0 {
			again = min(again, n.soon().Sub(now))
		}
	}
	return max(again, time.Millisecond)
}

// free is how many calls may be started: there are so many slots. How many of
// them the app's rate lets start is for the claim to say, which knows of all nodes.
func (n *lane) free() int { return int(n.limit) - n.flying }

// claimed takes note of what a claim brought.
func (l *lanes) claimed(wants []wxnotify.Want, c wxnotify.Claim) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range wants {
		if n := l.byApp[w.App]; n != nil && n.look.IsZero() {
			n.look = c.Next[w.App]
		}
	}
	for app, t := range c.Paced {
		if n := l.byApp[app]; n != nil {
			n.look, n.paced = longAgo, t
		}
	}
	for _, app := range c.Full {
		if n := l.byApp[app]; n != nil {
			n.look = longAgo
		}
	}
	for _, t := range c.Tries {
		if n := l.byApp[t.Message.App]; n != nil {
			n.flying++
		}
	}
}

func (l *lanes) app(id string) wxnotify.App {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := l.byApp[id]; n != nil {
		return n.app
	}
	return wxnotify.App{ID: id}
}

// working says whether WeChat's events of the app can be counted on.
func (l *lanes) working(app string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.byApp[app]
	return n != nil && n.app.Callback.Working(now)
}

// seen takes note that the app's callback worked, before the apps are read anew.
func (l *lanes) seen(app string, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := l.byApp[app]; n != nil && n.app.Callback.SeenAt.Before(at) {
		n.app.Callback.SeenAt = at
	}
}

// done moves the limit: trouble halves it, down to one probe, and success lets
// it grow again gently. Calls that began before the last cut say nothing new.
func (l *lanes) done(s wxnotify.Settlement, began, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.byApp[s.Try.Message.App]
	if n == nil {
		return
	}
	n.flying--
	trouble := s.Outcome.Kind == wxnotify.Lost || s.Outcome.Kind == wxnotify.NotSent || s.Step.Slow
	switch {
	case !trouble:
		n.probes, n.hold = 0, time.Time{}
		n.limit = min(n.limit+max(1/n.limit, 1.0/16), float64(n.app.MaxInFlight))
	case began.Before(n.cut):
	case n.limit > 1:
		n.limit, n.cut = max(1, n.limit/2), now
	default:
		n.hold = now.Add(min(100*time.Millisecond<<min(n.probes, 6), 5*time.Second))
		n.probes++
		n.cut = now
	}
	if due := s.Due; !due.IsZero() && (n.look.IsZero() || due.Before(n.look)) {
		n.look = due
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// refresh reads the apps anew. It runs with every sweep and after an app changed.
func (b *Box) refresh(ctx context.Context) {
	apps, err := b.store.Apps(ctx)
	if err != nil {
		if ctx.Err() == nil {
			b.log.Error("the apps cannot be read", "error", err)
		}
		return
	}
	b.lanes.adopt(apps)
	b.loop.Wake()
}

// Refresh makes the box read its apps anew: one was added, changed or removed.
func (b *Box) Refresh(ctx context.Context) { b.refresh(ctx) }
