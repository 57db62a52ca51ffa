package server_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// Every story ends with a search for what must not be shown (watch_test.go), and
// make test-long tells all of them with faults (spy_test.go). In this one, which
// has faults always, secrets of every kind are planted, everything is done that
// a server does, with every fault that WeChat has as well, and it is looked
// whether the search sees.
func TestNoCanaryIsFound(t *testing.T) {
	t.Parallel()
	tell(t, true, func(w *world) {
		const (
			appid = "wxcafe000000000001"
			name  = "金丝雀·张一山"
			phone = "13800138000-canary"
			where = "pages/canary?order=10191019"
		)
		planted := map[string]string{
			"the app's secret": "canaryAppSecret0123456789abcdef", "the callback's token": "canaryCallbackToken0123456789ab",
			"the AES key": "canaryAESKey0123456789abcdefghijklmnopqrstu", "the API key of the setting": "canary-configured-api-key",
			"the master key": w.conf.MasterKey.Reveal(),
		}
		for what, secret := range planted {
			w.secrets.add(what, secret)
		}
		for what, text := range map[string]string{"a name": name, "a phone number": phone, "a page": where, "a login code": "canary-login-code-0123456789"} {
			w.personal.add(what, text)
		}
		w.stop()
		w.conf.APIKey = wxnotify.NewSecret(planted["the API key of the setting"])
		w.conf.WebhookAllow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		w.start()
		do := func(key string) *client.Client { return w.speak(w.url, key, client.Tries(1)) }
		admin := do(planted["the API key of the setting"])

		// An app with all its secrets, a key, a login.
		cb := map[string]any{"url": w.url + "/wechat/" + appid, "token": planted["the callback's token"], "encoding_aes_key": planted["the AES key"], "mode": "safe", "format": "json"}
		w.phone("POST", "apps", map[string]any{"appid": appid, "secret": planted["the app's secret"], "callback": cb})
		prompt := w.phone("POST", "templates", map[string]any{"appid": appid, "channel": "subscribe", "kind": "once", "title": "通知", "keywords": []map[string]string{{"key": "thing1", "name": "事项"}}})["template_id"]
		secret, token, aes, mode := planted["the app's secret"], planted["the callback's token"], planted["the AES key"], "safe"
		_, err := admin.CreateApp(w.ctx(), client.NewApp{ID: appid, AppSettings: client.AppSettings{
			Secret: &secret, Callback: &client.CallbackSettings{Token: &token, EncodingAESKey: &aes, Mode: &mode}}})
		w.must(err)
		k, err := admin.CreateKey(w.ctx(), client.NewKey{Name: "canary", Scopes: []string{"send", "permits", "read", "token", "admin"}, App: appid})
		w.must(err)
		shop := do(k.Text)
		user := w.phone("POST", "users", map[string]any{"appid": appid, "nickname": "金丝雀"})["openid"].(string)
		w.people.add("the canary's user", user)
		login := func() {
			code := w.phone("POST", "login", map[string]any{"appid": appid, "openid": user})["code"].(string)
			if s, err := shop.Login(w.ctx(), appid, code); err == nil {
				code := w.phone("POST", "forms", map[string]any{"appid": appid, "openid": user})["form_id"].(string)
				_, _ = shop.MPPermits(w.ctx(), s.Token, []client.MPPermit{{ID: code, Source: "form", Code: code}})
			}
		}
		classic := w.phone("POST", "templates", map[string]any{"appid": appid, "channel": "template", "title": "接单通知",
			"keywords": []map[string]string{{"key": "keyword1", "name": "骑手"}, {"key": "keyword2", "name": "电话"}}})["template_id"].(string)
		send := func() {
			m := client.NewMessage{To: user, TemplateID: classic, Page: where, Data: client.Data{"keyword1": {Value: name}, "keyword2": {Value: phone}}}
			_, _ = shop.SendAndWait(w.ctx(), m, 1500*time.Millisecond)
		}
		w.receiver(admin, appid)
		login()
		send()
		w.phone("POST", "subscriptions", map[string]any{"appid": appid, "openid": user, "template_id": prompt, "result": "accept"})

		// The real token, and one of the gateway's, whose request has the key in it.
		if _, answer := w.raw("GET", "/v1/apps/"+appid+"/access_token", "Bearer "+k.Text, ""); !strings.Contains(answer, "access_token") {
			w.Errorf("the token is not given: %s", answer)
		}
		_, answer := w.raw("GET", "/cgi-bin/token?grant_type=client_credential&appid="+appid+"&secret="+k.Text, "", "")
		gate := regexp.MustCompile(`"access_token":"(wxg_[^"]+)"`).FindStringSubmatch(answer)[1]
		for path, body := range map[string]string{
			"/cgi-bin/message/wxopen/template/send": `{"touser":"` + user + `","template_id":"` + classic + `","data":{"keyword1":{"value":"` + name + `"}}}`,
			"/cgi-bin/wxopen/template/list":         `{"offset":0,"count":20}`, "/cgi-bin/canary": `{"` + gate + `":1}`,
		} {
			w.raw("POST", path+"?access_token="+gate, "", body)
		}

		// Everything that WeChat can do.
		for _, effect := range []string{"status", "drop_request", "drop_response", "reset", "malformed", "redirect", "errcode"} {
			for _, endpoint := range []string{"token", "jscode2session", "template/send"} {
				f := map[string]any{"endpoint": endpoint, "effect": effect, "times": 1, "appid": appid}
				switch effect {
				case "status":
					f["status"] = 500
				case "errcode":
					f["errcode"] = 40001
				}
				w.phone("POST", "faults", f)
				if endpoint == "token" {
					w.phone("POST", "tokens/revoke", map[string]any{"appid": appid})
				}
				login()
				send()
			}
		}
		w.slow(admin)
		w.deliveries(admin)
		_, err = admin.ChangeApp(w.ctx(), appid, client.AppSettings{Secret: &secret})
		w.must(err)
		w.hostile(planted)
		w.setUp()
		w.scrape(w.url, planted["the API key of the setting"])
		w.stop()

		// A WeChat that cannot be dialed, and one with another name in its certificate.
		for i, far := range []string{"http://127.0.0.1:1", w.strangeTLS()} {
			w.conf.WeChatURL = far
			w.conf.ClockURL = ""
			w.start()
			shop = do(k.Text)
			_, _ = shop.Login(w.ctx(), appid, fmt.Sprint("canary-login-code-0123456789-", i))
			send()
			w.stop()
		}
		w.sees(appid, user, classic)
	})
}

// sees looks whether the search would find: for what is right by design, and for
// the faults.
func (w *world) sees(app, user, template string) {
	w.Helper()
	for where, has := range map[string]struct {
		text  string
		parts []string
	}{
		"the log":      {string(w.logs.bytes()), []string{"level=DEBUG", app, "panic: a string", "connection refused", "the TLS certificate is not trusted"}},
		"the answers":  {fmt.Sprint(w.said.all()), []string{user, "what was asked for", "wxnotify_console=", "接单通知", "13800138000-canary"}},
		"the metrics":  {fmt.Sprint(w.figures.all()), []string{"# HELP wxnotify_", app}},
		"the posts":    {fmt.Sprint(w.posted.all()), []string{user, "message."}},
		"the database": {string(storetest.Everything(w, w.conf.Database.Reveal())), []string{user, template}},
		"the secrets": {fmt.Sprint(slices.Sorted(maps.Values(w.secrets.all()))), []string{
			"WeChat's access_token", "WeChat's session_key", "what POST /v1/keys gave", "what POST /mp/v1/login gave", "what GET /cgi-bin/token gave", "a webhook's secret, decoded"}},
		"what is personal": {fmt.Sprint(slices.Sorted(maps.Values(w.personal.all()))), []string{"a code", "a form_id"}},
		"the doors":        {fmt.Sprint(slices.Sorted(maps.Values(w.doors.all()))), []string{"the set-up link's token", "the cookie wxnotify_console"}},
	} {
		for _, part := range has.parts {
			if !strings.Contains(has.text, part) {
				w.Errorf("%s: there is no %q: the test does not see", where, part)
			}
		}
	}
	for _, kind := range []string{"send", "token", "login"} {
		if w.spy.broken(kind) == 0 {
			w.Errorf("no %s was broken", kind)
		}
	}
}

// receiver makes a webhook, and another one of each kind that does not work,
// and rotates its secret.
func (w *world) receiver(admin *client.Client, app string) {
	w.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.posted.add(r.URL.Path, fmt.Sprint(r.Header, string(body)))
		switch r.URL.Path {
		case "/away":
			http.Redirect(rw, r, "http://127.0.0.1:1/canary", http.StatusFound)
		case "/broken":
			panic(http.ErrAbortHandler)
		case "/echo": // a receiver that is careless with what it was sent
			rw.WriteHeader(http.StatusInternalServerError)
			_ = r.Header.Write(rw)
		}
	}))
	srv.Config.ErrorLog = nil
	w.Cleanup(srv.Close)
	for _, path := range []string{"/taken", "/away", "/broken", "/echo"} {
		h, err := admin.CreateWebhook(w.ctx(), client.NewWebhook{URL: srv.URL + path, App: app})
		w.must(err)
		yes := true
		next, err := admin.ChangeWebhook(w.ctx(), h.ID, client.WebhookChange{RotateSecret: &yes})
		w.must(err)
		for i, s := range []string{h.Secret, next.Secret} {
			if !strings.HasPrefix(s, "whsec_") || len(s) < 38 {
				w.Errorf("the secret %d of %s was not shown once", i, path)
			}
		}
	}
}

// slow has WeChat take longer than anybody waits, for a login and a send.
func (w *world) slow(admin *client.Client) {
	w.Helper()
	const app = sandbox.FirstAppID
	w.phone("DELETE", "faults", nil)
	for _, endpoint := range []string{"jscode2session", "template/send"} {
		w.phone("POST", "faults", map[string]any{"endpoint": endpoint, "effect": "slow", "delay_ms": 11_000, "times": 1, "appid": app})
	}
	_, err := admin.DepositPermits(w.ctx(), app, []client.NewPermit{{To: li, Source: "form", Code: w.form(li)}})
	w.must(err)
	code := w.phone("POST", "login", map[string]any{"openid": li})["code"].(string)
	m := order(li)
	m.App = app
	_, err = admin.Send(w.ctx(), m)
	w.must(err)
	if _, err := admin.Login(w.ctx(), app, code); problem(err) != "upstream_unavailable" {
		w.Errorf("a login that takes too long: %v", err)
	}
	w.until("slow WeChat", func() bool { return strings.Count(fmt.Sprint(w.phone("GET", "faults", nil)), "hits:1") == 2 })
}

// deliveries looks at what became of the webhooks' posts.
func (w *world) deliveries(admin *client.Client) {
	w.Helper()
	for _, want := range []string{"redirect", "connection", "status", ""} {
		w.until("a delivery that ended with "+want, func() bool {
			for h, err := range admin.Webhooks(w.ctx()) {
				w.must(err)
				for d, err := range admin.Deliveries(w.ctx(), h.ID, "") {
					w.must(err)
					if d.Answer != nil && d.Answer.Error == want {
						return true
					}
				}
			}
			return false
		})
	}
}

// raw makes a request as it is, and returns status and body.
func (w *world) raw(method, path, auth, body string) (int, string) {
	w.Helper()
	r, err := http.NewRequestWithContext(w.ctx(), method, w.url+path, strings.NewReader(body))
	w.must(err)
	r.Header.Set("Content-Type", "application/json")
	if auth != "" {
		r.Header.Set("Authorization", auth)
	}
	resp, err := w.web.Do(r)
	w.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	w.must(err)
	return resp.StatusCode, string(text)
}

// setUp makes the console's first user, and opens the pages as he does.
func (w *world) setUp() {
	w.Helper()
	link, err := w.server.SetupLink(w.ctx())
	w.must(err)
	u, err := url.Parse(link)
	w.must(err)
	const password = "canary-password-0123456789"
	token := u.Query().Get("token")
	w.secrets.add("the console's password", password)
	w.doors.add("the set-up link's token", token)
	browser := w.browser()
	resp, err := browser.PostForm(w.url+u.Path, url.Values{"token": {token}, "name": {"admin"}, "password": {password}, "again": {password}})
	w.must(err)
	resp.Body.Close()
	if message := w.browse(browser); !strings.Contains(message, "接单通知") {
		w.Errorf("no page shows a message: the test is not let in")
	}
}

// hostile puts secrets where they do not belong, and asks for what is public.
func (w *world) hostile(planted map[string]string) {
	w.Helper()
	key := "Bearer " + planted["the API key of the setting"]
	for _, what := range slices.Sorted(maps.Keys(planted)) {
		s := planted[what]
		for _, q := range []struct{ method, path, auth, body string }{
			{"GET", "/v1/messages?key=" + url.QueryEscape(s), "", ""},
			{"GET", "/v1/messages?template_id=" + url.QueryEscape(s), "Bearer " + s, ""},
			{"GET", "/v1/" + url.PathEscape(s), "Basic " + s, ""},
			{"POST", "/v1/messages", key, `{"touser":"` + s + `!","secret":"` + s + `","template_id":"` + s + `"}`},
			{"POST", "/mp/v1/login", "", `{"app":"` + s + `","code":"` + s + `"}`},
			{"POST", "/wechat/wxcafe000000000001?signature=" + url.QueryEscape(s) + "&timestamp=1&nonce=" + url.QueryEscape(s), "", s},
			{"POST", "/cgi-bin/message/subscribe/send?access_token=" + url.QueryEscape(s), "", `{"touser":"` + s + `"}`},
			{"GET", "/openapi.json", "", ""}, {"GET", "/docs", "", ""}, {"GET", "/metrics", key, ""}, {"GET", "/console", "", ""},
			{"GET", "/v1/apps", key, ""}, {"GET", "/v1/keys", key, ""}, {"GET", "/v1/audit?limit=250", key, ""},
		} {
			if status, _ := w.raw(q.method, q.path, q.auth, q.body); status == http.StatusInternalServerError {
				w.Errorf("%s %s: 500", q.method, q.path)
			}
		}
	}
}

// strangeTLS is a server whose certificate nobody vouches for.
func (w *world) strangeTLS() string {
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	srv.Config.ErrorLog = nil
	w.Cleanup(srv.Close)
	return srv.URL
}
