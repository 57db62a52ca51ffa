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

// Nobody is there, but it is an address that a webhook may have.
const somewhere = "https://93.184.215.14/hook?token=t0ken"

func TestAWebhooksSecretIsShownOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h := build(t, db, nil)
		made, err := h.c.CreateWebhook(t.Context(), client.NewWebhook{URL: somewhere, Types: []string{"message.sent", "app.paused"}})
		h.must(err)
		if !strings.HasPrefix(made.ID, "whk_") || !strings.HasPrefix(made.Secret, "whsec_") || made.Disabled || made.App != "" {
			t.Errorf("%+v", made)
		}
		for _, path := range []string{"/v1/webhooks", "/v1/webhooks/" + made.ID, "/v1/webhooks/" + made.ID + "/deliveries", "/v1/audit"} {
			status, _, out := h.send(request{"GET", path, "", nil})
			if status != 200 || strings.Contains(fmt.Sprint(out), "whsec_") {
				t.Errorf("%s: %d %v", path, status, out)
			}
		}
		yes, no := true, false
		turned, err := h.c.ChangeWebhook(t.Context(), made.ID, client.WebhookChange{RotateSecret: &yes, Types: &[]string{}})
		h.must(err)
		if turned.Secret == made.Secret || !strings.HasPrefix(turned.Secret, "whsec_") || len(turned.Types) != 0 {
			t.Errorf("%+v", turned)
		}
		if left := time.Until(turned.OldSecretUntil); left < 23*time.Hour || left > 24*time.Hour {
			t.Errorf("the old secret is good for %v", left)
		}
		kept, err := h.store.Webhook(t.Context(), made.ID)
		h.must(err)
		if kept.Secret.Reveal() != turned.Secret || kept.OldSecret.Reveal() != made.Secret || kept.URL != somewhere {
			t.Error("what is kept is not what was said")
		}
		off, err := h.c.ChangeWebhook(t.Context(), made.ID, client.WebhookChange{Disabled: &yes})
		h.must(err)
		if !off.Disabled || off.DisabledReason != "operator" || off.DisabledAt.IsZero() || off.Secret != "" {
			t.Errorf("%+v", off)
		}
		on, err := h.c.ChangeWebhook(t.Context(), made.ID, client.WebhookChange{Disabled: &no})
		h.must(err)
		if on.Disabled || on.DisabledReason != "" || !on.DisabledAt.IsZero() {
			t.Errorf("%+v", on)
		}
		bad := "https://10.0.0.1/"
		_, err = h.c.ChangeWebhook(t.Context(), made.ID, client.WebhookChange{URL: &bad})
		h.refused(err, wxnotify.URLForbiddenHost)
		h.must(h.c.DeleteWebhook(t.Context(), made.ID))
		_, err = h.c.Webhook(t.Context(), made.ID)
		h.refused(err, wxnotify.NotFound)
		if log := h.logs.String(); strings.Contains(log, "whsec_") || strings.Contains(log, "t0ken") {
			t.Errorf("logged: %s", log)
		}
	})
}

// A key that is bound to an app sees that app's webhooks; others look absent.
func TestWebhooksOfOthersLookAbsent(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h := build(t, db, nil)
		bound, k := h.key(client.NewKey{Scopes: []string{"admin"}, App: h.app})
		all, err := h.c.CreateWebhook(t.Context(), client.NewWebhook{URL: somewhere})
		h.must(err)
		own, err := bound.CreateWebhook(t.Context(), client.NewWebhook{URL: somewhere})
		h.must(err)
		if own.App != h.app {
			t.Errorf("%+v", own)
		}
		var seen []string
		for w, err := range bound.Webhooks(t.Context()) {
			h.must(err)
			seen = append(seen, w.ID)
		}
		if !slices.Equal(seen, []string{own.ID}) {
			t.Errorf("it sees %v", seen)
		}
		who := map[string]string{"Authorization": "Bearer " + k.Text}
		for _, id := range []string{all.ID, "whk_none"} {
			for _, q := range []request{
				{"GET", "/v1/webhooks/" + id, "", who}, {"PATCH", "/v1/webhooks/" + id, `{"disabled":true}`, who}, {"GET", "/v1/webhooks/" + id + "/deliveries", "", who},
				{"POST", "/v1/webhooks/" + id + "/deliveries/evt_1/resend", "", who}, {"POST", "/v1/webhooks/" + id + "/recover", `{"since":"2026-01-02T15:04:05+08:00"}`, who},
				{"DELETE", "/v1/webhooks/" + id, "", who},
			} {
				status, _, p := h.send(q)
				if status != 404 || p["detail"] != "there is no such webhook" {
					t.Errorf("%s %s: %d %v", q.method, q.path, status, p)
				}
			}
		}
		_, reader := h.key(client.NewKey{Scopes: []string{"send", "permits", "read", "token"}})
		if status, _, p := h.send(request{"GET", "/v1/webhooks", "", map[string]string{"Authorization": "Bearer " + reader.Text}}); status != 403 {
			t.Errorf("without scope admin: %d %v", status, p)
		}
	})
}

func TestDeliveriesAreListedSentAgainAndRecovered(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h := build(t, db, nil)
		hook, err := h.c.CreateWebhook(t.Context(), client.NewWebhook{URL: somewhere, Types: []string{"permit.created"}})
		h.must(err)
		for i := range 3 {
			_, err := h.c.DepositPermits(t.Context(), "", []client.NewPermit{{To: h.user, Source: "form", Code: fmt.Sprintf("form-%010d", i)}})
			h.must(err)
		}
		var outs []wxnotify.NoticeOutcome
		for n := 3; len(outs) < n; { // one user's go one after the other
			posts, _, err := h.store.ClaimPosts(t.Context(), time.Now(), time.Minute, []wxnotify.NoticeWant{{Webhook: hook.ID, N: 10}})
			h.must(err)
			for _, p := range posts {
				o := wxnotify.NoticeOutcome{Webhook: p.Webhook, ID: p.ID, Owner: p.Owner, State: wxnotify.NoticeFailed, Answer: wxnotify.Answer{
					At: time.Now(), Took: 1500 * time.Millisecond, Status: 500, Fault: wxnotify.FaultStatus, Body: "no room\xff",
				}}
				_, err := h.store.SettlePosts(t.Context(), time.Now(), []wxnotify.NoticeOutcome{o})
				h.must(err)
				outs = append(outs, o)
			}
		}
		var failed []client.Delivery
		for d, err := range h.c.Deliveries(t.Context(), hook.ID, "failed") {
			h.must(err)
			failed = append(failed, d)
		}
		d := failed[0]
		if len(failed) != 3 || d.ID <= failed[1].ID || d.State != "failed" || d.Attempts != 1 || !d.NextTryAt.IsZero() || d.Request.URL != somewhere ||
			!strings.HasPrefix(string(d.Request.Body), `{"type":"permit.created","timestamp":`) {
			t.Errorf("%d: %+v", len(failed), d)
		}
		if a := d.Answer; a == nil || a.Status != 500 || a.MS != 1500 || a.Error != "status" || a.Body != "no room\uFFFD" {
			t.Errorf("%+v", a)
		}
		_, _, first := h.send(request{"GET", "/v1/webhooks/" + hook.ID + "/deliveries?limit=2", "", nil})
		if len(first["data"].([]any)) != 2 || first["next_cursor"] == nil {
			t.Errorf("%v", first)
		}
		again, err := h.c.ResendDelivery(t.Context(), hook.ID, d.ID)
		h.must(err)
		if again.State != "pending" || again.Attempts != 0 || again.NextTryAt.IsZero() {
			t.Errorf("%+v", again)
		}
		n, complete, err := h.c.RecoverDeliveries(t.Context(), hook.ID, time.Now().Add(-time.Hour))
		h.must(err)
		if n != 2 || !complete {
			t.Errorf("%d recovered, %v", n, complete)
		}
		_, err = h.c.ResendDelivery(t.Context(), hook.ID, "evt_none")
		h.refused(err, wxnotify.NotFound)
		if status, _, p := h.send(request{"GET", "/v1/webhooks/" + hook.ID + "/deliveries?state=gone", "", nil}); status != 422 {
			t.Errorf("%d %v", status, p)
		}
	})
}
