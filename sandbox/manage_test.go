package sandbox_test

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxnotify/wxnotify/sandbox"
)

// manage makes a management call with a good token.
func (w *world) manage(method, path string, body any) reply {
	w.t.Helper()
	return w.call(method, withToken(path, w.token()), body)
}

func withToken(path, token string) string {
	u, err := url.Parse(path)
	if err != nil {
		panic(err)
	}
	q := u.Query()
	q.Set("access_token", token)
	u.RawQuery = q.Encode()
	return u.String()
}

// Classic templates: find in the library, add, send, list, delete.
func TestClassicTemplateFromTheLibrary(t *testing.T) {
	t.Parallel()
	w := start(t)
	found := w.manage("POST", "/cgi-bin/wxopen/template/library/list", map[string]any{"offset": 1, "count": 2})
	if list := found["list"].([]any); len(list) != 2 || found.text("total_count") != "5" || list[0].(map[string]any)["id"] != "AT0009" {
		t.Errorf("library/list: %v", found)
	}
	details := w.manage("POST", "/cgi-bin/wxopen/template/library/get", map[string]any{"id": "AT0009"})
	if words := details["keyword_list"].([]any); details.text("title") != "订单支付成功通知" || len(words) != 4 || words[1].(map[string]any)["name"] != "支付金额" {
		t.Errorf("library/get: %v", details)
	}
	added := w.manage("POST", "/cgi-bin/wxopen/template/add", map[string]any{"id": "AT0009", "keyword_id_list": []int{2, 1}})
	matches(t, "template_id", added.text("template_id"), `^[0-9A-Za-z_-]{43}$`)
	body := with(order(sandbox.MockForm), map[string]any{"template_id": added.text("template_id")})
	expect(t, "send", w.call("POST", templateSend+w.token(), body), 0, "ok")
	if rows := w.cards()[0].Rows; len(rows) != 2 || rows[0].Name != "支付金额" || rows[0].Value != "已接单" {
		t.Errorf("rows %v, want the keywords in the order they were chosen", rows)
	}
	listed := w.manage("POST", "/cgi-bin/wxopen/template/list", map[string]any{"offset": 1, "count": 20})
	want := []any{map[string]any{"template_id": added.text("template_id"), "title": "订单支付成功通知",
		"content": "支付金额{{keyword1.DATA}}\n商品名称{{keyword2.DATA}}\n", "example": "支付金额:28.50元\n商品名称:牛肉面（大）\n"}}
	if diff := cmp.Diff(want, listed["list"]); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	expect(t, "del", w.manage("POST", "/cgi-bin/wxopen/template/del", map[string]any{"template_id": added.text("template_id")}), 0, "ok")
	expect(t, "send afterwards", w.call("POST", templateSend+w.token(), body), 40037, "invalid template_id")
	expect(t, "del again", w.manage("POST", "/cgi-bin/wxopen/template/del", map[string]any{"template_id": added.text("template_id")}), 40037, "")
}

// Subscribe templates: category, titles, keywords, add, list, delete.
func TestSubscribeTemplateFromTheLibrary(t *testing.T) {
	t.Parallel()
	w := start(t)
	if got := w.manage("GET", "/wxaapi/newtmpl/getcategory", nil); len(got["data"].([]any)) != 2 {
		t.Errorf("getcategory: %v", got)
	}
	titles := w.manage("GET", "/wxaapi/newtmpl/getpubtemplatetitles?ids=616,612&start=1&limit=2", nil)
	if list := titles["data"].([]any); titles.text("count") != "5" || len(list) != 2 || fmt.Sprint(list[0].(map[string]any)["tid"]) != "1128" {
		t.Errorf("getpubtemplatetitles: %v", titles)
	}
	words := w.manage("GET", "/wxaapi/newtmpl/getpubtemplatekeywords?tid=1128", nil)
	if list := words["data"].([]any); words.text("count") != "4" || list[3].(map[string]any)["rule"] != "amount" {
		t.Errorf("getpubtemplatekeywords: %v", words)
	}
	added := w.manage("POST", "/wxaapi/newtmpl/addtemplate", map[string]any{"tid": "1128", "kidList": []int{4, 2}, "sceneDesc": "外卖送达"})
	matches(t, "priTmplId", added.text("priTmplId"), `^[0-9A-Za-z_-]{43}$`)
	form := w.manage("POST", "/wxaapi/newtmpl/addtemplate", "tid=3071&kidList=1&kidList=2&sceneDesc=x")
	php := w.manage("POST", "/wxaapi/newtmpl/addtemplate", "tid=3071&kidList%5B%5D=1&kidList%5B%5D=2")
	for name, r := range map[string]reply{"repeated": form, "with brackets": php} {
		if r["priTmplId"] == nil {
			t.Errorf("form encoding %s: %v", name, r)
		}
	}
	all := w.manage("GET", "/wxaapi/newtmpl/gettemplate", nil)["data"].([]any)
	if len(all) != 6 {
		t.Fatalf("%d templates, want 6", len(all))
	}
	want := map[string]any{"priTmplId": added.text("priTmplId"), "title": "订单送达提醒", "content": "订单金额:{{amount4.DATA}}\n送达时间:{{time2.DATA}}\n",
		"example": "订单金额:¥28.50\n送达时间:2019年10月19日 13:02\n"}
	got := all[3].(map[string]any)
	if fmt.Sprint(got["type"]) != "2" || fmt.Sprint(all[4].(map[string]any)["type"]) != "3" {
		t.Errorf("types %v and %v", got["type"], all[4].(map[string]any)["type"])
	}
	delete(got, "type")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("gettemplate (-want +got):\n%s", diff)
	}
	w.subscribe(added.text("priTmplId"), "accept")
	message := with(accepted(), map[string]any{"template_id": added.text("priTmplId"), "data": map[string]any{"amount4": value("¥1"), "time2": value("13:02")}})
	expect(t, "send", w.call("POST", subscribeSend+w.token(), message), 0, "ok")
	expect(t, "deltemplate", w.manage("POST", "/wxaapi/newtmpl/deltemplate", map[string]any{"priTmplId": added.text("priTmplId")}), 0, "ok")
	expect(t, "send afterwards", w.call("POST", subscribeSend+w.token(), message), 40037, "invalid template_id")
}

// An enum_string says what the list of templates allows it, and nothing else.
func TestAnEnumSaysOneOfItsValues(t *testing.T) {
	t.Parallel()
	w := start(t)
	adopted := w.manage("POST", "/wxaapi/newtmpl/addtemplate", map[string]any{"tid": "3072", "kidList": []int{1, 3}}).text("priTmplId")
	own := w.must("POST", "/sandbox/templates", map[string]any{"appid": sandbox.FirstAppID, "channel": "subscribe", "title": "洗衣机故障提醒", "keywords": []map[string]any{
		{"key": "enum_string1", "name": "所在位置", "values": []string{"客厅", "餐厅"}}, {"key": "enum_string2", "name": "提示说明"}}})
	shown := []any{map[string]any{"key": "enum_string1", "name": "所在位置", "values": []any{"客厅", "餐厅"}}, map[string]any{"key": "enum_string2", "name": "提示说明"}}
	if diff := cmp.Diff(shown, own["keywords"]); diff != "" {
		t.Errorf("added (-want +got):\n%s", diff)
	}

	all := w.manage("GET", "/wxaapi/newtmpl/gettemplate", nil)["data"].([]any)
	listed := func(n int) map[string]any { return all[len(all)-n].(map[string]any) }
	for n, values := range map[int][]any{1: {"客厅", "餐厅"}, 2: {"进站", "出站"}} {
		want := []any{map[string]any{"keywordCode": "enum_string1.DATA", "enumValueList": values}}
		if diff := cmp.Diff(want, listed(n)["keywordEnumValueList"]); diff != "" {
			t.Errorf("%v (-want +got):\n%s", listed(n)["title"], diff)
		}
	}
	if without := listed(3); without["keywordEnumValueList"] != nil {
		t.Errorf("a template without an enum: %v", without)
	}
	if got := listed(1)["example"]; got != "所在位置:客厅\n提示说明:已完成\n" {
		t.Errorf("example %q", got)
	}

	w.subscribe(adopted, "accept") // a long-term one
	w.subscribe(own.text("template_id"), "accept")
	token := w.token()
	for name, c := range map[string]struct {
		template, says string
		code           int
		text           string
	}{
		"one of them":        {adopted, "出站", 0, "ok"},
		"none of them":       {adopted, "换乘", 47003, "argument invalid! data.enum_string1.value"},
		"a part of one":      {adopted, "进", 47003, "argument invalid! data.enum_string1.value"},
		"both":               {adopted, "进站出站", 47003, "argument invalid! data.enum_string1.value"},
		"nothing":            {adopted, "", 47003, "argument invalid! data.enum_string1.value"},
		"another template's": {own.text("template_id"), "进站", 47003, "argument invalid! data.enum_string1.value"},
		"beside a free one":  {own.text("template_id"), "餐厅", 0, "ok"},
	} {
		got := w.call("POST", subscribeSend+token, map[string]any{"touser": sandbox.FirstUser, "template_id": c.template, "data": map[string]any{
			"enum_string1": value(c.says), "enum_string2": value("anything"), "time3": value("13:02")}})
		expect(t, name, got, c.code, c.text)
	}
}

func TestManagementRefusals(t *testing.T) {
	t.Parallel()
	w := start(t)
	for name, c := range map[string]struct {
		method, path string
		body         any
		code         int
	}{
		"list, count 0":             {"POST", "/cgi-bin/wxopen/template/list", `{"offset":0,"count":0}`, 45076},
		"list, count 21":            {"POST", "/cgi-bin/wxopen/template/list", `{"offset":0,"count":21}`, 45076},
		"list, no JSON":             {"POST", "/cgi-bin/wxopen/template/list", `x`, 45076},
		"library/list, no count":    {"POST", "/cgi-bin/wxopen/template/library/list", `{}`, 45076},
		"library/get, unknown":      {"POST", "/cgi-bin/wxopen/template/library/get", `{"id":"AT9"}`, 40037},
		"add, unknown":              {"POST", "/cgi-bin/wxopen/template/add", `{"id":"AT9","keyword_id_list":[1]}`, 40037},
		"add, keyword unknown":      {"POST", "/cgi-bin/wxopen/template/add", `{"id":"AT0002","keyword_id_list":[1,99]}`, 45075},
		"add, keyword no number":    {"POST", "/cgi-bin/wxopen/template/add", `{"id":"AT0002","keyword_id_list":["x"]}`, 45075},
		"add, no keyword":           {"POST", "/cgi-bin/wxopen/template/add", `{"id":"AT0002","keyword_id_list":[]}`, 45100},
		"add, eleven":               {"POST", "/cgi-bin/wxopen/template/add", `{"id":"AT0002","keyword_id_list":[1,1,1,1,1,1,1,1,1,1,1]}`, 45100},
		"del of a subscribe one":    {"POST", "/cgi-bin/wxopen/template/del", `{"template_id":"` + sandbox.OnceTemplate + `"}`, 40037},
		"addtemplate, tid":          {"POST", "/wxaapi/newtmpl/addtemplate", `{"tid":"1","kidList":[1,2]}`, 200014},
		"addtemplate, one kid":      {"POST", "/wxaapi/newtmpl/addtemplate", `{"tid":"484","kidList":[1]}`, 200020},
		"addtemplate, foreign kid":  {"POST", "/wxaapi/newtmpl/addtemplate", `{"tid":"484","kidList":[1,99]}`, 200020},
		"addtemplate, long scene":   {"POST", "/wxaapi/newtmpl/addtemplate", `{"tid":"484","kidList":[1,2],"sceneDesc":"一二三四五六七八九十一二三四五六"}`, 200021},
		"deltemplate, unknown":      {"POST", "/wxaapi/newtmpl/deltemplate", `{"priTmplId":"x"}`, 40037},
		"titles, no ids":            {"GET", "/wxaapi/newtmpl/getpubtemplatetitles?start=0&limit=30", nil, 200018},
		"titles, odd ids":           {"GET", "/wxaapi/newtmpl/getpubtemplatetitles?ids=a&start=0&limit=30", nil, 200019},
		"titles, no start":          {"GET", "/wxaapi/newtmpl/getpubtemplatetitles?ids=616&limit=30", nil, 200016},
		"titles, limit 31":          {"GET", "/wxaapi/newtmpl/getpubtemplatetitles?ids=616&start=0&limit=31", nil, 200017},
		"keywords, tid":             {"GET", "/wxaapi/newtmpl/getpubtemplatekeywords?tid=1", nil, 200014},
		"gettemplate by POST":       {"POST", "/wxaapi/newtmpl/gettemplate", `{}`, 43001},
		"template/list by GET":      {"GET", "/cgi-bin/wxopen/template/list", nil, 43002},
		"quota of nothing":          {"POST", "/cgi-bin/openapi/quota/get", `{"cgi_path":"/cgi-bin/x"}`, 76021},
		"quota outside of cgi-bin":  {"POST", "/cgi-bin/openapi/quota/get", `{"cgi_path":"/sns/jscode2session"}`, 76022},
		"clear_quota of another":    {"POST", "/cgi-bin/clear_quota", `{"appid":"wx0"}`, 40013},
		"rid malformed":             {"POST", "/cgi-bin/openapi/rid/get", `{"rid":"x"}`, 76002},
		"rid unknown":               {"POST", "/cgi-bin/openapi/rid/get", `{"rid":"5fab84d2-1b2c3d4e-5f607182"}`, 76001},
		"uniform_send after 2020":   {"POST", "/cgi-bin/message/wxopen/template/uniform_send", `{"touser":"x","weapp_template_msg":{}}`, 45103},
		"clear_quota/v2, no secret": {"POST", "/cgi-bin/clear_quota/v2", `{"appid":"` + sandbox.FirstAppID + `"}`, 41004},
	} {
		expect(t, name, w.manage(c.method, c.path, c.body), c.code, "")
	}
}

func TestTwentyFiveTemplatesOfEachKind(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.token()
	last := func(path, body string) (code string, added int) {
		for range 30 {
			if code = w.call("POST", withToken(path, token), body).code(); code != "0" {
				return code, added
			}
			added++
		}
		return code, added
	}
	if code, n := last("/cgi-bin/wxopen/template/add", `{"id":"AT0002","keyword_id_list":[1]}`); code != "45026" || n != 24 {
		t.Errorf("classic: %s after %d", code, n)
	}
	if code, n := last("/wxaapi/newtmpl/addtemplate", `{"tid":"484","kidList":[1,2]}`); code != "200012" || n != 22 {
		t.Errorf("subscribe: %s after %d", code, n)
	}
}

func TestWhatIsLeftOfTheClassicCallsToday(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.must("POST", "/sandbox/apps", map[string]string{"appid": sandbox.FirstAppID, "era": "today"})
	list := w.manage("POST", "/cgi-bin/wxopen/template/list", `{"offset":0,"count":20}`)
	if rows, ok := list["list"].([]any); list.code() != "0" || !ok || len(rows) != 0 {
		t.Errorf("list: %v, want an empty one", list)
	}
	for path, code := range map[string]int{
		"/cgi-bin/wxopen/template/library/list": 45103, "/cgi-bin/wxopen/template/library/get": 45103,
		"/cgi-bin/wxopen/template/add": 45103, "/cgi-bin/wxopen/template/del": 45103,
		"/cgi-bin/message/wxopen/template/uniform_send": 45109,
	} {
		expect(t, path, w.manage("POST", path, `{"offset":0,"count":20}`), code, "This API has been unsupported")
	}
	if got := w.manage("GET", "/wxaapi/newtmpl/gettemplate", nil); len(got["data"].([]any)) != 3 {
		t.Errorf("gettemplate: %v", got)
	}
}

func TestQuotaCalls(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.token()
	w.call("POST", templateSend+token, order(sandbox.MockForm))
	get := func() map[string]any {
		t.Helper()
		r := w.call("POST", withToken("/cgi-bin/openapi/quota/get", token), map[string]string{"cgi_path": "/cgi-bin/message/wxopen/template/send"})
		return r["quota"].(map[string]any)
	}
	if q := get(); fmt.Sprintf("%v %v %v", q["daily_limit"], q["used"], q["remain"]) != "1000000 1 999999" {
		t.Errorf("quota %v", q)
	}
	for range 5 {
		expect(t, "clear_quota", w.call("POST", withToken("/cgi-bin/clear_quota", token), map[string]string{"appid": sandbox.FirstAppID}), 0, "ok")
		expect(t, "clear_quota/v2", w.call("POST", "/cgi-bin/clear_quota/v2", map[string]string{"appid": sandbox.FirstAppID, "appsecret": sandbox.FirstSecret}), 0, "ok")
	}
	if q := get(); fmt.Sprint(q["used"]) != "0" {
		t.Errorf("after clearing: %v", q)
	}
	expect(t, "the 11th of the month", w.call("POST", "/cgi-bin/clear_quota/v2", map[string]string{"appid": sandbox.FirstAppID, "appsecret": sandbox.FirstSecret}), 48006, "forbid to clear quota")
	w.advance(13 * 86400) // November
	expect(t, "next month", w.call("POST", "/cgi-bin/clear_quota/v2", map[string]string{"appid": sandbox.FirstAppID, "appsecret": sandbox.FirstSecret}), 0, "ok")
	for _, path := range []string{"/cgi-bin/get_api_domain_ip", "/cgi-bin/getcallbackip"} {
		if got := w.manage("GET", path, nil); len(got["ip_list"].([]any)) != 1 {
			t.Errorf("%s: %v", path, got)
		}
	}
}

func TestRidCanBeLookedUp(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.must("POST", "/sandbox/apps", map[string]string{"appid": sandbox.FirstAppID, "era": "today"})
	w.must("POST", "/sandbox/apps", map[string]string{"appid": "wx00000000000000aa", "era": "today", "secret": "x"})
	token := w.token()
	failed := w.call("POST", subscribeSend+token, accepted())
	expect(t, "send", failed, 43101, "user refuse")
	rid := failed.text("errmsg")[len("user refuse to accept the msg rid: "):]
	got := w.call("POST", withToken("/cgi-bin/openapi/rid/get", token), map[string]string{"rid": rid})
	request, ok := got["request"].(map[string]any)
	if !ok || request["client_ip"] != "127.0.0.1" || fmt.Sprint(request["invoke_time"]) != fmt.Sprint(noon.Unix()) {
		t.Errorf("rid/get: %v", got)
	}
	other := w.call("GET", "/cgi-bin/token?grant_type=client_credential&appid=wx00000000000000aa&secret=x", nil).text("access_token")
	expect(t, "of another app", w.call("POST", withToken("/cgi-bin/openapi/rid/get", other), map[string]string{"rid": rid}), 76003, "")
}
