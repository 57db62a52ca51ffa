package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/wechat"
)

const (
	callbackToken = "storytoken"
	callbackKey   = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
	subscribeSend = "/cgi-bin/message/subscribe/send"
)

// The ways in which WeChat can push.
var pushes = []struct{ mode, format string }{{"safe", "xml"}, {"safe", "json"}, {"plain", "xml"}}

// subscribed tells a story in which WeChat's message push is set up, on both sides.
func subscribed(t *testing.T, f func(w *world)) {
	t.Helper()
	story(t, func(w *world) {
		w.callback(pushes[0].mode, pushes[0].format)
		f(w)
	})
}

// callback sets the push up at the server and at the sandbox.
func (w *world) callback(mode, format string) {
	w.Helper()
	w.api("PATCH", "apps/"+sandbox.FirstAppID, fmt.Sprintf(`{"callback":{"token":%q,"encoding_aes_key":%q,"mode":%q}}`, callbackToken, callbackKey, mode))
	w.phone("POST", "apps", map[string]any{"appid": sandbox.FirstAppID, "secret": sandbox.FirstSecret, "era": "classic", "callback": map[string]any{
		"url": w.url + "/wechat/" + sandbox.FirstAppID, "token": callbackToken, "encoding_aes_key": callbackKey, "mode": mode, "format": format}})
}

// api calls the native API by hand.
func (w *world) api(method, path, body string) map[string]any {
	w.Helper()
	return w.http(method, w.url+"/v1/"+path, http.Header{"Authorization": {"Bearer " + storyKey}}, strings.NewReader(body))
}

// answer is what a user says to the sheet.
func (w *world) answer(openid, template, result string) {
	w.Helper()
	w.phone("POST", "subscriptions", map[string]any{"openid": openid, "template_id": template, "result": result})
}

// push sends an event of the tester's making through the sandbox.
func (w *world) push(event string) {
	w.Helper()
	var raw map[string]any
	w.must(json.Unmarshal([]byte(event), &raw))
	if got := w.phone("POST", "events", map[string]any{"event": raw}); got["answered"] != true {
		w.Fatalf("the callback did not take %s: %v", event, got)
	}
}

func pushed(name, openid string, at time.Time, entry string) string {
	return fmt.Sprintf(`{"FromUserName":%q,"CreateTime":%d,"MsgType":"event","Event":"subscribe_msg_%s_event","List":%s}`, openid, at.Unix(), name, entry)
}

func entry(template, said string) string {
	return fmt.Sprintf(`{"TemplateId":%q,"SubscribeStatusString":%q,"PopupScene":"0"}`, template, said)
}

// have waits until the user has so many acceptances in stock.
func (w *world) have(openid, template string, n int) {
	w.Helper()
	w.until(fmt.Sprintf("%d acceptances in stock", n), func() bool { return w.stock(openid, template) == n })
}

func (w *world) stock(openid, template string) int {
	u, err := w.User(w.ctx(), "", openid)
	w.must(err)
	return u.Permits.Subscribe[template]
}

// another second: one sheet is not answered twice in the same one.
func (w *world) nextSecond() {
	now := time.Now().Unix()
	w.until("next second", func() bool { return time.Now().Unix() > now })
}

// arrived is the message of the delivery template.
func arrived(to string) client.NewMessage {
	return client.NewMessage{To: to, TemplateID: sandbox.DeliveryTemplate, Data: client.Data{
		"character_string1": {Value: "1019"}, "time2": {Value: "2026年3月4日 12:31"}, "thing3": {Value: "请趁热享用"}}}
}

func TestTwoAcceptancesAreTwoMessages(t *testing.T) {
	subscribed(t, func(w *world) {
		w.answer(li, sandbox.DeliveryTemplate, "accept")
		w.nextSecond()
		w.answer(li, sandbox.DeliveryTemplate, "accept")
		w.have(li, sandbox.DeliveryTemplate, 2)
		for range 2 {
			m := w.send(arrived(li))
			if m.State != "delivered" {
				w.want(m, "sent", "")
			}
			if m.MsgID == "" {
				w.Error("WeChat's msgid is missing")
			}
		}
		w.want(w.send(arrived(li)), "failed", "no_permit")
		third := arrived(li)
		third.Wait = true
		m, err := w.Send(w.ctx(), third)
		w.must(err)
		w.until("waiting message", func() bool { return w.state(m.ID) == "waiting" })
		w.nextSecond()
		w.answer(li, sandbox.DeliveryTemplate, "accept")
		w.cards(3)
		w.until("delivery, as WeChat's event tells it", func() bool { return w.state(m.ID) == "delivered" })
	})
}

func (w *world) state(id string) string {
	w.Helper()
	m, err := w.Message(w.ctx(), id)
	w.must(err)
	return m.State
}

func TestAPromptIsToldInEveryFormat(t *testing.T) {
	story(t, func(w *world) {
		for i, p := range pushes {
			w.callback(p.mode, p.format)
			w.nextSecond()
			w.phone("POST", "subscriptions", map[string]any{"openid": li, "results": map[string]any{sandbox.DeliveryTemplate: "accept", sandbox.OnceTemplate: "reject"}})
			w.have(li, sandbox.DeliveryTemplate, i+1)
		}
		w.want(w.send(client.NewMessage{To: li, TemplateID: sandbox.OnceTemplate, Data: client.Data{"phrase1": {Value: "已接单"}, "time2": {Value: "12:31"},
			"name3": {Value: "张一山"}, "phone_number4": {Value: "13600001720"}, "thing5": {Value: "请手机保持通畅"}}}), "failed", "refused_by_user")
	})
}

func TestALongTermAcceptanceIsNotUsedUp(t *testing.T) {
	subscribed(t, func(w *world) {
		w.http("POST", w.url+"/v1/templates/sync", http.Header{"Authorization": {"Bearer " + storyKey}}, nil)
		w.answer(li, sandbox.LongtermTemplate, "accept")
		w.until("long-term permit", func() bool {
			u, err := w.User(w.ctx(), "", li)
			w.must(err)
			return len(u.Permits.Longterm) == 1
		})
		m := client.NewMessage{To: li, TemplateID: sandbox.LongtermTemplate, Data: client.Data{"thing1": {Value: "1路"}, "time2": {Value: "12:31"}, "thing3": {Value: "人民广场"}}}
		for range 3 {
			if got := w.send(m); got.State != "sent" && got.State != "delivered" {
				w.want(got, "sent", "")
			}
		}
		w.cards(3)
	})
}

// Refused in the ••• menu of a card: what was granted before is withdrawn, and
// the next message says why it fails.
func TestARefusalWithdrawsWhatWasGrantedBefore(t *testing.T) {
	subscribed(t, func(w *world) {
		for range 3 {
			w.answer(li, sandbox.DeliveryTemplate, "accept")
			w.nextSecond()
		}
		w.have(li, sandbox.DeliveryTemplate, 3)
		w.send(arrived(li))
		seq := w.cards(1)[0].Seq
		w.phone("POST", fmt.Sprintf("cards/%d/reject", seq), nil)
		w.have(li, sandbox.DeliveryTemplate, 0)
		w.want(w.send(arrived(li)), "failed", "refused_by_user")
		withdrawn := 0
		for p, err := range w.Permits(w.ctx(), client.PermitFilter{To: li, State: "dead"}) {
			w.must(err)
			if p.Cause == "withdrawn" {
				withdrawn++
			}
		}
		if withdrawn != 2 {
			w.Errorf("%d permits were withdrawn, want 2", withdrawn)
		}
	})
}

func TestALaterAcceptanceSurvivesAnOlderRefusal(t *testing.T) {
	subscribed(t, func(w *world) {
		at := time.Now()
		w.nextSecond()
		w.nextSecond()
		w.answer(li, sandbox.DeliveryTemplate, "accept")
		w.have(li, sandbox.DeliveryTemplate, 1)
		w.push(pushed("change", li, at, entry(sandbox.DeliveryTemplate, "reject")))
		w.push(pushed("popup", wang, at, entry(sandbox.DeliveryTemplate, "accept"))) // events are applied in order
		w.have(wang, sandbox.DeliveryTemplate, 1)
		w.have(li, sandbox.DeliveryTemplate, 1)
		if m := w.send(arrived(li)); m.State != "sent" && m.State != "delivered" {
			w.want(m, "sent", "")
		}
		// And an acceptance from before the refusal, told only now, is none.
		w.push(pushed("popup", li, at.Add(-time.Minute), entry(sandbox.DeliveryTemplate, "accept")))
		w.push(pushed("popup", wang, at.Add(10*time.Second), entry(sandbox.OnceTemplate, "accept")))
		w.have(wang, sandbox.OnceTemplate, 1)
		w.have(li, sandbox.DeliveryTemplate, 0)
	})
}

// The mini program's report and WeChat's event of one tap share no id.
func TestOneTapToldTwiceCountsOnce(t *testing.T) {
	subscribed(t, func(w *world) {
		for openid, order := range map[string]string{li: "report, event", wang: "event, report"} {
			session := w.login(openid)
			at := time.Now()
			for tap := range 2 {
				for _, who := range strings.Split(order, ", ") {
					if who == "event" {
						w.push(pushed("popup", openid, at.Add(time.Duration(tap)*time.Second), entry(sandbox.DeliveryTemplate, "accept")))
						w.have(openid, sandbox.DeliveryTemplate, tap+1)
						continue
					}
					for range 2 { // the upload is repeated
						results, err := w.MPPermits(w.ctx(), session.Token, []client.MPPermit{{ID: fmt.Sprint("tap-", tap), Source: "subscribe", TemplateID: sandbox.DeliveryTemplate, Result: "accept"}})
						w.must(err)
						if results[0].Error != nil {
							w.Fatal(results[0].Error)
						}
					}
					w.have(openid, sandbox.DeliveryTemplate, tap+1)
				}
			}
		}
	})
}

// The answer is lost, and WeChat's own event says that the message arrived.
func TestALostAnswerIsClearedUpByTheEvent(t *testing.T) {
	subscribed(t, func(w *world) {
		w.answer(li, sandbox.DeliveryTemplate, "accept")
		w.nextSecond()
		w.answer(li, sandbox.DeliveryTemplate, "accept")
		w.have(li, sandbox.DeliveryTemplate, 2)
		w.phone("POST", "faults", map[string]any{"endpoint": "subscribe/send", "effect": "drop_response", "times": 1})
		m := w.send(arrived(li))
		w.want(m, "delivered", "")
		if m.Evidence != "event" || m.MsgID == "" || len(w.tried(m)) != 1 || w.tried(m)[0].Outcome != "accepted" {
			w.Errorf("%+v", m)
		}
		w.cards(1)
		w.have(li, sandbox.DeliveryTemplate, 1)
	})
}

// Without the event it waits a quarter of an hour, and is unknown then.
func TestALostRequestIsUnknownWhenTheHoldHasPassed(t *testing.T) {
	subscribed(t, func(w *world) {
		w.answer(li, sandbox.DeliveryTemplate, "accept")
		w.have(li, sandbox.DeliveryTemplate, 1)
		w.phone("POST", "faults", map[string]any{"endpoint": "subscribe/send", "effect": "drop_request", "times": 1})
		m, err := w.Send(w.ctx(), arrived(li))
		w.must(err)
		w.until("unsure message", func() bool { return w.state(m.ID) == "unsure" })
		w.phone("POST", "clock", map[string]any{"advance_seconds": 16 * 60})
		w.until("unknown message", func() bool { return w.state(m.ID) == "unknown" })
		w.cards(0)
	})
}

func TestReplayedAndForgedEventsChangeNothing(t *testing.T) {
	subscribed(t, func(w *world) {
		at := time.Now()
		w.answer(li, sandbox.DeliveryTemplate, "accept")
		w.have(li, sandbox.DeliveryTemplate, 1)
		m := w.send(arrived(li))
		w.until("delivery", func() bool { return w.state(m.ID) == "delivered" })
		var told []string // WeChat's own two, word for word
		w.until("two events", func() bool {
			events, _ := w.sandbox.Events(0, 10)
			told = nil
			for _, e := range events {
				told = append(told, string(e.Event))
			}
			return len(told) == 2
		})
		failed := pushed("sent", li, at, fmt.Sprintf(`{"TemplateId":%q,"MsgID":%q,"ErrorCode":"20","ErrorStatus":"failed"}`, sandbox.DeliveryTemplate, m.MsgID))
		for range 2 {
			for _, e := range append(told, failed) {
				w.push(e)
			}
		}
		w.push(pushed("popup", wang, at, entry(sandbox.DeliveryTemplate, "accept")))
		w.have(wang, sandbox.DeliveryTemplate, 1) // so all before it are applied
		w.have(li, sandbox.DeliveryTemplate, 0)
		if s := w.state(m.ID); s != "delivered" {
			w.Errorf("after the replay it is %s", s)
		}
		w.forgeries(at.Add(10 * time.Second))
	})
}

// forgeries wants one answer to every flaw of a push, and nothing of it kept;
// and that the same push without a flaw is taken, by which the test sees.
func (w *world) forgeries(at time.Time) {
	w.Helper()
	k, err := wechat.DecodeKey(callbackKey)
	w.must(err)
	event := pushed("popup", li, at, entry(sandbox.DeliveryTemplate, "accept"))
	seal := func(app string) string { return wechat.Encrypt(k, app, []byte(event)) }
	sealed, foreign, now := seal(sandbox.FirstAppID), seal("wx9999999999999999"), time.Now()
	garbled := "A" + sealed[1:]
	if garbled == sealed { // one time in 64
		garbled = "B" + sealed[1:]
	}
	body := func(sealed string) string { return fmt.Sprintf(`{"Encrypt":%q}`, sealed) }
	for name, p := range map[string]struct {
		token        string
		at           time.Time
		signed, body string
		more         string
	}{
		"another token":              {"anothertoken", now, sealed, body(sealed), ""},
		"without a seal":             {callbackToken, now, "", event, ""},
		"another ciphertext":         {callbackToken, now, sealed, body(seal(sandbox.FirstAppID)), ""},
		"sealed for another app":     {callbackToken, now, foreign, body(foreign), ""},
		"signed, but not deciphered": {callbackToken, now, garbled, body(garbled), ""},
		"six minutes old":            {callbackToken, now.Add(-6 * time.Minute), sealed, body(sealed), ""},
		"six minutes ahead":          {callbackToken, now.Add(6 * time.Minute), sealed, body(sealed), ""},
		"a parameter twice":          {callbackToken, now, sealed, body(sealed), "&nonce=1"},
		"no body":                    {callbackToken, now, sealed, "", ""},
	} {
		if status, text := w.knock(p.token, p.at, p.signed, p.body, p.more); status != http.StatusForbidden || text != "" {
			w.Errorf("%s: %d %q", name, status, text)
		}
	}
	w.have(li, sandbox.DeliveryTemplate, 0)
	if status, text := w.knock(callbackToken, now, sealed, body(sealed), ""); status != http.StatusOK {
		w.Errorf("without a flaw: %d %q", status, text)
	}
	w.have(li, sandbox.DeliveryTemplate, 1)
}

// knock posts a push as WeChat would.
func (w *world) knock(token string, at time.Time, signed, body, more string) (int, string) {
	w.Helper()
	ts := fmt.Sprint(at.Unix())
	q := url.Values{"timestamp": {ts}, "nonce": {"1"}, "signature": {wechat.Signature(token, ts, "1")}}
	if signed != "" {
		q.Set("encrypt_type", "aes")
		q.Set("msg_signature", wechat.Signature(token, ts, "1", signed))
	}
	resp, err := w.web.Post(w.url+"/wechat/"+sandbox.FirstAppID+"?"+q.Encode()+more, "application/json", strings.NewReader(body))
	w.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	w.must(err)
	return resp.StatusCode, string(text)
}

// WeChat took it, and said later that it did not arrive.
func TestASentEventWithAnErrorIsAFailure(t *testing.T) {
	story(t, func(w *world) {
		w.callback("safe", "json")
		w.answer(li, sandbox.DeliveryTemplate, "accept")
		w.have(li, sandbox.DeliveryTemplate, 1)
		w.phone("POST", "apps", map[string]any{"appid": sandbox.FirstAppID, "secret": sandbox.FirstSecret, "callback": map[string]any{
			"url": "http://127.0.0.1:1/", "token": callbackToken, "mode": "plain", "format": "json"}}) // its own event goes nowhere
		m := w.send(arrived(li))
		w.want(m, "sent", "")
		w.callback("safe", "json")
		w.push(pushed("sent", li, time.Now(), fmt.Sprintf(`{"TemplateId":%q,"MsgID":%q,"ErrorCode":20,"ErrorStatus":"user_block"}`, sandbox.DeliveryTemplate, m.MsgID)))
		w.until("failed message", func() bool { return w.state(m.ID) == "failed" })
		m, err := w.Message(w.ctx(), m.ID)
		w.must(err)
		w.want(m, "failed", "refused_later")
		if a := w.tried(m)[0]; len(w.tried(m)) != 1 || !strings.Contains(a.Errmsg, "20 user_block") {
			w.Errorf("the attempt does not say why: %+v", a)
		}
	})
}

func TestAValueThatIsTooLongSpendsNoPermit(t *testing.T) {
	subscribed(t, func(w *world) {
		w.answer(li, sandbox.DeliveryTemplate, "accept")
		w.have(li, sandbox.DeliveryTemplate, 1)
		m := arrived(li)
		m.Data["thing3"] = client.Value{Value: strings.Repeat("字", 21)}
		_, err := w.Send(w.ctx(), m)
		p, ok := err.(*client.Problem)
		if !ok || p.Code != string(wxnotify.TemplateValueTooLong) || len(p.Errors) != 1 || p.Errors[0].Field != "data.thing3.value" {
			w.Errorf("got %+v", err)
		}
		w.have(li, sandbox.DeliveryTemplate, 1)
		if n := w.answers(subscribeSend); len(n) != 0 {
			w.Errorf("WeChat was asked: %v", n)
		}
	})
}

// What an enum_string may say comes with WeChat's list. Anything else is refused
// at accept; through the gateway, which asks WeChat, it is WeChat that refuses.
func TestAnEnumSaysOnlyWhatWeChatLists(t *testing.T) {
	subscribed(t, func(w *world) {
		found := w.api("GET", "templates/library?channel=subscribe&q="+url.QueryEscape("进出站"), "")["data"].([]any)
		if len(found) != 1 {
			w.Fatalf("found %v", found)
		}
		made := w.api("POST", "templates", fmt.Sprintf(`{"channel":"subscribe","library_id":%q,"keywords":[1,3],"scene":"乘车提醒"}`, found[0].(map[string]any)["library_id"]))
		id := made["template_id"].(string)
		if values := made["keywords"].([]any)[0].(map[string]any)["values"]; fmt.Sprint(values) != "[进站 出站]" {
			w.Errorf("the first keyword may say %v", values)
		}
		w.answer(li, id, "accept")
		w.until("long-term permit", func() bool {
			u, err := w.User(w.ctx(), "", li)
			w.must(err)
			return len(u.Permits.Longterm) == 1
		})
		gate := func(says string) client.NewMessage {
			return client.NewMessage{To: li, TemplateID: id, Data: client.Data{"enum_string1": {Value: says}, "time3": {Value: "12:31"}}}
		}

		_, err := w.Send(w.ctx(), gate("换乘"))
		p, ok := err.(*client.Problem)
		if !ok || p.Code != string(wxnotify.TemplateValueInvalid) || len(p.Errors) != 1 || p.Errors[0].Field != "data.enum_string1.value" {
			w.Errorf("got %+v", err)
		}
		if n := w.answers(subscribeSend); len(n) != 0 {
			w.Errorf("WeChat was asked: %v", n)
		}
		token := w.http("GET", w.url+"/cgi-bin/token?grant_type=client_credential&appid="+sandbox.FirstAppID+"&secret="+url.QueryEscape(storyKey), nil, nil)["access_token"].(string)
		said := w.http("POST", w.url+subscribeSend+"?access_token="+token, nil, strings.NewReader(fmt.Sprintf(
			`{"touser":%q,"template_id":%q,"data":{"enum_string1":{"value":"换乘"},"time3":{"value":"12:31"}}}`, li, id)))
		if said["errcode"] != 47003.0 || !strings.Contains(fmt.Sprint(said["errmsg"]), "data.enum_string1.value") {
			w.Errorf("WeChat said %v", said)
		}
		if m := w.send(gate("出站")); m.State != "sent" && m.State != "delivered" {
			w.want(m, "sent", "")
		}
		if c := w.cards(1)[0]; c.Template != id || c.Rows[0].Value != "出站" {
			w.Errorf("%+v", c)
		}
	})
}

// One alias names a classic and a subscribe template; the backend need not know.
func TestAnAliasGoesByWhicheverPermitThereIs(t *testing.T) {
	subscribed(t, func(w *world) {
		w.http("POST", w.url+"/v1/templates/sync", http.Header{"Authorization": {"Bearer " + storyKey}}, nil)
		w.api("PUT", "templates/"+sandbox.ClassicTemplate, `{"alias":"order.accepted","channel":"template",
			"fields":{"status":"keyword1","time":"keyword2","rider":"keyword3","phone":"keyword4","note":"keyword5"}}`)
		w.api("PUT", "templates/"+sandbox.OnceTemplate, `{"alias":"order.accepted","channel":"subscribe","trim":true,
			"fields":{"status":"phrase1","time":"time2","rider":"name3","phone":"phone_number4","note":"thing5"}}`)
		m := client.NewMessage{To: li, TemplateID: "order.accepted", Emphasis: "status.DATA", Data: client.Data{
			"status": {Value: "已接单"}, "time": {Value: "12:31"}, "rider": {Value: "张一山"}, "phone": {Value: "13600001720"}, "note": {Value: strings.Repeat("请手机保持通畅", 4)}}}
		w.want(w.send(m), "failed", "no_permit")

		w.answer(li, sandbox.OnceTemplate, "accept")
		w.have(li, sandbox.OnceTemplate, 1)
		w.deposit(li, "form", w.form(li))
		// The form expires, the subscription does not: the form goes first.
		for i, want := range []string{"template", "subscribe"} {
			got := w.send(m)
			if got.State != "sent" && got.State != "delivered" || got.Channel != want {
				w.Fatalf("message %d is %s by %s, want it sent by %s; %+v", i, got.State, got.Channel, want, got.Attempts)
			}
		}
		cards := w.cards(2)
		if c := cards[0]; c.Template != sandbox.ClassicTemplate || c.Emphasis != "keyword1" || c.Rows[4].Value != m.Data["note"].Value {
			w.Errorf("%+v", c)
		}
		if c := cards[1]; c.Template != sandbox.OnceTemplate || c.Rows[0].Value != "已接单" || c.Rows[4].Value != strings.Repeat("请手机保持通畅", 2)+"请手机保持…" {
			w.Errorf("%+v", c)
		}

		// Two at once, with one permit of each kind.
		w.nextSecond()
		w.answer(li, sandbox.OnceTemplate, "accept")
		w.have(li, sandbox.OnceTemplate, 1)
		w.deposit(li, "form", w.form(li))
		if _, err := w.SendBatch(w.ctx(), []client.NewMessage{m, m}); err != nil {
			w.Fatal(err)
		}
		w.cards(4)

		// One that waits goes by what comes first.
		patient := m
		patient.Wait = true
		waiting, err := w.Send(w.ctx(), patient)
		w.must(err)
		w.until("waiting message", func() bool { return w.state(waiting.ID) == "waiting" })
		w.deposit(li, "form", w.form(li))
		w.cards(5)

		m.Data["colour"] = client.Value{Value: "red"}
		_, err = w.Send(w.ctx(), m)
		if p, ok := err.(*client.Problem); !ok || p.Code != "template_data_unknown" || p.Errors[0].Field != "data.colour" {
			w.Errorf("a name that neither template has: %v", err)
		}
	})
}

// WeChat retires template messages for the account: the message goes by the
// other way, and the channel is not tried again.
func TestAnAliasLeavesARetiredChannel(t *testing.T) {
	subscribed(t, func(w *world) {
		w.http("POST", w.url+"/v1/templates/sync", http.Header{"Authorization": {"Bearer " + storyKey}}, nil)
		w.api("PUT", "templates/"+sandbox.ClassicTemplate, `{"alias":"arrived","channel":"template","fields":{"order":"keyword1","time":"keyword2","tip":"keyword3","a":"keyword4","b":"keyword5"}}`)
		w.api("PUT", "templates/"+sandbox.DeliveryTemplate, `{"alias":"arrived","channel":"subscribe","fields":{"order":"character_string1","time":"time2","tip":"thing3"}}`)
		for range 2 {
			w.answer(li, sandbox.DeliveryTemplate, "accept")
			w.nextSecond()
		}
		w.have(li, sandbox.DeliveryTemplate, 2)
		w.deposit(li, "form", w.form(li))
		w.phone("POST", "faults", map[string]any{"endpoint": "template/send", "effect": "errcode", "errcode": 45103, "times": 5})
		m := client.NewMessage{To: li, TemplateID: "arrived", Data: client.Data{"order": {Value: "1019"}, "time": {Value: "12:31"}, "tip": {Value: "请趁热享用"}, "a": {Value: "-"}, "b": {Value: "-"}}}
		for range 2 {
			if got := w.send(m); got.State != "sent" && got.State != "delivered" || got.Channel != "subscribe" {
				w.Fatalf("%s by %s: %+v", got.State, got.Channel, got.Attempts)
			}
		}
		w.cards(2)
		if n := w.answers("/cgi-bin/message/wxopen/template/send"); n[45103] != 1 {
			w.Errorf("the retired call was made: %v", n)
		}
	})
}

// Without another way it is said at once, to this message and to those that
// come later, and WeChat is asked again only when somebody wants to know.
func TestARetiredChannelIsSaidAtOnce(t *testing.T) {
	story(t, func(w *world) {
		w.api("POST", "templates/sync", "")
		w.phone("POST", "apps", map[string]any{"appid": sandbox.FirstAppID, "secret": sandbox.FirstSecret, "era": "today"})
		w.deposit(li, "form", w.form(li))
		for tries := 1; tries <= 2; tries++ {
			for range 2 {
				w.want(w.send(order(li)), "failed", "channel_retired")
			}
			patient := order(li)
			patient.Wait = true
			w.want(w.send(patient), "failed", "channel_retired")
			if n := w.answers("/cgi-bin/message/wxopen/template/send"); n[45103] != tries {
				w.Errorf("the retired call was made %v, want %d", n, tries)
			}
			w.api("POST", "apps/"+sandbox.FirstAppID+"/resume", `{"scope":"template"}`)
		}
		if u, err := w.User(w.ctx(), "", li); err != nil || u.Permits.Form != 1 {
			w.Errorf("the permit is not free: %+v, %v", u, err)
		}
	})
}

func TestTemplatesAreFoundAddedAndDeleted(t *testing.T) {
	story(t, func(w *world) {
		for channel, add := range map[string]string{
			"template":  `{"channel":"template","library_id":%q,"keywords":[2,1],"alias":"paid"}`,
			"subscribe": `{"channel":"subscribe","library_id":%q,"keywords":[1,2],"scene":"退款到账提醒","alias":"refunded"}`,
		} {
			found := w.api("GET", "templates/library?channel="+channel+"&q="+url.QueryEscape("退款通知"), "")["data"].([]any)
			if len(found) != 1 {
				w.Fatalf("found %v", found)
			}
			id := found[0].(map[string]any)["library_id"].(string)
			if k := w.api("GET", "templates/library/"+id+"?channel="+channel, "")["keywords"].([]any); len(k) != 3 {
				w.Errorf("keywords %v", k)
			}
			made := w.api("POST", "templates", fmt.Sprintf(add, id))
			if made["title"] != "退款通知" || len(made["keywords"].([]any)) != 2 || made["alias"] == nil {
				w.Errorf("made %v", made)
			}
			w.api("DELETE", "templates/"+made["template_id"].(string), "")
			if w.template(made["template_id"].(string))["gone"] != true {
				w.Error("the template is still there")
			}
		}
	})
}

func (w *world) template(id string) map[string]any {
	w.Helper()
	for _, t := range w.api("GET", "templates?limit=250", "")["data"].([]any) {
		if t := t.(map[string]any); t["template_id"] == id {
			return t
		}
	}
	return nil
}

// listed waits for the lists that the server fetches when it starts. Until then
// it is they that might tell of what has disappeared.
func (w *world) listed() {
	w.Helper()
	w.until("lists", func() bool { return w.template(sandbox.LongtermTemplate)["kind"] == "longterm" })
}

// deleteAtWeChat deletes a subscribe template past the server's own interface.
func (w *world) deleteAtWeChat(template string) {
	w.Helper()
	token := w.http("GET", w.url+"/cgi-bin/token?grant_type=client_credential&appid="+sandbox.FirstAppID+"&secret="+url.QueryEscape(storyKey), nil, nil)["access_token"].(string)
	w.http("POST", w.url+"/wxaapi/newtmpl/deltemplate?access_token="+token, nil, strings.NewReader(fmt.Sprintf(`{"priTmplId":%q}`, template)))
}

// Somebody deletes a template in WeChat's own console.
func TestATemplateThatDisappearsRaisesAnAlarm(t *testing.T) {
	story(t, func(w *world) {
		w.listed()
		w.deleteAtWeChat(sandbox.OnceTemplate)
		for i, want := range []string{fmt.Sprint([]any{sandbox.OnceTemplate}), "[]"} { // once
			gone := []any{}
			for _, r := range w.api("POST", "templates/sync", "")["results"].([]any) {
				gone = append(gone, r.(map[string]any)["gone"].([]any)...)
			}
			if fmt.Sprint(gone) != want {
				w.Errorf("sync %d says that %v are gone, want %s", i, gone, want)
			}
		}
		if w.template(sandbox.OnceTemplate)["gone"] != true {
			w.Error("the template is still there")
		}
		w.alarmed(sandbox.OnceTemplate)
	})
}

// alarmed wants one line in the log that says that a template has disappeared.
func (w *world) alarmed(template string) {
	w.Helper()
	w.until("alarm", func() bool { return bytes.Contains(w.logs.bytes(), []byte("a template has disappeared")) })
	n := 0
	for line := range bytes.Lines(w.logs.bytes()) {
		if bytes.Contains(line, []byte("a template has disappeared")) && bytes.Contains(line, []byte("level=ERROR")) && bytes.Contains(line, []byte("template="+template)) {
			n++
		}
	}
	if n != 1 {
		w.Errorf("%d alarms for %s, want 1", n, template)
	}
}

// Nobody asks for the lists: the server does when it starts, again when that
// failed, and raises the alarm for what has gone meanwhile.
func TestAServerLooksAtTheListsWhenItStarts(t *testing.T) {
	story(t, func(w *world) {
		w.listed()
		w.deleteAtWeChat(sandbox.OnceTemplate)
		w.stop()
		w.phone("POST", "faults", map[string]any{"endpoint": "newtmpl/gettemplate", "effect": "errcode", "errcode": -1, "times": 1})
		w.start()
		w.until("list that cannot be had", func() bool { return bytes.Contains(w.logs.bytes(), []byte("a list of templates cannot be had")) })
		w.until("template that is gone", func() bool { return w.template(sandbox.OnceTemplate)["gone"] == true })
		w.alarmed(sandbox.OnceTemplate)
	})
}

// A user agrees to a template that is younger than our lists: what that gives
// is the template's to say.
func TestAnAcceptanceOfANewTemplateIsLookedUp(t *testing.T) {
	subscribed(t, func(w *world) {
		w.until("lists", func() bool { return w.template(sandbox.LongtermTemplate) != nil })
		made := w.phone("POST", "templates", map[string]any{"channel": "subscribe", "kind": "longterm", "title": "到站提醒", "keywords": []map[string]any{{"key": "thing1", "name": "线路"}}})
		id := made["template_id"].(string)
		w.answer(li, id, "accept")
		w.until("long-term permit", func() bool {
			u, err := w.User(w.ctx(), "", li)
			w.must(err)
			return len(u.Permits.Longterm) == 1 && u.Permits.Longterm[0] == id
		})
	})
}
