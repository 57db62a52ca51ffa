package metrics

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wxnotify/wxnotify"
)

const (
	lookLasts = 2 * time.Second // for all of the database's gauges together
	lookEvery = 5 * time.Second
)

// gauges are read when somebody looks. Two who look at once share the answer.
type gauges struct {
	log  *slog.Logger
	db   Store
	node string
	now  func() wxnotify.Now
	opt  Options
	seen func(app string) // told of every app

	mu   sync.Mutex
	at   time.Time
	last []prometheus.Metric
}

// gaugeDescs are all of them, by name.
var gaugeDescs = func() map[string]*prometheus.Desc {
	all := map[string]*prometheus.Desc{}
	for _, name := range []string{
		"wxnotify_build_info", "wxnotify_queue_messages", "wxnotify_queue_oldest_seconds", "wxnotify_queue_overdue_seconds",
		"wxnotify_permits_free", "wxnotify_users_reachable", "wxnotify_token_expires_seconds", "wxnotify_token_generation", "wxnotify_app_paused",
		"wxnotify_webhook_pending", "wxnotify_webhook_oldest_seconds", "wxnotify_database_up", "wxnotify_database_connections",
		"wxnotify_database_waits_total", "wxnotify_database_wait_seconds_total",
	} {
		all[name] = desc(name)
	}
	return all
}()

// Describe is prometheus.Collector's.
func (g *gauges) Describe(c chan<- *prometheus.Desc) {
	for _, d := range gaugeDescs {
		c <- d
	}
}

// Collect is prometheus.Collector's.
func (g *gauges) Collect(c chan<- prometheus.Metric) {
	for _, m := range g.refresh() {
		c <- m
	}
}

func (g *gauges) refresh() []prometheus.Metric {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.at.IsZero() || time.Since(g.at) >= lookEvery {
		g.last = g.look()
		g.at = time.Now()
	}
	return g.last
}

// A look is one reading under way.
type look struct {
	*gauges
	ctx context.Context
	now wxnotify.Now
	out []prometheus.Metric
}

func (g *gauges) look() []prometheus.Metric {
	ctx, cancel := context.WithTimeout(context.Background(), lookLasts)
	defer cancel()
	l := &look{gauges: g, ctx: ctx, now: g.now()}
	up := 1.0
	err := g.db.Ping(ctx)
	if err != nil {
		up = 0
	} else if err = l.database(); err != nil {
		l.out = nil // half of them would look like the whole
	}
	if err != nil {
		g.log.Warn("metrics cannot be read from the database", "error", err)
	}
	l.set("wxnotify_database_up", up)
	l.set("wxnotify_build_info", 1, g.opt.Version, g.node)
	for pool, s := range g.db.Pools() {
		l.set("wxnotify_database_connections", float64(s.InUse), pool, "in_use")
		l.set("wxnotify_database_connections", float64(s.Idle), pool, "idle")
		l.count("wxnotify_database_waits_total", float64(s.WaitCount), pool)
		l.count("wxnotify_database_wait_seconds_total", s.WaitDuration.Seconds(), pool)
	}
	return l.out
}

func (l *look) set(name string, v float64, labels ...string) {
	l.out = append(l.out, prometheus.MustNewConstMetric(gaugeDescs[name], prometheus.GaugeValue, v, labels...))
}

func (l *look) count(name string, v float64, labels ...string) {
	l.out = append(l.out, prometheus.MustNewConstMetric(gaugeDescs[name], prometheus.CounterValue, v, labels...))
}

func (l *look) database() error {
	apps, err := l.db.Apps(l.ctx)
	if err != nil {
		return err
	}
	for i := range apps {
		l.seen(apps[i].ID)
	}
	if err := l.queue(); err != nil {
		return err
	}
	if err := l.of(apps); err != nil {
		return err
	}
	lags, err := l.db.Lags(l.ctx)
	for _, x := range lags {
		l.set("wxnotify_webhook_pending", float64(x.N), x.App)
		l.set("wxnotify_webhook_oldest_seconds", l.since(x.Oldest), x.App)
	}
	return err
}

// since is how long ago something was, in seconds of real time.
func (l *look) since(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(0, l.now.Real.Sub(t).Seconds())
}

func (l *look) queue() error {
	ds, err := l.db.Depths(l.ctx)
	for _, d := range ds {
		state := string(d.State)
		l.set("wxnotify_queue_messages", float64(d.N), d.App, state)
		l.set("wxnotify_queue_oldest_seconds", l.since(d.Oldest), d.App, state)
		if d.State == wxnotify.Queued || d.State == wxnotify.Sending {
			l.set("wxnotify_queue_overdue_seconds", l.since(d.Due), d.App, state)
		}
	}
	return err
}

// of tells of each registered app what concerns it alone.
func (l *look) of(apps []wxnotify.App) error {
	stocks, err := l.db.Holdings(l.ctx, l.now)
	if err != nil {
		return err
	}
	tokens, err := l.db.Tokens(l.ctx)
	if err != nil {
		return err
	}
	paused, err := l.paused()
	for i := range apps {
		app := apps[i].ID
		l.stock(app, stocks[app])
		t := tokens[app]
		l.set("wxnotify_token_generation", float64(t.Gen), app)
		if !t.ExpiresAt.IsZero() {
			l.set("wxnotify_token_expires_seconds", t.ExpiresAt.Sub(l.now.Virtual).Seconds(), app)
		}
		for scope, n := range paused[app] {
			l.set("wxnotify_app_paused", float64(n), app, scope)
		}
	}
	return err
}

// paused counts what is paused, by app and scope.
func (l *look) paused() (map[string]map[string]int, error) {
	ps, err := l.db.Pauses(l.ctx, "")
	all := map[string]map[string]int{}
	for _, p := range ps {
		if p.Until.IsZero() || p.Until.After(l.now.Real) {
			if all[p.App] == nil {
				all[p.App] = map[string]int{}
			}
			all[p.App][scope(p.Scope)]++
		}
	}
	return all, err
}

// scope takes templates together: there may be many.
func scope(s string) string {
	switch s {
	case "all", string(wxnotify.ChannelTemplate), string(wxnotify.ChannelSubscribe), string(wxnotify.Form), string(wxnotify.Payment):
		return s
	}
	return "template_id"
}

func (l *look) stock(app string, h wxnotify.Holding) {
	type key struct{ source, days string }
	sums := map[key]int64{}
	for _, lot := range h.Lots {
		days := "none"
		if n := lot.Days(l.now.Virtual); n >= 0 {
			days = strconv.Itoa(n)
		}
		sums[key{string(lot.Source), days}] += lot.N
	}
	for k, n := range sums {
		l.set("wxnotify_permits_free", float64(n), app, k.source, k.days)
	}
	if !h.UsersAt.IsZero() {
		l.set("wxnotify_users_reachable", float64(h.Users), app)
	}
}
