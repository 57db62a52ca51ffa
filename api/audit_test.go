package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// Every change by a key with scope admin has its line, and no line has a value.
func TestEveryAdminChangeIsInTheAuditLog(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h := build(t, db, nil)
		secret := "canary-secret-0123456789abcdef"
		_, err := h.c.ChangeApp(t.Context(), h.app, client.AppSettings{Secret: &secret})
		h.must(err)
		_, err = h.c.PauseApp(t.Context(), h.app, "all")
		h.must(err)
		_, err = h.c.ResumeApp(t.Context(), h.app, "all")
		h.must(err)
		k, err := h.c.CreateKey(t.Context(), client.NewKey{Name: "canary-name", Scopes: []string{"admin"}, App: h.app})
		h.must(err)
		status, _, _ := h.send(request{"PUT", "/v1/templates/T", `{"channel":"template","title":"canary-title"}`, map[string]string{"Authorization": "Bearer " + k.Text, "X-Request-ID": "mine"}})
		if status != 200 {
			t.Fatal(status)
		}
		h.must(h.c.RevokeKey(t.Context(), k.ID))
		_, err = h.c.CreateApp(t.Context(), client.NewApp{ID: "wx9999999999999999", AppSettings: client.AppSettings{Secret: &secret}})
		h.must(err)
		h.must(h.c.DeleteApp(t.Context(), "wx9999999999999999"))
		more := otherAdminChanges(h)

		_, _, out := h.send(request{"GET", "/v1/audit?limit=250", "", nil})
		if strings.Contains(fmt.Sprint(out), "canary") {
			t.Errorf("a value is in the audit log: %v", out)
		}
		var got []string
		for _, e := range out["data"].([]any) {
			line := e.(map[string]any)
			got = append(got, fmt.Sprint(line["action"], " ", line["object"], " ", line["detail"]))
			if line["action"] == wxnotify.AuditTemplatePut && (line["actor"] != k.ID || line["request_id"] != "mine" || line["app"] != h.app) {
				t.Errorf("got %v", line)
			}
		}
		slices.Reverse(got)
		want := []string{
			"app.create " + h.app + " secret", "app.change " + h.app + " secret", "app.pause " + h.app + " all", "app.resume " + h.app + " all",
			"key.create " + k.ID + " admin", "template.put T <nil>", "key.revoke " + k.ID + " <nil>",
			"app.create wx9999999999999999 secret", "app.delete wx9999999999999999 <nil>",
		}
		want = append(want, more...)
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// otherAdminChanges changes the rest of what a key may change, and returns the
// lines of it.
func otherAdminChanges(h *house) (lines []string) {
	h.t.Helper()
	ctx := h.t.Context()
	wrote := func(action, object, detail string) { lines = append(lines, action+" "+object+" "+detail) }

	w, err := h.c.CreateWebhook(ctx, client.NewWebhook{URL: "https://93.184.215.14/canary", Types: []string{"permit.created"}})
	h.must(err)
	wrote("webhook.create", w.ID, "permit.created")
	yes, url := true, "https://93.184.215.14/canary-2"
	_, err = h.c.ChangeWebhook(ctx, w.ID, client.WebhookChange{URL: &url, RotateSecret: &yes})
	h.must(err)
	wrote("webhook.change", w.ID, "url rotate_secret")
	h.deposit(client.NewPermit{To: h.user, Source: "form", Code: "canary-form-0001"})
	for d, err := range h.c.Deliveries(ctx, w.ID, "") {
		h.must(err)
		_, err = h.c.ResendDelivery(ctx, w.ID, d.ID)
		h.must(err)
		wrote("webhook.resend", d.ID, "<nil>")
	}
	since := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	_, _, err = h.c.RecoverDeliveries(ctx, w.ID, since)
	h.must(err)
	wrote("webhook.recover", w.ID, "2026-01-02T15:04:05Z")
	h.must(h.c.DeleteWebhook(ctx, w.ID))
	wrote("webhook.delete", w.ID, "<nil>")

	_, err = h.c.ChangeApp(ctx, h.app, client.AppSettings{Secret: &h.sb.State().Apps[0].Secret}) // the one that WeChat knows
	h.must(err)
	wrote("app.change", h.app, "secret")
	_, err = h.c.SyncTemplates(ctx, h.app)
	h.must(err)
	wrote("template.sync", h.app, "<nil>")
	added, err := h.c.AddTemplate(ctx, client.AddTemplate{App: h.app, Channel: "template", LibraryID: "AT0009", Keywords: []int{1, 2}})
	h.must(err)
	wrote("template.add", "AT0009", "template")
	h.must(h.c.DeleteTemplate(ctx, h.app, added.ID))
	wrote("template.delete", added.ID, "<nil>")

	m := h.message()
	m.Wait = true
	m.To = h.others[0] // who gave nothing
	sent, err := h.c.Send(ctx, m)
	h.must(err)
	_, _ = h.c.Resolve(ctx, sent.ID, true) // refused, and there was a try all the same
	wrote("message.resolve", sent.ID, "sent")
	pseudonym, err := h.c.EraseUser(ctx, h.app, h.others[0])
	h.must(err)
	wrote("user.erase", pseudonym, "<nil>")
	return lines
}
