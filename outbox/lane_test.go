package outbox

import (
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
)

var start = time.Date(2017, 10, 19, 12, 31, 0, 0, time.UTC)

func newLanes(apps ...wxnotify.App) *lanes {
	l := &lanes{}
	l.init()
	l.adopt(apps)
	return l
}

func app(id string, inFlight, rate int) wxnotify.App {
	return wxnotify.App{ID: id, MaxInFlight: inFlight, Rate: rate}
}

// fly claims n attempts of an app.
func (l *lanes) fly(app string, n int) {
	c := wxnotify.Claim{Full: []string{app}}
	for range n {
		c.Tries = append(c.Tries, wxnotify.Try{Message: wxnotify.Message{App: app}})
	}
	l.claimed([]wxnotify.Want{{App: app}}, c)
}

func (l *lanes) land(app string, k wxnotify.Kind, began, now time.Time) {
	l.done(wxnotify.Settlement{Try: wxnotify.Try{Message: wxnotify.Message{App: app}}, Outcome: wxnotify.Outcome{Kind: k}}, began, now)
}

func (l *lanes) want(now time.Time, app string) int {
	got := 0
	for _, w := range l.wants(now) {
		if w.App == app {
			got = w.N
		}
		l.wake(w.App) // asked, and not claimed
	}
	return got
}

func TestLaneInTroubleFallsToOneProbe(t *testing.T) {
	t.Parallel()
	l := newLanes(app("a", 64, 0), app("b", 64, 0))
	now := start
	for range 7 {
		l.fly("a", 1)
		l.land("a", wxnotify.NotSent, now, now)
		now = now.Add(time.Millisecond)
	}
	if n := l.want(now, "a"); n != 0 {
		t.Errorf("a lane in trouble wants %d at once", n)
	}
	if n := l.want(now.Add(time.Minute), "a"); n != 1 {
		t.Errorf("it probes with %d", n)
	}
	if n := l.want(now, "b"); n != 64 {
		t.Errorf("the other lane wants %d", n)
	}
}

func TestOneOutageHalvesOnce(t *testing.T) {
	t.Parallel()
	l := newLanes(app("a", 64, 0))
	l.fly("a", 64)
	for range 64 { // all of them began before the first failed
		l.land("a", wxnotify.Lost, start, start.Add(time.Second))
	}
	if n := l.want(start.Add(time.Minute), "a"); n != 32 {
		t.Errorf("it wants %d, half of 64 is right", n)
	}
}

func TestLaneGrowsAgain(t *testing.T) {
	t.Parallel()
	l := newLanes(app("a", 64, 0))
	now := start
	for range 10 {
		l.fly("a", 1)
		l.land("a", wxnotify.NotSent, now, now)
		now = now.Add(time.Minute)
	}
	calls := 0
	for l.want(now, "a") < 64 && calls < 100_000 {
		n := l.want(now, "a")
		l.fly("a", n)
		for range n {
			l.land("a", wxnotify.Accepted, now, now)
			calls++
		}
	}
	if calls < 500 || calls > 2500 {
		t.Errorf("full width after %d calls: gently is a few times the width squared", calls)
	}
}

func TestBusyLaneAsksForAQuarterAtLeast(t *testing.T) {
	t.Parallel()
	l := newLanes(app("a", 64, 0))
	l.fly("a", 64)
	for i := range 64 {
		l.land("a", wxnotify.Accepted, start, start)
		if n := l.want(start, "a"); n != 0 && n < 16 {
			t.Fatalf("after %d answers it asks for %d", i+1, n)
		}
	}
}

func TestPacedLaneIsNotAskedBeforeThereIsRoom(t *testing.T) {
	t.Parallel()
	l := newLanes(app("a", 256, 3), app("b", 256, 0))
	wants := l.wants(start)
	l.claimed(wants, wxnotify.Claim{Paced: map[string]time.Time{"a": start.Add(time.Second)}})
	l.wake("a")
	l.wake("b")
	if n, m := l.want(start, "a"), l.want(start, "b"); n != 0 || m == 0 {
		t.Errorf("the paced one wants %d, the other one %d", n, m)
	}
	if d := l.again(start); d > time.Second {
		t.Errorf("it is asked again after %v", d)
	}
	if n := l.want(start.Add(time.Second), "a"); n == 0 {
		t.Error("it wants nothing when there is room again")
	}
}

func TestIdleLaneIsNotAsked(t *testing.T) {
	t.Parallel()
	l := newLanes(app("a", 64, 0))
	l.wants(start)
	l.claimed([]wxnotify.Want{{App: "a", N: 64}}, wxnotify.Claim{Next: map[string]time.Time{"a": start.Add(time.Hour)}})
	if n := l.want(start, "a"); n != 0 {
		t.Errorf("nothing is due, and it wants %d", n)
	}
	if n := l.want(start.Add(time.Hour), "a"); n != 64 {
		t.Errorf("when it is due it wants %d", n)
	}
	l.wants(start.Add(time.Hour))
	l.wake("a") // while the claim is under way
	l.claimed([]wxnotify.Want{{App: "a", N: 64}}, wxnotify.Claim{})
	if n := l.want(start, "a"); n != 64 {
		t.Errorf("woken, it wants %d", n)
	}
}
