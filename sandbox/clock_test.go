package sandbox_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxnotify/wxnotify/sandbox"
)

func TestClockGoesForward(t *testing.T) {
	t.Parallel()
	real := &realTime{now: noon}
	w := startWith(t, sandbox.Options{Now: real.Now})
	expectClock := func(name string, got reply, now, offset string) {
		t.Helper()
		if got.text("now") != now || got.text("offset_seconds") != offset {
			t.Errorf("%s: %v, want %s and %s", name, got, now, offset)
		}
	}
	expectClock("fresh", w.must("GET", "/sandbox/clock", nil), "2017-10-19T04:00:00.000Z", "0")
	expectClock("moved", w.must("POST", "/sandbox/clock", map[string]any{"advance_seconds": 604800}), "2017-10-26T04:00:00.000Z", "604800")
	real.move(time.Minute)
	expectClock("real time goes on", w.must("GET", "/sandbox/clock", nil), "2017-10-26T04:01:00.000Z", "604800")
	for _, body := range []string{`{"advance_seconds":-1}`, `{}`, `{"advance_seconds":1.5}`, `{"advance_seconds":1e18}`, `{"advance_seconds":315360001}`} {
		if status, _ := w.do("POST", "/sandbox/clock", body); status < 400 || status > 499 {
			t.Errorf("%s: %d", body, status)
		}
	}
	expectClock("after nonsense", w.must("GET", "/sandbox/clock", nil), "2017-10-26T04:01:00.000Z", "604800")
	for range 10 {
		w.do("POST", "/sandbox/clock", map[string]any{"advance_seconds": 315360000})
	}
	if status, body := w.do("POST", "/sandbox/clock", map[string]any{"advance_seconds": 315360000}); status != 422 {
		t.Errorf("beyond a century: %d %s", status, body)
	}
}

func TestFreshWorldAndReset(t *testing.T) {
	t.Parallel()
	w := start(t)
	fresh := w.must("GET", "/sandbox/state", nil)
	apps, users, templates := fresh["apps"].([]any), fresh["users"].([]any), fresh["templates"].([]any)
	if len(apps) != 1 || len(users) != 3 || len(templates) != 4 || len(fresh["quotas"].([]any)) != 4 || len(fresh["faults"].([]any)) != 0 {
		t.Errorf("fresh: %v", fresh)
	}
	app := apps[0].(map[string]any)
	matches(t, "appid", app["appid"].(string), `^wx[0-9a-f]{16}$`)
	matches(t, "secret", app["secret"].(string), `^[0-9a-f]{32}$`)
	if app["era"] != "classic" || app["callback"] != nil {
		t.Errorf("app %v", app)
	}
	for _, u := range users {
		matches(t, "openid", u.(map[string]any)["openid"].(string), `^o[0-9A-Za-z_-]{27}$`)
	}
	kinds := map[any]int{}
	for _, v := range templates {
		m := v.(map[string]any)
		matches(t, "template_id", m["template_id"].(string), `^[0-9A-Za-z_-]{43}$`)
		kinds[m["kind"]]++
	}
	if diff := cmp.Diff(map[any]int{nil: 1, "once": 2, "longterm": 1}, kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}

	form, token := w.form(sandbox.FirstUser), w.token()
	w.call("POST", templateSend+token, order(form))
	w.fault(map[string]any{"endpoint": "token", "effect": "errcode", "errcode": -1})
	w.must("POST", "/sandbox/users", map[string]string{"appid": sandbox.FirstAppID})
	w.must("POST", "/sandbox/apps", map[string]string{"appid": "wx00000000000000aa", "secret": "x"})
	w.must("POST", "/sandbox/quotas", map[string]any{"appid": sandbox.FirstAppID, "endpoint": "token", "limit": 1})
	w.advance(100)
	w.must("POST", "/sandbox/reset", nil)
	if diff := cmp.Diff(fresh, w.must("GET", "/sandbox/state", nil)); diff != "" {
		t.Errorf("after a reset (-fresh +got):\n%s", diff)
	}
	lines, last := w.requests("")
	if len(w.cards()) != 0 || len(lines) != 0 || last != "0" {
		t.Errorf("cards or requests survived")
	}
	expect(t, "an old token", w.call("POST", templateSend+token, order(form)), 40001, "invalid credential")
	expect(t, "an old form", w.call("POST", templateSend+w.token(), order(form)), 41028, "invalid form id")
}

// The first ids stand in documents and in people's scripts.
func TestFirstIDsNeverChange(t *testing.T) {
	t.Parallel()
	want := []string{
		"wx7f3c9a1e5b2d8046", "a382cb30a3da35f509f817e8a195ac70",
		"pQ3vXk8ZtL1mRw6YcN0sHd5JbF2gUa9EoTi7VxKqAzM", "oW1xTn4KpQ8sVbZ2dHf6JmYcRa0E",
	}
	got := []string{sandbox.FirstAppID, sandbox.FirstSecret, sandbox.ClassicTemplate, sandbox.FirstUser}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
