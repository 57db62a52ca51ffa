package phonetest

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"

	"github.com/wxnotify/wxnotify/sandbox"
)

// What a tester does beside the phone.

func TestFaultRules(t *testing.T) {
	t.Parallel()
	needLong(t)
	w := start(t)
	b := w.open(look{})
	b.click(`[data-fault="45009"]`)
	b.until("the switch is on", `document.querySelector('[data-fault="45009"]').getAttribute('aria-checked') === 'true'`)
	form := w.form()
	if got := w.send("wxopen/template", order(form)); got != 45009 {
		t.Errorf("under the rule: errcode %v", got)
	}
	b.shows(`[data-hits="45009"]`, "1/1")
	b.shows(".req[aria-current=true]", "故障：返回错误码")
	if got := w.send("wxopen/template", order(form)); got != 0 {
		t.Errorf("the rule is used up: errcode %v", got)
	}
	b.click(`[data-fault="45009"]`)
	b.until("the rule is gone", `document.querySelector('[data-fault="45009"]').getAttribute('aria-checked') === 'false'`)

	b.click(`#faults [data-key="add"]`)
	b.fill(".picker input", "40164")
	b.click(`.code:not([hidden])`)
	b.picture("picker")
	b.until("the code is at home at the token call", `document.querySelector('dialog [name=endpoint]').value === 'token'`)
	b.fill(`dialog [name="shape"]`, "probability")
	b.fill(`dialog [name="percent"]`, "25")
	b.click("dialog [type=submit]")
	b.shows("#faults", "25 %")
	b.click(`#faults [data-key="add"]`)
	b.fill(`dialog [name="effect"]`, "drop_response")
	b.fill(`dialog [name="openid"]`, sandbox.FirstUser)
	b.fill(`dialog [name="shape"]`, "above_per_second")
	b.click("dialog [type=submit]")
	b.until("two rules", `document.querySelectorAll('.fault').length === 8`)
	b.fill(`#faults .range:last-of-type input`, "500")
	b.until("the latency is a rule", `document.querySelector('#faults h2 small').textContent === '3'`)
	got := w.Faults()
	want := []sandbox.Fault{
		{Endpoint: "token", Effect: "errcode", Errcode: 40164, Probability: .25, Seed: 1},
		{Endpoint: "send", Effect: "drop_response", AppID: sandbox.FirstAppID, Openid: sandbox.FirstUser, AbovePerSecond: 5},
		{Endpoint: "*", Effect: "slow", DelayMS: 500},
	}
	for i := range got {
		got[i].ID, got[i].Hits = "", 0
	}
	if !slices.Equal(got, want) {
		t.Errorf("rules: %+v", got)
	}
}

func TestQuotasAndApp(t *testing.T) {
	t.Parallel()
	needLong(t)
	w := start(t)
	b := w.open(look{})
	b.click(`[data-quota="template/send"]`)
	b.fill(`dialog [name="limit"]`, "5")
	b.fill(`dialog [name="used"]`, "5")
	b.click("dialog [type=submit]")
	b.shows("#quotas", "5 / 5")
	if got := w.send("wxopen/template", order(w.form())); got != 45009 {
		t.Errorf("quota used up: errcode %v", got)
	}
	b.click(`[data-quota="template/send"]`)
	b.click(`[data-quota="reset"]`)
	b.shows("#quotas", "0 / 5")
	b.click(`#app [data-v="today"]`)
	b.until("the era has changed", `document.querySelector('#app [data-v="today"]').getAttribute('aria-pressed') === 'true'`)
	if got := w.send("wxopen/template", order(w.form())); got != 45103 {
		t.Errorf("template messages are retired: errcode %v", got)
	}
	b.click(`[data-key="callback"]`)
	b.fill(`dialog [name="url"]`, "http://127.0.0.1:9/wechat")
	b.click("dialog [type=submit]")
	b.shows("#app", "127.0.0.1:9")
	if cb := w.State().Apps[0].Callback; cb == nil || cb.URL != "http://127.0.0.1:9/wechat" || cb.Mode != "plain" {
		t.Errorf("callback: %+v", cb)
	}
}

func TestInspector(t *testing.T) {
	t.Parallel()
	needLong(t)
	w := start(t)
	b := w.open(look{})
	form := w.form()
	w.send("wxopen/template", order(form))
	w.send("wxopen/template", order(form))
	b.shows(".req[aria-current=true]", "form id used count reach limit")
	b.click("#tab-checks")
	b.shows(".checks .bad", "41029")
	b.shows(".checks .skip", "当日配额")
	b.shows(".checks", "keyword3 的颜色不是 #rrggbb")
	b.picture("checks")
	b.click("#tab-answer")
	b.shows("#panel", "未生效")

	b.fill("#filter", "41029")
	b.until("one row is left", `document.querySelectorAll('.req').length === 1`)
	b.fill("#filter", "")
	b.fill("#group", "tokens")
	b.until("only tokens", `[...document.querySelectorAll('.req')].every(r => r.textContent.includes('token'))`)
	b.fill("#group", "all")

	b.click("#pause")
	before := eval[int](b, `document.querySelectorAll('.req').length`)
	w.send("wxopen/template", order(form))
	b.shows("#pause", "继续（+2）")
	if got := eval[int](b, `document.querySelectorAll('.req').length`); got != before {
		t.Errorf("%d rows while paused, %d before", got, before)
	}
	b.click("#pause")
	b.until("the missed ones are there", `document.querySelectorAll('.req').length === `+strconv.Itoa(before+2))
	b.click("#clear")
	b.shows(".reqs", "没有符合条件的请求")
	if got, _ := w.Requests(0, 0); len(got) != before+2 {
		t.Errorf("the sandbox forgot: %d requests", len(got))
	}
}

// copied is what the page puts on the clipboard with a click.
func (b *tab) copied(selector string) string {
	b.t.Helper()
	eval[bool](b, `(() => { delete window.copied; Object.defineProperty(navigator, 'clipboard', {configurable: true, value: {writeText: async (s) => { window.copied = s }}}); return true })()`)
	b.click(selector)
	b.until("something was copied", `window.copied`)
	return eval[string](b, `window.copied`)
}

func shell(t *testing.T, line string) string {
	t.Helper()
	out, err := exec.Command("sh", "-c", line).CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v: %s", line, err, out)
	}
	return string(out)
}

func TestCopiedCurlRuns(t *testing.T) {
	t.Parallel()
	needLong(t)
	w := start(t)
	b := w.open(look{})
	for range 2 {
		if err := w.Subscribe(sandbox.FirstAppID, sandbox.FirstUser, map[string]string{sandbox.OnceTemplate: "accept"}); err != nil {
			t.Fatal(err)
		}
	}
	message := accepted()
	message["data"].(object)["thing5"] = object{"value": `it's "$HOME"` + " \\ `x`"}
	w.send("subscribe", message)
	b.fill("#group", "sends") // WeChat's own event of this message comes a moment later
	b.shows(".req[aria-current=true]", "/subscribe/send")
	b.shows("#panel", "it's")
	line := b.copied(`[data-do="copy_curl"]`)
	if out := shell(t, line); !strings.Contains(out, `"errcode":0`) {
		t.Errorf("%s\n%s", line, out)
	}
	cards, _ := w.Cards(t.Context(), sandbox.CardQuery{})
	if len(cards) != 2 || cards[1].Rows[4].Value != `it's "$HOME"`+" \\ `x`" {
		t.Errorf("cards: %+v", cards)
	}
	b.fill("#group", "tokens")
	b.until("the line's own token request", `document.querySelectorAll('.req').length === 2`)
	b.click(".req")
	b.shows("#panel", "client_credential")
	if out := shell(t, b.copied(`[data-do="copy_curl"]`)); !strings.Contains(out, `"access_token"`) {
		t.Errorf("token: %s", out)
	}
	// WeChat's msgid has more digits than a double holds.
	b.fill("#group", "sends")
	b.click(".req")
	b.click("#tab-answer")
	b.shows("#panel", *cards[1].Msgid)
}

// Whoever reaches the sandbox chooses method, path, query and body: the copied
// line runs curl alone, and the same call arrives again.
func TestCopiedCurlRunsNothingElse(t *testing.T) {
	t.Parallel()
	needLong(t)
	w := start(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("a file of the tester"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ method, path, query, body string }{
		"a method that is a pipe":    {"A|env", "/cgi-bin/x", "", ""},
		"a method with back quotes":  {"`env`", "/cgi-bin/x", "", ""},
		"a method with a quote":      {"A'&env&'", "/cgi-bin/x", "", ""},
		"a path":                     {"POST", "/cgi-bin/$(env)'`env`\n;env #?", "", ""},
		"a query":                    {"GET", "/cgi-bin/x", "a=$(env)'&env;`env`&b=[1-3]{4,5}", ""},
		"a body that names a file":   {"POST", "/cgi-bin/message/subscribe/send", "", "@" + file},
		"a string that names a file": {"POST", "/cgi-bin/message/subscribe/send", "", `"@` + file + `"`},
		"a body of quotes":           {"POST", "/cgi-bin/message/subscribe/send", "", "';env;' $(env) \"`env`\" \\' \\"},
		"a body of control codes":    {"POST", "/cgi-bin/message/subscribe/send", "", "a\x03\x15\x1b[201~\renv\n\x7f\u009b'$(env)\\'"},
	} {
		u := url.URL{Scheme: "http", Host: strings.TrimPrefix(w.url, "http://"), Path: c.path, RawQuery: c.query}
		req, err := http.NewRequest(c.method, u.String(), strings.NewReader(c.body))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		resp.Body.Close()
		_, seq := w.Requests(0, 1)
		b := w.open(look{path: fmt.Sprintf("/?lang=en#request=%d", seq)})
		line := b.copied(`[data-do="copy_curl"]`)
		b.close()
		if strings.ContainsFunc(line, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) {
			t.Errorf("%s: control codes in %q", name, line)
		}
		run := exec.Command("bash", "-c", line)
		run.Env = append(os.Environ(), "WXNOTIFY_WAS=RUN")
		if out, err := run.CombinedOutput(); err != nil || strings.Contains(string(out), "WXNOTIFY_WAS") || strings.Count(string(out), "errcode") != 1 {
			t.Errorf("%s: %s\n%v: %s", name, line, err, out)
		}
		got, last := w.Requests(seq-1, 10)
		if last != seq+1 {
			t.Errorf("%s: %d calls came out of %s", name, last-seq, line)
			continue
		}
		if a, b := got[0], got[1]; a.Method != b.Method || a.Path != b.Path || a.Query != b.Query || strings.Trim(string(a.Body), `"`) != strings.Trim(string(b.Body), `"`) {
			t.Errorf("%s: first %+v, then %+v", name, a, b)
		}
	}
}

func TestPictureOfACard(t *testing.T) {
	t.Parallel()
	needLong(t)
	w := start(t)
	b := w.open(look{})
	dir := t.TempDir()
	must(b, cdpbrowser.SetDownloadBehavior, cdpbrowser.SetDownloadBehaviorParams{
		Behavior: cdpbrowser.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir, BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID,
	})
	w.send("wxopen/template", order(w.form()))
	b.until("the card is there", `document.querySelector('#card-1')`)
	b.click("#picture")
	var png []byte
	for end := time.Now().Add(patience); time.Now().Before(end) && len(png) == 0; {
		png, _ = os.ReadFile(filepath.Join(dir, "card-1.png"))
	}
	if len(png) < 5000 || !strings.HasPrefix(string(png), "\x89PNG") {
		t.Fatalf("%d bytes", len(png))
	}
	if shots := os.Getenv("WXNOTIFY_SHOTS"); shots != "" {
		if err := os.WriteFile(shots+"/card.png", png, 0o600); err != nil {
			t.Error(err)
		}
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	needLong(t)
	w := start(t)
	w.send("wxopen/template", order(w.form()))
	b := w.open(look{path: "/?lang=en#user=" + sandbox.SecondUser})
	b.shows(`.user[aria-pressed="true"]`, "王建国")
	if got := b.copied(`[data-do="copy_link"]`); got != w.url+"/#request=2" {
		t.Errorf("link of a request: %s", got)
	}
	if got := b.copied(`[data-do="copy_user"]`); got != w.url+"/#user="+sandbox.SecondUser {
		t.Errorf("link of a user: %s", got)
	}
	eval[bool](b, `(location.hash = 'card=1', true)`)
	b.until("the card is pointed at", `document.querySelector('#card-1.aim')`)
	b.shows(`.user[aria-pressed="true"]`, "李小红")
	if got := b.copied("#copycard"); got != w.url+"/#card=1" {
		t.Errorf("link of a card: %s", got)
	}
	eval[bool](b, `(location.hash = 'request=1', true)`)
	b.shows("#panel", "#1 POST /cgi-bin/stable_token")
	eval[bool](b, `(location.hash = 'card=77', true)`)
	b.shows("#note.bad", "#77")
}
