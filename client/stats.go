package client

import (
	"context"
	"net/url"
	"strconv"
	"time"
)

// A StatsFilter says which sums to read.
type StatsFilter struct {
	App  string        // "": every app that the key may see
	From time.Time     // zero: a day before To
	To   time.Time     // zero: now
	Step time.Duration // whole minutes; 0: one that makes at most 300 points
}

// Stats are what happened, step by step.
type Stats struct {
	App    string       `json:"app"` // "": every app
	From   time.Time    `json:"from"`
	To     time.Time    `json:"to"`
	Step   int64        `json:"step_seconds"`
	Points []StatsPoint `json:"points"` // one for each step, also where nothing happened
	Total  StatsPoint   `json:"total"`
}

// A StatsPoint is what happened in one step. A message counts once as accepted
// and once as what it came to, in the step in which it became that.
type StatsPoint struct {
	At       time.Time                   `json:"at"` // the step's beginning
	Accepted int64                       `json:"accepted"`
	Ended    map[string]int64            `json:"ended"`    // by state
	Reasons  map[string]map[string]int64 `json:"reasons"`  // by state and reason
	Errcodes map[string]int64            `json:"errcodes"` // calls to WeChat: "0", "41028", …, lost, not_sent, inferred
	Latency  *StatsLatency               `json:"latency"`  // nil: nothing was sent
	Created  map[string]int64            `json:"permits_created"`
	Used     map[string]int64            `json:"permits_used"`
	Dead     map[string]map[string]int64 `json:"permits_dead"` // by source and cause
}

// A StatsLatency is how long sends took, from accept or send_at to WeChat's answer.
type StatsLatency struct {
	Count   int64   `json:"count"`
	P50     float64 `json:"p50_ms"`
	P95     float64 `json:"p95_ms"`
	P99     float64 `json:"p99_ms"`
	Buckets []int64 `json:"buckets"` // below 4 ms, 8 ms, 16 ms …, each without those before; the last has the rest
}

// Stats reads what happened: at most 1000 points.
func (c *Client) Stats(ctx context.Context, f StatsFilter) (s Stats, err error) {
	q := url.Values{}
	set := func(name, value string, has bool) {
		if has {
			q.Set(name, value)
		}
	}
	set("app", f.App, f.App != "")
	set("from", f.From.Format(time.RFC3339Nano), !f.From.IsZero())
	set("to", f.To.Format(time.RFC3339Nano), !f.To.IsZero())
	set("step", strconv.FormatInt(int64(f.Step/time.Second), 10), f.Step != 0)
	return s, c.get(ctx, "/v1/stats", q, &s)
}

// A Stock is what users have given and has not been used.
type Stock struct {
	App       string           `json:"app"`     // "": every app
	Permits   map[string]int64 `json:"permits"` // free ones by source
	Expiry    []StockDay       `json:"expiry"`
	Templates []StockTemplate  `json:"templates"` // free subscriptions
	Users     *int64           `json:"users"`     // who can be reached; nil: not counted yet
	UsersAt   time.Time        `json:"users_at"`  // when they were counted
}

// A StockDay is free permits that end on one day.
type StockDay struct {
	Source string `json:"source"`
	Days   *int   `json:"days"`    // 0: today, in UTC+8; nil: never
	EndsOn string `json:"ends_on"` // 2026-03-11; "": never
	Free   int64  `json:"free"`
}

// A StockTemplate is free permits for one template.
type StockTemplate struct {
	TemplateID string `json:"template_id"`
	Source     string `json:"source"`
	Free       int64  `json:"free"`
}

// Stock reads what is in stock; app may be empty for every app that the key may see.
func (c *Client) Stock(ctx context.Context, app string) (s Stock, err error) {
	return s, c.get(ctx, "/v1/stock", appQuery(app), &s)
}
