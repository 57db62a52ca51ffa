package deploy_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/wxnotify/wxnotify/metrics"
)

// A query is an expression of the alerts or of the dashboard, with the texts
// that name labels of its answer.
type query struct{ where, expr, texts string }

func queries(t *testing.T) (all []query) {
	t.Helper()
	var alerts struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations map[string]string
			}
		}
	}
	text, err := os.ReadFile("monitoring/alerts.yml")
	if err == nil {
		err = yaml.Unmarshal(text, &alerts)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range alerts.Groups {
		for _, r := range g.Rules {
			all = append(all, query{"alert " + r.Alert, r.Expr, fmt.Sprint(r.Annotations)})
		}
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr, LegendFormat string }
		}
	}
	if text, err = os.ReadFile("monitoring/grafana.json"); err == nil {
		err = json.Unmarshal(text, &board)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range board.Panels {
		for _, g := range p.Targets {
			all = append(all, query{"panel " + p.Title, g.Expr, g.LegendFormat})
		}
	}
	if len(all) < 40 {
		t.Fatalf("only %d expressions were found", len(all))
	}
	return all
}

func TestPrometheusReadsEveryExpression(t *testing.T) {
	t.Parallel()
	type rule struct{ Record, Expr string }
	var rules []rule
	for i, q := range queries(t) {
		expr := strings.NewReplacer("$__rate_interval", "5m", "$app", ".*").Replace(q.expr) // as Grafana does
		rules = append(rules, rule{fmt.Sprintf("query:%d", i), expr})
	}
	text, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "all", "rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "promtool", "check", "rules", "monitoring/alerts.yml", file)
}

var (
	series    = regexp.MustCompile(`\b((?:wxnotify|go|process)_[a-z_]+)(?:\{([^}]*)\})?`)
	matcher   = regexp.MustCompile(`([a-z]+)\s*(?:=~|!~|!=|=)`)
	gathering = regexp.MustCompile(`\b(?:sum|min|max|avg|count)\s*(?:by \(([^)]*)\)\s*)?\(`)
	joining   = regexp.MustCompile(`\bon \(([^)]*)\)`)
	mention   = regexp.MustCompile(`\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}`)
)

// What dashboard and alerts ask for is there: names, and the labels that they
// choose by, gather by and write out.
func TestDashboardAndAlertsAskForWhatThereIs(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	metrics.New(slog.New(slog.DiscardHandler), metrics.Options{}).Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, q := range queries(t) {
		for _, s := range series.FindAllStringSubmatch(q.expr, -1) {
			if labelsOf(s[1]) == nil && !strings.Contains(w.Body.String(), "# TYPE "+s[1]+" ") {
				t.Errorf("%s asks for %s, which does not exist", q.where, s[1])
			}
			for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
				q.need(t, s[0], m[1])
			}
		}
		for _, at := range gathering.FindAllStringSubmatchIndex(q.expr, -1) {
			if at[2] >= 0 {
				q.need(t, enclosed(q.expr[at[1]:]), strings.Split(q.expr[at[2]:at[3]], ", ")...)
			}
		}
		for _, m := range joining.FindAllStringSubmatch(q.expr, -1) {
			q.need(t, q.expr, strings.Split(m[1], ", ")...)
		}
		for _, m := range mention.FindAllStringSubmatch(q.texts, -1) {
			if g := gathering.FindStringSubmatch(q.expr); g == nil {
				q.need(t, q.expr, m[1])
			} else if !slices.Contains(strings.Split(g[1], ", "), m[1]) {
				t.Errorf("%s writes out %s, which its answer has not", q.where, m[1])
			}
		}
	}
}

// need demands labels of every series of a part of the expression.
func (q query) need(t *testing.T, part string, labels ...string) {
	t.Helper()
	for _, s := range series.FindAllStringSubmatch(part, -1) {
		for _, l := range labels {
			if l != "instance" && !slices.Contains(labelsOf(s[1]), l) {
				t.Errorf("%s wants label %s of %s, which has none", q.where, l, s[1])
			}
		}
	}
}

// labelsOf are a series' own labels; nil: it is none of the table.
func labelsOf(name string) []string {
	for _, m := range metrics.Table {
		switch tail, ok := strings.CutPrefix(name, m.Name); {
		case ok && m.Type == "histogram" && tail == "_bucket":
			return append([]string{"le"}, m.Labels...)
		case ok && m.Type == "histogram" && (tail == "_sum" || tail == "_count"), ok && m.Type != "histogram" && tail == "":
			return append([]string{}, m.Labels...)
		}
	}
	return nil
}

// enclosed is what stands before the parenthesis that closes one opened before.
func enclosed(s string) string {
	depth := 1
	for i, r := range s {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 {
			return s[:i]
		}
	}
	return s
}
