package outbox

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
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

// take claims n attempts of an app.
func (l *lanes) take(app string, n int) {
	c := wxnotify.Claim{Full: []string{app}}
	for range n {
		c.Tries = append(c.Tries, wxnotify.Try{Message: wxnotify.Message{App: app}})
	}
	l.claimed([]wxnotify.Want{{App: app}}, c)
}

// fly claims n attempts of an app for which there is room, and starts their calls.
func (l *lanes) fly(app string, n int) {
	l.take(app, n)
	for range n {
		if !l.enter(context.Background(), app, start) {
			panic("no room")
		}
	}
}

func (l *lanes) land(app string, k wxnotify.Kind, began, now time.Time) {
	l.done(wxnotify.Settlement{Try: wxnotify.Try{Message: wxnotify.Message{App: app}}, Outcome: wxnotify.Outcome{Kind: k}}, began, now)
}

func (l *lanes) want(now time.Time, app string) int {
	got := 0
	for _, w := range l.wants(now) {
		if w.App == app {
			got = w.N + w.Ahead
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

// ask is what a lane wants now, without the claim.
func (l *lanes) ask(now time.Time) wxnotify.Want {
	for _, w := range l.wants(now) {
		l.wake(w.App)
		return w
	}
	return wxnotify.Want{}
}

func TestLaneClaimsAheadWhatEndsInAMoment(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		ended int
		in    time.Duration
		want  wxnotify.Want
		with  func(*lane)
	}{
		{"nothing ended yet", 0, time.Second, wxnotify.Want{}, nil},
		{"a quarter of a second at 128 calls in a second", 32, time.Second / 4, wxnotify.Want{App: "a", N: 32, Ahead: 32}, nil},
		{"slowly", 16, 16 * time.Second, wxnotify.Want{App: "a", N: 16}, nil},
		{"never more than a batch", 64, time.Millisecond, wxnotify.Want{App: "a", N: 64, Ahead: batchMax - 64}, nil},
		{"what it has could not be repeated", 32, time.Second / 4, wxnotify.Want{App: "a", N: 32}, func(n *lane) { n.alone = true }},
		{"it has a rate", 32, time.Second / 4, wxnotify.Want{App: "a", N: 32, Rate: 500}, func(n *lane) { n.app.Rate = 500 }},
		{"it is in trouble", 32, time.Second / 4, wxnotify.Want{App: "a", N: 32}, func(n *lane) { n.probes = 1 }},
	} {
		l := newLanes(app("a", 64, 0))
		l.wants(start)
		l.fly("a", 64)
		if c.with != nil {
			c.with(l.byApp["a"])
		}
		probes := l.byApp["a"].probes
		for range c.ended {
			l.land("a", wxnotify.Accepted, start, start)
			l.byApp["a"].probes = probes
		}
		if got := l.ask(start.Add(c.in)); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestWhatCannotBeRepeatedIsNotAskedForAgainBeforeTheSweep(t *testing.T) {
	t.Parallel()
	l := newLanes(app("a", 64, 0))
	l.wants(start)
	l.claimed([]wxnotify.Want{{App: "a"}}, wxnotify.Claim{Kept: []string{"a"}})
	if n := l.byApp["a"]; !n.alone || n.look.IsZero() {
		t.Errorf("after a claim that left something: alone %v, look %v", n.alone, n.look)
	}
	l.adopt([]wxnotify.App{app("a", 64, 0)})
	if l.byApp["a"].alone {
		t.Error("the sweep does not look again")
	}
}

// Who waits takes the slot of a call that ended, in the order of coming, and
// never are there more calls than slots.
func TestTurnsComeInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(app("a", 2, 0))
		l.fly("a", 2)
		l.take("a", 5)
		var came []int
		for i := range 5 {
			go func() {
				if l.enter(t.Context(), "a", time.Now().Add(time.Minute)) {
					came = append(came, i)
				}
			}()
			synctest.Wait()
		}
		for i := range 5 {
			if len(came) != i {
				t.Errorf("after %d calls %v have their turn", i, came)
			}
			l.land("a", wxnotify.Accepted, start, start)
			synctest.Wait()
		}
		if !slices.Equal(came, []int{0, 1, 2, 3, 4}) {
			t.Errorf("turns in the order %v", came)
		}
	})
}

func TestWhoWaitsGoesBack(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*lanes, context.CancelFunc){
		"when its time is over":   func(*lanes, context.CancelFunc) { time.Sleep(startsIn) },
		"when the node ends":      func(_ *lanes, cancel context.CancelFunc) { cancel() },
		"when the app is removed": func(l *lanes, _ context.CancelFunc) { l.adopt(nil) },
		"when the app is paused": func(l *lanes, _ context.CancelFunc) {
			l.done(wxnotify.Settlement{Try: wxnotify.Try{Message: wxnotify.Message{App: "a"}}, Step: wxnotify.Step{Pause: wxnotify.PartAll}}, start, start)
		},
		"when WeChat answers nobody": func(l *lanes, _ context.CancelFunc) { l.land("a", wxnotify.Lost, start, start) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				l := newLanes(app("a", 1, 0))
				l.fly("a", 1)
				l.take("a", 1)
				gone := false
				go func() { gone = !l.enter(ctx, "a", time.Now().Add(startsIn)) }()
				synctest.Wait()
				end(l, cancel)
				synctest.Wait()
				if !gone {
					t.Error("it does not")
				}
				if n := l.byApp["a"]; n != nil && len(n.queue) > 0 {
					t.Error("it still stands in the queue")
				}
			})
		})
	}
}
