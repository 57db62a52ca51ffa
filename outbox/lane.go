package outbox

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/wxnotify/wxnotify"
)

// A lane is one app's way out of this node.
type lane struct {
	app    wxnotify.App
	limit  float64     // calls at once; between 1 and the app's maximum
	taken  int         // attempts that were claimed and have not ended
	calls  int         // of these, calls under way
	queue  []chan bool // the others wait here for their turn, or to be turned away
	ended  int         // calls since asked
	asked  time.Time   // for work, last
	alone  bool        // nothing is claimed ahead until the next sweep: what is due could not be repeated
	look   time.Time   // when to look for work again; zero: nothing is known to come
	cut    time.Time   // when the limit was halved last
	probes int         // troubles in a row at limit 1
	hold   time.Time   // no new call before: the next probe
	paced  time.Time   // no new claim before: the app's rate leaves no room
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
		n.app, n.limit = a, min(max(n.limit, 1), float64(a.MaxInFlight))
		n.look, n.alone = longAgo, false
		n.pass()
	}
	for id, n := range l.byApp {
		if !seen[id] {
			n.turnAway()
			delete(l.byApp, id)
		}
	}
}

// soon is when the lane may ask for work.
func (n *lane) soon() time.Time { return later(later(n.look, n.hold), n.paced) }

// wants says what to claim now. Asking takes the wake-up: one that comes while
// the claim is under way counts for the next.
func (l *lanes) wants(now time.Time) (wants []wxnotify.Want) {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := batchMax
	for id, n := range l.byApp { // the map's order is the fair turn
		k := min(n.room(now), left)
		if n.look.IsZero() || n.soon().After(now) || k <= 0 {
			continue
		}
		n.look, n.asked, n.ended = time.Time{}, now, 0
		left -= k
		w := wxnotify.Want{App: id, N: min(k, max(n.free(), 0)), Events: n.app.Callback.Working(now), Rate: n.app.Rate}
		w.Ahead = k - w.N
		wants = append(wants, w)
	}
	return wants
}

// room is how much may be claimed. A busy lane has none until it wants a
// quarter of what it may hold: claiming in handfuls costs a transaction each.
func (n *lane) room(now time.Time) int {
	most := int(n.limit) + n.depth(now)
	if k := most - n.taken; n.taken == 0 || k >= most/4 {
		return max(k, 0)
	}
	return 0
}

// depth is how many attempts may wait here for their turn, so that a call that
// ends makes room for one that is at hand: as many as end in a quarter of a
// second. What has a rate is given its starts by the claim.
func (n *lane) depth(now time.Time) int {
	took := now.Sub(n.asked)
	if n.alone || n.probes > 0 || n.app.Rate > 0 || took <= 0 {
		return 0
	}
	return int(min(float64(n.ended)*float64(time.Second/4)/float64(took), batchMax))
}

// again says how long nothing has to be asked, if nobody wakes us and no call
// ends: at most as long as the sweep lets things lie.
func (l *lanes) again(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	again := sweepEvery
	for _, n := range l.byApp {
		if !n.look.IsZero() && n.room(now) > 0 {
			again = min(again, n.soon().Sub(now))
		}
	}
	return max(again, time.Millisecond)
}

// free is how many calls may be started: there are so many slots. How many of
// them the app's rate lets start is for the claim to say, which knows of all nodes.
func (n *lane) free() int { return int(n.limit) - n.taken }

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
	for _, app := range c.Kept {
		if n := l.byApp[app]; n != nil {
			n.look, n.alone = longAgo, true
		}
	}
	for _, t := range c.Tries {
		if n := l.byApp[t.Message.App]; n != nil {
			n.taken++
		}
	}
}

// enter waits for the turn of an attempt to make its call, at most until a
// time. It is false when the attempt has to go back instead.
func (l *lanes) enter(ctx context.Context, app string, until time.Time) bool {
	l.mu.Lock()
	n := l.byApp[app]
	if n == nil || n.calls < int(n.limit) && len(n.queue) == 0 {
		if n != nil {
			n.calls++
		}
		l.mu.Unlock()
		return true
	}
	turn := make(chan bool, 1)
	n.queue = append(n.queue, turn)
	l.mu.Unlock()
	t := time.NewTimer(time.Until(until))
	defer t.Stop()
	select {
	case mine := <-turn:
		return mine
	case <-t.C:
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(n.queue, turn); i >= 0 {
		n.queue = slices.Delete(n.queue, i, i+1)
		return false
	}
	return <-turn // it came meanwhile
}

// left takes note that an attempt went back without a call. That says nothing of WeChat.
func (l *lanes) left(app string, due time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := l.byApp[app]; n != nil {
		n.taken--
		n.expect(due)
	}
}

// pass gives the slots that are free to those who have waited longest.
func (n *lane) pass() {
	for len(n.queue) > 0 && n.calls < int(n.limit) {
		n.calls++
		n.queue[0] <- true
		n.queue = n.queue[1:]
	}
}

// turnAway sends back who waits.
func (n *lane) turnAway() {
	for _, turn := range n.queue {
		turn <- false
	}
	n.queue = nil
}

// expect lets the lane look for work when something is due.
func (n *lane) expect(due time.Time) {
	if !due.IsZero() && (n.look.IsZero() || due.Before(n.look)) {
		n.look = due
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
// Who waits goes back where the app comes to a stop.
func (l *lanes) done(s wxnotify.Settlement, began, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.byApp[s.Try.Message.App]
	if n == nil {
		return
	}
	n.taken, n.calls = n.taken-1, max(n.calls-1, 0) // an app that was removed and is back counts anew
	n.ended++
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
	if n.probes > 0 || s.Step.Pause != "" {
		n.turnAway()
	}
	n.pass()
	n.expect(s.Due)
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
