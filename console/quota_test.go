package console

import (
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
)

func TestTheRestOfTheDay(t *testing.T) {
	t.Parallel()
	midnight := time.Date(2026, 3, 4, 16, 0, 0, 0, time.UTC) // in UTC+8
	of := func(n int64) wxnotify.Point {
		return wxnotify.Point{Answers: map[string]int64{"0": n, "not_sent": 1000, "inferred": 1000}}
	}
	for name, c := range map[string]struct {
		today, before, after int64
		gone                 time.Duration
		want                 int64
	}{
		"as yesterday":                   {300, 300, 700, 8 * time.Hour, 700},
		"twice as many as yesterday":     {600, 300, 700, 8 * time.Hour, 1400},
		"yesterday began late":           {50, 2, 700, 8 * time.Hour, 700},
		"no yesterday: today's pace":     {100, 0, 0, 6 * time.Hour, 300},
		"no yesterday, and hardly today": {7, 0, 0, 4 * time.Minute, 0},
		"nothing":                        {0, 0, 0, 12 * time.Hour, 0},
	} {
		day := appDay{Today: of(c.today), Before: of(c.before), After: of(c.after)}
		if got := rest(&day, midnight.Add(c.gone)); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestAnAccountAddsUp(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	week := noon.Add(7 * 24 * time.Hour)
	permit := func(id string, s wxnotify.PermitState, c wxnotify.Cause, given time.Time) wxnotify.Permit {
		return wxnotify.Permit{ID: id, Source: wxnotify.Payment, State: s, Cause: c, GivenAt: given, ExpiresAt: given.Add(week.Sub(noon))}
	}
	sent := wxnotify.Message{ID: "m", Attempts: []wxnotify.Attempt{{Permit: "b", FinishedAt: noon.Add(time.Hour)}}}
	lines := account([]wxnotify.Permit{
		permit("e", wxnotify.PermitFree, "", noon.Add(2*time.Hour)),
		{ID: "d", Source: wxnotify.Longterm, State: wxnotify.PermitFree, GivenAt: noon.Add(time.Minute)},
		permit("c", wxnotify.PermitDead, wxnotify.CauseWithdrawn, noon), // nobody knows when
		permit("b", wxnotify.PermitUsed, "", noon),
		permit("a", wxnotify.PermitDead, wxnotify.CauseExpired, noon),
	}, []wxnotify.Message{sent})
	type line struct {
		what       string
		n, balance int
		at         time.Time
	}
	want := []line{
		{"dead", -1, 1, week}, {"in", 1, 2, noon.Add(2 * time.Hour)}, {"used", -1, 1, noon.Add(time.Hour)}, {"in", 0, 2, noon.Add(time.Minute)},
		{"dead", -1, 2, time.Time{}}, {"in", 3, 3, noon},
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d: %+v", len(lines), len(want), lines)
	}
	for i, l := range lines {
		if got := (line{l.What, l.N, l.Balance, l.At}); got != want[i] {
			t.Errorf("line %d: %+v, want %+v", i, got, want[i])
		}
	}
}
