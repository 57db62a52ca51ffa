package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/store/storetest"
)

func TestAPersonCanBeForgottenAndComeBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h := build(t, db, nil)
		mini := h.session(h.user)
		m := h.message()
		m.Wait = true
		posted, err := h.c.Send(t.Context(), m)
		h.must(err)
		pseudonym, err := h.c.EraseUser(t.Context(), "", h.user)
		h.must(err)
		var got client.Message
		for end := time.Now().Add(20 * time.Second); got.To != pseudonym; time.Sleep(10 * time.Millisecond) {
			got, err = h.c.Message(t.Context(), posted.ID)
			h.must(err)
			if time.Now().After(end) {
				t.Fatalf("not forgotten: %+v", got)
			}
		}
		if got.State != "canceled" || got.Reason != "erased" || len(got.Data) != 0 {
			t.Errorf("got %+v", got)
		}
		_, err = h.c.Resend(t.Context(), posted.ID)
		h.refused(err, wxnotify.ContentGone)
		if status, _, p := h.send(request{"GET", "/mp/v1/me", "", map[string]string{"Authorization": "Bearer " + mini}}); status != http.StatusUnauthorized {
			t.Errorf("the session still lives: %v", p)
		}
		status, _, out := h.send(request{"GET", "/mp/v1/me", "", map[string]string{"Authorization": "Bearer " + h.session(h.user)}})
		if status != http.StatusOK || out["reachable"] != false {
			t.Errorf("got %d %v", status, out)
		}
		status, _, line := h.send(request{"GET", "/v1/audit?action=user.erase", "", nil})
		if entries := line["data"].([]any); status != 200 || len(entries) != 1 || entries[0].(map[string]any)["object"] != pseudonym {
			t.Errorf("got %v", line)
		}
		_, err = h.c.EraseUser(t.Context(), "", "oNobodyHasEverSeenThisOne")
		h.must(err) // whether there is such a person is not said
	})
}
