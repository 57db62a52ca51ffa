package server_test

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
)

// What a backend does is in the metrics, and nobody's openid.
func TestMetricsTellWhatHappened(t *testing.T) {
	story(t, func(w *world) {
		ctx := w.ctx()
		m := order(li)
		m.FormID = w.form(li)
		sent, err := w.SendAndWait(ctx, m, 20*time.Second)
		w.must(err)
		if sent.State != "sent" {
			w.Fatalf("got %+v", sent)
		}
		_, err = w.SendAndWait(ctx, order(li), 20*time.Second) // there is no permit
		w.must(err)
		k, err := w.CreateKey(ctx, client.NewKey{Name: "prometheus", Scopes: []string{"read"}})
		w.must(err)
		const app = `app="` + sandbox.FirstAppID + `"`
		// The hooks are called just after the commit that the client saw.
		w.until("the metrics", func() bool {
			_, text := w.scrape(w.url, k.Text)
			return has(text,
				`wxnotify_messages_accepted_total{`+app+`} 2`,
				`wxnotify_messages_total{`+app+`,reason="",state="sent"} 1`,
				`wxnotify_messages_total{`+app+`,reason="no_permit",state="failed"} 1`,
				`wxnotify_message_latency_seconds_count{`+app+`} 1`,
				`wxnotify_permits_total{`+app+`,cause="",event="used",source="form"} 1`,
				`wxnotify_wechat_requests_total{`+app+`,endpoint="template/send",errcode="0"} 1`,
				`wxnotify_wechat_requests_total{`+app+`,endpoint="stable_token",errcode="0"} 1`,
				`wxnotify_database_up 1`,
				`wxnotify_token_generation{`+app+`} 1`,
			)
		})
		_, text := w.scrape(w.url, k.Text)
		if strings.Contains(text, li) || strings.Contains(text, m.FormID) || strings.Contains(text, sandbox.FirstSecret) {
			w.Error("there is more in the metrics than should be")
		}
		bound, err := w.CreateKey(ctx, client.NewKey{Name: "one app", Scopes: []string{"read"}, App: sandbox.FirstAppID})
		w.must(err)
		sender, err := w.CreateKey(ctx, client.NewKey{Name: "sender", Scopes: []string{"send"}})
		w.must(err)
		for key, want := range map[string]int{"": http.StatusUnauthorized, bound.Text: http.StatusForbidden, sender.Text: http.StatusForbidden} {
			if status, body := w.scrape(w.url, key); status != want || strings.Contains(body, "wxnotify_") {
				w.Errorf("got %d, want %d", status, want)
			}
		}
		w.stop()
		w.conf.MetricsListen = "127.0.0.1:0"
		w.start()
		if status, body := w.scrape("http://"+w.metrics, ""); status != http.StatusOK || !strings.Contains(body, "wxnotify_database_up 1\n") {
			w.Errorf("at an address of their own: %d %s", status, body)
		}
		if status, _ := w.scrape(w.url, storyKey); status != http.StatusNotFound {
			w.Errorf("at both addresses: %d", status)
		}
	})
}

func has(text string, lines ...string) bool {
	for _, l := range lines {
		if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(l) + `$`).MatchString(text) {
			return false
		}
	}
	return true
}

func (w *world) scrape(base, key string) (status int, text string) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.ctx(), http.MethodGet, base+"/metrics", nil)
	w.must(err)
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := w.web.Do(req)
	w.must(err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	w.must(err)
	return resp.StatusCode, string(b)
}
