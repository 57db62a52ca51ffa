package sandbox_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wxnotify/wxnotify/sandbox"
)

func TestControlIsStrict(t *testing.T) {
	t.Parallel()
	w := start(t)
	app := `"appid":"` + sandbox.FirstAppID + `"`
	user := `"openid":"` + sandbox.FirstUser + `"`
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		says               string
	}{
		"broken JSON":          {"POST", "/sandbox/forms", `{`, 400, "cannot be read"},
		"trailing text":        {"POST", "/sandbox/forms", `{` + app + `,` + user + `} x`, 400, "cannot be read"},
		"unknown field":        {"POST", "/sandbox/forms", `{` + app + `,` + user + `,"colour":1}`, 400, "no field /colour"},
		"other letter case":    {"POST", "/sandbox/forms", `{"AppID":"x"}`, 400, "no field /AppID"},
		"duplicate field":      {"POST", "/sandbox/forms", `{` + app + `,` + app + `}`, 400, "duplicate"},
		"wrong kind":           {"POST", "/sandbox/forms", `{"appid":1}`, 400, "/appid is not of the kind that is meant"},
		"bad UTF-8":            {"POST", "/sandbox/forms", `{"appid":"` + "\xff" + `"}`, 400, "UTF-8"},
		"too large":            {"POST", "/sandbox/forms", `{"appid":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "1 MiB"},
		"no such call":         {"POST", "/sandbox/forma", `{}`, 404, "no POST /sandbox/forma"},
		"wrong verb":           {"PUT", "/sandbox/forms", `{}`, 404, "no PUT /sandbox/forms"},
		"unknown app":          {"POST", "/sandbox/forms", `{"appid":"x",` + user + `}`, 404, `no app "x"`},
		"unknown user":         {"POST", "/sandbox/login", `{` + app + `,"openid":"oNobody"}`, 404, `no user "oNobody"`},
		"query not known":      {"GET", "/sandbox/state?x=1", ``, 400, `query parameter "x"`},
		"count 0":              {"POST", "/sandbox/forms", `{` + app + `,` + user + `,"count":0}`, 422, "from 1 to 100000"},
		"count too high":       {"POST", "/sandbox/payments", `{` + app + `,` + user + `,"count":100001}`, 422, "from 1 to 100000"},
		"appid malformed":      {"POST", "/sandbox/apps", `{"appid":"gh_1","secret":"x"}`, 422, "16 lower-case hex digits"},
		"new app, no secret":   {"POST", "/sandbox/apps", `{"appid":"wx00000000000000aa"}`, 422, "secret is missing"},
		"unknown era":          {"POST", "/sandbox/apps", `{` + app + `,"era":"2017"}`, 422, "neither classic nor today"},
		"callback scheme":      {"POST", "/sandbox/apps", `{` + app + `,"callback":{"url":"ftp://x"}}`, 422, "http://"},
		"callback format":      {"POST", "/sandbox/apps", `{` + app + `,"callback":{"url":"http://x","format":"yaml"}}`, 422, "neither xml nor json"},
		"callback mode":        {"POST", "/sandbox/apps", `{` + app + `,"callback":{"url":"http://x","mode":"x"}}`, 422, "neither plain nor safe"},
		"callback key":         {"POST", "/sandbox/apps", `{` + app + `,"callback":{"url":"http://x","mode":"safe","encoding_aes_key":"x"}}`, 422, "43 letters and digits"},
		"openid malformed":     {"POST", "/sandbox/users", `{` + app + `,"openid":"a b c d e f"}`, 422, "6 to 64 letters"},
		"channel unknown":      {"POST", "/sandbox/templates", `{` + app + `,"channel":"sms","title":"x","keywords":[{"key":"keyword1","name":"x"}]}`, 422, "neither template nor subscribe"},
		"kind for classic":     {"POST", "/sandbox/templates", `{` + app + `,"channel":"template","kind":"once","title":"x","keywords":[{"key":"keyword1","name":"x"}]}`, 422, "only for the channel subscribe"},
		"kind unknown":         {"POST", "/sandbox/templates", `{` + app + `,"channel":"subscribe","kind":"twice","title":"x","keywords":[{"key":"thing1","name":"x"}]}`, 422, "neither once nor longterm"},
		"no title":             {"POST", "/sandbox/templates", `{` + app + `,"channel":"template","keywords":[{"key":"keyword1","name":"x"}]}`, 422, "title is missing"},
		"no keywords":          {"POST", "/sandbox/templates", `{` + app + `,"channel":"template","title":"x"}`, 422, "keywords is empty"},
		"keyword out of order": {"POST", "/sandbox/templates", `{` + app + `,"channel":"template","title":"x","keywords":[{"key":"keyword2","name":"x"}]}`, 422, "must be keyword1"},
		"keyword of no kind":   {"POST", "/sandbox/templates", `{` + app + `,"channel":"subscribe","title":"x","keywords":[{"key":"stuff1","name":"x"}]}`, 422, "kind and a number"},
		"values of no enum":    {"POST", "/sandbox/templates", `{` + app + `,"channel":"subscribe","title":"x","keywords":[{"key":"thing1","name":"x","values":["a"]}]}`, 422, "keywords/0/values is only for an enum_string"},
		"an empty enum value":  {"POST", "/sandbox/templates", `{` + app + `,"channel":"subscribe","title":"x","keywords":[{"key":"enum_string1","name":"x","values":["a",""]}]}`, 422, "keywords/0/values/1 is empty"},
		"quota of nothing":     {"POST", "/sandbox/quotas", `{` + app + `,"endpoint":"x","limit":1}`, 422, "template/send, subscribe/send"},
		"quota without figure": {"POST", "/sandbox/quotas", `{` + app + `,"endpoint":"token"}`, 422, "nothing to set"},
		"quota negative":       {"POST", "/sandbox/quotas", `{` + app + `,"endpoint":"token","used":-1}`, 422, "must not be negative"},
		"no such card":         {"POST", "/sandbox/cards/1/tap", ``, 404, "no card 1"},
		"card of no number":    {"POST", "/sandbox/cards/x/reject", ``, 404, "no card"},
		"revoke for no app":    {"POST", "/sandbox/tokens/revoke", `{}`, 404, "no app"},
		"unknown in settings":  {"POST", "/sandbox/subscriptions/settings", `{` + app + `,` + user + `,"results":{"` + sandbox.OnceTemplate + `":"ban"}}`, 422, "none of"},
	} {
		status, body := w.do(c.method, c.path, c.body)
		if got := parse(t, status, body); status != c.status || !strings.Contains(got.text("error"), c.says) || len(got) != 1 {
			t.Errorf("%s: %d %s, want %d with %q", name, status, body, c.status, c.says)
		}
	}
}

func TestThingsAreAdded(t *testing.T) {
	t.Parallel()
	w := start(t)
	app := w.must("POST", "/sandbox/apps", map[string]any{"appid": "wx00000000000000aa", "secret": "s", "era": "today",
		"callback": map[string]string{"url": "http://127.0.0.1:1/x", "token": "t", "encoding_aes_key": callbackKey}})
	if cb, _ := app["callback"].(map[string]any); app.text("era") != "today" || cb["mode"] != "safe" || cb["format"] != "xml" {
		t.Errorf("app %v", app)
	}
	again := w.must("POST", "/sandbox/apps", map[string]any{"appid": "wx00000000000000aa", "era": "classic"})
	if cb, _ := again["callback"].(map[string]any); again.text("secret") != "s" || again.text("era") != "classic" || cb["token"] != "t" {
		t.Errorf("updated app %v, want what was not named as it was", again)
	}
	user := w.must("POST", "/sandbox/users", map[string]any{"appid": "wx00000000000000aa", "nickname": "赵敏"})
	matches(t, "openid", user.text("openid"), `^o[0-9A-Za-z_-]{27}$`)
	w.must("POST", "/sandbox/users", map[string]any{"appid": "wx00000000000000aa", "openid": user.text("openid"), "nickname": "周芷若"})
	classic := w.must("POST", "/sandbox/templates", map[string]any{"appid": "wx00000000000000aa", "channel": "template", "title": "退款通知",
		"keywords": []map[string]string{{"key": "keyword1", "name": "金额"}}})
	once := w.must("POST", "/sandbox/templates", map[string]any{"appid": "wx00000000000000aa", "channel": "subscribe", "title": "退款通知",
		"keywords": []map[string]string{{"key": "amount1", "name": "金额"}}})
	if classic["kind"] != nil || once.text("kind") != "once" {
		t.Errorf("kinds %v and %v", classic["kind"], once["kind"])
	}
	state := w.must("GET", "/sandbox/state", nil)
	users, templates := state["users"].([]any), state["templates"].([]any)
	if len(users) != 4 || users[3].(map[string]any)["nickname"] != "周芷若" || len(templates) != 6 {
		t.Errorf("state %v", state)
	}
	form := w.must("POST", "/sandbox/forms", map[string]string{"appid": "wx00000000000000aa", "openid": user.text("openid")}).text("form_id")
	expect(t, "a form is of one app", w.call("POST", templateSend+w.token(), order(form)), 41028, "invalid form id")
}

func TestOtherSitesMayNotChangeTheSandbox(t *testing.T) {
	t.Parallel()
	w := start(t)
	for header, values := range map[string]map[string]int{
		"Sec-Fetch-Site": {"cross-site": 403, "same-site": 403, "same-origin": 200, "none": 200},
		"Origin":         {"https://example.com": 403, w.url: 200},
	} {
		for value, want := range values {
			req, _ := http.NewRequest(http.MethodPost, w.url+"/sandbox/reset", nil)
			req.Header.Set(header, value)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("%s %s: %d, want %d", header, value, resp.StatusCode, want)
			}
		}
	}
}

func TestPageIsServedUnderAStrictPolicy(t *testing.T) {
	t.Parallel()
	w := start(t)
	for path, c := range map[string]struct{ kind, says string }{
		"/":               {"text/html", `src="/phone/main.js"></script>`},
		"/phone/card.js":  {"text/javascript", "export"},
		"/phone/card.css": {"text/css", "card"},
	} {
		resp, err := http.Get(w.url + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		_, body := w.do("GET", path, nil)
		if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), c.kind) || !strings.Contains(string(body), c.says) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, resp.Header.Get("Content-Type"))
		}
		if got := resp.Header.Get("Content-Security-Policy"); got != "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'" {
			t.Errorf("%s: policy %q", path, got)
		}
	}
	if status, _ := w.do("GET", "/phone/nothing.js", nil); status != 404 {
		t.Errorf("a file that is not there: %d", status)
	}
}
