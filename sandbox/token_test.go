package sandbox_test

import (
	"fmt"
	"testing"

	"github.com/wxnotify/wxnotify/sandbox"
)

// probe asks with a token for something harmless and returns the errcode.
func (w *world) probe(token string) string {
	w.t.Helper()
	return w.call("GET", "/wxaapi/newtmpl/getcategory?access_token="+token, nil).code()
}

func (w *world) stable(force bool) reply {
	w.t.Helper()
	return w.call("POST", "/cgi-bin/stable_token", map[string]any{
		"grant_type": "client_credential", "appid": sandbox.FirstAppID, "secret": sandbox.FirstSecret, "force_refresh": force,
	})
}

// life is a token and what is expected of it.
type life struct{ token, want string }

func (w *world) expectLives(when string, lives ...life) {
	w.t.Helper()
	for i, l := range lives {
		if got := w.probe(l.token); got != l.want {
			w.t.Errorf("%s: token %d: got errcode %s, want %s", when, i+1, got, l.want)
		}
	}
}

func TestTwoClassicTokensLive(t *testing.T) {
	t.Parallel()
	w := start(t)
	a := w.token()
	w.expectLives("alone", life{a, "0"})
	b := w.token()
	w.expectLives("replaced", life{a, "0"}, life{b, "0"})
	w.advance(299)
	w.expectLives("299 s later", life{a, "0"}, life{b, "0"})
	w.advance(1)
	w.expectLives("300 s later", life{a, "40001"}, life{b, "0"})
	c := w.token()
	d := w.token()
	w.expectLives("twice replaced", life{b, "40001"}, life{c, "0"}, life{d, "0"})
	w.advance(7199)
	w.expectLives("in its last second", life{d, "0"})
	w.advance(1)
	w.expectLives("after its life", life{d, "42001"})
}

func TestStableTokenStaysUntilItsLastMinutes(t *testing.T) {
	t.Parallel()
	w := start(t)
	first := w.stable(false)
	if first.text("expires_in") != "7200" {
		t.Errorf("first: %v", first)
	}
	w.advance(6899)
	if again := w.stable(false); again["access_token"] != first["access_token"] || again.text("expires_in") != "301" {
		t.Errorf("with 301 s left: %v, want the same token", again)
	}
	w.advance(1)
	next := w.stable(false)
	if next["access_token"] == first["access_token"] || next.text("expires_in") != "7200" {
		t.Errorf("with 300 s left: %v, want a successor", next)
	}
	if again := w.stable(false); again["access_token"] != next["access_token"] {
		t.Errorf("after the successor: %v, want the same", again)
	}
	w.advance(299)
	w.expectLives("while both live", life{first.text("access_token"), "0"}, life{next.text("access_token"), "0"})
	w.advance(1)
	w.expectLives("after the first", life{first.text("access_token"), "42001"}, life{next.text("access_token"), "0"})
}

func TestForceRefreshKillsAtOnce(t *testing.T) {
	t.Parallel()
	w := start(t)
	first := w.stable(false).text("access_token")
	second := w.stable(true).text("access_token")
	w.expectLives("forced", life{first, "40001"}, life{second, "0"})
	w.advance(29)
	if got := w.stable(true).text("access_token"); got != second {
		t.Errorf("29 s later: a new token, want the current one")
	}
	w.advance(1)
	third := w.stable(true).text("access_token")
	if third == second {
		t.Errorf("30 s later: the current token, want a new one")
	}
	for range 18 {
		w.advance(30)
		w.stable(true)
	}
	w.advance(30)
	expect(t, "21st of the day", w.stable(true), 45009, "reach max api daily quota limit")
	w.advance(86400)
	if r := w.stable(true); r["access_token"] == nil {
		t.Errorf("next day: %v", r)
	}
}

func TestTokenKindsAreIndependent(t *testing.T) {
	t.Parallel()
	w := start(t)
	stable := w.stable(false).text("access_token")
	for range 3 {
		w.token()
	}
	classic := w.token()
	w.stable(true)
	w.expectLives("each by itself", life{stable, "40001"}, life{classic, "0"})
}

func TestRivalKillsEveryToken(t *testing.T) {
	t.Parallel()
	w := start(t)
	classic, stable := w.token(), w.stable(false).text("access_token")
	w.must("POST", "/sandbox/tokens/revoke", map[string]string{"appid": sandbox.FirstAppID})
	w.expectLives("revoked", life{classic, "40001"}, life{stable, "40001"})
	if next := w.stable(false).text("access_token"); next == stable {
		t.Error("the next fetch gave the dead token")
	} else {
		w.expectLives("next", life{next, "0"})
	}
}

func TestTokenRefusals(t *testing.T) {
	t.Parallel()
	w := start(t)
	const grant = "grant_type=client_credential"
	id, secret := "&appid="+sandbox.FirstAppID, "&secret="+sandbox.FirstSecret
	for name, c := range map[string]struct {
		query string
		code  int
		text  string
	}{
		"no grant_type":    {"x=1" + id + secret, 40002, "invalid grant_type"},
		"wrong grant":      {"grant_type=password" + id + secret, 40002, "invalid grant_type"},
		"no appid":         {grant + secret, 41002, "appid missing"},
		"no secret":        {grant + id, 41004, "appsecret missing"},
		"unknown appid":    {grant + "&appid=wx0000000000000000" + secret, 40013, "invalid appid"},
		"appid in capital": {grant + "&appid=WX7F3C9A1E5B2D8046" + secret, 40013, "invalid appid"},
		"wrong secret":     {grant + id + "&secret=x", 40125, "invalid appsecret"},
	} {
		expect(t, name, w.call("GET", "/cgi-bin/token?"+c.query, nil), c.code, c.text)
	}
	expect(t, "token by POST", w.call("POST", "/cgi-bin/token?"+grant+id+secret, nil), 43001, "require GET method")
	for name, c := range map[string]struct {
		method, body string
		code         int
		text         string
	}{
		"by GET":       {"GET", "", 43002, "require POST method"},
		"empty":        {"POST", "", 44002, "empty post data"},
		"broken":       {"POST", `{"grant_type":`, 47001, "data format error"},
		"a list":       {"POST", `[1]`, 47001, "data format error"},
		"two objects":  {"POST", `{} {}`, 47001, "data format error"},
		"no grant":     {"POST", `{}`, 40002, "invalid grant_type"},
		"no appid":     {"POST", `{"grant_type":"client_credential"}`, 41002, "appid missing"},
		"wrong secret": {"POST", fmt.Sprintf(`{"grant_type":"client_credential","appid":%q,"secret":"x"}`, sandbox.FirstAppID), 40125, "invalid appsecret"},
	} {
		expect(t, "stable "+name, w.call(c.method, "/cgi-bin/stable_token", c.body), c.code, c.text)
	}
}

func TestTokenIsLookedAt(t *testing.T) {
	t.Parallel()
	w := start(t)
	for name, c := range map[string]struct {
		path string
		code int
		text string
	}{
		"missing":      {"/wxaapi/newtmpl/getcategory", 41001, "access_token missing"},
		"empty":        {"/wxaapi/newtmpl/getcategory?access_token=", 41001, "access_token missing"},
		"too short":    {"/wxaapi/newtmpl/getcategory?access_token=abc", 40014, "invalid access_token"},
		"of elsewhere": {"/wxaapi/newtmpl/getcategory?access_token=" + w.token()[1:] + "x", 40001, "invalid credential, access_token is invalid or not latest"},
	} {
		expect(t, name, w.call("GET", c.path, nil), c.code, c.text)
	}
}

func TestTokenQuotaLastsADayInChina(t *testing.T) {
	t.Parallel()
	w := start(t) // 12:00 in UTC+8
	w.must("POST", "/sandbox/quotas", map[string]any{"appid": sandbox.FirstAppID, "endpoint": "token", "limit": 2000, "used": 1999})
	fetch := func() reply {
		return w.call("GET", "/cgi-bin/token?grant_type=client_credential&appid="+sandbox.FirstAppID+"&secret="+sandbox.FirstSecret, nil)
	}
	if r := fetch(); r["access_token"] == nil {
		t.Errorf("2000th: %v", r)
	}
	expect(t, "2001st", fetch(), 45009, "reach max api daily quota limit")
	w.advance(12*3600 - 1)
	expect(t, "at 23:59:59", fetch(), 45009, "reach max api daily quota limit")
	w.advance(1)
	if r := fetch(); r["access_token"] == nil {
		t.Errorf("at midnight: %v", r)
	}
}

func TestErrorsEndAsTheirEraDid(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.token()
	for _, c := range []struct{ era, cgi, sns string }{
		{"classic", `^invalid openid hint: \[[0-9A-Za-z]{14}\]$`, `^invalid code, hints: \[ req_id: [0-9A-Za-z]{8} \]$`},
		{"today", `^invalid openid rid: 59e82340-[0-9a-f]{8}-[0-9a-f]{8}$`, `^invalid code, rid: 59e82340-[0-9a-f]{8}-[0-9a-f]{8}$`},
	} {
		w.must("POST", "/sandbox/apps", map[string]string{"appid": sandbox.FirstAppID, "era": c.era})
		matches(t, c.era+" login", w.exchange("nonsense").text("errmsg"), c.sns)
		matches(t, c.era+" call", w.call("POST", subscribeSend+token, map[string]string{"touser": "nobody"}).text("errmsg"), c.cgi)
	}
	w.must("POST", "/sandbox/tokens/revoke", map[string]string{"appid": sandbox.FirstAppID})
	dead := w.call("POST", templateSend+token, order("x"))
	matches(t, "dead token today", dead.text("errmsg"), `^invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken, more details at https://mmbizurl\.cn/s/JtxxFh33r rid: `)
}
