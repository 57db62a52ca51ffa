package server_test

import (
	"maps"
	"testing"

	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
)

// Two apps share a server. One has more messages than it may have under way, and
// WeChat lets none of them through; those of the other all go out, and only then
// is it looked whether anything has moved in the first.
func TestAnAppInTroubleHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]struct {
		fault map[string]any
		began func(w *world) bool
	}{
		"WeChat hangs": {
			map[string]any{"effect": "slow", "delay_ms": 600_000},
			func(w *world) bool { return w.count(sandbox.FirstAppID, "sending") > 0 },
		},
		"its quota is out": {
			map[string]any{"effect": "errcode", "errcode": 45009},
			func(w *world) bool {
				a, err := w.App(w.ctx(), sandbox.FirstAppID)
				w.must(err)
				return len(a.Pauses) > 0
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(w *world) {
				const other, n = "wx0123456789abcdee", 40
				limit, secret := 8, "the-secret-of-the-other-app-0001"
				_, err := w.ChangeApp(w.ctx(), sandbox.FirstAppID, client.AppSettings{MaxInFlight: &limit})
				w.must(err)
				w.phone("POST", "apps", map[string]any{"appid": other, "secret": secret})
				_, err = w.CreateApp(w.ctx(), client.NewApp{ID: other, AppSettings: client.AppSettings{Secret: &secret}})
				w.must(err)
				template := w.phone("POST", "templates", map[string]any{"appid": other, "channel": "template", "title": "订单通知", "keywords": []map[string]string{{"key": "keyword1", "name": "单号"}}})["template_id"].(string)
				w.phone("POST", "users", map[string]any{"appid": other, "openid": wang})
				fault := maps.Clone(trouble.fault)
				fault["appid"], fault["endpoint"] = sandbox.FirstAppID, "template/send"
				w.phone("POST", "faults", fault)

				first := order(li)
				first.App = sandbox.FirstAppID
				w.batch(first, w.formsOf(sandbox.FirstAppID, li, n))
				w.until("trouble", func() bool { return trouble.began(w) })
				w.batch(client.NewMessage{App: other, To: wang, TemplateID: template, Data: client.Data{"keyword1": {Value: "1019"}}}, w.formsOf(other, wang, n))
				w.until("all messages of the other app sent", func() bool { return w.count(other, "sent") == n })
				for _, state := range []string{"sent", "failed"} {
					if got := w.count(sandbox.FirstAppID, state); got > 0 {
						w.Errorf("%d messages of the app in trouble are %s", got, state)
					}
				}
				w.cards(n)
			})
		})
	}
}

// formsOf lets a user submit n forms.
func (w *world) formsOf(app, openid string, n int) (codes []string) {
	w.Helper()
	for _, code := range w.phone("POST", "forms", map[string]any{"appid": app, "openid": openid, "count": n})["form_ids"].([]any) {
		codes = append(codes, code.(string))
	}
	return codes
}

// batch sends a message once for each form_id.
func (w *world) batch(m client.NewMessage, codes []string) {
	w.Helper()
	ms := make([]client.NewMessage, len(codes))
	for i, code := range codes {
		ms[i] = m
		ms[i].FormID = code
	}
	results, err := w.SendBatch(w.ctx(), ms)
	w.must(err)
	for i, r := range results {
		if r.Error != nil {
			w.Fatalf("message %d: %v", i, r.Error)
		}
	}
}

// count is how many messages of an app are in a state.
func (w *world) count(app, state string) (n int) {
	w.Helper()
	for _, err := range w.Messages(w.ctx(), client.MessageFilter{App: app, State: state}) {
		w.must(err)
		n++
	}
	return n
}
