package gateway_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/sandbox"
)

// key makes an API key of these scopes, bound to an app or not.
func (w *world) key(app string, scopes ...wxnotify.Scope) (text, id string) {
	w.Helper()
	text = wxnotify.KeyText([32]byte{byte(len(scopes)), byte(len(app)), byte(len(w.Name()))})
	id = wxnotify.KeyPrefix + text[len(text)-12:]
	w.must(w.store.CreateKey(w.Context(), wxnotify.Key{ID: id, Name: "test", Scopes: scopes, App: app, CreatedAt: time.Now()}, wxnotify.KeyHash(text)))
	return text, id
}

func TestATokenIsTheSameForAllAndWeChatHearsNothingOfIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, nil)
	first := w.token(testKey)
	for range 3 {
		if w.token(testKey) != first {
			t.Error("another token for the same key")
		}
		a := w.call("/cgi-bin/stable_token", nil, object{"grant_type": "client_credential", "appid": appid, "secret": testKey, "force_refresh": true})
		if a.Token != first || a.ExpiresIn != 7200 {
			t.Errorf("stable_token: %s", a.body)
		}
	}
	other, _ := w.key("", wxnotify.ScopeSend)
	if w.token(other) == first {
		t.Error("two keys got one token")
	}
	w.ahead.Store(int64(time.Hour + 55*time.Minute))
	w.want(w.call(listTemplates, with(first), nil), 0)
	if n := w.fetches(); n != 1 {
		t.Errorf("WeChat was asked for %d tokens", n)
	}
	w.ahead.Store(int64(5 * time.Hour))
	w.want(w.call(listTemplates, with(first), nil), 40001)
}

func TestWhoGetsNoToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, nil)
	bound, _ := w.key("wx0000000000000000", wxnotify.ScopeSend)
	change := func(name, value string) url.Values {
		q := credential(testKey)
		q.Set(name, value)
		return q
	}
	for name, c := range map[string]struct {
		query url.Values
		want  int
	}{
		"no grant_type":        {change("grant_type", ""), 40002},
		"another grant_type":   {change("grant_type", "authorization_code"), 40002},
		"no appid":             {change("appid", ""), 41002},
		"no secret":            {change("secret", ""), 41004},
		"the app's own secret": {change("secret", sandbox.FirstSecret), 40125},
		"an unknown app":       {change("appid", "wx1111111111111111"), 40013},
		"no appid at all":      {change("appid", "../"), 40013},
		"another app's key":    {change("secret", bound), 40013},
		"unknown parameters":   {change("nonsense", "1"), 0},
	} {
		if a := w.call("/cgi-bin/token", c.query, nil); a.Errcode != c.want {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	w.want(w.call("/cgi-bin/token", credential(testKey), "{}"), 43001)
	w.want(w.call("/cgi-bin/stable_token", credential(testKey), nil), 43002)
	w.want(w.call("/cgi-bin/stable_token", nil, ""), 44002)
	w.want(w.call("/cgi-bin/stable_token", nil, "appid=1"), 47001)
	w.want(w.call("/sns/nonsense", credential(testKey), nil), 40066)
	w.want(w.call("/cgi-bin/../wxa/x", with(w.token(testKey)), nil), 40066)
	if n := w.fetches(); n != 0 {
		t.Errorf("WeChat was asked for %d tokens", n)
	}
}

func TestATokenHasTheScopesOfItsKeyAndDiesWithIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, nil)
	reading, _ := w.key("", wxnotify.ScopeRead, wxnotify.ScopePermits)
	for path, body := range map[string]any{templateSend: order(li, ""), subscribeSend: delivery(li), listTemplates: nil} {
		w.want(w.call(path, with(w.token(reading)), body), 48001)
		w.want(w.call(path, with("wxg_nonsense"), body), 40001)
		w.want(w.call(path, with(""), body), 41001)
	}
	text, id := w.key(appid, wxnotify.ScopeSend)
	token := w.token(text)
	w.want(w.call(listTemplates, with(token), nil), 0)
	w.must(w.store.RevokeKey(t.Context(), id))
	w.until("the end of the token", func() bool { return w.call(listTemplates, with(token), nil).Errcode == 40001 })
	w.want(w.call("/cgi-bin/token", credential(text), nil), 40125)
}

func TestLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, nil)
	code, err := w.sandbox.Login(appid, li)
	w.must(err)
	q := url.Values{"appid": {appid}, "secret": {testKey}, "js_code": {code}, "grant_type": {"authorization_code"}}
	if a := w.call("/sns/jscode2session", q, nil); !hasMembers(a.body, "openid", "session_key") {
		t.Errorf("got %s", a.body)
	}
	w.want(w.call("/sns/jscode2session", q, nil), 40163)
	q.Set("js_code", "nonsense")
	w.want(w.call("/sns/jscode2session", q, nil), 40029)
	q.Set("secret", "nonsense")
	w.want(w.call("/sns/jscode2session", q, nil), 40125)
	reading, _ := w.key("", wxnotify.ScopeRead)
	q.Set("secret", reading)
	w.want(w.call("/sns/jscode2session", q, nil), 48001)
	q.Del("js_code")
	w.want(w.call("/sns/jscode2session", q, nil), 41008)
}
