package server_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

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
