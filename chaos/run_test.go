//go:build unix

package chaos

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What a run was asked for and did not do makes it fail, however clean it is.
func TestARunThatDidLessThanWasAskedFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		report Report
		want   string // "": it did all
	}{
		"as many as go":         {Report{Sent: 17}, ""},
		"all that was asked":    {Report{Asked: 200_000, Sent: 200_000}, ""},
		"a batch more":          {Report{Asked: 200_000, Sent: 200_039}, ""},
		"time ran out":          {Report{Asked: 200_000, Sent: 199_999}, "only 199999 of 200000 messages"},
		"nothing at all":        {Report{Asked: 1}, "only 0 of 1 messages"},
		"nobody was told":       {Report{Record: Record{Told: []Told{}}}, "WeChat pushed no event"},
		"a kill point was idle": {Report{Missed: []string{"wake.after_commit:1"}}, "nobody died at wake.after_commit:1"},
	} {
		err := c.report.Short()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// So does an upgrade that was not over in time.
func TestAnUpgradeThatIsNotOverFails(t *testing.T) {
	t.Parallel()
	ctx, over := context.WithCancel(t.Context())
	over()
	f := &fleet{nodes: []*node{{}, {}, {}}}
	if _, err := f.roll(ctx, "next"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// The load lasts until its messages are out and the play is over.
func TestHowLongTheLoadLasts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		messages int
		out      int64
		on       bool
		want     bool
	}{
		"as many as go":             {0, 1_000_000, false, true},
		"some are left":             {100, 99, false, true},
		"all are out":               {100, 100, false, false},
		"all are out, and it is on": {100, 150, true, true},
	} {
		l := &load{opt: Options{Messages: c.messages}}
		l.marks.Store(c.out)
		l.on.Store(c.on)
		if got := l.wanted(); got != c.want {
			t.Errorf("%s: goes on: %v", name, got)
		}
	}
}

// make figures holds what it measured against what is promised, and measures on.
func TestAFigureBeyondItsLimitIsToldAtTheEnd(t *testing.T) {
	t.Parallel()
	waits := func(slow int) (ds []time.Duration) {
		for i := range 400 {
			ds = append(ds, time.Duration(1+i%7)*time.Millisecond)
			if i < slow {
				ds[i] = 2 * time.Second
			}
		}
		return ds
	}
	for name, c := range map[string]struct {
		waits []time.Duration
		over  bool
	}{
		"quick":           {waits(0), false},
		"a few were slow": {waits(3), false}, // less than one in a hundred
		"many were slow":  {waits(6), true},
		"none was seen":   {nil, true},
	} {
		var out strings.Builder
		g := &gauge{o: Options{Out: &out}}
		g.hold(time.Second, c.waits, "app B")
		if got := len(g.over) > 0; got != c.over || !strings.HasPrefix(out.String(), "measured    app B: ") {
			t.Errorf("%s: %v, and it said %q", name, g.over, &out)
		}
	}
}

// A node has a minute from the loss of the primary, however long another one took.
func TestANodeThatDoesNotFollowWithinAMinuteFailsTheRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		there time.Duration // after the loss
		fails bool
	}{
		"at once":         {0, false},
		"after 59 s":      {59 * time.Second, false},
		"after 61 s":      {61 * time.Second, true},
		"after 3 minutes": {3 * time.Minute, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			lost := time.Now()
			time.Sleep(20 * time.Second) // the node before took that long
			took, err := followed(t.Context(), "n2", lost, func() bool { return time.Since(lost) >= c.there })
			switch {
			case c.fails && (err == nil || !strings.Contains(err.Error(), "n2 is not at the new primary 1m0s after")):
				t.Errorf("%s: %v", name, err)
			case c.fails && time.Since(lost) > follows:
				t.Errorf("%s: it was waited for %v", name, time.Since(lost))
			case !c.fails && (err != nil || took < c.there || took > follows):
				t.Errorf("%s: took %v, %v", name, took, err)
			}
		})
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := followed(ended, "n2", time.Now(), func() bool { return false }); !errors.Is(err, context.Canceled) {
		t.Errorf("a run that was ended says %v", err)
	}
}
