package api

import (
	"strconv"
	"time"

	"github.com/wxnotify/wxnotify"
)

// Stats are what happened, step by step, for plots.
type Stats struct {
	App    *string      `json:"app" doc:"null: every app."`
	From   time.Time    `json:"from" doc:"The beginning of the first step."`
	To     time.Time    `json:"to" doc:"The end of the last step."`
	Step   int64        `json:"step_seconds" doc:"Length of a step. Where from is more than two days ago it is whole hours."`
	Points []StatsPoint `json:"points" doc:"One for each step, also where nothing happened."`
	Total  StatsPoint   `json:"total" doc:"All points together."`
}

// A StatsPoint is what happened in one step. What did not happen is left out.
type StatsPoint struct {
	At       time.Time                   `json:"at" doc:"The beginning of the step."`
	Accepted int64                       `json:"accepted" doc:"Messages."`
	Ended    map[string]int64            `json:"ended,omitempty" doc:"Messages at rest by state. A message counts once, as what it is now, in the step in which it became that: one that is delivered is no longer among the sent."`
	Reasons  map[string]map[string]int64 `json:"reasons,omitempty" doc:"The failed, expired, canceled and unknown among them by state and reason; no_permit and refused_by_user are those that no permit was there for."`
	Errcodes map[string]int64            `json:"errcodes,omitempty" doc:"Calls to WeChat by errcode, \"0\" if it took the message; without an errcode: lost, not_sent or inferred."`
	Latency  *StatsLatency               `json:"latency,omitempty" doc:"From accept, or from send_at where that is later, to WeChat's errcode 0."`
	Created  map[string]int64            `json:"permits_created,omitempty" doc:"By source."`
	Used     map[string]int64            `json:"permits_used,omitempty" doc:"By source."`
	Dead     map[string]map[string]int64 `json:"permits_dead,omitempty" doc:"By source and cause."`
}

// A StatsLatency is how long sends took.
type StatsLatency struct {
	Count   int64   `json:"count"`
	P50     float64 `json:"p50_ms" doc:"Estimated from the buckets, as the others."`
	P95     float64 `json:"p95_ms"`
	P99     float64 `json:"p99_ms"`
	Buckets []int64 `json:"buckets" doc:"Sends that took less than 4 ms, 8 ms, 16 ms and so on, each without those before; the 15th ends at 65.5 s, the 16th has the rest."`
}

// GET /v1/stats
func (d *Door) stats(c *call) (answer, error) {
	from, err1 := c.query.time("from")
	to, err2 := c.query.time("to")
	step, err3 := c.query.span("step")
	app, err4 := d.appFilter(c)
	if err := firstError(err1, err2, err3, err4); err != nil {
		return answer{}, err
	}
	f, err := wxnotify.SeriesFilter{App: app, From: from, To: to, Step: step}.Fit(c.now.Virtual)
	if err != nil {
		return answer{}, err
	}
	points, err := d.Reader.Series(c.Context(), f)
	if err != nil {
		return answer{}, err
	}
	out := Stats{App: null(app), From: f.From, To: f.To, Step: int64(f.Step / time.Second), Points: make([]StatsPoint, len(points))}
	total := wxnotify.Point{At: f.From}
	for i := range points {
		out.Points[i] = showPoint(&points[i])
		total.Add(points[i])
	}
	out.Total = showPoint(&total)
	return ok(out)
}

func showPoint(p *wxnotify.Point) StatsPoint {
	out := StatsPoint{At: p.At, Accepted: p.Accepted, Errcodes: p.Answers, Created: words(p.Created), Used: words(p.Used)}
	for e, n := range p.Ended {
		wxnotify.Tally(&out.Ended, string(e.State), n)
		if e.Reason != "" {
			tally2(&out.Reasons, string(e.State), string(e.Reason), n)
		}
	}
	for x, n := range p.Dead {
		tally2(&out.Dead, string(x.Source), string(x.Cause), n)
	}
	if n := p.Latency.Count(); n > 0 {
		out.Latency = &StatsLatency{Count: n, P50: quantile(p, 0.5), P95: quantile(p, 0.95), P99: quantile(p, 0.99), Buckets: p.Latency[:]}
	}
	return out
}

// quantile is one of a point in milliseconds.
func quantile(p *wxnotify.Point, q float64) float64 {
	d, _ := p.Latency.Quantile(q)
	return float64(d.Microseconds()) / 1000
}

func words[K ~string](m map[K]int64) (out map[string]int64) {
	for k, n := range m {
		wxnotify.Tally(&out, string(k), n)
	}
	return out
}

func tally2(m *map[string]map[string]int64, a, b string, n int64) {
	if *m == nil {
		*m = map[string]map[string]int64{}
	}
	inner := (*m)[a]
	wxnotify.Tally(&inner, b, n)
	(*m)[a] = inner
}

// span reads a length of time: seconds, or a number with s, m, h or d; zero
// when it is left out.
func (q query) span(name string) (time.Duration, error) {
	s, ok := q[name]
	if !ok {
		return 0, nil
	}
	unit := time.Second
	if n := len(s); n > 1 {
		switch s[n-1] {
		case 's':
			s = s[:n-1]
		case 'm':
			s, unit = s[:n-1], time.Minute
		case 'h':
			s, unit = s[:n-1], time.Hour
		case 'd':
			s, unit = s[:n-1], 24*time.Hour
		}
	}
	n, err := strconv.ParseUint(s, 10, 32)
	switch {
	case err != nil:
		return 0, wxnotify.RefuseField(wxnotify.TypeMismatch, name, "seconds are meant here, or a number with s, m, h or d, such as 5m")
	case n == 0 || n > uint64(400*24*time.Hour/unit):
		return 0, wxnotify.RefuseField(wxnotify.OutOfRange, name, "a time from 1 minute to 31 days is meant here")
	}
	return time.Duration(n) * unit, nil
}
