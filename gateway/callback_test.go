package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/gateway"
	"github.com/wxnotify/wxnotify/wechat"
)

const (
	pushApp   = "wx0123456789abcdef"
	pushToken = "AAAAA"
	pushKey   = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
)

var pushNow = time.Unix(1714037059, 0)

// A shelf is the rooms behind the callback: one app, and what was kept.
type shelf struct {
	app    wxnotify.App
	kept   []wxnotify.Event
	asked  []string // templates that were looked up
	signed []string
	err    error
}

func (s *shelf) App(_ context.Context, id string) (wxnotify.App, error) {
	if id != s.app.ID {
		return wxnotify.App{}, wxnotify.Refuse(wxnotify.AppUnknown, "no such app")
	}
	return s.app, nil
}

func (s *shelf) Keep(_ context.Context, _, signature string, es []wxnotify.Event) error {
	s.kept, s.signed = append(s.kept, es...), append(s.signed, signature)
	return s.err
}

func (s *shelf) know(_ context.Context, _ wxnotify.App, template string) {
	s.asked = append(s.asked, template)
}

func newShelf(mode string) *shelf {
	return &shelf{app: wxnotify.App{ID: pushApp, Callback: wxnotify.Callback{
		Token: wxnotify.NewSecret(pushToken), AESKey: wxnotify.NewSecret(pushKey), Mode: mode,
	}}}
}

func (s *shelf) handler() http.Handler { return s.handlerAt(pushNow) }

func (s *shelf) handlerAt(now time.Time) http.Handler {
	return gateway.NewCallback(slog.New(slog.DiscardHandler), gateway.CallbackDeps{
		Apps: s, Inbox: s, Know: s.know, Now: func() wxnotify.Now { return wxnotify.Now{Real: now, Virtual: now} },
	})
}

// A knock is one request to the callback.
type knock struct {
	method, path, query, body string
}

func (s *shelf) knock(k knock) (int, string) {
	if k.method == "" {
		k.method = http.MethodPost
	}
	if k.path == "" {
		k.path = "/wechat/" + pushApp
	}
	w := httptest.NewRecorder()
	s.handler().ServeHTTP(w, httptest.NewRequest(k.method, k.path+"?"+k.query, strings.NewReader(k.body)))
	return w.Code, w.Body.String()
}

// signedQuery is what WeChat puts into the address.
func signedQuery(at time.Time, sealed string, change ...func(url.Values)) string {
	ts, nonce := fmt.Sprint(at.Unix()), "486452656"
	q := url.Values{"timestamp": {ts}, "nonce": {nonce}, "signature": {wechat.Signature(pushToken, ts, nonce)}, "openid": {"o_user_0001"}}
	if sealed != "" {
		q.Set("encrypt_type", "aes")
		q.Set("msg_signature", wechat.Signature(pushToken, ts, nonce, sealed))
	}
	for _, f := range change {
		f(q)
	}
	return q.Encode()
}

const popupJSON = `{"ToUserName":"gh_x","FromUserName":"o_user_0001","CreateTime":1700000000,"MsgType":"event",
	"Event":"subscribe_msg_popup_event","List":{"TemplateId":"T1","SubscribeStatusString":"accept","PopupScene":"0"}}`

func sealPush(t testing.TB, app, msg string) string {
	t.Helper()
	k, err := wechat.DecodeKey(pushKey)
	if err != nil {
		t.Fatal(err)
	}
	return wechat.Encrypt(k, app, []byte(msg))
}

func popup(template, said string) wxnotify.Event {
	return wxnotify.Event{App: pushApp, Kind: wxnotify.EventPopup, To: "o_user_0001", TemplateID: template, At: time.Unix(1700000000, 0).UTC(), Said: said}
}

// Each request that WeChat prints as an example of its push is taken, at the time
// that it was made for (wechat/testdata/README.md).
func TestWeChatsOwnExamplesAreTaken(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../wechat/testdata/push.json")
	if err != nil {
		t.Fatal(err)
	}
	var examples []struct {
		Name, Method, AppID, Token, Timestamp, Nonce, Signature, Openid, Echostr, Encrypt, Body string

		Key          string `json:"encoding_aes_key"`
		MsgSignature string `json:"msg_signature"`
	}
	if err := json.Unmarshal(text, &examples); err != nil {
		t.Fatal(err)
	}
	taken := 0
	for _, e := range examples {
		if e.Method == "" {
			continue
		}
		taken++
		q := url.Values{"timestamp": {e.Timestamp}, "nonce": {e.Nonce}}
		mode, answer, signed := "plain", "success", []string{e.Signature}
		if e.Encrypt != "" {
			mode, signed = "safe", []string{e.MsgSignature}
			q.Set("encrypt_type", "aes")
		}
		if e.Method == http.MethodGet {
			answer, signed = e.Echostr, nil
		}
		for name, value := range map[string]string{"signature": e.Signature, "msg_signature": e.MsgSignature, "openid": e.Openid, "echostr": e.Echostr} {
			if value != "" {
				q.Set(name, value)
			}
		}
		sec, err := strconv.ParseInt(e.Timestamp, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		for late, want := range map[time.Duration]int{5 * time.Minute: http.StatusOK, 5*time.Minute + time.Second: http.StatusForbidden} {
			s := newShelf(mode)
			s.app.ID, s.app.Callback.Token, s.app.Callback.AESKey = e.AppID, wxnotify.NewSecret(e.Token), wxnotify.NewSecret(e.Key)
			w := httptest.NewRecorder()
			s.handlerAt(time.Unix(sec, 0).Add(late)).ServeHTTP(w, httptest.NewRequest(e.Method, "/wechat/"+e.AppID+"?"+q.Encode(),
				strings.NewReader(strings.ReplaceAll(e.Body, "{{encrypt}}", e.Encrypt))))
			if w.Code != want || want == http.StatusOK && (w.Body.String() != answer || !slices.Equal(s.signed, signed)) {
				t.Errorf("%s, %s late: %d %q, kept under %q", e.Name, late, w.Code, w.Body, s.signed)
			}
		}
	}
	if taken != 4 {
		t.Errorf("%d examples are requests, want four", taken)
	}
}

// A panic is a fault: it is logged, and WeChat repeats the push. Here there is
// nothing behind the door.
func TestAPanicAtTheCallbackIsAFault(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := gateway.NewCallback(slog.New(slog.NewTextHandler(&log, nil)), gateway.CallbackDeps{Now: func() wxnotify.Now { return wxnotify.Now{Real: pushNow} }})
	r := httptest.NewRequest(http.MethodGet, fmt.Sprintf("/wechat/%s?timestamp=%d", pushApp, pushNow.Unix()), nil)
	r.Header.Set("X-Request-ID", "mine")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if line := log.String(); w.Code != http.StatusServiceUnavailable || strings.Count(line, "level=ERROR") != 1 || !strings.Contains(line, "request_id=mine ") || !strings.Contains(line, "panic") {
		t.Errorf("%d, logged: %s", w.Code, line)
	}
}

func TestASealedPushIsKeptAndAnswered(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]string{
		"json":       `{"ToUserName":"gh_x","Encrypt":%q}`,
		"xml":        `<xml><ToUserName><![CDATA[gh_x]]></ToUserName><Encrypt><![CDATA[%s]]></Encrypt></xml>`,
		"compatible": `{"ToUserName":"gh_x","FromUserName":"o_somebody_else","Event":"subscribe_msg_popup_event","Encrypt":%q}`,
	} {
		s := newShelf("safe")
		sealed := sealPush(t, pushApp, popupJSON)
		code, text := s.knock(knock{query: signedQuery(pushNow, sealed), body: fmt.Sprintf(wrap, sealed)})
		if code != 200 || text != "success" {
			t.Errorf("%s: %d %q", name, code, text)
		}
		if d := cmp.Diff([]wxnotify.Event{popup("T1", "accept")}, s.kept); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestAPlainPushIsKeptWhereTheAppAllowsIt(t *testing.T) {
	t.Parallel()
	s := newShelf("plain")
	if code, text := s.knock(knock{query: signedQuery(pushNow, ""), body: popupJSON}); code != 200 || text != "success" || len(s.kept) != 1 {
		t.Errorf("%d %q, kept %d", code, text, len(s.kept))
	}
}

func TestWhatIsNotKeptIsNotAnsweredWithSuccess(t *testing.T) {
	t.Parallel()
	s := newShelf("plain")
	s.err = errors.New("the disk is gone")
	if code, text := s.knock(knock{query: signedQuery(pushNow, ""), body: popupJSON}); code != 503 || text != "" {
		t.Errorf("%d %q", code, text)
	}
}

func TestPushesOfOtherKindsAreAnsweredAndLeftAlone(t *testing.T) {
	t.Parallel()
	s := newShelf("plain")
	code, text := s.knock(knock{query: signedQuery(pushNow, ""), body: `{"FromUserName":"o_user_0001","CreateTime":1700000000,"MsgType":"text","Content":"你好"}`})
	if code != 200 || text != "success" || len(s.kept) != 0 || len(s.signed) != 1 {
		t.Errorf("%d %q, kept %d, seen %d", code, text, len(s.kept), len(s.signed))
	}
}

// Every flaw has the same answer.
func TestAForgedPushIsRefusedWithNothing(t *testing.T) {
	t.Parallel()
	sealed := sealPush(t, pushApp, popupJSON)
	body := fmt.Sprintf(`{"Encrypt":%q}`, sealed)
	set := func(name, value string) func(url.Values) { return func(q url.Values) { q.Set(name, value) } }
	other := sealPush(t, "wx9999999999999999", popupJSON)
	garbled := "A" + sealed[1:]
	if garbled == sealed { // one time in 64
		garbled = "B" + sealed[1:]
	}
	for name, k := range map[string]knock{
		"no query":                   {body: body},
		"another token":              {query: signedQuery(pushNow, sealed, set("msg_signature", wechat.Signature("BBBBB", fmt.Sprint(pushNow.Unix()), "486452656", sealed))), body: body},
		"no msg_signature":           {query: signedQuery(pushNow, sealed, func(q url.Values) { q.Del("msg_signature") }), body: body},
		"another ciphertext":         {query: signedQuery(pushNow, sealed), body: fmt.Sprintf(`{"Encrypt":%q}`, sealPush(t, pushApp, popupJSON))},
		"sealed for another app":     {query: signedQuery(pushNow, other), body: fmt.Sprintf(`{"Encrypt":%q}`, other)},
		"signed, but not deciphered": {query: signedQuery(pushNow, garbled), body: fmt.Sprintf(`{"Encrypt":%q}`, garbled)},
		"not base64":                 {query: signedQuery(pushNow, "%%%"), body: `{"Encrypt":"%%%"}`},
		"nothing sealed":             {query: signedQuery(pushNow, sealed), body: popupJSON},
		"plain where it must not":    {query: signedQuery(pushNow, ""), body: popupJSON},
		"six minutes old":            {query: signedQuery(pushNow.Add(-6*time.Minute), sealed), body: body},
		"six minutes ahead":          {query: signedQuery(pushNow.Add(6*time.Minute), sealed), body: body},
		"eleven digits":              {query: signedQuery(pushNow, sealed, set("timestamp", "01714037059")), body: body},
		"nine digits and a sign":     {query: signedQuery(pushNow, sealed, set("timestamp", "+171403705")), body: body},
		"a parameter twice":          {query: signedQuery(pushNow, sealed) + "&nonce=1", body: body},
		"a broken query":             {query: signedQuery(pushNow, sealed) + "&a=%zz", body: body},
		"an unknown app":             {path: "/wechat/wx9999999999999999", query: signedQuery(pushNow, sealed), body: body},
		"no app at all":              {path: "/wechat/", query: signedQuery(pushNow, sealed), body: body},
		"a path beneath":             {path: "/wechat/" + pushApp + "/x", query: signedQuery(pushNow, sealed), body: body},
		"no body":                    {query: signedQuery(pushNow, sealed)},
		"a body without an end":      {query: signedQuery(pushNow, sealed), body: strings.Repeat(" ", 300<<10) + body},
		"another method":             {method: http.MethodPut, query: signedQuery(pushNow, sealed), body: body},
		"an echo without signature":  {method: http.MethodGet, query: "timestamp=1714037059&nonce=1&signature=&echostr=1"},
		"no echo":                    {method: http.MethodGet, query: signedQuery(pushNow, "")},
	} {
		s := newShelf("safe")
		code, text := s.knock(k)
		if code != 403 || text != "" || len(s.kept)+len(s.signed) != 0 {
			t.Errorf("%s: %d %q, kept %d", name, code, text, len(s.kept))
		}
	}
	s := newShelf("safe")
	s.app.Callback = wxnotify.Callback{}
	if code, text := s.knock(knock{query: signedQuery(pushNow, sealed), body: body}); code != 403 || text != "" {
		t.Errorf("an app without callback: %d %q", code, text)
	}
}

func TestPushesComeInManyShapes(t *testing.T) {
	t.Parallel()
	head := `"ToUserName":"gh_x","FromUserName":"o_user_0001","MsgType":"event"`
	xmlHead := `<ToUserName><![CDATA[gh_x]]></ToUserName><FromUserName><![CDATA[o_user_0001]]></FromUserName><CreateTime>1700000000</CreateTime><MsgType><![CDATA[event]]></MsgType>`
	at := time.Unix(1700000000, 0).UTC()
	said := func(kind wxnotify.EventKind, template, said string) wxnotify.Event {
		return wxnotify.Event{Kind: kind, To: "o_user_0001", TemplateID: template, At: at, Said: said}
	}
	sent := func(id string, code int, status string) wxnotify.Event {
		return wxnotify.Event{Kind: wxnotify.EventSent, To: "o_user_0001", TemplateID: "T1", At: at, MsgID: id, Errcode: code, Status: status}
	}
	for name, c := range map[string]struct {
		body string
		want []wxnotify.Event
	}{
		"one, as an object": {`{` + head + `,"CreateTime":1700000000,"Event":"subscribe_msg_popup_event","List":{"TemplateId":"T1","SubscribeStatusString":"accept","PopupScene":"0"}}`,
			[]wxnotify.Event{said("popup", "T1", "accept")}},
		"several, as an array, the time as text": {`{` + head + `,"CreateTime":"1700000000","Event":"subscribe_msg_popup_event","List":[{"TemplateId":"T1","SubscribeStatusString":"acceptWithAudio","PopupScene":0},{"TemplateId":"T2","SubscribeStatusString":"reject"}]}`,
			[]wxnotify.Event{said("popup", "T1", "accept"), said("popup", "T2", "reject")}},
		"inside of a wrapper": {`{` + head + `,"CreateTime":1700000000,"Event":"subscribe_msg_change_event","SubscribeMsgChangeEvent":{"List":[{"TemplateId":"T1","SubscribeStatusString":"reject"}]}}`,
			[]wxnotify.Event{said("change", "T1", "reject")}},
		"a wrapper that is the list": {`{` + head + `,"CreateTime":1700000000,"Event":"subscribe_msg_change_event","SubscribeMsgChangeEvent":[{"TemplateId":"T1","SubscribeStatusString":"reject"}]}`,
			[]wxnotify.Event{said("change", "T1", "reject")}},
		"sent, all as text": {`{` + head + `,"CreateTime":1700000000,"Event":"subscribe_msg_sent_event","List":{"TemplateId":"T1","MsgID":"1864323726461255680","ErrorCode":"0","ErrorStatus":"success"}}`,
			[]wxnotify.Event{sent("1864323726461255680", 0, "success")}},
		"sent, all as numbers": {`{` + head + `,"CreateTime":1700000000,"Event":"subscribe_msg_sent_event","List":{"TemplateId":"T1","MsgID":1864323726461255680,"ErrorCode":20,"ErrorStatus":"failed"}}`,
			[]wxnotify.Event{sent("1864323726461255680", 20, "failed")}},
		"xml, one": {`<xml>` + xmlHead + `<Event><![CDATA[subscribe_msg_sent_event]]></Event><SubscribeMsgSentEvent><List><TemplateId><![CDATA[T1]]></TemplateId><MsgID>1864323726461255680</MsgID><ErrorCode>0</ErrorCode><ErrorStatus><![CDATA[success]]></ErrorStatus></List></SubscribeMsgSentEvent></xml>`,
			[]wxnotify.Event{sent("1864323726461255680", 0, "success")}},
		"xml, several": {"\xef\xbb\xbf \n<xml>\n" + xmlHead + `<Event>subscribe_msg_popup_event</Event><SubscribeMsgPopupEvent>
			<List><TemplateId>T1</TemplateId><SubscribeStatusString>accept</SubscribeStatusString></List>
			<List><TemplateId>T2</TemplateId><SubscribeStatusString>ban</SubscribeStatusString></List></SubscribeMsgPopupEvent></xml>`,
			[]wxnotify.Event{said("popup", "T1", "accept"), said("popup", "T2", "ban")}},
		"an entry that makes no sense beside one that does": {`{` + head + `,"CreateTime":1700000000,"Event":"subscribe_msg_popup_event","List":[{"TemplateId":"","SubscribeStatusString":"accept"},7,null,{"TemplateId":"T1","SubscribeStatusString":"perhaps"},{"TemplateId":"T1","SubscribeStatusString":"accept"}]}`,
			[]wxnotify.Event{said("popup", "T1", "accept")}},
		"a msgid beyond 64 bits": {`{` + head + `,"CreateTime":1700000000,"Event":"subscribe_msg_sent_event","List":{"TemplateId":"T1","MsgID":"99999999999999999999","ErrorCode":0}}`, nil},
		"another event":          {`{` + head + `,"CreateTime":1700000000,"Event":"debug_demo","debug_str":"hello world"}`, nil},
		"no user":                {`{"CreateTime":1700000000,"Event":"subscribe_msg_popup_event","List":{"TemplateId":"T1","SubscribeStatusString":"accept"}}`, nil},
		"no time":                {`{` + head + `,"Event":"subscribe_msg_popup_event","List":{"TemplateId":"T1","SubscribeStatusString":"accept"}}`, nil},
	} {
		got, err := gateway.ParseEvents([]byte(c.body))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	for _, body := range []string{"", "hello", "[]", `{"a":`, `{} {}`, "<xml>", "<xml></yml>", "<a></a>", "<xml></xml><xml></xml>",
		`<!DOCTYPE x [<!ENTITY a "b">]><xml></xml>`, strings.Repeat(`{"a":`, 20) + "1" + strings.Repeat("}", 20)} {
		if _, err := gateway.ParseEvents([]byte(body)); err == nil {
			t.Errorf("%q is taken for a push", body)
		}
	}
}

func FuzzParseEvents(f *testing.F) {
	f.Add([]byte(popupJSON))
	f.Add([]byte(`<xml><FromUserName><![CDATA[o_user_0001]]></FromUserName><CreateTime>1</CreateTime><Event>subscribe_msg_sent_event</Event><SubscribeMsgSentEvent><List><TemplateId>T</TemplateId><MsgID>1</MsgID><ErrorCode>1</ErrorCode><ErrorStatus>no</ErrorStatus></List></SubscribeMsgSentEvent></xml>`))
	f.Add([]byte(`{"FromUserName":"o_user_0001","CreateTime":"1","Event":"subscribe_msg_change_event","SubscribeMsgChangeEvent":{"List":[{"TemplateId":"T","SubscribeStatusString":"reject"},[[{}]],null]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		events, err := gateway.ParseEvents(raw)
		if err != nil && events != nil {
			t.Errorf("%q: events and an error", raw)
		}
		for _, e := range events {
			ok := wxnotify.ValidOpenID(e.To) && wxnotify.ValidTemplateID(e.TemplateID) && e.At.Unix() > 0
			switch e.Kind {
			case wxnotify.EventSent:
				ok = ok && e.MsgID != "" && strings.Trim(e.MsgID, "0123456789") == "" && len(e.MsgID) <= 20 && len(e.Status) <= 200
			case wxnotify.EventPopup, wxnotify.EventChange:
				ok = ok && slices.Contains([]string{"accept", "reject", "ban", "filter"}, e.Said)
			default:
				ok = false
			}
			if !ok {
				t.Errorf("%q gave %+v", raw, e)
			}
		}
	})
}

// Whatever comes to the callback, the answer is 403 and empty, and nothing is
// kept, unless WeChat's signature over it is right.
func FuzzKnock(f *testing.F) {
	sealed, plain := sealPush(f, pushApp, popupJSON), signedQuery(pushNow, "")
	f.Add("safe", signedQuery(pushNow, sealed), `{"Encrypt":"`+sealed+`"}`)
	f.Add("safe", signedQuery(pushNow, sealed), "<xml><Encrypt><![CDATA["+sealed+"]]></Encrypt></xml>")
	f.Add("plain", plain, popupJSON)
	f.Add("plain", plain+"&echostr=1", "[]")
	f.Add("safe", plain+"&nonce=1", popupJSON)
	f.Add("safe", "timestamp=%2b714037059&nonce=%zz;a=b", `{"Encrypt":{"a":[]}}`)
	f.Add("", "timestamp=1714037059&encrypt_type=aes&msg_signature=x", "<xml><Encrypt></Encrypt></xml>")
	f.Fuzz(func(t *testing.T, mode, query, body string) {
		s := newShelf(mode)
		r := httptest.NewRequest(http.MethodPost, "/wechat/"+pushApp, strings.NewReader(body))
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		s.handler().ServeHTTP(w, r)
		switch w.Code {
		case http.StatusOK:
			q, _ := url.ParseQuery(query)
			ts, nonce := q.Get("timestamp"), q.Get("nonce")
			if !wechat.Signed(q.Get("signature"), pushToken, ts, nonce) && !wechat.Signed(q.Get("msg_signature"), pushToken, ts, nonce, sealed) {
				t.Errorf("%s?%s is taken: %q", mode, query, body)
			}
		case http.StatusForbidden:
			if w.Body.Len() > 0 || len(s.kept) > 0 {
				t.Errorf("refused with %q, and %v kept", w.Body, s.kept)
			}
		default:
			t.Errorf("%s?%s: %d %q", mode, query, w.Code, w.Body)
		}
	})
}
