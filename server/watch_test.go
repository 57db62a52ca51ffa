package server_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// What no story may show. Every world knows its secrets, those that it is given
// and those that it hears of, and the people in it; every answer that a story
// gets is kept, and whatever is posted to its webhooks. In the end all of it is
// searched, with the log at debug level and the bytes of the database.

// notes are texts with a word about each, written down by several goroutines.
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
	n.m[text] = what
}

func (n *notes) all() map[string]string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.m)
}

// forms are the ways in which a secret may stand somewhere: plain, in a URL, on
// a page, in hex, and in base64, where it is another text at each of three offsets.
func forms(secret string) []string {
	out := []string{secret, url.QueryEscape(secret), strings.ReplaceAll(html.EscapeString(secret), "+", "&#43;"), hex.EncodeToString([]byte(secret))}
	for skip := range 3 {
		b := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", skip) + secret))
		b = b[(skip*8+5)/6:]
		b = b[:len(b)-4] // its end depends on what follows
		out = append(out, b, strings.NewReplacer("+", "-", "/", "_").Replace(b))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// A needle is a form of what must not be found.
type needle struct {
	what string
	form []byte
}

func needles(of ...*notes) (all []needle) {
	for _, n := range of {
		for text, what := range n.all() {
			for _, form := range forms(text) {
				all = append(all, needle{what, []byte(form)})
			}
		}
	}
	return all
}

// clean wants none of the needles in a text.
func (w *world) clean(where string, text []byte, all []needle) {
	w.Helper()
	for _, n := range all {
		if i := bytes.Index(text, n.form); i >= 0 {
			w.Errorf("%s in %s, as %.12s…: …%q…", n.what, where, n.form, text[max(0, i-100):i])
		}
	}
}

// quiet searches everything, when the story is over and its server has stopped.
// Openids and meta are searched for in clear, in answers and in the database.
func (w *world) quiet() {
	w.Helper()
	secrets := needles(&w.secrets)
	for text, where := range w.said.all() {
		w.clean("the answer to "+where, []byte(text), secrets)
	}
	kept := append(needles(&w.personal, &w.doors), secrets...)
	w.clean("the database", storetest.Everything(w, w.conf.Database.Reveal()), kept)
	for text, where := range w.posted.all() {
		w.clean("the webhook's post to "+where, []byte(text), kept)
	}
	shown := append(needles(&w.people), kept...)
	w.clean("the log", w.logs.bytes(), shown)
	for text, where := range w.figures.all() {
		w.clean(where, []byte(text), shown)
	}
}

// storyName stands for the name of a person, on a card.
const storyName = "张一山"

// plant writes down what every world begins with.
func (w *world) plant() {
	w.secrets.add("the API key", storyKey)
	w.secrets.add("the app's secret", sandbox.FirstSecret)
	w.secrets.add("the master key", w.conf.MasterKey.Reveal())
	for _, value := range []string{"2017年10月19日 12:31", storyName, "136xxxx1720", "13600001720", "请手机保持通畅", "请趁热享用"} {
		w.personal.add("a value", value)
	}
	w.personal.add("a page", "pages/order/detail?id=1019")
	w.people.add("a user", li)
	w.people.add("another user", wang)
}

// learn writes down what WeChat gives.
func (w *world) learn(text []byte) {
	for _, m := range given.FindAllSubmatch(text, -1) {
		what, s := string(m[1]), string(m[2])
		switch what {
		case "access_token", "session_key":
			w.secrets.add("WeChat's "+what, s)
		default: // a code; a few of very many
			if len(w.personal.all()) < 20 {
				w.personal.add("a "+what, s)
			}
		}
	}
}

var (
	given     = regexp.MustCompile(`"(access_token|session_key|form_id|prepay_id|code)":"([^"]{8,})"`)
	entrusted = regexp.MustCompile(`"(secret|token|encoding_aes_key|token_url)":("[^"]{8,}")`)
)

// handed are the answers that give a secret away, to whom it belongs. It is a
// secret from then on, and may stand there alone.
var handed = []struct{ to, secret *regexp.Regexp }{
	{regexp.MustCompile(`^POST /v1/keys$`), regexp.MustCompile(`"key":"([^"]+)"`)},
	{regexp.MustCompile(`^(POST|PATCH) /v1/webhooks\b`), regexp.MustCompile(`"secret":"([^"]+)"`)},
	{regexp.MustCompile(`^POST /mp/v1/login$`), regexp.MustCompile(`"session":"([^"]+)"`)},
	{regexp.MustCompile(`^GET /v1/apps/[^/]+/access_token$`), regexp.MustCompile(`"access_token":"([^"]+)"`)},
	{regexp.MustCompile(`^(GET|POST) /cgi-bin/(stable_)?token$`), regexp.MustCompile(`"access_token":"([^"]+)"`)},
}

// A recorder is how a story speaks with its server, whose every answer it keeps,
// and with the sandbox. It learns the secrets that go either way.
type recorder struct{ w *world }

// RoundTrip is http.RoundTripper's.
func (r recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	var body []byte
	if q.Body != nil {
		var err error
		if body, err = io.ReadAll(q.Body); err != nil {
			return nil, err
		}
		_ = q.Body.Close()
	}
	for try := 1; ; try++ {
		one := q.Clone(q.Context())
		if len(body) > 0 {
			one.Body = io.NopCloser(bytes.NewReader(body))
		}
		resp, err := http.DefaultTransport.RoundTrip(one)
		if err != nil {
			return nil, err
		}
		raw, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			return nil, err
		}
		if "http://"+q.URL.Host == r.w.sandbox.URL {
			if !strings.HasPrefix(q.URL.Path, "/sandbox/") || q.Method == http.MethodPost { // its own lists mask or repeat
				r.w.learn(raw)
			}
		} else {
			r.w.hear(q, body, resp.Header, raw)
			if try < 5 && r.w.again(q.URL.Path, resp.StatusCode, raw) {
				continue
			}
		}
		resp.Body = io.NopCloser(bytes.NewReader(raw))
		return resp, nil
	}
}

// hear keeps an answer of the server.
func (w *world) hear(q *http.Request, body []byte, h http.Header, raw []byte) {
	for _, m := range entrusted.FindAllSubmatch(body, -1) {
		var text string
		if json.Unmarshal(m[2], &text) == nil {
			w.secrets.add("the "+string(m[1])+" that was entrusted", text)
		}
	}
	where := q.Method + " " + q.URL.Path
	for _, g := range handed {
		if !g.to.MatchString(where) {
			continue
		}
		for _, m := range g.secret.FindAllSubmatch(raw, -1) {
			w.secrets.add("what "+where+" gave", string(m[1]))
			if text, ok := strings.CutPrefix(string(m[1]), "whsec_"); ok {
				w.secrets.add("a webhook's secret", text)
				if key, err := base64.StdEncoding.DecodeString(text); err == nil {
					w.secrets.add("a webhook's secret, decoded", string(key))
				}
			}
			raw = bytes.ReplaceAll(raw, m[1], []byte("what was asked for"))
		}
	}
	said := &w.said
	if q.URL.Path == "/metrics" {
		said = &w.figures
	}
	said.add(where, fmt.Sprint(h))
	said.add(where, string(raw))
}

// speak makes a client of a server of the story.
func (w *world) speak(url, key string, options ...client.Option) *client.Client {
	return client.New(url, key, append([]client.Option{client.HTTPClient(w.web)}, options...)...)
}

// look reads the metrics and opens the console's pages at the end of a story, so
// that they are searched like every other answer.
func (w *world) look() {
	w.Helper()
	if !w.running {
		return
	}
	base, key := w.url, w.conf.APIKey.Reveal()
	if w.metrics != "" {
		base, key = "http://"+w.metrics, ""
	}
	if status, text := w.scrape(base, key); status != http.StatusOK || !strings.Contains(text, "# HELP wxnotify_") {
		w.Errorf("the metrics answer %d", status)
	}
	if testing.Short() { // pages take ten times as long under the race detector
		return
	}
	link, err := w.server.EnterLink(w.ctx())
	w.must(err)
	browser := w.browser()
	resp, err := browser.Get(w.url + link)
	w.must(err)
	resp.Body.Close()
	_, token, _ := strings.Cut(link, "token=")
	w.doors.add("the link's token", token)
	w.browse(browser)
}

func (w *world) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	w.must(err)
	return &http.Client{Transport: w.web.Transport, Jar: jar}
}

// browse opens the console's pages as somebody who was let in, and returns the
// page of a message, if there is one.
func (w *world) browse(browser *http.Client) (message string) {
	w.Helper()
	open := func(path string) string {
		resp, err := browser.Get(w.url + path)
		w.must(err)
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		w.must(err)
		if resp.StatusCode >= 500 {
			w.Errorf("%s answers %s", path, resp.Status)
		}
		return string(text)
	}
	for _, path := range []string{
		"/", "/messages", "/messages.csv", "/bulk", "/attention", "/permits", "/users", "/templates", "/apps", "/keys", "/webhooks",
		"/settings", "/audit", "/search?q=13800138000-canary", "/nothing",
	} {
		text := open("/console" + path)
		if path == "/apps" && !strings.Contains(text, w.conf.AppID) {
			w.Error("the console does not even show the app: we are not let in")
		}
		if id := regexp.MustCompile(`/console/messages/msg_[0-9a-z]+`).FindString(text); id != "" && message == "" {
			message = open(id)
		}
		if thing := regexp.MustCompile(`/console/(users|templates|apps|webhooks)/[0-9A-Za-z_-]+`).FindString(text); thing != "" {
			open(thing)
		}
	}
	at, err := url.Parse(w.url + "/console/")
	w.must(err)
	for _, c := range browser.Jar.Cookies(at) {
		w.doors.add("the cookie "+c.Name, c.Value)
	}
	if len(browser.Jar.Cookies(at)) == 0 {
		w.Error("the console gave no session")
	}
	return message
}
