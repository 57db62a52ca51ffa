package consoletest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify/sandbox"
)

// Somebody deletes a template in WeChat's own console, and the lists are
// fetched from ours: the page of what needs attention says it, until a week later.
func TestATemplateThatDisappearedNeedsAttention(t *testing.T) {
	t.Parallel()
	w := start(t)
	v := w.admin()
	sync := func() {
		if status, body, _ := v.post("/console/templates/sync"); status != http.StatusSeeOther && status != http.StatusOK {
			t.Fatalf("sync: %d %s", status, body)
		}
	}
	attention := func() string {
		status, body, _ := v.get("/console/attention")
		if status != http.StatusOK {
			t.Fatalf("the page answers %d", status)
		}
		return body
	}
	sync()
	const said = "has disappeared at WeChat"
	if strings.Contains(attention(), said) {
		t.Error("what is there is called gone")
	}
	w.deleteAtWeChat(sandbox.OnceTemplate)
	sync()
	sync()
	if page := attention(); strings.Count(page, said) != 1 || !strings.Contains(page, "/console/templates/"+sandbox.OnceTemplate) {
		t.Errorf("the template that is gone is not said once:\n%s", page)
	}
	w.ahead(8 * 24 * time.Hour)
	w.until("page that says nothing a week later", func() bool { return !strings.Contains(attention(), said) })
}

// deleteAtWeChat deletes a template past the server.
func (w *world) deleteAtWeChat(template string) {
	w.Helper()
	call := func(method, path, body string) (out map[string]any) {
		req, err := http.NewRequestWithContext(w.Context(), method, w.sandbox.URL+path, strings.NewReader(body))
		w.must(err)
		resp, err := http.DefaultClient.Do(req)
		w.must(err)
		defer resp.Body.Close()
		w.must(json.NewDecoder(resp.Body).Decode(&out))
		return out
	}
	token := call("POST", "/cgi-bin/stable_token", fmt.Sprintf(`{"grant_type":"client_credential","appid":%q,"secret":%q}`, sandbox.FirstAppID, sandbox.FirstSecret))["access_token"]
	if a := call("POST", fmt.Sprintf("/wxaapi/newtmpl/deltemplate?access_token=%v", token), fmt.Sprintf(`{"priTmplId":%q}`, template)); a["errcode"] != float64(0) {
		w.Fatalf("WeChat does not delete it: %v", a)
	}
}
