package metrics_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/metrics"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// A shelf is a store that has one of everything, or is away, or too slow to read.
type shelf struct {
	away, slow bool
	apps       int  // beside the one that has something
	asked      *int // counts what is asked; nil: nobody wants to know
}

const app = "wx0000000000000001"

func (s shelf) ask() {
	if s.asked != nil {
		*s.asked++
	}
}

func (s shelf) Ping(context.Context) error {
	if s.away {
		return errors.New("away")
	}
	return nil
}

func (s shelf) Apps(context.Context) ([]wxnotify.App, error) {
	s.ask()
	if s.slow {
		return nil, context.DeadlineExceeded
	}
	apps := make([]wxnotify.App, s.apps, s.apps+1)
	for i := range apps {
		apps[i].ID = fmt.Sprintf("wx1%015d", i)
	}
	return append(apps, wxnotify.App{ID: app}), nil
}

func (s shelf) Depths(context.Context) ([]wxnotify.Depth, error) {
	s.ask()
	return []wxnotify.Depth{{App: app, State: wxnotify.Queued, N: 3, Oldest: noon.Add(-time.Minute), Due: noon.Add(-2 * time.Second)},
		{App: app, State: wxnotify.Sending, N: 2, Oldest: noon.Add(-time.Second), Due: noon.Add(30 * time.Second)}}, nil
}

func (s shelf) Lags(context.Context) ([]wxnotify.Lag, error) {
	s.ask()
	return []wxnotify.Lag{{App: app, N: 4, Oldest: noon.Add(-time.Hour)}}, nil
}

func (s shelf) Holdings(context.Context, wxnotify.Now) (map[string]wxnotify.Holding, error) {
	s.ask()
	return map[string]wxnotify.Holding{app: {Users: 5, UsersAt: noon, Lots: []wxnotify.Lot{
		{Source: wxnotify.Form, Ends: wxnotify.Day(noon), N: 1}, {Source: wxnotify.Longterm, TemplateID: "A", N: 2}, {Source: wxnotify.Longterm, TemplateID: "B", N: 3}}}}, nil
}

func (s shelf) Pauses(context.Context, string) ([]wxnotify.Pause, error) {
	s.ask()
	return []wxnotify.Pause{{App: app, Scope: "TEMPLATE1"}, {App: app, Scope: "TEMPLATE2"}, {App: app, Scope: "all", Until: noon.Add(-time.Second)},
		{App: app, Scope: "subscribe"}, {App: "wx-of-a-deleted-app-canary", Scope: "form"}}, nil
}

func (s shelf) Tokens(context.Context) (map[string]wxnotify.Token, error) {
	s.ask()
	return map[string]wxnotify.Token{app: {ExpiresAt: noon.Add(time.Hour), Gen: 7}}, nil
}

func (shelf) Pools() map[string]sql.DBStats {
	return map[string]sql.DBStats{"read": {InUse: 1, Idle: 2, WaitCount: 3, WaitDuration: 4 * time.Second}}
}

func read(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil || w.Code != http.StatusOK {
		t.Fatal(w.Code, err)
	}
	return string(body)
}

// everything is a node that has something to say for each line of the table.
func everything(t *testing.T, s shelf) *metrics.Metrics {
	t.Helper()
	m := metrics.New(slog.New(slog.NewTextHandler(t.Output(), nil)), metrics.Options{
		Version: "1.2.3", Known: func(errcode int) bool { return errcode == 41028 },
	})
	m.Watch(s, "node:8080", func() wxnotify.Now { return wxnotify.Now{Real: noon, Virtual: noon} })
	m.Wrote(app, wxnotify.Point{
		Accepted: 2, Ended: map[wxnotify.Ended]int64{{State: wxnotify.Failed, Reason: wxnotify.ReasonNoPermit}: 2}, Latency: wxnotify.Latency{0: 1, 15: 1},
		Created: map[wxnotify.Source]int64{wxnotify.Form: 1}, Used: map[wxnotify.Source]int64{wxnotify.Form: 1},
		Dead: map[wxnotify.Died]int64{{Source: wxnotify.Form, Cause: wxnotify.CauseExpired}: 1},
	})
	for _, o := range []wxnotify.Outcome{
		{Kind: wxnotify.Accepted, Said: true}, {Kind: wxnotify.Refused, Said: true, Errcode: 41028}, {Kind: wxnotify.Refused, Said: true, Errcode: 99999},
		{Kind: wxnotify.Refused, Said: true, Errcode: 99998}, {Kind: wxnotify.Lost}, {},
	} {
		m.Called(metrics.Call{App: app, Endpoint: "template/send", Outcome: o, Took: 30 * time.Millisecond})
	}
	m.Contention(app)
	return m
}

func TestEveryLineOfTheTableIsExported(t *testing.T) {
	t.Parallel()
	text := read(t, everything(t, shelf{}))
	for _, line := range metrics.Table {
		if !strings.Contains(text, "# TYPE "+line.Name+" "+line.Type+"\n") {
			t.Errorf("%s is not exported as a %s", line.Name, line.Type)
		}
	}
	for _, m := range regexp.MustCompile(`# TYPE (wxnotify_\S+)`).FindAllStringSubmatch(text, -1) {
		if !slices.ContainsFunc(metrics.Table, func(l metrics.Metric) bool { return l.Name == m[1] }) {
			t.Errorf("%s is not in the table", m[1])
		}
	}
	for _, want := range []string{
		`wxnotify_messages_total{app="wx0000000000000001",reason="no_permit",state="failed"} 2`,
		`wxnotify_message_latency_seconds_bucket{app="wx0000000000000001",le="0.004"} 1`,
		`wxnotify_message_latency_seconds_count{app="wx0000000000000001"} 2`,
		`wxnotify_permits_total{app="wx0000000000000001",cause="expired",event="dead",source="form"} 1`,
		`wxnotify_wechat_requests_total{app="wx0000000000000001",endpoint="template/send",errcode="41028"} 1`,
		`wxnotify_wechat_requests_total{app="wx0000000000000001",endpoint="template/send",errcode="other"} 2`,
		`wxnotify_wechat_requests_total{app="wx0000000000000001",endpoint="template/send",errcode="lost"} 1`,
		`wxnotify_wechat_requests_total{app="wx0000000000000001",endpoint="template/send",errcode="passed"} 1`,
		`wxnotify_queue_messages{app="wx0000000000000001",state="queued"} 3`,
		`wxnotify_queue_oldest_seconds{app="wx0000000000000001",state="queued"} 60`,
		`wxnotify_queue_overdue_seconds{app="wx0000000000000001",state="queued"} 2`,
		`wxnotify_queue_overdue_seconds{app="wx0000000000000001",state="sending"} 0`,
		`wxnotify_permits_free{app="wx0000000000000001",days="0",source="form"} 1`,
		`wxnotify_permits_free{app="wx0000000000000001",days="none",source="longterm"} 5`,
		`wxnotify_token_expires_seconds{app="wx0000000000000001"} 3600`,
		`wxnotify_app_paused{app="wx0000000000000001",scope="template_id"} 2`,
		`wxnotify_webhook_oldest_seconds{app="wx0000000000000001"} 3600`,
		`wxnotify_database_connections{pool="read",state="idle"} 2`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("missing: %s", want)
		}
	}
	if strings.Contains(text, "canary") || strings.Contains(text, `scope="all"`) {
		t.Error("there is more than should be")
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

func TestWithoutADatabaseTheCountersAreStillThere(t *testing.T) {
	t.Parallel()
	text := read(t, everything(t, shelf{away: true}))
	if !strings.Contains(text, "wxnotify_database_up 0\n") || !strings.Contains(text, "wxnotify_messages_accepted_total{") || strings.Contains(text, "wxnotify_queue_messages{") {
		t.Error(text)
	}
}

func TestADatabaseThatIsSlowToReadIsUp(t *testing.T) {
	t.Parallel()
	text := read(t, everything(t, shelf{slow: true}))
	if !strings.Contains(text, "wxnotify_database_up 1\n") || strings.Contains(text, "wxnotify_queue_messages{") {
		t.Error(text)
	}
}

func TestAThousandAppsCostNoMoreStatementsThanOne(t *testing.T) {
	t.Parallel()
	var one, many int
	read(t, everything(t, shelf{asked: &one}))
	text := read(t, everything(t, shelf{asked: &many, apps: 1000}))
	if one == 0 || one != many {
		t.Errorf("%d statements, and %d with a thousand apps", one, many)
	}
	if n := strings.Count(text, "wxnotify_token_generation{"); n != 1001 {
		t.Errorf("%d apps are told of", n)
	}
}

// An alert by increase() sees the first event only of a series that was there
// before, at 0.
func TestWhatAlertsWatchBeginsAtZero(t *testing.T) {
	t.Parallel()
	m := metrics.New(slog.New(slog.DiscardHandler), metrics.Options{})
	m.Watch(shelf{}, "node", func() wxnotify.Now { return wxnotify.Now{Real: noon, Virtual: noon} })
	text := read(t, m)
	m.Wrote(app, wxnotify.Point{Ended: map[wxnotify.Ended]int64{{State: wxnotify.Unknown, Reason: wxnotify.ReasonUnresolved}: 1}})
	m.Contention(app)
	after := read(t, m)
	for _, series := range []string{`wxnotify_messages_total{app="` + app + `",reason="unresolved",state="unknown"}`, `wxnotify_token_contention_total{app="` + app + `"}`} {
		if !strings.Contains(text, series+" 0\n") || !strings.Contains(after, series+" 1\n") {
			t.Errorf("%s is not 0 at first and 1 after its first event", series)
		}
	}
}
