package consoletest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/wxnotify/wxnotify/server"
	"github.com/wxnotify/wxnotify/store/storetest"
)

func TestTheSetUpLinkMakesTheFirstUserOnce(t *testing.T) {
	t.Parallel()
	w := start(t)
	link := strings.TrimPrefix(w.setup(), w.url)
	_, token, _ := strings.Cut(link, "token=")
	v := w.visitor()
	if status, body, _ := v.get(link); status != http.StatusOK || !strings.Contains(body, token) {
		t.Fatalf("the link: %d", status)
	}
	for name, form := range map[string][]string{
		"short":    {"password", "short", "again", "short"},
		"differs":  {"password", password, "again", password + "!"},
		"no name":  {"password", password, "again", password, "name", ""},
		"bad name": {"password", password, "again", password, "name", "<script>"},
	} {
		if status, _, _ := v.post("/console/setup", append([]string{"token", token}, form...)...); status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, status)
		}
	}
	fields := []string{"token", token, "name", "admin", "password", password, "again", password}
	if status, _, _ := w.visitor().post("/console/setup", append([]string{"token", token + "x"}, fields[2:]...)...); status != http.StatusGone {
		t.Errorf("another token: %d", status)
	}
	if status, _, to := v.post("/console/setup", fields...); status != http.StatusSeeOther || to != "/console/" {
		t.Fatalf("set-up: %d %s", status, to)
	}
	if status, body, _ := v.get("/console/"); status != http.StatusOK || !strings.Contains(body, "<b>admin</b>") {
		t.Errorf("the first user is not in: %d", status)
	}
	if status, _, _ := w.visitor().post("/console/setup", fields...); status != http.StatusGone {
		t.Errorf("a second time: %d", status)
	}
	if link, err := w.server.SetupLink(t.Context()); link != "" || err != nil {
		t.Errorf("there is a user, and a new link: %q %v", link, err)
	}
}

func TestLoginAndLogout(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.admin()
	v := w.visitor()
	if status, _, to := v.get("/console/messages?state=failed"); status != http.StatusSeeOther || to != "/console/login?next=%2Fconsole%2Fmessages%3Fstate%3Dfailed" {
		t.Fatalf("a stranger: %d %s", status, to)
	}
	for name, c := range map[string][2]string{"wrong password": {"admin", "correct horse"}, "nobody": {"nobody", password}, "a key": {"admin", storyKey}} {
		if status, _, _ := v.post("/console/login", "name", c[0], "password", c[1]); status != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, status)
		}
	}
	for next, want := range map[string]string{
		"/console/messages?state=failed": "/console/messages?state=failed", "https://evil.example/console/": "/console/",
		"//evil.example": "/console/", `/console/\evil`: "/console/", "/v1/messages": "/console/",
	} {
		v := w.visitor()
		status, _, to := v.post("/console/login", "name", "admin", "password", password, "next", next)
		if status != http.StatusSeeOther || to != want {
			t.Errorf("next=%s: %d %s", next, status, to)
		}
	}
	v = w.visitor()
	v.post("/console/login", "name", "admin", "password", password)
	if status, _, _ := v.get("/console/"); status != http.StatusOK {
		t.Errorf("logged in: %d", status)
	}
	v.post("/console/logout")
	if status, _, _ := v.get("/console/"); status != http.StatusSeeOther {
		t.Errorf("logged out: %d", status)
	}
}

func TestLoginIsThrottled(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.admin()
	v := w.visitor()
	seen := map[int]int{}
	for range 14 {
		status, _, _ := v.post("/console/login", "name", "admin", "password", "a wrong password")
		seen[status]++
	}
	if seen[http.StatusUnauthorized] < 8 || seen[http.StatusTooManyRequests] < 2 {
		t.Errorf("got %v", seen)
	}
	if status, _, _ := v.post("/console/login", "name", "admin", "password", password); status != http.StatusTooManyRequests {
		t.Errorf("then the right one: %d", status)
	}
}

func TestButtonsOfOtherPagesDoNothing(t *testing.T) {
	t.Parallel()
	w := start(t)
	v := w.admin()
	req, err := http.NewRequest(http.MethodPost, w.url+"/console/logout", nil)
	w.must(err)
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	req.Header.Set("Origin", "https://evil.example")
	if status, _, _ := v.send(req); status != http.StatusForbidden {
		t.Errorf("got %d", status)
	}
	if status, _, _ := v.get("/console/"); status != http.StatusOK {
		t.Errorf("logged out by another site: %d", status)
	}
}

func TestLanguageAndThemeAreRemembered(t *testing.T) {
	t.Parallel()
	v := start(t).admin()
	if _, body, _ := v.get("/console/"); !strings.Contains(body, `<html lang="en">`) {
		t.Error("Accept-Language: en gives another language")
	}
	if status, _, to := v.get("/console/messages?lang=zh&theme=dark&state=failed"); status != http.StatusSeeOther || to != "/console/messages?state=failed" {
		t.Errorf("got %d %s", status, to)
	}
	if _, body, _ := v.get("/console/"); !strings.Contains(body, `<html lang="zh-CN" data-theme="dark">`) {
		t.Error("the choice was forgotten")
	}
	v.get("/console/?lang=tlh")
	if _, body, _ := v.get("/console/"); !strings.Contains(body, `<html lang="zh-CN"`) {
		t.Error("an unknown language was taken")
	}
}

func TestEveryPageKeepsItsPolicy(t *testing.T) {
	t.Parallel()
	v := start(t).admin()
	const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	for _, path := range []string{"/console/", "/console/login", "/console/nothing", "/console/setup", "/console/static/x/console.js"} {
		resp, err := v.http.Get(v.url + path)
		v.must(err)
		_ = resp.Body.Close()
		if got := resp.Header.Get("Content-Security-Policy"); got != policy {
			t.Errorf("%s: %q", path, got)
		}
	}
}

// Each role may what the ones before it may, and no more.
func TestRoles(t *testing.T) {
	t.Parallel()
	w := start(t)
	admin := w.admin()
	id := w.sent(order(wang)).ID
	for _, role := range []string{"viewer", "operator"} {
		if status, _, _ := admin.post("/console/settings/users", "name", role, "role", role, "password", password); status != http.StatusSeeOther {
			t.Fatalf("%s: %d", role, status)
		}
	}
	as := map[string]*visitor{"admin": admin}
	for _, role := range []string{"viewer", "operator"} {
		as[role] = w.visitor()
		as[role].post("/console/login", "name", role, "password", password)
	}
	for path, c := range map[string]map[string]int{
		"/console/messages":                        {"viewer": 200, "operator": 200, "admin": 200},
		"/console/bulk?do=retry&state=failed":      {"viewer": 403, "operator": 200, "admin": 200},
		"/console/audit":                           {"viewer": 403, "operator": 403, "admin": 200},
		"POST /console/messages/" + id + "/resend": {"viewer": 403, "operator": 303, "admin": 303},
		"POST /console/settings/users":             {"viewer": 403, "operator": 403, "admin": 303},
		"POST /console/apps":                       {"viewer": 403, "operator": 403, "admin": 200},
		"POST /console/keys":                       {"viewer": 403, "operator": 403, "admin": 200},
		"POST /console/webhooks":                   {"viewer": 403, "operator": 403, "admin": 200},
		"POST /console/webhooks/X/recover":         {"viewer": 403, "operator": 404, "admin": 404},
		"POST /console/templates/X/send":           {"viewer": 403, "operator": 404, "admin": 404},
		"POST /console/templates/X":                {"viewer": 403, "operator": 403, "admin": 404},
		"POST /console/users/" + li + "/erase":     {"viewer": 403, "operator": 403, "admin": 422},
	} {
		for role, want := range c {
			var got int
			if to, isPost := strings.CutPrefix(path, "POST "); isPost {
				got, _, _ = as[role].post(to)
			} else {
				got, _, _ = as[role].get(path)
			}
			if got != want {
				t.Errorf("%s as %s: %d, want %d", path, role, got, want)
			}
		}
	}
	if _, body, _ := admin.get("/console/audit"); !strings.Contains(body, "message.resend") || !strings.Contains(body, "console:operator") {
		t.Error("the audit log does not tell who sent again")
	}
	admin.post("/console/settings/users/viewer/delete")
	if status, _, _ := as["viewer"].get("/console/"); status != http.StatusSeeOther {
		t.Errorf("a user who was deleted is still in: %d", status)
	}
}

// The session's cookie goes to the console alone, to no script, to no other
// site's requests, and over nothing but https where people come by that. Each
// login has a new one, and the one before opens nothing.
func TestTheCookieIsForTheConsoleAlone(t *testing.T) {
	t.Parallel()
	for public, secure := range map[string]bool{"": false, "https://notify.example": true} {
		w := startOn(t, storetest.SQLite(t), func(c *server.Config) { c.PublicURL = public })
		w.admin()
		login := func(cookie *http.Cookie) *http.Cookie {
			form := url.Values{"name": {"admin"}, "password": {password}}
			req, err := http.NewRequest(http.MethodPost, w.url+"/console/login", strings.NewReader(form.Encode()))
			w.must(err)
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("Sec-Fetch-Site", "same-origin")
			if cookie != nil {
				req.AddCookie(cookie)
			}
			resp, err := http.DefaultTransport.RoundTrip(req)
			w.must(err)
			_ = resp.Body.Close()
			if len(resp.Cookies()) != 1 {
				t.Fatalf("%d cookies, status %d", len(resp.Cookies()), resp.StatusCode)
			}
			return resp.Cookies()[0]
		}
		opens := func(cookie *http.Cookie) bool {
			req, err := http.NewRequest(http.MethodGet, w.url+"/console/", nil)
			w.must(err)
			req.AddCookie(cookie)
			resp, err := http.DefaultTransport.RoundTrip(req)
			w.must(err)
			_ = resp.Body.Close()
			return resp.StatusCode == http.StatusOK
		}
		first := login(nil)
		if !first.HttpOnly || first.Secure != secure || first.SameSite != http.SameSiteLaxMode || first.Path != "/console" || first.Domain != "" || len(first.Value) < 32 {
			t.Errorf("public_url %q: %s", public, strings.Replace(first.String(), first.Value, "…", 1))
		}
		if !opens(first) {
			t.Fatal("the cookie opens nothing")
		}
		second := login(first)
		if second.Value == first.Value || opens(first) || !opens(second) {
			t.Error("a cookie from before the login goes on")
		}
	}
}
