package consoletest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wxnotify/wxnotify/sandbox"
)

// pagesToSee are the addresses of all pages; {name} stands for something that
// the data has.
var pagesToSee = map[string]string{
	"overview":  "/console/",
	"zoomed":    "/console/?from={hour}&to={now}",
	"messages":  "/console/messages",
	"filtered":  "/console/messages?state=failed&reason=no_permit",
	"answered":  "/console/messages?answer=0,45011,47003",
	"message":   "/console/messages/{sent}",
	"lost":      "/console/messages/{inferred}",
	"unknown":   "/console/messages/{unknown}",
	"failed":    "/console/messages/{failed}",
	"bulk":      "/console/bulk?do=retry&state=failed",
	"nothing":   "/console/nothing?q=4711",
	"attention": "/console/attention",
	"permits":   "/console/permits",
	"ending":    "/console/permits?ends={week}",
	"users":     "/console/users",
	"user":      "/console/users/" + wang,
	"templates": "/console/templates",
	"template":  "/console/templates/" + sandbox.ClassicTemplate,
	"apps":      "/console/apps",
	"app":       "/console/apps/" + sandbox.FirstAppID,
	"keys":      "/console/keys",
	"webhooks":  "/console/webhooks",
	"webhook":   "/console/webhooks/{webhook}",
	"audit":     "/console/audit",
	"settings":  "/console/settings",
}

// Every page answers with data of every kind, and no page holds a secret.
func TestEveryPageIsWhole(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.furnish()
	v := w.admin()
	for name, path := range pagesToSee {
		status, body, _ := v.get(w.fillIn(path))
		if status != http.StatusOK || !strings.Contains(body, "</html>") {
			t.Errorf("%s: %d", name, status)
		}
		for _, secret := range []string{sandbox.FirstSecret, storyKey, "argon2id"} {
			if strings.Contains(body, secret) {
				t.Errorf("%s holds a secret", name)
			}
		}
	}
	_, csv, _ := v.get("/console/messages.csv?state=failed")
	if n := strings.Count(csv, "\n"); n != 8 {
		t.Errorf("the export has %d lines:\n%s", n, csv)
	}
	for q, want := range map[string]string{"1019": "/console/messages?meta=order%3D1019", li: "/console/messages?touser=" + li, "msg_0": "/console/messages/msg_0"} {
		if status, _, to := v.get("/console/search?q=" + q); status != http.StatusSeeOther || to != want {
			t.Errorf("search for %s: %d %s", q, status, to)
		}
	}
}

func TestAKeyIsMadeAndRevoked(t *testing.T) {
	t.Parallel()
	v := start(t).admin()
	_, body, _ := v.post("/console/keys", "name", "orders", "scope", "read")
	_, rest, ok := strings.Cut(body, `id="fresh">`)
	if !ok {
		t.Fatal("no key is shown")
	}
	key, _, _ := strings.Cut(rest, "<")
	call := func() int {
		req, err := http.NewRequest(http.MethodGet, v.url+"/v1/messages", nil)
		v.must(err)
		req.Header.Set("Authorization", "Bearer "+key)
		status, _, _ := v.send(req)
		return status
	}
	if got := call(); got != http.StatusOK {
		t.Errorf("with the key: %d", got)
	}
	_, body, _ = v.get("/console/keys")
	if strings.Contains(body, key) {
		t.Error("the key is shown again")
	}
	_, rest, _ = strings.Cut(body, `action="/console/keys/`)
	id, _, _ := strings.Cut(rest, "/")
	v.post("/console/keys/" + id + "/revoke")
	if got := call(); got != http.StatusUnauthorized {
		t.Errorf("after it was revoked: %d", got)
	}
}

func TestAnAppIsPausedAndResumed(t *testing.T) {
	t.Parallel()
	w := start(t)
	v := w.admin()
	at := "/console/apps/" + sandbox.FirstAppID
	v.post(at+"/pause", "scope", "template", "why", "the shop is closed")
	if _, body, _ := v.get(at); !strings.Contains(body, "the shop is closed") {
		t.Error("the page does not say why")
	}
	a, err := w.App(w.Context(), sandbox.FirstAppID)
	w.must(err)
	if len(a.Pauses) != 1 {
		t.Errorf("%d pauses", len(a.Pauses))
	}
	v.post(at+"/resume", "scope", "template")
	if a, err = w.App(w.Context(), sandbox.FirstAppID); err != nil || len(a.Pauses) != 0 {
		t.Errorf("%d pauses after all was resumed, %v", len(a.Pauses), err)
	}
}
