package console

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
)

// A plot is what plot.js draws. A point leads to exactly the rows that it
// counts: to Link, with the series' With, and with the point's At or its bounds
// of time. A place of no series leads to those of all of them.
type plot struct {
	Kind   string   `json:"kind"` // bars, which are stacked, or lines
	X      []int64  `json:"x"`    // seconds; with labels their numbers
	Step   int64    `json:"step,omitempty"`
	Labels []string `json:"labels,omitempty"`
	At     []string `json:"at,omitempty"` // part of an address, in the place of the bounds of time
	Series []line   `json:"series"`
	Unit   string   `json:"unit,omitempty"`
	Link   string   `json:"link"`
	Zoom   bool     `json:"zoom,omitempty"`
	Target float64  `json:"target,omitempty"` // 0: none
	Log    bool     `json:"log,omitempty"`
	Area   bool     `json:"area,omitempty"`
}

type line struct {
	Name   string  `json:"name"`
	Tone   string  `json:"tone"`
	Values []value `json:"values"`
	With   string  `json:"with,omitempty"` // part of an address
}

// A value is a number of a plot; NaN where there is none.
type value float64

// MarshalJSON writes what the eye can tell apart.
func (v value) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(v)) {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, math.Round(float64(v)*1000)/1000, 'f', -1, 64), nil
}

// JSON is the plot for its element.
func (p plot) JSON() string {
	b, err := json.Marshal(p)
	if err != nil {
		return ""
	}
	return string(b)
}

// some says whether there is anything to see in the line.
func (l line) some() bool {
	return slices.ContainsFunc(l.Values, func(v value) bool { return v != 0 && !math.IsNaN(float64(v)) })
}

// timed begins a plot over the steps of a series.
func timed(kind, link string, ps []wxnotify.Point, step time.Duration) plot {
	p := plot{Kind: kind, Link: link, Step: int64(step / time.Second), Zoom: true, Series: []line{}}
	for i := range ps {
		p.X = append(p.X, ps[i].At.Unix())
	}
	return p
}

// of is a line of one number of each point.
func of(ps []wxnotify.Point, f func(*wxnotify.Point) float64) []value {
	out := make([]value, len(ps))
	for i := range ps {
		out[i] = value(f(&ps[i]))
	}
	return out
}

// add adds a line; one that shows nothing only if it belongs there always.
func (p *plot) add(always bool, l line) {
	if always || l.some() {
		p.Series = append(p.Series, l)
	}
}

// coarser puts points together to longer steps, which begin where f does.
func coarser(ps []wxnotify.Point, f wxnotify.SeriesFilter) []wxnotify.Point {
	out := make([]wxnotify.Point, f.Points())
	for i := range out {
		out[i].At = f.From.Add(time.Duration(i) * f.Step)
	}
	for i := range ps {
		if k := int(ps[i].At.Sub(f.From) / f.Step); k >= 0 && k < len(out) {
			out[k].Add(ps[i])
		}
	}
	return out
}

// spark is a small line without axes, as the path of an SVG of 100 by 22.
func spark(vs []value) string {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range vs {
		if f := float64(v); !math.IsNaN(f) {
			low, high = min(low, f), max(high, f)
		}
	}
	if high <= low {
		return ""
	}
	var b strings.Builder
	pen := "M"
	for i, v := range vs {
		if math.IsNaN(float64(v)) {
			continue
		}
		b.WriteString(pen)
		b.WriteString(strconv.FormatFloat(float64(i)*100/float64(len(vs)-1), 'f', 1, 64))
		b.WriteByte(' ')
		b.WriteString(strconv.FormatFloat(20-18*(float64(v)-low)/(high-low), 'f', 1, 64))
		pen = "L"
	}
	return b.String()
}

// plotSteps are the steps of plots: by 10 minutes for a day, by the hour for a week.
var plotSteps = []time.Duration{
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// stepFor is the shortest step with at most most points in a span, and whole
// steps of the finer one.
func stepFor(span time.Duration, most int, finer time.Duration) time.Duration {
	for _, s := range plotSteps {
		if span <= time.Duration(most)*s && s%finer == 0 {
			return s
		}
	}
	return plotSteps[len(plotSteps)-1]
}
