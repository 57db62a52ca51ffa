// Package metrics is what Prometheus sees of a node.
//
// Counters live in memory and begin anew with the process: the rooms tell of
// what they did through small hooks that server wires, and know nothing of
// Prometheus. What was written is told by the store after its commit, so a
// counter counts what is durable, once, on the node that wrote it; only a commit
// whose result is unknown is not counted.
//
// Gauges are read from the database when somebody looks, within two seconds and
// at most every five, through the pool for reading: sending never waits for
// them. They cost a statement for each table, however many apps there are. While
// the database is away they are missing, and wxnotify_database_up is 0.
//
// Labels are bounded: apps that are registered, states and reasons of ours,
// endpoints of ours, errcodes of the table. No openid, no message and no secret
// is ever one.
package metrics

import (
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/wxnotify/wxnotify"
)

// Store is what gauges are read from.
type Store interface {
	Ping(ctx context.Context) error
	Apps(ctx context.Context) ([]wxnotify.App, error)
	Depths(ctx context.Context) ([]wxnotify.Depth, error)
	Lags(ctx context.Context) ([]wxnotify.Lag, error)
	// Holdings and Tokens tell of all apps, by app; Tokens without the values.
	Holdings(ctx context.Context, now wxnotify.Now) (map[string]wxnotify.Holding, error)
	Tokens(ctx context.Context) (map[string]wxnotify.Token, error)
	// Pauses of "" are those of all apps.
	Pauses(ctx context.Context, app string) ([]wxnotify.Pause, error)
	Pools() map[string]sql.DBStats
}

// Options of a Metrics.
type Options struct {
	Version string
	Known   func(errcode int) bool // whether an errcode may be a label; nil: only 0
}

// A Call is one call to WeChat.
type Call struct {
	App      string
	Endpoint string
	Outcome  wxnotify.Outcome // the zero Kind: it was passed on
	Took     time.Duration
}

// A Metrics is what is known of one node. Its hooks are quick and may be called
// by any goroutine.
type Metrics struct {
	log      *slog.Logger
	opt      Options
	registry *prometheus.Registry

	accepted, messages, permits, requests, contention *prometheus.CounterVec
	took                                              *prometheus.HistogramVec
	latency                                           latencies
	gauges                                            *gauges // nil before Watch
}

// New makes a Metrics that counts. Gauges come with Watch.
func New(log *slog.Logger, opt Options) *Metrics {
	m := &Metrics{log: log, opt: opt, registry: prometheus.NewRegistry()}
	m.accepted = m.counter("wxnotify_messages_accepted_total")
	m.messages = m.counter("wxnotify_messages_total")
	m.permits = m.counter("wxnotify_permits_total")
	m.requests = m.counter("wxnotify_wechat_requests_total")
	m.contention = m.counter("wxnotify_token_contention_total")
	line := find("wxnotify_wechat_request_seconds")
	m.took = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: line.Name, Help: line.En, Buckets: []float64{.005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10},
	}, line.Labels)
	m.registry.MustRegister(m.took, &m.latency, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Watch adds the gauges, of the node that has this name in this database. Once.
func (m *Metrics) Watch(db Store, node string, now func() wxnotify.Now) {
	m.gauges = &gauges{log: m.log, db: db, node: node, now: now, opt: m.opt, seen: m.begin}
	m.registry.MustRegister(m.gauges)
}

// begin starts the counters of an app that alerts watch at 0: the increase of a
// series that is born with its first event does not show that event.
func (m *Metrics) begin(app string) {
	m.messages.WithLabelValues(app, string(wxnotify.Unknown), string(wxnotify.ReasonUnresolved))
	m.contention.WithLabelValues(app)
}

func (m *Metrics) counter(name string) *prometheus.CounterVec {
	line := find(name)
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: line.Name, Help: line.En}, line.Labels)
	m.registry.MustRegister(v)
	return v
}

// Handler serves GET /metrics. Who may read it is the caller's business.
func (m *Metrics) Handler() http.Handler {
	h := promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(m.log.Handler(), slog.LevelWarn), ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4,
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.gauges != nil {
			m.gauges.refresh() // new apps' counters are to be in this answer
		}
		h.ServeHTTP(w, r)
	})
}

// Wrote takes in what a transaction of this node has just made durable.
func (m *Metrics) Wrote(app string, p wxnotify.Point) {
	if p.Accepted > 0 {
		m.accepted.WithLabelValues(app).Add(float64(p.Accepted))
	}
	for e, n := range p.Ended {
		m.messages.WithLabelValues(app, string(e.State), string(e.Reason)).Add(float64(n))
	}
	for source, n := range p.Created {
		m.permits.WithLabelValues(app, string(source), "created", "").Add(float64(n))
	}
	for source, n := range p.Used {
		m.permits.WithLabelValues(app, string(source), "used", "").Add(float64(n))
	}
	for d, n := range p.Dead {
		m.permits.WithLabelValues(app, string(d.Source), "dead", string(d.Cause)).Add(float64(n))
	}
	m.latency.add(app, p.Latency)
}

// Called takes in a call to WeChat.
func (m *Metrics) Called(c Call) {
	m.requests.WithLabelValues(c.App, c.Endpoint, m.errcode(c.Outcome)).Inc()
	m.took.WithLabelValues(c.App, c.Endpoint).Observe(c.Took.Seconds())
}

func (m *Metrics) errcode(o wxnotify.Outcome) string {
	switch {
	case o.Said && (o.Errcode == 0 || m.opt.Known != nil && m.opt.Known(o.Errcode)):
		return strconv.Itoa(o.Errcode)
	case o.Said:
		return "other"
	case o.Kind == "":
		return "passed"
	}
	return string(o.Kind)
}

// Contention takes in that somebody else fetches an app's tokens.
func (m *Metrics) Contention(app string) { m.contention.WithLabelValues(app).Inc() }
