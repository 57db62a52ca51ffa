package server_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
)

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
