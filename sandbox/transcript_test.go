package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The transcripts are what WeChat says, written down from its documents and from
// captured replies. The client is held to the same files.
const transcripts = "../wechat/testdata"

// scenes say what a transcript needs that is not there from the start. What is
// not listed needs nothing.
var scenes = map[string]func(*stage){
	"gettemplate_ok": func(g *stage) {
		g.templates(
			&template{channel: channelSubscribe, kind: kindOnce, title: "订单状态通知", keywords: []Keyword{{Key: "thing1", Name: "状态"}, {Key: "time2", Name: "时间"}}, examples: []string{"已接单", "2019年10月1日 15:01"}},
			&template{channel: channelSubscribe, kind: kindLongterm, title: "就诊提醒", keywords: []Keyword{{Key: "thing1", Name: "科室"}}, examples: []string{"内科"}},
			&template{channel: channelSubscribe, kind: kindLongterm, title: "洗衣机故障提醒", keywords: []Keyword{{Key: "time1", Name: "完成时间"},
				{Key: "enum_string2", Name: "所在位置", Values: []string{"客厅", "餐厅"}}, {Key: "enum_string3", Name: "提示说明", Values: []string{"设备发生故障，导致工作异常，请及时查看"}}},
				examples: []string{"2021年10月21日 12:00:00"}})
	},
	"jscode2session_40013":       naming("appid", "wx0000000000000000"),
	"jscode2session_40029":       naming("js_code", "nonsense"),
	"jscode2session_40125":       naming("secret", "nonsense"),
	"jscode2session_40163":       func(g *stage) { g.s.w.codes.byID[g.values["js_code"]].used = true },
	"jscode2session_today_40029": naming("js_code", "nonsense"),
	"jscode2session_today_45011": func(g *stage) { g.user.logins = tally{g.s.now().Unix() / 60, loginsPerMinute} },
	"quota_get_ok":               using("subscribe/send", 5),
	"stable_token_40125":         naming("secret", "nonsense"),
	"stable_token_today_45009":   using("stable_token", 500_000),
	"subscribe_send_today_40037": naming("template_id", "nonsense"),
	"subscribe_send_today_43101": func(g *stage) { clear(g.user.consents) },
	"subscribe_send_today_43108": func(g *stage) { g.user.busy = true },
	"subscribe_send_today_43116": faulty(43116), // the platform's own decision
	"subscribe_send_today_47003": faulty(47003), // there is nothing wrong with the value
	"template_list_40001":        func(g *stage) { g.app.revokeTokens(g.s.now()) },
	"template_list_ok": func(g *stage) {
		g.templates(&template{channel: channelTemplate, title: "接单通知", keywords: []Keyword{{Key: "keyword1", Name: "状态"}, {Key: "keyword2", Name: "时间"}, {Key: "keyword3", Name: "骑手"}},
			examples: []string{"已接单", "2017年10月19日 12:31", "张一山"}})
	},
	"template_list_two_pages": func(g *stage) {
		var all []*template
		for i := range 21 {
			all = append(all, &template{channel: channelTemplate, title: fmt.Sprintf("通知%d", i), keywords: []Keyword{{Key: "keyword1", Name: "状态"}}, examples: []string{"已接单"}})
		}
		g.templates(all...)
	},
	"template_send_40001":       func(g *stage) { g.app.revokeTokens(g.s.now()) },
	"template_send_40003":       naming("openid", "nonsense"),
	"template_send_40037":       naming("template_id", "nonsense"),
	"template_send_41028":       naming("form_id", "nonsense"),
	"template_send_41029":       func(g *stage) { g.s.w.forms.byID[g.values["form_id"]].used = 1 },
	"template_send_41030":       faulty(41030), // the sandbox does not know the released pages
	"template_send_42001":       func(g *stage) { g.s.w.tokens[g.values["token"]].ends = g.s.now() },
	"template_send_45009":       using("template/send", 1_000_000),
	"template_send_busy":        faulty(-1),
	"template_send_today_40001": func(g *stage) { g.app.revokeTokens(g.s.now()) },
	"token_40013":               naming("appid", "wx0000000000000000"),
	"token_40125":               naming("secret", "nonsense"),
	"token_40164":               faulty(40164),
	"token_today_40164":         faulty(40164),
	"token_today_45009":         using("token", 2_000),
}

// untold are transcripts of what the sandbox never says.
var untold = map[string]string{
	"jscode2session_unionid": "no app of the sandbox is bound to an Open Platform account",
}

// extras are members that the sandbox answers beside those of a transcript: from
// another time, or of no interest to it.
var extras = []string{"expires_in", "msgid", "component_rate_limit"}

// stage is a sandbox on which one transcript is played.
type stage struct {
	t      *testing.T
	s      *Sandbox
	app    *app
	user   *user
	values map[string]string // what the names in a request stand for
}

func naming(name, value string) func(*stage) { return func(g *stage) { g.values[name] = value } }

func using(endpoint string, used int) func(*stage) {
	return func(g *stage) { g.app.quotas[endpoint].used = tally{quotaDay(g.s.now()), used} }
}

func faulty(errcode int) func(*stage) {
	return func(g *stage) {
		g.s.w.faults = append(g.s.w.faults, &fault{Fault: Fault{Endpoint: "*", Effect: effectErrcode, Errcode: errcode}})
	}
}

// templates replaces the app's templates.
func (g *stage) templates(all ...*template) {
	g.app.templates, g.app.byTemplate = nil, map[string]*template{}
	for _, t := range all {
		t.id = newTemplateID()
		g.app.addTemplate(t)
	}
}

func newStage(t *testing.T, name string) *stage {
	g := &stage{t: t, s: New(Options{})}
	t.Cleanup(g.s.Close)
	g.app = g.s.w.apps[0]
	g.user = g.app.users[0]
	if strings.Contains(name, "_today_") {
		g.app.era = eraToday
	}
	now := g.s.now()
	g.values = map[string]string{
		"appid": g.app.id, "secret": g.app.secret, "openid": g.user.openid, "template_id": ClassicTemplate,
		"token": g.s.w.issue(g.app, now).value, "js_code": newCode(), "form_id": newFormID(),
	}
	g.s.w.codes.put(g.values["js_code"], &code{app: g.app, user: g.user}, now.Add(codeLife), now)
	g.s.w.forms.put(g.values["form_id"], &form{user: g.user, uses: formUses}, now.Add(formLife), now)
	if strings.HasPrefix(name, "subscribe_send") || name == "deltemplate_ok" {
		m := &template{id: newTemplateID(), channel: channelSubscribe, kind: kindOnce, title: "通知", keywords: []Keyword{{Key: "thing1", Name: "状态"}, {Key: "time2", Name: "时间"}}}
		g.app.addTemplate(m)
		g.user.accept(m)
		g.values["template_id"] = m.id
	}
	if scene := scenes[name]; scene != nil {
		scene(g)
	}
	return g
}

func TestTranscripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(transcripts + "/*.http")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	var names []string
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".http")
		names = append(names, name)
		if untold[name] != "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			newStage(t, name).play(strings.Split(strings.TrimSuffix(string(text), "\n"), "\n###\n"))
		})
	}
	for name := range scenes {
		if !slices.Contains(names, name) {
			t.Errorf("there is a scene for %s and no transcript", name)
		}
	}
}

// play makes each request and compares each answer.
func (g *stage) play(messages []string) {
	srv := httptest.NewServer(g.s)
	defer srv.Close()
	if len(messages) < 2 || len(messages)%2 != 0 {
		g.t.Fatalf("%d messages, want pairs", len(messages))
	}
	for pair := range slices.Chunk(messages, 2) {
		head, body, _ := strings.Cut(g.filled(pair[0]), "\n\n")
		line, _, _ := strings.Cut(head, "\n")
		words := strings.Fields(line)
		req, err := http.NewRequest(words[0], srv.URL+words[1], strings.NewReader(body))
		if err != nil {
			g.t.Fatal(err)
		}
		resp, err := srv.Client().Do(req)
		if err != nil {
			g.t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			g.t.Fatal(err)
		}
		head, want, _ := strings.Cut(pair[1], "\n\n")
		if status := fmt.Sprintf("HTTP/1.1 %s", resp.Status); !strings.HasPrefix(head, status) {
			g.t.Errorf("got %s, want %s", status, head)
		}
		g.compare("", parseAnswer(g.t, marked(want)), parseAnswer(g.t, string(got)))
	}
}

var placeholder = regexp.MustCompile(`\{\{([a-z_]+)\}\}`)

func (g *stage) filled(request string) string {
	return placeholder.ReplaceAllStringFunc(request, func(p string) string {
		v, ok := g.values[strings.Trim(p, "{}")]
		if !ok {
			g.t.Fatalf("the request names %s, which is not known here", p)
		}
		return v
	})
}

// anything stands in a wanted answer for a value that is accepted as it comes.
const anything = "\x1a"

// marked makes an answer with placeholders into JSON. One that stands where a
// number is meant becomes a text that is nothing but the mark.
func marked(answer string) string {
	answer = regexp.MustCompile(`":\{\{[a-z_]+\}\}`).ReplaceAllString(answer, `":"\u001a"`)
	return placeholder.ReplaceAllString(answer, `\u001a`)
}

func parseAnswer(t *testing.T, text string) (v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

func (g *stage) compare(at string, want, got any) {
	g.t.Helper()
	switch want := want.(type) {
	case map[string]any:
		g.compareObject(at, want, got)
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			g.t.Errorf("%s: got %v, want a list of %d", at, got, len(want))
			return
		}
		for i := range want {
			g.compare(fmt.Sprintf("%s/%d", at, i), want[i], list[i])
		}
	case string:
		pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(want), anything, ".+") + "$"
		_, text := got.(string)
		if want == anything {
			text = true
		}
		if !text || !regexp.MustCompile(pattern).MatchString(fmt.Sprint(got)) {
			g.t.Errorf("%s: got %v, want %q", at, got, want)
		}
	default:
		if want != got {
			g.t.Errorf("%s: got %v, want %v", at, got, want)
		}
	}
}

func (g *stage) compareObject(at string, want map[string]any, got any) {
	g.t.Helper()
	object, ok := got.(map[string]any)
	if !ok {
		g.t.Errorf("%s: got %v, want an object", at, got)
		return
	}
	for name, w := range want {
		v, ok := object[name]
		if !ok {
			g.t.Errorf("%s/%s is missing", at, name)
			continue
		}
		g.compare(at+"/"+name, w, v)
	}
	for name := range object {
		if _, ok := want[name]; !ok && !slices.Contains(extras, name) {
			g.t.Errorf("%s/%s is there and should not be", at, name)
		}
	}
}
