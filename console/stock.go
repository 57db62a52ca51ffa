package console

import (
	"time"

	"github.com/wxnotify/wxnotify"
)

// stockDays is how many days of the stock have a bar of their own: nothing that
// ends at all lasts longer.
const stockDays = 8

var sourceTones = map[wxnotify.Source]string{wxnotify.Form: "teal", wxnotify.Payment: "info", wxnotify.Subscribe: "viol", wxnotify.Longterm: "ok"}

// dayPlot begins a plot by the days until an end, and one bar for what has none.
func (c *call) dayPlot(link, never string) plot {
	p := plot{Kind: "bars", Link: link, Series: []line{}}
	today := wxnotify.Day(c.Now.Virtual)
	for i := range stockDays {
		p.X = append(p.X, int64(i))
		p.Labels = append(p.Labels, c.dayName(i))
		p.At = append(p.At, "ends="+dayText(today.Add(time.Duration(i)*24*time.Hour)))
	}
	p.X, p.Labels, p.At = append(p.X, stockDays), append(p.Labels, "∞"), append(p.At, never)
	return p
}

// dayName is what people call a day that is so far ahead.
func (c *call) dayName(n int) string {
	if n == 0 {
		return c.T("today")
	}
	return c.T("in_days", "n", n)
}

// bar is where days ahead stand in a dayPlot.
func bar(days int) int {
	if days < 0 {
		return stockDays
	}
	return min(days, stockDays-1)
}

// stockPlot is free permits by the days they have left, and by source.
func (c *call) stockPlot(h *wxnotify.Holding) plot {
	p := c.dayPlot(c.To("/permits", "state", wxnotify.PermitFree), "ends="+neverEnds)
	for _, s := range sources {
		l := line{c.Word("source", s), sourceTones[s], make([]value, stockDays+1), "source=" + string(s)}
		for _, lot := range h.Lots {
			if lot.Source == s {
				l.Values[bar(lot.Days(c.Now.Virtual))] += value(lot.N)
			}
		}
		p.add(s == wxnotify.Form, l)
	}
	return p
}

// leavingPlot is users by the day on which their last permit ends.
func (c *call) leavingPlot(h *wxnotify.Holding) plot {
	p := c.dayPlot(c.To("/users"), "ends="+neverEnds)
	l := line{Name: c.T("col_users"), Tone: "info", Values: make([]value, stockDays+1)}
	for _, x := range h.Leaving {
		l.Values[bar(wxnotify.Lot{Ends: x.Ends}.Days(c.Now.Virtual))] += value(x.Users)
	}
	p.add(true, l)
	return p
}

// neverEnds in ends= stands for what has no deadline.
const neverEnds = "never"

// dayText is a day of UTC+8 in an address.
func dayText(day time.Time) string { return day.Add(8 * time.Hour).UTC().Format(time.DateOnly) }

// endsOf reads ends= of the address: a day in UTC+8, or never.
func (c *call) endsOf() (from, to time.Time, never bool) {
	v := c.Q("ends")
	t, err := time.Parse(time.DateOnly, v)
	if err != nil {
		return from, to, v == neverEnds
	}
	from = t.Add(-8 * time.Hour)
	return from, from.Add(24 * time.Hour), false
}
