package console

import (
	"net/url"
	"slices"
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

// dayStep is how finely yesterday is parted.
const dayStep = 15 * time.Minute

// days reads today and yesterday of the chosen app, or of all, one by one.
func (d *Door) days(c *call) (all []appDay, err error) {
	for _, a := range c.Apps {
		if c.App != "" && c.App != a.ID || len(all) == daysMost {
			continue
		}
		day, err := d.day(c, a.ID)
		if err != nil {
			return nil, err
		}
		day.App = a
		all = append(all, day)
	}
	return all, nil
}

// together is the day of all that were chosen, whose days were read.
func (d *Door) together(c *call, days []appDay) (sum appDay, err error) {
	if c.App == "" && len(c.Apps) > daysMost {
		return d.day(c, "")
	}
	for i := range days {
		sum.Today.Add(days[i].Today)
		sum.Before.Add(days[i].Before)
	}
	return sum, nil
}

// day reads today and yesterday of an app; "" is all of them.
func (d *Door) day(c *call, app string) (day appDay, err error) {
	today := wxnotify.Day(c.Now.Virtual)
	f := wxnotify.SeriesFilter{App: app, From: today, To: today.Add(24 * time.Hour), Step: 24 * time.Hour}
	points, err := d.Reader.Series(c.ctx(), f)
	if err != nil {
		return day, err
	}
	day.Today = points[0]
	f.From, f.To, f.Step = today.Add(-24*time.Hour), today, dayStep
	if points, err = d.remembered(c, f, yesterdayLasts); err != nil {
		return day, err
	}
	for i := range points {
		if points[i].At.Before(soFar(c.Now.Virtual)) {
			day.Before.Add(points[i])
		} else {
			day.After.Add(points[i])
		}
	}
	return day, nil
}

// soFar is this time of the day yesterday, at the end of a step.
func soFar(now time.Time) time.Time {
	return now.Add(dayStep - 1 - 24*time.Hour).Truncate(dayStep)
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

// calls are the attempts that reached WeChat, which it counts, and how they
// ended.
func calls(p *wxnotify.Point) (n int64, answers []string) {
	for said, k := range p.Answers {
		if said != string(wxnotify.NotSent) && said != string(wxnotify.Inferred) {
			n += k
			answers = append(answers, said)
		}
	}
	slices.Sort(answers)
	return n, answers
}

// Left is how many calls the quota still allows today.
func (q quota) Left() int64 { return max(q.Limit-q.Used, 0) }

func (c *call) quotas(days []appDay) (all []quota) {
	for i := range days {
		x := &days[i]
		used, answers := calls(&x.Today)
		q := quota{Part: "0%", Mark: "0%", App: x.App, Used: used, Limit: int64(x.App.DailyQuota)}
		q.Forecast = q.Used + rest(x, c.Now.Virtual)
		q.Over = q.Limit > 0 && q.Forecast > q.Limit
		if whole := max(q.Limit, q.Forecast); whole > 0 {
			q.Part = percent(100 * float64(q.Used) / float64(whole))
			q.Mark = percent(min(100*float64(q.Forecast)/float64(whole), 99.4))
		}
		if len(answers) == 0 {
			answers = []string{"0"}
		}
		q.Link = Root + "/messages?" + url.Values{
			"app": {x.App.ID}, "answer": {strings.Join(answers, ",")}, "from": {strconv.FormatInt(wxnotify.Day(c.Now.Virtual).Unix(), 10)},
		}.Encode()
		all = append(all, q)
	}
	return all
}

// rest is how many calls are still to come today: as many as yesterday, by as
// much more as there have been more so far; without a yesterday, at the pace of
// today. Little tells nothing: a few calls are no measure, nor is an hour.
func rest(x *appDay, now time.Time) int64 {
	const few = 20
	called := func(p *wxnotify.Point) float64 { n, _ := calls(p); return float64(n) }
	used, before, after := called(&x.Today), called(&x.Before), called(&x.After)
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
