package sandbox_test

import (
	"net/url"
	"regexp"
	"testing"

	"github.com/wxnotify/wxnotify/sandbox"
)

func matches(t *testing.T, name, got, pattern string) {
	t.Helper()
	if !regexp.MustCompile(pattern).MatchString(got) {
		t.Errorf("%s: %q does not match %q", name, got, pattern)
	}
}

func (w *world) login(openid string) string {
	w.t.Helper()
	return w.must("POST", "/sandbox/login", person(openid)).text("code")
}

func (w *world) exchange(code string) reply {
	w.t.Helper()
	return w.exchangeWith(url.Values{"js_code": {code}})
}

// exchangeWith calls jscode2session with some parameters changed; an empty one
// is left out.
func (w *world) exchangeWith(changes url.Values) reply {
	w.t.Helper()
	q := url.Values{"appid": {sandbox.FirstAppID}, "secret": {sandbox.FirstSecret}, "grant_type": {"authorization_code"}, "js_code": {"x"}}
	for k, v := range changes {
		q[k] = v
		if v[0] == "" {
			q.Del(k)
		}
	}
	return w.call("GET", "/sns/jscode2session?"+q.Encode(), nil)
}

func TestCodeBecomesSessionOnce(t *testing.T) {
	t.Parallel()
	w := start(t)
	code := w.login(sandbox.SecondUser)
	got := w.exchange(code)
	if got.text("openid") != sandbox.SecondUser || got.text("expires_in") != "7200" || got["errcode"] != nil {
		t.Errorf("first exchange: %v", got)
	}
	matches(t, "session_key", got.text("session_key"), `^[0-9A-Za-z+/]{22}==$`)
	expect(t, "second exchange", w.exchange(code), 40163, "code been used")
}

func TestCodeLivesFiveMinutes(t *testing.T) {
	t.Parallel()
	w := start(t)
	young, old := w.login(sandbox.FirstUser), w.login(sandbox.FirstUser)
	w.advance(299)
	if got := w.exchange(young); got.text("openid") != sandbox.FirstUser {
		t.Errorf("after 299 s: %v", got)
	}
	w.advance(1)
	expect(t, "after 300 s", w.exchange(old), 40029, "invalid code")
}

func TestSessionOfTodayHasNoExpiry(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.must("POST", "/sandbox/apps", map[string]string{"appid": sandbox.FirstAppID, "era": "today"})
	got := w.exchange(w.login(sandbox.FirstUser))
	if _, there := got["expires_in"]; there || got.text("openid") != sandbox.FirstUser {
		t.Errorf("got %v, want an openid and no expires_in", got)
	}
}

func TestMockCodeLogsInTheFirstUser(t *testing.T) {
	t.Parallel()
	w := start(t)
	for range 2 {
		if got := w.exchange("the code is a mock one"); got.text("openid") != sandbox.FirstUser {
			t.Errorf("got %v", got)
		}
	}
}

func TestLoginRefusals(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.must("POST", "/sandbox/apps", map[string]string{"appid": "wx00000000000000aa", "secret": "other"})
	code := w.login(sandbox.FirstUser)
	for name, c := range map[string]struct {
		change url.Values
		code   int
		text   string
	}{
		"no appid":      {url.Values{"appid": {""}}, 41002, "appid missing"},
		"no secret":     {url.Values{"secret": {""}}, 41004, "appsecret missing"},
		"no code":       {url.Values{"js_code": {""}}, 41008, "missing code"},
		"no grant":      {url.Values{"grant_type": {""}}, 40002, "invalid grant_type"},
		"unknown appid": {url.Values{"appid": {"wx0000000000000000"}}, 40013, "invalid appid"},
		"wrong secret":  {url.Values{"secret": {"x"}}, 40125, "invalid appsecret"},
		"unknown code":  {url.Values{"js_code": {"nonsense"}}, 40029, "invalid code"},
		"foreign code":  {url.Values{"js_code": {code}, "appid": {"wx00000000000000aa"}, "secret": {"other"}}, 40029, "invalid code"},
	} {
		expect(t, name, w.exchangeWith(c.change), c.code, c.text)
	}
	if got := w.exchange(code); got.text("openid") != sandbox.FirstUser {
		t.Errorf("refusals spent the code: %v", got)
	}
	expect(t, "by POST", w.call("POST", "/sns/jscode2session?js_code=x", nil), 43001, "require GET method")
	expect(t, "other letter case", w.call("GET", "/sns/jsCode2session?js_code=x", nil), 40066, "invalid url")
}

func TestHundredLoginsAMinute(t *testing.T) {
	t.Parallel()
	w := start(t)
	for i := range 100 {
		if got := w.exchange("the code is a mock one"); got["openid"] == nil {
			t.Fatalf("%d: %v", i+1, got)
		}
	}
	code := w.login(sandbox.FirstUser)
	expect(t, "the 101st", w.exchange(code), 45011, "api minute-quota reach limit")
	if got := w.exchange(w.login(sandbox.SecondUser)); got.text("openid") != sandbox.SecondUser {
		t.Errorf("another user: %v", got)
	}
	w.advance(60)
	if got := w.exchange(code); got.text("openid") != sandbox.FirstUser {
		t.Errorf("a minute later, with the same code: %v", got)
	}
}
