package sandbox_test

import (
	"strconv"
	"testing"

	"github.com/wxnotify/wxnotify/sandbox"
)

// accepted is a subscribe message that fits OnceTemplate.
func accepted() map[string]any {
	return map[string]any{
		"touser": sandbox.FirstUser, "template_id": sandbox.OnceTemplate, "page": "pages/order/detail?id=1019", "miniprogram_state": "formal", "lang": "zh_CN",
		"data": map[string]any{
			"phrase1": value("已接单"), "time2": value("2019年10月19日 12:31"), "name3": value("张一山"),
			"phone_number4": value("136-0000-1720"), "thing5": value("请手机保持通畅"),
		},
	}
}

func value(s string) map[string]string { return map[string]string{"value": s} }

func (w *world) subscribe(template, result string) reply {
	w.t.Helper()
	return w.must("POST", "/sandbox/subscriptions", with(person(sandbox.FirstUser), map[string]any{"template_id": template, "result": result}))
}

func (w *world) settings(template string) {
	w.t.Helper()
	w.must("POST", "/sandbox/subscriptions/settings", with(person(sandbox.FirstUser), map[string]any{"results": map[string]string{template: "reject"}}))
}

func TestEachAcceptanceIsOneSend(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.token()
	send := func() reply { return w.call("POST", subscribeSend+token, accepted()) }
	expect(t, "never asked", send(), 43101, "user refuse to accept the msg")
	sheet := w.subscribe(sandbox.OnceTemplate, "accept")
	if sheet.text("errMsg") != "requestSubscribeMessage:ok" || sheet.text(sandbox.OnceTemplate) != "accept" {
		t.Errorf("the sheet answered %v", sheet)
	}
	w.subscribe(sandbox.OnceTemplate, "accept")
	w.subscribe(sandbox.OnceTemplate, "reject") // takes nothing back
	w.subscribe(sandbox.OnceTemplate, "ban")
	var last int64
	for i := range 2 {
		got := send()
		expect(t, "accepted", got, 0, "ok")
		id, err := strconv.ParseInt(got.text("msgid"), 10, 64)
		if err != nil || id <= 1<<53 || id <= last {
			t.Errorf("send %d: msgid %v, want a new one beyond 2^53", i+1, got["msgid"])
		}
		last = id
	}
	expect(t, "used up", send(), 43101, "user refuse to accept the msg")
	cards := w.cards()
	if len(cards) != 2 || cards[1].Msgid == nil || *cards[1].Msgid != strconv.FormatInt(last, 10) || cards[1].FormID != nil || cards[1].Channel != "subscribe" {
		t.Errorf("cards %+v", cards)
	}
}

func TestAcceptancesHaveNoDeadline(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.subscribe(sandbox.OnceTemplate, "accept")
	w.advance(400 * 86400)
	expect(t, "after 400 days", w.call("POST", subscribeSend+w.token(), accepted()), 0, "ok")
}

func TestLongtermIsNotUsedUp(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.token()
	stop := map[string]any{"touser": sandbox.FirstUser, "template_id": sandbox.LongtermTemplate, "data": map[string]any{
		"thing1": value("地铁1号线"), "time2": value("13:02"), "thing3": value("建国门")}}
	w.subscribe(sandbox.LongtermTemplate, "accept")
	for range 3 {
		expect(t, "standing", w.call("POST", subscribeSend+token, stop), 0, "ok")
	}
	w.settings(sandbox.LongtermTemplate)
	expect(t, "turned off", w.call("POST", subscribeSend+token, stop), 43101, "user refuse")
}

func TestSettingsTakeBackWhatWasGranted(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.token()
	w.subscribe(sandbox.OnceTemplate, "accept")
	w.subscribe(sandbox.OnceTemplate, "accept")
	w.settings(sandbox.OnceTemplate)
	expect(t, "turned off", w.call("POST", subscribeSend+token, accepted()), 43101, "user refuse")
	w.subscribe(sandbox.OnceTemplate, "accept")
	expect(t, "accepted anew", w.call("POST", subscribeSend+token, accepted()), 0, "ok")
	expect(t, "once", w.call("POST", subscribeSend+token, accepted()), 43101, "user refuse")
}

func TestRejectOnASubscribeCard(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.token()
	w.subscribe(sandbox.OnceTemplate, "accept")
	w.subscribe(sandbox.OnceTemplate, "accept")
	expect(t, "first", w.call("POST", subscribeSend+token, accepted()), 0, "ok")
	w.must("POST", "/sandbox/cards/1/reject", nil)
	expect(t, "refused", w.call("POST", subscribeSend+token, accepted()), 43101, "user refuse")
}

func TestSubscribeSendRefusals(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.token()
	w.subscribe(sandbox.OnceTemplate, "accept")
	data := func(key string, v any) map[string]any {
		return map[string]any{"data": with(accepted()["data"].(map[string]any), map[string]any{key: v})}
	}
	for name, c := range map[string]struct {
		change map[string]any
		code   int
		text   string
	}{
		"unknown user":     {map[string]any{"touser": "oNobody"}, 40003, "invalid openid"},
		"unknown template": {map[string]any{"template_id": "x"}, 40037, "invalid template_id"},
		"classic template": {map[string]any{"template_id": sandbox.ClassicTemplate}, 40037, "invalid template_id"},
		"page with slash":  {map[string]any{"page": "/pages/x"}, 41030, "invalid page"},
		"no data":          {map[string]any{"data": nil}, 47003, "argument invalid! data.phrase1.value"},
		"a key missing":    {data("name3", nil), 47003, "argument invalid! data.name3.value"},
		"a key misspelt":   {map[string]any{"data": with(accepted()["data"].(map[string]any), map[string]any{"thing5": nil, "thing05": value("x")})}, 47003, "argument invalid! data.thing5.value"},
		"an empty value":   {data("thing5", value("")), 47003, "argument invalid! data.thing5.value"},
		"a value too long": {data("thing5", value("一二三四五六七八九十一二三四五六七八九十一")), 47003, "argument invalid! data.thing5.value"},
		"a bare text":      {data("phrase1", "已接单"), 47003, "argument invalid! data.phrase1.value"},
		"first one named":  {map[string]any{"data": map[string]any{"name3": value("1")}}, 47003, "argument invalid! data.phrase1.value"},
	} {
		expect(t, name, w.call("POST", subscribeSend+token, with(accepted(), c.change)), c.code, c.text)
	}
	expect(t, "slash in a trial build, extra key", w.call("POST", subscribeSend+token, with(accepted(), with(data("thing9", value("x")), map[string]any{
		"page": "/pages/x", "miniprogram_state": "trial"}))), 0, "ok")
}

func TestSheetHasWeChatsLimits(t *testing.T) {
	t.Parallel()
	w := start(t)
	six := map[string]string{}
	for range 6 {
		id := w.must("POST", "/sandbox/templates", map[string]any{"appid": sandbox.FirstAppID, "channel": "subscribe", "title": "通知",
			"keywords": []map[string]string{{"key": "thing1", "name": "备注"}}}).text("template_id")
		six[id] = "accept"
	}
	for name, c := range map[string]struct {
		change map[string]any
		status int
	}{
		"both kinds":       {map[string]any{"results": map[string]string{sandbox.OnceTemplate: "accept", sandbox.LongtermTemplate: "accept"}}, 422},
		"six templates":    {map[string]any{"results": six}, 422},
		"classic":          {map[string]any{"results": map[string]string{sandbox.ClassicTemplate: "accept"}}, 422},
		"unknown result":   {map[string]any{"results": map[string]string{sandbox.OnceTemplate: "perhaps"}}, 422},
		"unknown template": {map[string]any{"results": map[string]string{"x": "accept"}}, 404},
		"nothing":          {nil, 422},
		"both ways":        {map[string]any{"template_id": sandbox.OnceTemplate, "result": "accept", "results": map[string]string{}}, 422},
		"unknown user":     {map[string]any{"openid": "oNobody", "template_id": sandbox.OnceTemplate, "result": "accept"}, 404},
	} {
		if status, body := w.do("POST", "/sandbox/subscriptions", with(person(sandbox.FirstUser), c.change)); status != c.status {
			t.Errorf("%s: %d %s, want %d", name, status, body, c.status)
		}
	}
}
