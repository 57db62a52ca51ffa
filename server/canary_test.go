package server_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/server"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// notes are texts by what they are, written down by several goroutines.
type notes struct {
	mu sync.Mutex
	m  map[string]string
}

func (n *notes) add(what, text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.m == nil {
		n.m = map[string]string{}
	}
	n.m[what] = text
}

func (n *notes) all() map[string]string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.m)
}

// forms are the ways in which a secret may stand somewhere: plain, in a URL, in
// hex, and in base64, where it is another text at each of three offsets.
func forms(secret string) []string {
	out := []string{secret, url.QueryEscape(secret), hex.EncodeToString([]byte(secret))}
	for skip := range 3 {
		b := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", skip) + secret))
		b = b[(skip*8+5)/6:]
		b = b[:len(b)-4] // its end depends on what follows
		out = append(out, b, strings.NewReplacer("+", "-", "/", "_").Replace(b))
	}
	return out
}

// clean wants none of the secrets in a text.
func (w *world) clean(where string, text []byte, secrets map[string]string) {
	w.Helper()
	for what, secret := range secrets {
		for _, form := range forms(secret) {
			if i := bytes.Index(text, []byte(form)); i >= 0 {
				w.Errorf("%s in %s, as %.12s…: …%q…", what, where, form, text[max(0, i-100):i])
				break
			}
		}
	}
}

// A spy stands between the server and WeChat. It learns the secrets that WeChat
// gives, and breaks connections where WeChat does.
func (w *world) spy(secrets *notes) string {
	to, err := url.Parse(w.sandbox.URL)
	w.must(err)
	shape := regexp.MustCompile(`"(access_token|session_key)":"([^"]{8,})"`)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ModifyResponse: func(r *http.Response) error {
			raw, err := io.ReadAll(r.Body)
			for _, m := range shape.FindAllStringSubmatch(string(raw), -1) {
				secrets.add("WeChat's "+m[1]+" "+m[2][:4], m[2])
			}
			r.Body = io.NopCloser(bytes.NewReader(raw))
			return err
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	srv := httptest.NewUnstartedServer(proxy)
	srv.Config.ErrorLog = nil
	srv.Start()
	w.Cleanup(srv.Close)
	return srv.URL
}

// A recorder keeps what the server answered.
type recorder struct {
	answers notes
}

// RoundTrip is http.RoundTripper's.
func (r *recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(q)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(raw))
	r.answers.add(fmt.Sprint(q.Method, " ", q.URL.Path, " ", time.Now().UnixNano()), fmt.Sprint(resp.Header, string(raw)))
	return resp, err
}

// Secrets of every kind are planted, everything is done that a server does,
// with every fault that WeChat has, and then they are looked for: in logs at
// debug level, in answers, and in the bytes of the database.
func TestNoCanaryIsFound(t *testing.T) {
	story(t, func(w *world) {
		const appid = "wxcafe000000000001"
		var secrets, personal, told, posted notes
		secrets.add("the app's secret", "canaryAppSecret0123456789abcdef")
		secrets.add("the callback's token", "canaryCallbackToken0123456789ab")
		secrets.add("the AES key", "canaryAESKey0123456789abcdefghijklmnopqrstu")
		secrets.add("the API key of the setting", "canary-configured-api-key")
		secrets.add("the master key", w.conf.MasterKey.Reveal())
		personal.add("a name", "金丝雀·张一山")
		personal.add("a phone number", "13800138000-canary")
		personal.add("a page", "pages/canary?order=10191019")
		planted := secrets.all()
		w.stop()
		w.conf.APIKey = wxnotify.NewSecret(planted["the API key of the setting"])
		w.conf.WeChatURL = w.spy(&secrets)
		w.conf.WebhookAllow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		panics := w.panics(planted["the app's secret"])
		w.start()
		rec := &recorder{}
		do := func(key string) *client.Client {
			return client.New(w.url, key, client.HTTPClient(&http.Client{Transport: rec, Timeout: 20 * time.Second}), client.Tries(1))
		}
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
		told.add("an API key", k.Text)
		shop := do(k.Text)
		user := w.phone("POST", "users", map[string]any{"appid": appid, "nickname": "金丝雀"})["openid"].(string)
		login := func() {
			code := w.phone("POST", "login", map[string]any{"appid": appid, "openid": user})["code"].(string)
			secrets.add("a login code "+code[:4], code)
			if s, err := shop.Login(w.ctx(), appid, code); err == nil {
				told.add("a session "+s.Token[:4], s.Token)
				code := w.phone("POST", "forms", map[string]any{"appid": appid, "openid": user})["form_id"].(string)
				personal.add("a form_id "+code[:4], code)
				_, _ = shop.MPPermits(w.ctx(), s.Token, []client.MPPermit{{ID: code, Source: "form", Code: code}})
			}
		}
		classic := w.phone("POST", "templates", map[string]any{"appid": appid, "channel": "template", "title": "接单通知",
			"keywords": []map[string]string{{"key": "keyword1", "name": "骑手"}, {"key": "keyword2", "name": "电话"}}})["template_id"].(string)
		send := func() {
			m := client.NewMessage{To: user, TemplateID: classic, Page: personal.all()["a page"],
				Data: client.Data{"keyword1": {Value: personal.all()["a name"]}, "keyword2": {Value: personal.all()["a phone number"]}}}
			_, _ = shop.SendAndWait(w.ctx(), m, 1500*time.Millisecond)
		}
		w.receiver(admin, appid, &told, &posted)
		login()
		send()
		w.phone("POST", "subscriptions", map[string]any{"appid": appid, "openid": user, "template_id": prompt, "result": "accept"})

		// The real token, and one of the gateway's, whose request has the key in it.
		_, answer := w.raw(rec, "GET", "/v1/apps/"+appid+"/access_token", "Bearer "+k.Text, "")
		real := regexp.MustCompile(`"access_token":"([^"]+)"`).FindStringSubmatch(answer)[1]
		told.add("the token that was asked for", real)
		_, answer = w.raw(rec, "GET", "/cgi-bin/token?grant_type=client_credential&appid="+appid+"&secret="+k.Text, "", "")
		gate := regexp.MustCompile(`"access_token":"(wxg_[^"]+)"`).FindStringSubmatch(answer)[1]
		told.add("a gateway token", gate)
		for path, body := range map[string]string{
			"/cgi-bin/message/wxopen/template/send": `{"touser":"` + user + `","template_id":"` + classic + `","data":{"keyword1":{"value":"` + personal.all()["a name"] + `"}}}`,
			"/cgi-bin/wxopen/template/list":         `{"offset":0,"count":20}`, "/cgi-bin/canary": `{"` + gate + `":1}`,
		} {
			w.raw(rec, "POST", path+"?access_token="+gate, "", body)
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
		w.slow(appid, login, send)
		w.deliveries(admin)
		panics.Store(true)
		if _, err := admin.ChangeApp(w.ctx(), appid, client.AppSettings{Secret: &secret}); err == nil {
			w.Error("the panic did not happen")
		}
		if _, err := admin.ChangeApp(w.ctx(), appid, client.AppSettings{Secret: &secret}); err != nil {
			w.Errorf("after a panic: %v", err)
		}
		w.hostile(rec, planted)
		doors := w.pages(rec, &secrets)
		w.stop()

		// A WeChat that cannot be dialed, and one with another name in its certificate.
		for _, far := range []string{"http://127.0.0.1:1", w.strangeTLS()} {
			w.conf.WeChatURL = far
			w.conf.ClockURL = ""
			w.start()
			shop = do(k.Text)
			_, _ = shop.Login(w.ctx(), appid, "canary-login-code-0123456789")
			send()
			w.stop()
		}

		everywhere := secrets.all()
		if n := len(everywhere); n < 10 {
			w.Errorf("only %d secrets were seen: the spy no longer sees", n)
		}
		for what, s := range told.all() {
			everywhere[what] = s
		}
		logged := maps.Clone(everywhere)
		maps.Copy(logged, personal.all())
		maps.Copy(logged, doors)
		logged["an openid"] = user
		w.clean("the logs", w.logs.bytes(), logged)
		for _, control := range []string{"level=DEBUG", appid, "panic: a string"} {
			if !bytes.Contains(w.logs.bytes(), []byte(control)) {
				w.Errorf("the logs do not even have %s", control)
			}
		}
		for where, answer := range rec.answers.all() {
			here := maps.Clone(everywhere)
			switch method, path, _ := strings.Cut(where, " "); { // where a secret is handed out
			case method == "POST" && strings.HasPrefix(path, "/v1/keys"):
				delete(here, "an API key")
			case method != "GET" && strings.HasPrefix(path, "/v1/webhooks"):
				maps.DeleteFunc(here, func(what, _ string) bool { return strings.HasPrefix(what, "a webhook's secret") })
			case strings.HasPrefix(path, "/mp/v1/login"):
				maps.DeleteFunc(here, func(what, _ string) bool { return strings.HasPrefix(what, "a session") })
			case strings.HasPrefix(path, "/cgi-bin/token"):
				delete(here, "a gateway token")
			case strings.HasPrefix(path, "/metrics"):
				maps.Copy(here, personal.all())
				here["an openid"] = user
			case strings.Contains(path, "/access_token"):
				maps.DeleteFunc(here, func(_, s string) bool { return s == real })
			}
			w.clean("the answer to "+where, []byte(answer), here)
		}
		if n := len(rec.answers.all()); n < 40 {
			w.Errorf("only %d answers were seen", n)
		}
		if !strings.Contains(fmt.Sprint(rec.answers.all()), "# HELP wxnotify_") {
			w.Error("no metrics were seen")
		}
		sent := maps.Clone(everywhere)
		maps.Copy(sent, personal.all())
		maps.Copy(sent, doors)
		for where, post := range posted.all() {
			w.clean("the webhook's post to "+where, []byte(post), sent)
		}
		if posts := fmt.Sprint(posted.all()); !strings.Contains(posts, user) || !strings.Contains(posts, "message.") {
			w.Error("the posts do not even tell of the user's messages: the test does not see")
		}
		kept := maps.Clone(everywhere)
		maps.Copy(kept, personal.all())
		maps.Copy(kept, doors)
		stored := storetest.Everything(w, w.conf.Database.Reveal())
		w.clean("the database", stored, kept)
		if !bytes.Contains(stored, []byte(user)) || !bytes.Contains(stored, []byte(classic)) {
			w.Error("what is in clear was not found in the database: the test does not see")
		}
	})
}

// panics breaks one change of an app, with a secret in the panic's value, when
// it is armed.
func (w *world) panics(secret string) *atomic.Bool {
	armed := new(atomic.Bool)
	w.options = append(w.options, server.Faults(func(point string) error {
		if point == "update an app.after_statement" && armed.CompareAndSwap(true, false) {
			panic("canary: " + secret)
		}
		return nil
	}))
	return armed
}

// receiver makes a webhook, and another one of each kind that does not work,
// and rotates its secret. What is posted goes into posted.
func (w *world) receiver(admin *client.Client, app string, told, posted *notes) {
	w.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		posted.add(fmt.Sprint(r.URL.Path, " ", time.Now().UnixNano()), fmt.Sprint(r.Header, string(body)))
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
			text, ok := strings.CutPrefix(s, "whsec_")
			if !ok || len(text) < 32 {
				w.Errorf("the secret %d of %s was not shown once", i, path)
			}
			told.add(fmt.Sprint("a webhook's secret ", i, path), text)
			raw, err := base64.StdEncoding.DecodeString(text)
			w.must(err)
			told.add(fmt.Sprint("a webhook's secret, decoded ", i, path), string(raw))
		}
	}
}

// slow has WeChat take longer than anybody waits, everywhere at once.
func (w *world) slow(app string, what ...func()) {
	w.Helper()
	for _, endpoint := range []string{"jscode2session", "template/send"} {
		w.phone("POST", "faults", map[string]any{"endpoint": endpoint, "effect": "slow", "delay_ms": 11_000, "times": 1, "appid": app})
	}
	var doing sync.WaitGroup
	for _, f := range what {
		doing.Go(f)
	}
	doing.Wait()
	if faults := fmt.Sprint(w.phone("GET", "faults", nil)); strings.Count(faults, "hits:1") < 2 || !strings.Contains(faults, "effect:slow") {
		w.Errorf("WeChat was not slow: %s", faults)
	}
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
func (w *world) raw(rec *recorder, method, path, auth, body string) (int, string) {
	w.Helper()
	r, err := http.NewRequestWithContext(w.ctx(), method, w.url+path, strings.NewReader(body))
	w.must(err)
	r.Header.Set("Content-Type", "application/json")
	if auth != "" {
		r.Header.Set("Authorization", auth)
	}
	resp, err := rec.RoundTrip(r)
	w.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	w.must(err)
	return resp.StatusCode, string(text)
}

// pages looks at the console's pages as its first user does, and returns what
// opened its door.
func (w *world) pages(rec *recorder, secrets *notes) (doors map[string]string) {
	w.Helper()
	link, err := w.server.SetupLink(w.ctx())
	w.must(err)
	u, err := url.Parse(link)
	w.must(err)
	jar, err := cookiejar.New(nil)
	w.must(err)
	browser := &http.Client{Transport: rec, Jar: jar}
	const password = "canary-password-0123456789"
	secrets.add("the console's password", password)
	look := func(path string, form url.Values) string {
		var resp *http.Response
		if form != nil {
			resp, err = browser.PostForm(w.url+path, form)
		} else {
			resp, err = browser.Get(w.url + path)
		}
		w.must(err)
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		w.must(err)
		return string(text)
	}
	token := u.Query().Get("token")
	look(u.Path, url.Values{"token": {token}, "name": {"admin"}, "password": {password}, "again": {password}})
	one := ""
	for _, path := range []string{
		"/", "/messages", "/messages.csv", "/bulk", "/attention", "/permits", "/users", "/templates", "/apps", "/keys", "/webhooks",
		"/settings", "/audit", "/search?q=13800138000-canary", "/nothing",
	} {
		text := look("/console"+path, nil)
		if id := regexp.MustCompile(`/console/messages/msg_[0-9a-z]+`).FindString(text); id != "" {
			one = id
		}
		if thing := regexp.MustCompile(`/console/(users|templates|apps|webhooks)/[0-9A-Za-z_-]+`).FindString(text); thing != "" {
			look(thing, nil)
		}
	}
	if one == "" || !strings.Contains(look(one, nil), "接单通知") {
		w.Errorf("the page %q shows no message: the test is not let in", one)
	}
	at, err := url.Parse(w.url + "/console/")
	w.must(err)
	doors = map[string]string{"the set-up link's token": token}
	for _, c := range jar.Cookies(at) {
		doors["the cookie "+c.Name] = c.Value
	}
	if len(doors) < 2 {
		w.Errorf("the console gave no session: %v", len(doors))
	}
	return doors
}

// hostile puts secrets where they do not belong, and asks for what is public.
func (w *world) hostile(rec *recorder, planted map[string]string) {
	w.Helper()
	for _, what := range slices.Sorted(maps.Keys(planted)) {
		s := planted[what]
		for _, q := range []struct{ method, path, auth, body string }{
			{"GET", "/v1/messages?key=" + url.QueryEscape(s), "", ""},
			{"GET", "/v1/messages?template_id=" + url.QueryEscape(s), "Bearer " + s, ""},
			{"GET", "/v1/" + url.PathEscape(s), "Basic " + s, ""},
			{"POST", "/v1/messages", "Bearer " + planted["the API key of the setting"], `{"touser":"` + s + `!","secret":"` + s + `","template_id":"` + s + `"}`},
			{"POST", "/mp/v1/login", "", `{"app":"` + s + `","code":"` + s + `"}`},
			{"POST", "/wechat/wxcafe000000000001?signature=" + url.QueryEscape(s) + "&timestamp=1&nonce=" + url.QueryEscape(s), "", s},
			{"POST", "/cgi-bin/message/subscribe/send?access_token=" + url.QueryEscape(s), "", `{"touser":"` + s + `"}`},
			{"GET", "/openapi.json", "", ""}, {"GET", "/docs", "", ""}, {"GET", "/metrics", "Bearer " + planted["the API key of the setting"], ""}, {"GET", "/console", "", ""},
			{"GET", "/v1/apps", "Bearer " + planted["the API key of the setting"], ""}, {"GET", "/v1/keys", "Bearer " + planted["the API key of the setting"], ""},
			{"GET", "/v1/audit?limit=250", "Bearer " + planted["the API key of the setting"], ""},
		} {
			if status, _ := w.raw(rec, q.method, q.path, q.auth, q.body); status == http.StatusInternalServerError {
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

// A story's log at debug level never has a secret or a person in it, and its
// database has neither a secret nor what messages say.
func (w *world) quiet() {
	w.Helper()
	secrets := map[string]string{
		"the API key": storyKey, "the app's secret": sandbox.FirstSecret, "the master key": w.conf.MasterKey.Reveal(), "a value": "2017年10月19日 12:31",
	}
	w.clean("the story's database", storetest.Everything(w, w.conf.Database.Reveal()), secrets)
	secrets["a user"], secrets["another user"] = li, wang
	w.clean("the story's log", w.logs.bytes(), secrets)
}
