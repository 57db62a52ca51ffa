package api_test

import (
	"net/http"
	"testing"

	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/store/storetest"
)

func TestTheRealTokenHasAScopeOfItsOwn(t *testing.T) {
	t.Parallel()
	h := build(t, storetest.SQLite, nil)
	ask := func(key, app string) (int, map[string]any) {
		status, _, body := h.send(request{method: http.MethodGet, path: "/v1/apps/" + app + "/access_token", header: map[string]string{"Authorization": "Bearer " + key}})
		return status, body
	}
	_, may := h.key(client.NewKey{Scopes: []string{"token"}})
	_, mayNot := h.key(client.NewKey{Scopes: []string{"send", "permits", "read", "admin"}})
	if status, body := ask(mayNot.Text, h.app); status != http.StatusForbidden {
		t.Errorf("without the scope: %d %v", status, body)
	}
	status, body := ask(may.Text, h.app)
	row, err := h.store.LoadToken(t.Context(), h.app)
	h.must(err)
	if status != http.StatusOK || body["access_token"] != row.Value.Reveal() || body["expires_in"] != 60.0 {
		t.Errorf("%d %v", status, body)
	}
	if status, body := ask(may.Text, "wx0000000000000000"); status != http.StatusNotFound {
		t.Errorf("of another app: %d %v", status, body)
	}
}
