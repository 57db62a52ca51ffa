package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

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
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
