package wechat

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxnotify/wxnotify"
)

var app = wxnotify.App{ID: sample["appid"], Secret: wxnotify.NewSecret(sample["secret"])}

// The answers of WeChat to a send, and what they come to.
func TestSendTranscripts(t *testing.T) {
	t.Parallel()
	const hint, rid = "q39oqA06484105", "5fab84d2-1b2c3d4e-5f607182"
	refused := func(code int, id string) wxnotify.Outcome {
		return wxnotify.Outcome{Kind: wxnotify.Refused, Errcode: code, RID: id, Verdict: VerdictOf(code), Said: true}
	}
	want := map[string]wxnotify.Outcome{
		"template_send_ok":                {Kind: wxnotify.Accepted, Said: true},
		"template_send_busy":              {Kind: wxnotify.Lost, Errcode: -1, RID: hint, Said: true},
		"template_send_40001":             refused(40001, hint),
		"template_send_today_40001":       refused(40001, rid),
		"template_send_40003":             refused(40003, hint),
		"template_send_40037":             refused(40037, hint),
		"template_send_41028":             refused(41028, hint),
		"template_send_41029":             refused(41029, hint),
		"template_send_41030":             refused(41030, hint),
		"template_send_42001":             refused(42001, hint),
		"template_send_45009":             refused(45009, hint),
		"template_send_47001":             refused(47001, hint),
		"template_send_today_45103":       refused(45103, rid),
		"subscribe_send_ok":               {Kind: wxnotify.Accepted, MsgID: "1988810812324364291", Said: true},
		"subscribe_send_ok_without_msgid": {Kind: wxnotify.Accepted, Said: true},
		"subscribe_send_today_40037":      refused(40037, rid),
		"subscribe_send_today_43101":      refused(43101, rid),
		"subscribe_send_today_43108":      refused(43108, rid),
		"subscribe_send_today_43116":      refused(43116, rid),
		"subscribe_send_today_47003":      refused(47003, rid),
	}
	all := transcripts(t)
	for name := range want {
		if _, ok := all[name]; !ok {
			t.Errorf("there is no transcript %s", name)
		}
	}
	for name, tr := range all {
		ch := wxnotify.ChannelTemplate
		if strings.HasPrefix(name, "subscribe_send") {
			ch = wxnotify.ChannelSubscribe
		} else if !strings.HasPrefix(name, "template_send") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, ok := want[name]
			if !ok {
				t.Fatal("nobody said what this transcript comes to")
			}
			e := tr.exchanges[0]
			got := tr.serve(t).Send(t.Context(), sample["token"], ch, []byte(e.body))
			if got.Errmsg == "" || !strings.Contains(e.answer, `"`+got.Errmsg+`"`) {
				t.Errorf("errmsg is %q", got.Errmsg)
			}
			got.Errmsg = ""
			if got != w {
				t.Errorf("got  %+v\nwant %+v", got, w)
			}
		})
	}
}

// Everything but a send: the call that each transcript is about, and its result
// in one line.
func TestOtherTranscripts(t *testing.T) {
	t.Parallel()
	classic := app
	classic.TokenMode = wxnotify.ClassicToken
	login := func(t *testing.T, c *Client) string {
		openid, key, unionid, err := c.Login(t.Context(), app, sample["js_code"])
		return told(err, openid, key.Reveal(), unionid)
	}
	token := func(a wxnotify.App, force bool) func(*testing.T, *Client) string {
		return func(t *testing.T, c *Client) string {
			v, d, err := c.FetchToken(t.Context(), a, force)
			return told(err, v.Reveal(), d)
		}
	}
	list := func(ch wxnotify.Channel) func(*testing.T, *Client) string {
		return func(t *testing.T, c *Client) string {
			ts, err := c.Templates(t.Context(), sample["token"], ch)
			s := told(err, len(ts))
			for _, x := range ts[max(0, len(ts)-3):] {
				s += fmt.Sprintf(" %s/%s/%s%v", x.Channel, x.Kind, x.Title, x.Keywords)
			}
			return s
		}
	}
	quota := func(ch wxnotify.Channel) func(*testing.T, *Client) string {
		return func(t *testing.T, c *Client) string {
			q, err := c.Quota(t.Context(), sample["token"], ch)
			return told(err, q)
		}
	}
	library := func(t *testing.T, c *Client) string {
		all, total, err := c.Library(t.Context(), sample["token"], wxnotify.ChannelTemplate, 3)
		return told(err, all, total)
	}
	categories := func(t *testing.T, c *Client) string {
		ids, err := c.categories(t.Context(), sample["token"])
		return told(err, ids)
	}
	titles := func(t *testing.T, c *Client) string {
		all, total, err := c.publicTitles(t.Context(), sample["token"], []string{"616", "612"}, 2)
		return told(err, all, total)
	}
	words := func(ch wxnotify.Channel, id string) func(*testing.T, *Client) string {
		return func(t *testing.T, c *Client) string {
			all, err := c.LibraryKeywords(t.Context(), sample["token"], ch, id)
			return told(err, all)
		}
	}
	add := func(ch wxnotify.Channel, id string, keywords []int, scene string) func(*testing.T, *Client) string {
		return func(t *testing.T, c *Client) string {
			made, err := c.AddTemplate(t.Context(), sample["token"], ch, id, keywords, scene)
			return told(err, made)
		}
	}
	remove := func(ch wxnotify.Channel) func(*testing.T, *Client) string {
		return func(t *testing.T, c *Client) string {
			return told(c.DeleteTemplate(t.Context(), sample["token"], ch, sample["template_id"]), "gone")
		}
	}
	plays := map[string]struct {
		call func(*testing.T, *Client) string
		want string
	}{
		"jscode2session_ok":          {login, sample["openid"] + " " + sample["session_key"] + " "},
		"jscode2session_unionid":     {login, sample["openid"] + " " + sample["session_key"] + " " + sample["unionid"]},
		"jscode2session_40029":       {login, "refused 40029 halt code_rejected q39oqA06484105"},
		"jscode2session_today_40029": {login, "refused 40029 halt code_rejected 5fab84d2-1b2c3d4e-5f607182"},
		"jscode2session_40163":       {login, "refused 40163 halt code_rejected q39oqA06484105"},
		"jscode2session_40125":       {login, "refused 40125 halt upstream_refused q39oqA06484105"},
		"jscode2session_40013":       {login, "refused 40013 halt upstream_refused q39oqA06484105"},
		"jscode2session_today_45011": {login, "refused 45011 slow_down upstream_refused 5fab84d2-1b2c3d4e-5f607182"},
		"token_ok":                   {token(classic, false), sample["new_token"] + " 2h0m0s"},
		"token_40013":                {token(classic, false), "refused 40013 halt upstream_refused q39oqA06484105"},
		"token_40125":                {token(classic, false), "refused 40125 halt upstream_refused q39oqA06484105"},
		"token_40164":                {token(classic, false), "refused 40164 halt upstream_refused q39oqA06484105"},
		"token_today_40164":          {token(classic, false), "refused 40164 halt upstream_refused 5fab84d2-1b2c3d4e-5f607182"},
		"token_today_45009":          {token(classic, false), "refused 45009 halt upstream_refused 5fab84d2-1b2c3d4e-5f607182"},
		"stable_token_ok":            {token(app, false), sample["new_token"] + " 2h0m0s"},
		"stable_token_force":         {token(app, true), sample["new_token"] + " 2h0m0s"},
		"stable_token_40125":         {token(app, false), "refused 40125 halt upstream_refused q39oqA06484105"},
		"stable_token_today_45009":   {token(app, false), "refused 45009 halt upstream_refused 5fab84d2-1b2c3d4e-5f607182"},
		"template_list_ok":           {list(wxnotify.ChannelTemplate), "1 template//接单通知[{keyword1 状态 []} {keyword2 时间 []} {keyword3 骑手 []}]"},
		"template_list_two_pages":    {list(wxnotify.ChannelTemplate), "21 template//通知18[{keyword1 状态 []}] template//通知19[{keyword1 状态 []}] template//通知20[{keyword1 状态 []}]"},
		"template_list_40001":        {list(wxnotify.ChannelTemplate), "refused 40001 new_token upstream_refused q39oqA06484105"},
		"gettemplate_ok":             {list(wxnotify.ChannelSubscribe), "3 subscribe/once/订单状态通知[{thing1 状态 []} {time2 时间 []}] subscribe/longterm/就诊提醒[{thing1 科室 []}] subscribe/longterm/洗衣机故障提醒[{time1 完成时间 []} {enum_string2 所在位置 [客厅 餐厅]} {enum_string3 提示说明 [设备发生故障，导致工作异常，请及时查看]}]"},
		"template_library_list_ok":   {library, "[{AT0177 预约成功通知  []} {AT0210 退款通知  []}] 5"},
		"template_library_get_ok":    {words(wxnotify.ChannelTemplate, "AT0036"), "[{1 订单编号 1019 } {2 取消原因 商家已打烊 } {3 取消时间 2017年10月19日 12:40 }]"},
		"template_add_ok":            {add(wxnotify.ChannelTemplate, "AT0002", []int{3, 4, 5}, ""), sample["template_id"]},
		"template_del_ok":            {remove(wxnotify.ChannelTemplate), "gone"},
		"getcategory_ok":             {categories, "[616 612]"},
		"getpubtemplatetitles_ok":    {titles, "[{1450 退款通知 once []} {3071 到站提醒 longterm []} {3072 进出站提醒 longterm []}] 5"},
		"getpubtemplatekeywords_ok":  {words(wxnotify.ChannelSubscribe, "1450"), "[{1 退款金额 ¥28.50 amount} {2 退款原因 订单取消 thing} {3 到账日期 2019年10月20日 date}]"},
		"addtemplate_ok":             {add(wxnotify.ChannelSubscribe, "484", []int{3, 1, 5}, "外卖接单"), sample["template_id"]},
		"deltemplate_ok":             {remove(wxnotify.ChannelSubscribe), "gone"},
		"quota_get_ok":               {quota(wxnotify.ChannelSubscribe), "{10000000 5 9999995}"},
		"quota_get_today_76021":      {quota(wxnotify.ChannelTemplate), "refused 76021 fail upstream_refused 5fab84d2-1b2c3d4e-5f607182"},
	}
	all := transcripts(t)
	for name := range plays {
		if _, ok := all[name]; !ok {
			t.Errorf("there is no transcript %s", name)
		}
	}
	for name, tr := range all {
		if strings.Contains(name, "_send_") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, ok := plays[name]
			if !ok {
				t.Fatal("nobody said what this transcript comes to")
			}
			if diff := cmp.Diff(c.want, c.call(t, tr.serve(t))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever path the client knows, WeChat's word on it is written down.
func TestEveryEndpointHasATranscript(t *testing.T) {
	t.Parallel()
	told := map[string]bool{}
	for name, tr := range transcripts(t) {
		for _, e := range tr.exchanges {
			path, _, _ := strings.Cut(e.target, "?")
			told[path] = told[path] || strings.HasSuffix(name, "_ok")
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	endpoint := regexp.MustCompile(`"(/(?:cgi-bin|wxaapi|sns)/[^"]+)"`)
	known := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range endpoint.FindAllStringSubmatch(string(text), -1) {
			known++
			if !told[m[1]] {
				t.Errorf("%s asks %s, and testdata has no transcript …_ok.http of it", file, m[1])
			}
		}
	}
	if known < len(told) {
		t.Errorf("the client's files name %d endpoints, the transcripts %d", known, len(told))
	}
}

// told is a result in one line: the values, or what the error says of itself.
func told(err error, values ...any) string {
	var e *Error
	switch {
	case errors.As(err, &e):
		return fmt.Sprintf("%s %d %s %s %s", e.Kind, e.Errcode, e.Verdict.Do, wxnotify.CodeOf(err), e.RID)
	case err != nil:
		return "a foreign error: " + err.Error()
	}
	s := fmt.Sprint(values[0])
	for _, v := range values[1:] {
		s += fmt.Sprintf(" %v", v)
	}
	return s
}

func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	c := transcripts(t)["token_today_40164"].serve(t)
	classic := app
	classic.TokenMode = wxnotify.ClassicToken
	_, _, err := c.FetchToken(t.Context(), classic, false)
	for _, want := range []string{"40164", "WeChat saw 203.0.113.7", "whitelist"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	var r *wxnotify.Refusal
	if !errors.As(err, &r) || r.WeChat == nil || r.WeChat.Errcode != 40164 || r.WeChat.RID == "" {
		t.Errorf("refusal is %+v", r)
	}
	slow := &Error{Call: callLogin, Kind: wxnotify.Refused, Errcode: 45011, Verdict: VerdictOf(45011)}
	if !errors.As(slow, &r) || r.RetryAfter != time.Minute {
		t.Errorf("refusal is %+v", r)
	}
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"https://api.weixin.qq.com", "http://127.0.0.1:8081/", "https://proxy.example/wx"} {
		if err := CheckURL(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "api.weixin.qq.com", "ftp://x", "https://", "https://user:pass@x", "https://x?y=1", "https://x?", "https://x#y", "://"} {
		if CheckURL(bad) == nil {
			t.Errorf("%q is fine", bad)
		}
	}
}
