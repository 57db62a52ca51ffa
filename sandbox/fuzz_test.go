package sandbox

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// answerOf serves one call without a network.
func answerOf(s *Sandbox, method, target, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader(body)))
	return w
}

// Whatever comes to WeChat's calls, the answer is 200 and one JSON object, and
// what the call leaves behind can be shown.
func FuzzWeChat(f *testing.F) {
	for path := range routes {
		f.Add(path, "access_token={{token}}&appid="+FirstAppID+"&secret=x", `{"touser":"`+FirstUser+`","template_id":"`+ClassicTemplate+`","form_id":"`+MockForm+`","data":{"keyword1":{"value":"x","color":"#173177"}},"emphasis_keyword":"keyword1.DATA"}`)
		f.Add(path, "", `{"a":[1,{"b":null}],"keyword_id_list":[[1]],"kidList":"x","count":1e9,"offset":-1}`)
		f.Add(path, "access_token=%zz&a=b;c", "\xff\x00{")
	}
	f.Add("/wxaapi/newtmpl/addtemplate", "access_token={{token}}", "1 2")
	f.Add("/wxaapi/newtmpl/addtemplate", "", `{"":1,"":{"":2,"":3}}`)
	f.Add("/wxaapi/newtmpl/addtemplate", "", strings.Repeat("[", 9999)+strings.Repeat("]", 9999))
	f.Add("/sns/jscode2session", "js_code=\xff", "")
	f.Add("/cgi-bin/message/subscribe/send", "access_token={{token}}", `{"touser":"`+FirstUser+`","template_id":"`+OnceTemplate+`","data":{"phrase1":{"value":"好"},"time2":{"value":"9:00~10:00"},"name3":{"value":"\ud83d"},"phone_number4":{"value":1},"thing5":{"value":true}}}`)
	s := New(Options{MaxRequests: 10, MaxCards: 10})
	f.Cleanup(s.Close)
	token := s.w.issue(s.w.apps[0], s.now()).value
	s.w.apps[0].users[0].consent(s.w.apps[0].byTemplate[OnceTemplate]).standing = true
	f.Fuzz(func(t *testing.T, path, query, body string) {
		rt := routes[path]
		if rt == nil {
			t.Skip()
		}
		r := httptest.NewRequest(rt.verb, "/", strings.NewReader(body))
		r.URL.Path, r.URL.RawQuery = path, strings.ReplaceAll(query, "{{token}}", token)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		var answer map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 {
			t.Fatalf("%d %q: %v", w.Code, w.Body, err)
		}
		for _, look := range []string{"/sandbox/requests?limit=1", "/sandbox/cards?limit=1"} {
			if shown := answerOf(s, "GET", look, ""); shown.Code != 200 || !json.Valid(shown.Body.Bytes()) {
				t.Fatalf("%s: %d %q", look, shown.Code, shown.Body)
			}
		}
		own, _ := s.Requests(s.w.requests.last()-1, 1)
		if strings.Count(query, "{{token}}") == 1 && strings.Contains("&"+query, "&access_token={{token}}") && strings.Contains(own[0].Query, token) {
			t.Fatal("the token stands in the log")
		}
	})
}

// Whatever comes to the control API is taken or refused with a sentence.
func FuzzControl(f *testing.F) {
	app, user := `"appid":"`+FirstAppID+`"`, `"openid":"`+FirstUser+`"`
	for i, r := range controlRoutes {
		f.Add(i, `{`+app+`,`+user+`}`)
		f.Add(i, `{`+app+`,"endpoint":"*","effect":"errcode","errcode":-1,"probability":0.5,"seed":1}`)
		f.Add(i, `{`+app+`,"era":"today","callback":{"url":"","mode":"safe"}}`)
		f.Add(i, `{"advance_seconds":9e18,"x":"`+r.pattern+`"}`)
		f.Add(i, `{`+app+`,`+user+`,"results":{"`+OnceTemplate+`":"accept","`+ClassicTemplate+`":"reject"}}`)
	}
	f.Add(0, "1.2.3.4.5")
	f.Add(0, "-1.2.3.4.4611686018427387904")
	f.Fuzz(func(t *testing.T, n int, body string) {
		if c, ok := parseCursor(body); ok { // of a stream
			if again, ok := parseCursor(c.String()); !ok || again != c {
				t.Errorf("%q is read as %s", body, c)
			}
		}
		r := controlRoutes[uint(n)%uint(len(controlRoutes))]
		s := New(Options{Callbacks: nowhere{}})
		defer s.Close()
		path := strings.NewReplacer("{seq}", "1", "{id}", "flt_1").Replace(r.pattern)
		w := answerOf(s, r.verb, path, body)
		var answer map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatalf("%s %s: %q: %v", r.verb, path, w.Body, err)
		}
		if _, told := answer["error"].(string); (w.Code != 200) != told || w.Code >= 500 {
			t.Fatalf("%s %s: %d %q", r.verb, path, w.Code, w.Body)
		}
		if look := answerOf(s, "GET", "/sandbox/state", ""); look.Code != 200 || !json.Valid(look.Body.Bytes()) {
			t.Fatalf("state: %d %q", look.Code, look.Body)
		}
	})
}

// nowhere is a network without anybody on it.
type nowhere struct{}

func (nowhere) RoundTrip(*http.Request) (*http.Response, error) { return nil, http.ErrServerClosed }

// Whatever event is pushed becomes XML that keeps its text inside.
func FuzzEventXML(f *testing.F) {
	f.Add(`{"Event":"subscribe_msg_popup_event","List":[{"TemplateId":"a"},{"TemplateId":"]]>"}]}`)
	f.Add(`{"Event":"x","A":{"B":[1,null,true,{"C":"<&>"}]}}`)
	f.Fuzz(func(t *testing.T, event string) {
		if _, err := completeEvent(&app{id: FirstAppID}, []byte(event), time.Now()); err != nil {
			t.Skip()
		}
		x := string(toXML([]byte(event)))
		if !strings.HasPrefix(x, "<xml>") || !strings.HasSuffix(x, "</xml>") {
			t.Fatalf("%q", x)
		}
	})
}
