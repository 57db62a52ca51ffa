package gateway

import (
	"bytes"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/wxnotify/wxnotify"
)

func TestBodiesAreReadAsTolerantlyAsWeChatReadsThem(t *testing.T) {
	t.Parallel()
	value := func(s string) []wxnotify.Datum { return []wxnotify.Datum{{Key: "keyword1", Value: s}} }
	for name, c := range map[string]struct {
		body string
		want wxnotify.Draft
	}{
		"as in the documents": {
			`{"touser":"o1","template_id":"T","page":"p?a=b","form_id":"F","data":{"keyword1":{"value":"一","color":"#173177"},"keyword2":{"value":"b"}},"emphasis_keyword":"keyword1.DATA"}`,
			wxnotify.Draft{
				To: "o1", TemplateID: "T", Page: "p?a=b", FormID: "F", Emphasis: "keyword1.DATA",
				Data: []wxnotify.Datum{{Key: "keyword1", Value: "一", Color: "#173177"}, {Key: "keyword2", Value: "b"}},
			},
		},
		"subscribe":               {`{"miniprogram_state":"trial","lang":"en_US"}`, wxnotify.Draft{MiniprogramState: "trial", Lang: "en_US"}},
		"a number for a form_id":  {`{"form_id":1508392837549}`, wxnotify.Draft{FormID: "1508392837549"}},
		"a number for a value":    {`{"data":{"keyword1":{"value":12.50}}}`, wxnotify.Draft{Data: value("12.50")}},
		"a large number":          {`{"data":{"keyword1":{"value":1988810812324364291}}}`, wxnotify.Draft{Data: value("1988810812324364291")}},
		"a boolean for a value":   {`{"data":{"keyword1":{"value":true}}}`, wxnotify.Draft{Data: value("true")}},
		"a bare value":            {`{"data":{"keyword1":"x"}}`, wxnotify.Draft{Data: value("x")}},
		"no value":                {`{"data":{"keyword1":null}}`, wxnotify.Draft{Data: value("")}},
		"empty strings, null":     {`{"page":"","form_id":null,"data":null}`, wxnotify.Draft{}},
		"an empty colour":         {`{"data":{"keyword1":{"value":"x","color":""}}}`, wxnotify.Draft{Data: value("x")}},
		"unknown names":           {`{"color":"#000","access_token":"x","nested":{"a":[1]}}`, wxnotify.Draft{}},
		"twice the same name":     {`{"page":"a","page":"b","data":{"keyword1":"a","keyword2":"z","keyword1":"b"}}`, wxnotify.Draft{Page: "b", Data: []wxnotify.Datum{{Key: "keyword1", Value: "b"}, {Key: "keyword2", Value: "z"}}}},
		"escaped":                 {`{"page":"\u4e00\n"}`, wxnotify.Draft{Page: "一\n"}},
		"not UTF-8":               {"{\"page\":\"a\xff\"}", wxnotify.Draft{Page: "a\ufffd"}},
		"half a surrogate":        {`{"page":"\ud800"}`, wxnotify.Draft{Page: "\ufffd"}},
		"white space around":      {" \r\n{} \n", wxnotify.Draft{}},
		"a name of another case":  {`{"ToUser":"o1"}`, wxnotify.Draft{}},
		"an object for an openid": {`{"touser":{"a":1}}`, wxnotify.Draft{}},
	} {
		got, err := readSend([]byte(c.body))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func TestWhatIsNoJSONObjectIsRefused(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", " ", "{", "[]", `"x"`, "1", "null x", "{}{}", `{"a":1,}`, `{'a':1}`, "touser=o1", `{"data":[]}`, `{"data":"x"}`, `{"data":{"k":{"value":1}`, "\ufeff{}"} {
		if _, err := readSend([]byte(body)); err != say(47001) {
			t.Errorf("%q: %v", body, err)
		}
	}
}

// Whatever can be read can be rendered for WeChat, and reads the same again.
func FuzzReadSend(f *testing.F) {
	f.Add([]byte(`{"touser":"o1","template_id":"T","page":"p","form_id":"F","data":{"keyword1":{"value":"一","color":"#173177"}},"emphasis_keyword":"keyword1.DATA"}`))
	f.Add([]byte(`{"touser":1,"data":{"a":2.0e3,"b":null,"a":{"value":"\ud800","color":{}}},"lang":"zh_CN","miniprogram_state":"trial"}`))
	f.Add([]byte("{\"\xff\":\"\\u0000\"}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := readSend(raw)
		if err != nil {
			if err != say(47001) {
				t.Fatalf("%v", err)
			}
			return
		}
		d.Channel = wxnotify.ChannelSubscribe
		body := wxnotify.Splice(d.Render(d.TemplateID), d.FormID)
		if !jsontext.Value(body).IsValid() {
			t.Fatalf("%q becomes %q", raw, body)
		}
		again, err := readSend(body)
		again.Channel = d.Channel
		if err != nil || !bytes.Equal(body, wxnotify.Splice(again.Render(again.TemplateID), again.FormID)) {
			t.Fatalf("%q becomes %q, then %+v, %v", raw, body, again, err)
		}
	})
}
