package console

import (
	"strconv"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
)

// An appDay is what an app did today, in UTC+8 as WeChat counts, and yesterday
// up to the same time and after it.
type appDay struct {
	App    wxnotify.App
	Today  wxnotify.Point
	Before wxnotify.Point // yesterday, up to this time of the day
	After  wxnotify.Point // the rest of yesterday
}

// yesterdayLasts is how long a day that is over is not read anew: it hardly
// changes any more.
const yesterdayLasts = 5 * time.Minute

// daysMost is how many apps are looked at one by one.
const daysMost = 20

// days reads today and yesterday of the chosen app, or of all.
func (d *Door) days(c *call) (all []appDay, err error) {
	today, now := wxnotify.Day(c.Now.Virtual), c.Now.Virtual
	for _, a := range c.Apps {
		if c.App != "" && c.App != a.ID || len(all) == daysMost {
			continue
		}
		day := appDay{App: a}
		f := wxnotify.SeriesFilter{App: a.ID, From: today, To: today.Add(24 * time.Hour), Step: 24 * time.Hour}
		points, err := d.Reader.Series(c.ctx(), f)
		if err != nil {
			return nil, err
		}
		day.Today = points[0]
		f.From, f.To, f.Step = today.Add(-24*time.Hour), today, 15*time.Minute
		if points, err = d.remembered(c, f, yesterdayLasts); err != nil {
			return nil, err
		}
		for i := range points {
			if points[i].At.Before(now.Add(-24 * time.Hour)) {
				day.Before.Add(points[i])
			} else {
				day.After.Add(points[i])
			}
		}
		all = append(all, day)
	}
	return all, nil
}

// A quota is how many calls an app made today, and how many it will have made
// by midnight if the day goes on as yesterday did.
type quota struct {
	App      wxnotify.App
	Used     int64
	Limit    int64 // 0: WeChat's own, which nobody tells us
	Forecast int64
	Over     bool   // the forecast is above the limit
	Part     string // of the bar, in percent
	Mark     string // of the forecast
	Link     string
}

// calls are the attempts that reached WeChat: those it counts.
func calls(p *wxnotify.Point) (n int64) {
	for said, k := range p.Answers {
		if said != string(wxnotify.NotSent) && said != string(wxnotify.Inferred) {
			n += k
		}
	}
	return n
}

// Left is how many calls the quota still allows today.
func (q quota) Left() int64 { return max(q.Limit-q.Used, 0) }

func (c *call) quotas(days []appDay) (all []quota) {
	for i := range days {
		x := &days[i]
		q := quota{Part: "0%", Mark: "0%", App: x.App, Used: calls(&x.Today), Limit: int64(x.App.DailyQuota)}
		q.Forecast = q.Used + rest(x, c.Now.Virtual)
		q.Over = q.Limit > 0 && q.Forecast > q.Limit
		if whole := max(q.Limit, q.Forecast); whole > 0 {
			q.Part = percent(100 * float64(q.Used) / float64(whole))
			q.Mark = percent(min(100*float64(q.Forecast)/float64(whole), 99.4))
		}
		q.Link = Root + "/messages?app=" + x.App.ID + "&by=" + byRest + "&from=" + strconv.FormatInt(wxnotify.Day(c.Now.Virtual).Unix(), 10)
		all = append(all, q)
	}
	return all
}

// rest is how many calls are still to come today: as many as yesterday, by as
// much more as there have been more so far; without a yesterday, at the pace of
// today. Little tells nothing: a few calls are no measure, nor is an hour.
func rest(x *appDay, now time.Time) int64 {
	const few = 20
	used, before, after := float64(calls(&x.Today)), float64(calls(&x.Before)), float64(calls(&x.After))
	gone := now.Sub(wxnotify.Day(now))
	switch {
	case before >= few:
		return int64(after * used / before)
	case before+after >= few:
		return int64(after)
	case gone < time.Hour:
		return 0
	}
	return int64(used * float64(24*time.Hour-gone) / float64(gone))
}

// apart parts a length of time from its unit, if it has one.
func apart(span string) (n, unit string) {
	if n, unit, ok := strings.Cut(span, " "); ok && !strings.Contains(unit, " ") {
		return n, " " + unit
	}
	return span, ""
}
