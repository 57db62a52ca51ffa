package wxnotify

import (
	"testing"
	"time"
)

func TestAFilterOfSumsIsMadeToFit(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 12, 34, 56, 0, time.UTC)
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		in       SeriesFilter
		from, to time.Time
		step     time.Duration
		points   int
	}{
		"nothing said: a day until now": {SeriesFilter{}, time.Date(2026, 3, 3, 12, 30, 0, 0, time.UTC), time.Date(2026, 3, 4, 12, 35, 0, 0, time.UTC), 5 * time.Minute, 289},
		"an hour":                       {SeriesFilter{From: now.Add(-time.Hour)}, now.Add(-time.Hour).Truncate(time.Minute), time.Date(2026, 3, 4, 12, 35, 0, 0, time.UTC), time.Minute, 61},
		"thirty days":                   {SeriesFilter{From: now.Add(-30 * day)}, time.Date(2026, 2, 2, 10, 0, 0, 0, time.UTC), time.Date(2026, 3, 4, 13, 0, 0, 0, time.UTC), 3 * time.Hour, 241},
		"days begin in UTC+8":           {SeriesFilter{From: now.Add(-2 * day), Step: day}, time.Date(2026, 3, 1, 16, 0, 0, 0, time.UTC), time.Date(2026, 3, 4, 16, 0, 0, 0, time.UTC), day, 3},
		"minutes of long ago are gone":  {SeriesFilter{From: now.Add(-3 * day), To: now.Add(-2 * day), Step: time.Minute}, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), time.Date(2026, 3, 2, 13, 0, 0, 0, time.UTC), time.Hour, 25},
	} {
		got, err := c.in.Fit(now)
		if err != nil || !got.From.Equal(c.from) || !got.To.Equal(c.to) || got.Step != c.step || got.Points() != c.points {
			t.Errorf("%s: %+v, %d points, %v", name, got, got.Points(), err)
		}
	}
}

func TestAFilterThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for name, f := range map[string]SeriesFilter{
		"ends before it begins":    {From: now, To: now.Add(-time.Hour)},
		"empty":                    {From: now, To: now},
		"years ago":                {From: now.Add(-1000 * 24 * time.Hour)},
		"far ahead":                {To: now.Add(48 * time.Hour)},
		"negative step":            {Step: -time.Minute},
		"step of seconds":          {Step: 90 * time.Second},
		"too many points":          {From: now.Add(-24 * time.Hour), Step: time.Minute},
		"step longer than a month": {Step: 1000 * time.Hour},
	} {
		if _, err := f.Fit(now); CodeOf(err) != OutOfRange {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestQuantilesOfLatency(t *testing.T) {
	t.Parallel()
	var l Latency
	if _, ok := l.Quantile(0.5); ok {
		t.Error("nothing was sent, and it took a time")
	}
	for d, want := range map[time.Duration]int{0: 0, 3 * time.Millisecond: 0, 4 * time.Millisecond: 1, time.Minute: 14, time.Hour: 15} {
		if got := BucketOf(d); got != want {
			t.Errorf("%s is in bucket %d, want %d", d, got, want)
		}
	}
	l[3], l[5] = 90, 10 // 16–32 ms and 64–128 ms
	for q, want := range map[float64]time.Duration{0.45: 24 * time.Millisecond, 0.9: 32 * time.Millisecond, 0.95: 96 * time.Millisecond, 1: 128 * time.Millisecond} {
		if got, ok := l.Quantile(q); !ok || got.Round(time.Microsecond) != want {
			t.Errorf("quantile %v is %s, want %s", q, got, want)
		}
	}
	if got, _ := (Latency{15: 1}).Quantile(0.5); got != BucketBelow(14) {
		t.Errorf("what is beyond all buckets took %s", got)
	}
}

func TestAnIDTellsItsTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 12, 34, 56, 789e6, time.UTC)
	var u [16]byte
	for i := range 6 {
		u[i] = byte(at.UnixMilli() >> (40 - 8*i))
	}
	u[6], u[15] = 0x7f, 0xff
	if got := IDTime(EncodeID(MessagePrefix, u)); !got.Equal(at) {
		t.Errorf("%s", got)
	}
	for _, id := range []string{"", "msg_", "msg_0123", "msg_uuuuuuuuuuuuuuuuuuuuuuuuuu"} {
		if got := IDTime(id); !got.IsZero() {
			t.Errorf("%q is of %s", id, got)
		}
	}
}
