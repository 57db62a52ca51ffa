package sandbox_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/wechat"
)

const (
	callbackToken = "AAAAA"
	callbackKey   = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
)

// letter is what a callback got.
type letter struct {
	query       url.Values
	contentType string
	body        []byte
}

// inbox is a callback address that answers with what answer returns.
func inbox(t *testing.T, answer func(n int) (int, string)) (address string, letters chan letter) {
	t.Helper()
	letters = make(chan letter, 100)
	var n atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		letters <- letter{r.URL.Query(), r.Header.Get("Content-Type"), body}
		status, text := answer(int(n.Add(1)))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(srv.Close)
	return srv.URL + "/wechat/x", letters
}

func success(int) (int, string) { return 200, "success" }

func (w *world) callback(cb map[string]string) {
	w.t.Helper()
	w.must("POST", "/sandbox/apps", map[string]any{"appid": sandbox.FirstAppID, "callback": cb})
}

func next(t *testing.T, letters chan letter) letter {
	t.Helper()
	select {
	case l := <-letters:
		return l
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was pushed")
		return letter{}
	}
}

func TestEventsInJSON(t *testing.T) {
	t.Parallel()
	w := start(t)
	address, letters := inbox(t, success)
	w.callback(map[string]string{"url": address, "token": callbackToken, "format": "json"})
	event := func(name string, list any) map[string]any {
		return map[string]any{"ToUserName": "gh_" + fmt.Sprintf("%x", sum(sandbox.FirstAppID)), "FromUserName": sandbox.FirstUser,
			"CreateTime": json.Number("1508385600"), "MsgType": "event", "Event": name, "List": list}
	}
	item := func(template, status string) map[string]any {
		return map[string]any{"TemplateId": template, "SubscribeStatusString": status, "PopupScene": "0"}
	}
	expectEvent := func(name string, want map[string]any) {
		t.Helper()
		l := next(t, letters)
		if diff := cmp.Diff(want, map[string]any(parse(t, 200, l.body))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if l.contentType != "application/json" || l.query.Get("openid") != sandbox.FirstUser {
			t.Errorf("%s: %s, query %v", name, l.contentType, l.query)
		}
		if want := wechat.Signature(callbackToken, l.query.Get("timestamp"), l.query.Get("nonce")); l.query.Get("signature") != want || l.query.Get("timestamp") != "1508385600" {
			t.Errorf("%s: signature %v", name, l.query)
		}
	}
	w.advance(86400) // events carry real time

	w.subscribe(sandbox.OnceTemplate, "accept")
	expectEvent("one answer", event("subscribe_msg_popup_event", item(sandbox.OnceTemplate, "accept")))
	w.must("POST", "/sandbox/subscriptions", with(person(sandbox.FirstUser), map[string]any{
		"results": map[string]string{sandbox.DeliveryTemplate: "reject", sandbox.OnceTemplate: "accept"}}))
	expectEvent("two answers", event("subscribe_msg_popup_event", []any{item(sandbox.OnceTemplate, "accept"), item(sandbox.DeliveryTemplate, "reject")}))
	sent := w.call("POST", subscribeSend+w.token(), accepted())
	expectEvent("sent", event("subscribe_msg_sent_event", map[string]any{"TemplateId": sandbox.OnceTemplate, "MsgID": sent.text("msgid"), "ErrorCode": "0", "ErrorStatus": "success"}))
	w.settings(sandbox.OnceTemplate)
	change := map[string]any{"TemplateId": sandbox.OnceTemplate, "SubscribeStatusString": "reject"}
	expectEvent("settings", event("subscribe_msg_change_event", change))
	w.must("POST", "/sandbox/cards/1/reject", nil)
	expectEvent("on the card", event("subscribe_msg_change_event", change))

	old := event("subscribe_msg_sent_event", map[string]any{"TemplateId": "T"})
	delivered := w.must("POST", "/sandbox/events", map[string]any{"appid": sandbox.FirstAppID, "event": old})
	expectEvent("again", old)
	if delivered.text("deliveries") != "1" || delivered["answered"] != true {
		t.Errorf("events answered %v", delivered)
	}
	w.must("POST", "/sandbox/events", map[string]any{"appid": sandbox.FirstAppID, "event": map[string]any{"Event": "wxa_punish_event", "FromUserName": sandbox.FirstUser}})
	want := event("wxa_punish_event", nil)
	delete(want, "List")
	expectEvent("completed", want)
	w.subscribe(sandbox.OnceTemplate, "ban") // the platform's own, without an event
	w.must("POST", "/sandbox/subscriptions/settings", with(person(sandbox.FirstUser), map[string]any{"results": map[string]string{sandbox.OnceTemplate: "accept"}}))
	w.must("POST", "/sandbox/events", map[string]any{"appid": sandbox.FirstAppID, "event": old})
	expectEvent("nothing in between", old)
}

func TestEventsInXML(t *testing.T) {
	t.Parallel()
	w := start(t)
	address, letters := inbox(t, success)
	w.callback(map[string]string{"url": address, "token": callbackToken})
	w.must("POST", "/sandbox/subscriptions", with(person(sandbox.FirstUser), map[string]any{
		"results": map[string]string{sandbox.OnceTemplate: "accept", sandbox.DeliveryTemplate: "reject"}}))
	l := next(t, letters)
	var got struct {
		XMLName                      xml.Name `xml:"xml"`
		FromUserName, Event, MsgType string
		CreateTime                   int64
		Popup                        struct {
			List []struct{ TemplateId, SubscribeStatusString, PopupScene string }
		} `xml:"SubscribeMsgPopupEvent"`
	}
	if err := xml.Unmarshal(l.body, &got); err != nil {
		t.Fatalf("%v: %s", err, l.body)
	}
	if got.FromUserName != sandbox.FirstUser || got.Event != "subscribe_msg_popup_event" || got.CreateTime != 1508385600 || len(got.Popup.List) != 2 ||
		got.Popup.List[1].TemplateId != sandbox.DeliveryTemplate || got.Popup.List[1].SubscribeStatusString != "reject" || got.Popup.List[0].PopupScene != "0" {
		t.Errorf("got %+v from %s", got, l.body)
	}
	if l.contentType != "text/xml" {
		t.Errorf("content type %q", l.contentType)
	}
	w.must("POST", "/sandbox/events", map[string]any{"appid": sandbox.FirstAppID, "event": map[string]any{"Event": "x", "Nasty": "a]]>b<c>&", "No": nil, "Deep": map[string]any{"A": []int{1, 2}}}})
	var odd struct {
		Nasty string
		Deep  struct{ A []int }
	}
	if err := xml.Unmarshal(next(t, letters).body, &odd); err != nil || odd.Nasty != "a]]>b<c>&" || len(odd.Deep.A) != 2 {
		t.Errorf("got %+v, %v", odd, err)
	}
}

func TestEventsInSafeMode(t *testing.T) {
	t.Parallel()
	key, err := wechat.DecodeKey(callbackKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"json", "xml"} {
		w := start(t)
		address, letters := inbox(t, success)
		w.callback(map[string]string{"url": address + "?extra=1", "token": callbackToken, "encoding_aes_key": callbackKey, "format": format})
		w.subscribe(sandbox.OnceTemplate, "accept")
		l := next(t, letters)
		var envelope struct {
			XMLName             xml.Name `xml:"xml" json:"-"`
			ToUserName, Encrypt string
		}
		if format == "xml" {
			err = xml.Unmarshal(l.body, &envelope)
		} else {
			err = json.Unmarshal(l.body, &envelope)
		}
		if err != nil || envelope.ToUserName == "" {
			t.Fatalf("%s: %v: %s", format, err, l.body)
		}
		// The names of WeChat's own example (wechat/testdata/push.json), and what the address has.
		if got := slices.Sorted(maps.Keys(l.query)); !slices.Equal(got, []string{"encrypt_type", "extra", "msg_signature", "nonce", "openid", "signature", "timestamp"}) {
			t.Errorf("%s: the query has %v", format, got)
		}
		if want := wechat.Signature(callbackToken, l.query.Get("timestamp"), l.query.Get("nonce"), envelope.Encrypt); l.query.Get("msg_signature") != want ||
			l.query.Get("encrypt_type") != "aes" || l.query.Get("extra") != "1" {
			t.Errorf("%s: query %v", format, l.query)
		}
		plain, err := wechat.Decrypt(key, sandbox.FirstAppID, envelope.Encrypt)
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		matches(t, format, string(plain), "subscribe_msg_popup_event")
		if format == "xml" {
			matches(t, format, string(plain), "^<xml>")
		}
	}
}

func TestEventIsDeliveredUpToThreeTimes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer     func(n int) (int, string)
		deliveries string
		answered   bool
	}{
		"success":        {success, "1", true},
		"nothing":        {func(int) (int, string) { return 200, "" }, "1", true},
		"the third time": {func(n int) (int, string) { return 200, map[bool]string{true: "success", false: "wait"}[n == 3] }, "3", true},
		"never":          {func(int) (int, string) { return 200, "fail" }, "3", false},
		"refused":        {func(int) (int, string) { return 403, "" }, "3", false},
		"redirected":     {func(int) (int, string) { return 302, "success" }, "3", false},
	} {
		w := start(t)
		address, letters := inbox(t, c.answer)
		w.callback(map[string]string{"url": address, "token": callbackToken, "format": "json"})
		got := w.must("POST", "/sandbox/events", map[string]any{"appid": sandbox.FirstAppID, "event": map[string]any{"Event": "x"}})
		if got.text("deliveries") != c.deliveries || got["answered"] != c.answered || fmt.Sprint(len(letters)) != c.deliveries {
			t.Errorf("%s: %v, %d arrived", name, got, len(letters))
		}
		if (got["problem"] == nil) != c.answered {
			t.Errorf("%s: problem %v", name, got["problem"])
		}
	}
}

func TestEventNeedsACallback(t *testing.T) {
	t.Parallel()
	w := start(t)
	post := func() int {
		status, _ := w.do("POST", "/sandbox/events", map[string]any{"appid": sandbox.FirstAppID, "event": map[string]any{"Event": "x"}})
		return status
	}
	if got := post(); got != 409 {
		t.Errorf("without a callback: %d", got)
	}
	w.subscribe(sandbox.OnceTemplate, "accept") // works without one
	address, _ := inbox(t, success)
	w.callback(map[string]string{"url": address, "token": callbackToken})
	if got := post(); got != 200 {
		t.Errorf("with one: %d", got)
	}
	if status, _ := w.do("POST", "/sandbox/events", map[string]any{"appid": sandbox.FirstAppID, "event": "x"}); status != 422 {
		t.Errorf("an event that is no object: %d", status)
	}
	w.callback(map[string]string{"url": ""})
	if got := post(); got != 409 {
		t.Errorf("after taking it away: %d", got)
	}
}
