package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/api"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// Whatever request comes to the door, with the rooms behind it as they are in
// service: it is answered, never with a 500, and a refusal is a problem with a
// code of ours and the status of that code.
func FuzzDoor(f *testing.F) {
	h := build(f, storetest.SQLite, nil)
	fill := strings.NewReplacer(`"T"`, `"`+h.template+`"`, `"U"`, `"`+h.user+`"`, `"A"`, `"`+h.app+`"`, "/A", "/"+h.app, "/T", "/"+h.template)
	for _, c := range bad {
		if len(c.body) < 1<<12 {
			f.Add(c.method, fill.Replace(c.path), fill.Replace(c.body))
		}
	}
	f.Add("POST", "/v1/messages", fill.Replace(`{"touser":"U","template_id":"T","wait":true,"data":{"keyword1":"a","keyword2":"b","keyword3":"c","keyword4":"d","keyword5":{"value":"e","color":"#173177"}},"meta":{"a":"b"}}`))
	f.Add("POST", "/v1/permits", fill.Replace(`{"app":"A","permits":[{"touser":"U","source":"form","code":"0123456789","age_seconds":1},{"touser":"U","source":"subscribe","template_id":"x","count":1}]}`))
	for _, target := range []string{"/docs", "/docs/x", "/docs/..%2fx", "/docs/%00", "/openapi.json?x", "/", "/metrics", "/v1/templates/library?channel=subscribe", "/v1/templates/library/1?channel=template", "/v1/messages/%2e%2e", "/v1/messages?%zz", "/v1/stats?from=x", "//v1"} {
		f.Add("GET", target, "")
		f.Add("OPTIONS", target, "")
		f.Add("CONNECT", target, "")
	}
	for _, r := range api.Routes() {
		f.Add(r.Method, strings.NewReplacer("{appid}", h.app, "{openid}", h.user, "{id}", "x_1", "{delivery}", "x_2").Replace(r.Path), "{}")
	}
	f.Fuzz(func(t *testing.T, method, target, body string) {
		if strings.Contains(target, "wait_ms") || method == http.MethodDelete && strings.HasPrefix(target, "/v1/apps/") {
			t.Skip() // it would take long; it would take away what all others need
		}
		r, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+target, strings.NewReader(body))
		if err != nil || !strings.HasPrefix(target, "/") {
			t.Skip() // net/http lets it in no further
		}
		r.RemoteAddr, r.RequestURI = "127.0.0.1:4711", target
		r.Header.Set("Authorization", "Bearer "+masterKey)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.door.ServeHTTP(w, r)
		raw, _ := io.ReadAll(w.Body)
		var p struct{ Code wxnotify.Code }
		switch {
		case w.Code < 200 || w.Code == http.StatusInternalServerError:
			t.Errorf("%s %q: %d %s", method, target, w.Code, raw)
		case w.Code >= 400 && method != http.MethodHead:
			if err := json.Unmarshal(raw, &p); err != nil || wxnotify.Codes[p.Code].Status != w.Code {
				t.Errorf("%s %q: %d %s", method, target, w.Code, raw)
			}
		case strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") && method != http.MethodHead && !json.Valid(raw):
			t.Errorf("%s %q: no JSON: %s", method, target, raw)
		}
	})
}
