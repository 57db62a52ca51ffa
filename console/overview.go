package console

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
)

// overviewPage is the first look: how the day goes, what happened over the
// range, what is under way, what stands still, what needs attention, and what
// came last. It reads sums, and of rows only the newest.
type overviewPage struct {
	*frame
	Ranges  []string
	Range   string // the one that was chosen; "": from and to were
	From    time.Time
	Until   time.Time
	Live    bool // the range ends now
	Numbers []number
	Counts  []stateCount
	Oldest  time.Duration // how long the oldest queued message has been there
	Soon    wxnotify.Leaving
	Ending  int64 // permits that end today
	Plots   map[string]plot
	Quotas  []quota
	Others  int // apps whose quota is not shown
	Pauses  []wxnotify.Pause
	Groups  []causeRow
	Partial int // the newest so many were grouped; 0: all
	Rows    []row
}

// A number stands in the first line of a page, and leads to what it counts.
type number struct {
	Key   string // its words
	Value string
	Unit  string
	Note  string // beside it
	Rows  string // address of what the note tells of; "": it tells of no rows
	Up    int    // above zero: the note is good news; below: bad
	Link  string
	Spark string
	Tone  string
	Parts []part
}

// A part of a number leads to rows of its own.
type part struct{ Name, Value, Link string }

// A stateCount is how many messages stand in a state that does not last.
type stateCount struct {
	State wxnotify.State
	N     int64
}

const (
	overviewRows  = 10
	overviewCause = 6
	overviewOpen  = 500 // messages of a state that are grouped
	overviewRange = "24h"
	objective     = 99 // percent of messages that WeChat is to take
)

var underWay = []wxnotify.State{wxnotify.Queued, wxnotify.Sending, wxnotify.Unsure, wxnotify.Waiting, wxnotify.Scheduled}

// GET /console/
func (d *Door) overview(c *call) (any, error) {
	p := overviewPage{frame: c.frame, Ranges: ranges, Plots: map[string]plot{}}
	known, err := d.templates(c, c.App)
	if err != nil {
		return nil, err
	}
	ms, _, err := d.Reader.Messages(c.ctx(), wxnotify.MessageFilter{App: c.App, Limit: overviewRows})
	if err != nil {
		return nil, err
	}
	p.Rows = c.rows(ms, known)
	if p.Pauses, err = d.pauses(c); err != nil {
		return nil, err
	}
	if p.Groups, p.Partial, err = d.causes(c, known, overviewOpen); err != nil {
		return nil, err
	}
	p.Groups = p.Groups[:min(len(p.Groups), overviewCause)]
	return p, d.sums(c, &p)
}

// sums fills in all that is counted.
func (d *Door) sums(c *call, p *overviewPage) error {
	f, err := p.choose(c)
	if err != nil {
		return err
	}
	points, err := d.rangeSeries(c, f)
	if err != nil {
		return err
	}
	depths, err := d.Reader.Depths(c.ctx())
	if err != nil {
		return err
	}
	waiting := p.depths(c, depths)
	if since := c.Now.Virtual.Add(time.Minute).Sub(p.Until); since > 0 && !p.Live {
		// what came after the range tells what was under way at its end
		later, err := d.Reader.Series(c.ctx(), wxnotify.SeriesFilter{App: c.App, From: p.Until, To: p.Until.Add(since), Step: since})
		if err != nil {
			return err
		}
		waiting -= moved(&later[0])
	}
	held, err := d.Reader.Holding(c.ctx(), c.Now, c.App)
	if err != nil {
		return err
	}
	days, err := d.days(c)
	if err != nil {
		return err
	}
	p.Quotas = c.quotas(days)
	if c.App == "" {
		p.Others = len(c.Apps) - len(days)
	}
	day, err := d.together(c, days)
	if err != nil {
		return err
	}
	p.numbers(c, points, &day.Today, &day.Before, &held)
	p.plots(c, f, points, waiting)
	p.Plots["stock"] = c.stockPlot(&held)
	for _, l := range held.Leaving {
		if l.Ends.Equal(wxnotify.Day(c.Now.Virtual)) {
			p.Soon = l
		}
	}
	for _, l := range held.Lots {
		if l.Days(c.Now.Virtual) == 0 {
			p.Ending += l.N
		}
	}
	return nil
}

// choose reads the range from the address. One that cannot be is a day until now.
func (p *overviewPage) choose(c *call) (wxnotify.SeriesFilter, error) {
	now := c.Now.Virtual
	f := wxnotify.SeriesFilter{App: c.App}
	if f.From, f.To = span(c.query, now); c.Q("from") != "" && f.From.Before(f.To) {
		f.Step = stepFor(f.To.Sub(f.From), 168, time.Minute)
		if fit, err := f.Fit(now); err == nil {
			p.From, p.Until = fit.From, fit.To
			return fit, nil
		}
	}
	if p.Range = c.Q("range"); rangeLasts[p.Range] == 0 {
		p.Range = overviewRange
	}
	p.Live = true
	last := rangeLasts[p.Range]
	f = wxnotify.SeriesFilter{App: c.App, From: now.Add(-last), Step: stepFor(last, 168, time.Minute)}
	f, err := f.Fit(now)
	p.From, p.Until = f.From, f.To
	return f, err
}

// rows is the address of messages of the range, as the pairs say: of its whole
// steps, as they are counted.
func (p *overviewPage) rows(pairs ...any) string {
	return p.frame.To("/messages", append(pairs, "from", p.From.Unix(), "to", p.Until.Unix())...)
}

// depths counts what is under way, and returns all of it.
func (p *overviewPage) depths(c *call, ds []wxnotify.Depth) (all int64) {
	n := map[wxnotify.State]int64{}
	for _, x := range ds {
		if c.App != "" && c.App != x.App {
			continue
		}
		n[x.State] += x.N
		all += x.N
		if x.State == wxnotify.Queued && x.N > 0 {
			p.Oldest = max(p.Oldest, c.Now.Real.Sub(x.Oldest))
		}
	}
	for _, s := range underWay {
		p.Counts = append(p.Counts, stateCount{s, n[s]})
	}
	return all
}

// moved is by how much more messages are under way after a point than before.
func moved(p *wxnotify.Point) (n int64) {
	n = p.Accepted
	for _, k := range p.Ended {
		n -= k
	}
	return n
}

func (p *overviewPage) numbers(c *call, points []wxnotify.Point, today, before *wxnotify.Point, held *wxnotify.Holding) {
	var all wxnotify.Point
	for i := range points {
		all.Add(points[i])
	}
	day := wxnotify.Day(c.Now.Virtual)
	sent := number{Key: "sent_today", Value: c.N(today.Of(wxnotify.GroupTaken)), Tone: "ok", Spark: spark(of(points, group(wxnotify.GroupTaken))),
		Link: c.To("/messages", "by", byRest, "state", wxnotify.GroupTaken, "from", day.Unix())}
	if was := before.Of(wxnotify.GroupTaken); was > 0 {
		part := 100 * float64(today.Of(wxnotify.GroupTaken)-was) / float64(was)
		sent.Note, sent.Up = c.T("vs_yesterday", "n", signed(part)), sign(part)
		sent.Rows = c.To("/messages", "by", byRest, "state", wxnotify.GroupTaken, "from", day.Add(-24*time.Hour).Unix(), "to", soFar(c.Now.Virtual).Unix())
	}
	success := number{Key: "success", Value: "–", Tone: "ok", Spark: spark(of(points, percentOf)), Link: p.rows("by", byRest, "state", wxnotify.GroupTried)}
	if part, ok := all.Success(); ok {
		success.Value, success.Unit = strconv.FormatFloat(100*part, 'f', 2, 64), "%"
		success.Up = sign(100*part - objective)
	}
	success.Note = c.T("objective", "n", objective)
	if n := all.Of(wxnotify.GroupMissed); n > 0 {
		success.Parts = []part{{c.T("missed_n", "n", c.N(n)), "", p.rows("by", byRest, "state", wxnotify.GroupMissed)}}
	}
	latency := number{Key: "latency", Value: "–", Tone: "info", Spark: spark(of(points, latencyOf(.95))), Link: p.rows("answer", 0)}
	if mid, ok := all.Latency.Quantile(.5); ok {
		p95, _ := all.Latency.Quantile(.95)
		p99, _ := all.Latency.Quantile(.99)
		latency.Value, latency.Unit = apart(c.Span(p95))
		latency.Note = "p50 " + c.Span(mid) + " · p99 " + c.Span(p99)
	}
	depth := number{Key: "depth", Tone: "info", Link: c.To("/messages", "state", wxnotify.GroupMoving)}
	depth.Value = c.N(p.Counts[0].N + p.Counts[1].N + p.Counts[2].N)
	if depth.Note = c.T("depth_none"); p.Oldest > 0 {
		depth.Note, depth.Rows = c.T("oldest", "t", c.Span(p.Oldest)), c.To("/messages", "state", wxnotify.Queued)
	}
	permits := number{Key: "permits", Tone: "teal", Link: c.To("/permits", "state", wxnotify.PermitFree), Value: c.N(free(held))}
	if !held.UsersAt.IsZero() {
		permits.Parts = []part{{c.T("reachable_n", "n", c.N(held.Users)), "", c.To("/users")}}
	}
	lost := number{Key: "no_permit", Value: c.N(all.Of(wxnotify.GroupLost)), Tone: "mut", Spark: spark(of(points, group(wxnotify.GroupLost))),
		Link: p.rows("by", byRest, "state", wxnotify.GroupLost)}
	if all.Accepted > 0 {
		lost.Note, lost.Rows = c.T("of_accepted", "n", strconv.FormatFloat(100*float64(all.Of(wxnotify.GroupLost))/float64(all.Accepted), 'f', 1, 64)), p.rows()
	}
	if n := all.For(wxnotify.ReasonRefusedByUser); n > 0 {
		lost.Parts = []part{{c.T("of_them_refused", "n", c.N(n)), "", p.rows("by", byRest, "reason", wxnotify.ReasonRefusedByUser)}}
	}
	p.Numbers = []number{sent, success, latency, depth, permits, lost}
}

// group counts what came to rest as one of a group.
func group(g wxnotify.Group) func(*wxnotify.Point) float64 {
	return func(p *wxnotify.Point) float64 { return float64(p.Of(g)) }
}

// free is how many permits there are that each carry one message more.
func free(h *wxnotify.Holding) (n int64) {
	for _, s := range sources {
		n += h.Free(s)
	}
	return n
}

func percentOf(p *wxnotify.Point) float64 {
	part, ok := p.Success()
	if !ok {
		return math.NaN()
	}
	return 100 * part
}

// latencyOf is a quantile in milliseconds.
func latencyOf(q float64) func(*wxnotify.Point) float64 {
	return func(p *wxnotify.Point) float64 {
		d, ok := p.Latency.Quantile(q)
		if !ok {
			return math.NaN()
		}
		return float64(d.Microseconds()) / 1000
	}
}

func sign(v float64) int {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

func signed(v float64) string {
	if v >= 0 {
		return "+" + strconv.FormatFloat(v, 'f', 1, 64) + "%"
	}
	return "−" + strconv.FormatFloat(-v, 'f', 1, 64) + "%"
}

// plots draws what happened over the range. waiting is what was under way at
// its end: going back from there, each step takes away what came in and puts
// back what came to rest.
func (p *overviewPage) plots(c *call, f wxnotify.SeriesFilter, points []wxnotify.Point, waiting int64) {
	rested := c.To("/messages", "by", byRest)
	begin := func(kind, link string) plot { return timed(kind, link, points, f.Step) }

	flow := begin("bars", rested)
	flow.add(true, line{c.Word("state", wxnotify.GroupTaken), "ok", of(points, group(wxnotify.GroupTaken)), "state=taken"})
	flow.add(true, line{c.Word("state", wxnotify.Failed), "bad", of(points, func(x *wxnotify.Point) float64 { return float64(x.In(wxnotify.Failed) - x.Of(wxnotify.GroupLost)) }), "state=failed&group=missed"})
	flow.add(false, line{c.Word("state", wxnotify.Unknown), "warn", in(points, wxnotify.Unknown), "state=unknown"})
	flow.add(false, line{c.Word("state", wxnotify.Expired), "viol", in(points, wxnotify.Expired), "state=expired"})
	flow.add(false, line{c.Word("state", wxnotify.Canceled), "info", in(points, wxnotify.Canceled), "state=canceled"})
	flow.add(false, line{c.Word("reason", wxnotify.ReasonNoPermit), "mut", of(points, func(x *wxnotify.Point) float64 { return float64(x.For(wxnotify.ReasonNoPermit)) }), "state=failed&reason=no_permit"})
	flow.add(false, line{c.Word("reason", wxnotify.ReasonRefusedByUser), "teal", of(points, func(x *wxnotify.Point) float64 { return float64(x.For(wxnotify.ReasonRefusedByUser)) }), "state=failed&reason=refused_by_user"})

	success := begin("lines", rested)
	success.Unit, success.Target = "%", objective
	success.add(true, line{c.T("success"), "ok", of(points, percentOf), "state=tried"})

	latency := begin("lines", c.To("/messages", "answer", 0))
	latency.Unit, latency.Log = " ms", true
	for _, q := range []struct {
		name, tone string
		q          float64
	}{{"p50", "ok", .5}, {"p95", "info", .95}, {"p99", "viol", .99}} {
		latency.add(true, line{q.name, q.tone, of(points, latencyOf(q.q)), ""})
	}

	depth := begin("lines", c.To("/messages"))
	depth.Area, depth.At = true, make([]string, len(points))
	left := make([]value, len(points))
	for i := len(points) - 1; i >= 0; i-- {
		left[i] = value(max(waiting, 0))
		waiting -= moved(&points[i])
		depth.At[i] = "at=" + strconv.FormatInt(points[i].At.Add(f.Step).Unix(), 10)
	}
	depth.add(true, line{c.T("under_way"), "info", left, ""})

	p.Plots["flow"], p.Plots["success"], p.Plots["latency"], p.Plots["depth"] = flow, success, latency, depth
	p.Plots["errors"] = p.errors(c, f, points)
	p.Numbers[3].Spark = spark(left)
	p.Numbers[4].Spark = spark(of(points, func(x *wxnotify.Point) float64 { return total(x.Created) }))
}

func in(ps []wxnotify.Point, s wxnotify.State) []value {
	return of(ps, func(x *wxnotify.Point) float64 { return float64(x.In(s)) })
}

func total[K comparable](m map[K]int64) (n float64) {
	for _, k := range m {
		n += float64(k)
	}
	return n
}

// errorLines is how many errcodes have a colour of their own.
const errorLines = 5

// errors are the answers other than "taken", by the hour where the range is a day.
func (p *overviewPage) errors(c *call, f wxnotify.SeriesFilter, points []wxnotify.Point) plot {
	wide := f
	wide.Step = stepFor(f.To.Sub(f.From)-f.Step, 31, f.Step)
	if fit, err := wide.Fit(c.Now.Virtual); err == nil {
		wide = fit
	} else {
		wide.Step = f.Step
	}
	points = coarser(points, wide)
	sums := map[string]int64{}
	for i := range points {
		for said, n := range points[i].Answers {
			if said != "0" && said != string(wxnotify.Inferred) {
				sums[said] += n
			}
		}
	}
	names := make([]string, 0, len(sums))
	for said := range sums {
		names = append(names, said)
	}
	slices.SortFunc(names, func(a, b string) int {
		if n := sums[b] - sums[a]; n != 0 {
			return int(n)
		}
		return compare(a, b)
	})
	out := timed("bars", c.To("/messages", "answer", strings.Join(names, ",")), points, wide.Step)
	for i := range points { // the first and the last may stick out of the range
		from, to := points[i].At, points[i].At.Add(wide.Step)
		if from.Before(f.From) {
			from = f.From
		}
		if to.After(f.To) {
			to = f.To
		}
		out.At = append(out.At, "from="+strconv.FormatInt(from.Unix(), 10)+"&to="+strconv.FormatInt(to.Unix(), 10))
	}
	tones := [errorLines]string{"bad", "warn", "info", "viol", "teal"}
	for i, said := range names[:min(len(names), errorLines)] {
		out.add(true, line{c.answerName(said), tones[i], of(points, func(x *wxnotify.Point) float64 { return float64(x.Answers[said]) }), "answer=" + said})
	}
	if len(names) > errorLines {
		out.add(true, line{c.T("other_codes"), "mut", of(points, func(x *wxnotify.Point) float64 {
			n := int64(0)
			for _, said := range names[errorLines:] {
				n += x.Answers[said]
			}
			return float64(n)
		}), "answer=" + strings.Join(names[errorLines:], ",")})
	}
	return out
}

// answerName is what people call a key of Point.Answers.
func (c *call) answerName(said string) string {
	if _, err := strconv.Atoi(said); err == nil {
		return said
	}
	return c.Word("outcome", said)
}

// Step is the length of the plots' steps.
func (p overviewPage) Step() string { return p.stepName(p.Plots["flow"].Step) }

// ErrorStep is the length of the steps of the plot of errors.
func (p overviewPage) ErrorStep() string { return p.stepName(p.Plots["errors"].Step) }

func (f *frame) stepName(seconds int64) string {
	switch {
	case seconds >= 24*3600:
		return f.T("step_days", "n", seconds/(24*3600))
	case seconds >= 3600:
		return f.T("step_hours", "n", seconds/3600)
	}
	return f.T("step_minutes", "n", seconds/60)
}

// Objective is the percentage that Success is held against.
func (p overviewPage) Objective() int { return objective }

// Today is this day in UTC+8, as addresses name it.
func (p overviewPage) Today() string { return dayText(wxnotify.Day(p.Now.Virtual)) }
