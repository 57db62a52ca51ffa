package sandbox_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify/sandbox"
)

// world is a sandbox as its users see it: an address.
type world struct {
	t   *testing.T
	url string
	*sandbox.Server
}

// realTime is a real clock that stands still until a test moves it, so that a
// rule in seconds can be tested to the second.
type realTime struct {
	mu  sync.Mutex
	now time.Time
}

func (r *realTime) Now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

// noon is 2017-10-19 12:00:00 in UTC+8.
var noon = time.Date(2017, 10, 19, 4, 0, 0, 0, time.UTC)

func start(t *testing.T) *world { return startWith(t, sandbox.Options{}) }

func startWith(t *testing.T, o sandbox.Options) *world {
	t.Helper()
	if o.Now == nil {
		o.Now = (&realTime{now: noon}).Now
	}
	if o.CallbackPause == 0 {
		o.CallbackPause = time.Millisecond
	}
	s := sandbox.Start(t, o)
	return &world{t, s.URL, s}
}

// reply is any answer, with numbers kept as they were written.
type reply map[string]any

func (r reply) code() string {
	if n, ok := r["errcode"]; ok {
		return fmt.Sprint(n)
	}
	return "0"
}

func (r reply) text(name string) string { return fmt.Sprint(r[name]) }

// do makes a call and returns status and body; body may be nil, a string or a
// value that is posted as JSON.
func (w *world) do(method, path string, body any) (int, []byte) {
	w.t.Helper()
	resp, err := w.send(method, path, body)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp.StatusCode, b
}

func (w *world) send(method, path string, body any) (*http.Response, error) {
	w.t.Helper()
	req, err := http.NewRequest(method, w.url+path, reader(w.t, body))
	if err != nil {
		w.t.Fatal(err)
	}
	return http.DefaultClient.Do(req)
}

func reader(t *testing.T, body any) io.Reader {
	t.Helper()
	switch b := body.(type) {
	case nil:
		return nil
	case string:
		return strings.NewReader(b)
	}
	j, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(j)
}

// call is do for answers that are JSON objects.
func (w *world) call(method, path string, body any) reply {
	w.t.Helper()
	status, b := w.do(method, path, body)
	return parse(w.t, status, b)
}

func parse(t *testing.T, status int, b []byte) reply {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	out := reply{}
	if err := d.Decode(&out); err != nil {
		t.Fatalf("status %d, not JSON: %q", status, b)
	}
	return out
}

// must is call for the control API, where everything but 200 ends the test.
func (w *world) must(method, path string, body any) reply {
	w.t.Helper()
	status, b := w.do(method, path, body)
	if status != 200 {
		w.t.Fatalf("%s %s: %d %s", method, path, status, b)
	}
	return parse(w.t, status, b)
}

func (w *world) advance(seconds int) {
	w.t.Helper()
	w.must("POST", "/sandbox/clock", map[string]any{"advance_seconds": seconds})
}

func (w *world) token() string {
	w.t.Helper()
	r := w.call("GET", "/cgi-bin/token?grant_type=client_credential&appid="+sandbox.FirstAppID+"&secret="+sandbox.FirstSecret, nil)
	if r["access_token"] == nil {
		w.t.Fatalf("no token: %v", r)
	}
	return r.text("access_token")
}

func (w *world) form(openid string) string {
	w.t.Helper()
	return w.must("POST", "/sandbox/forms", person(openid)).text("form_id")
}

func person(openid string) map[string]any {
	return map[string]any{"appid": sandbox.FirstAppID, "openid": openid}
}

const (
	templateSend  = "/cgi-bin/message/wxopen/template/send?access_token="
	subscribeSend = "/cgi-bin/message/subscribe/send?access_token="
)

// order is the message of the story that everything is tried with.
func order(form string) map[string]any {
	return map[string]any{
		"touser": sandbox.FirstUser, "template_id": sandbox.ClassicTemplate, "page": "pages/order/detail?id=1019", "form_id": form,
		"data": map[string]any{
			"keyword1": map[string]string{"value": "已接单", "color": "#173177"},
			"keyword2": map[string]string{"value": "2017年10月19日 12:31", "color": "#173177"},
			"keyword3": map[string]string{"value": "张一山", "color": "#173177"},
			"keyword4": map[string]string{"value": "136xxxx1720", "color": "#173177"},
			"keyword5": map[string]string{"value": "请手机保持通畅", "color": "#173177"},
		},
		"emphasis_keyword": "keyword1.DATA",
	}
}

// with returns m with some members changed; a nil value takes one out.
func with(m map[string]any, changes map[string]any) map[string]any {
	out := map[string]any{}
	maps.Copy(out, m)
	for k, v := range changes {
		if v == nil {
			delete(out, k)
			continue
		}
		out[k] = v
	}
	return out
}

// expect compares an errcode and the text before its suffix.
func expect(t *testing.T, name string, got reply, code int, text string) {
	t.Helper()
	if got.code() != fmt.Sprint(code) || !strings.HasPrefix(got.text("errmsg"), text) {
		t.Errorf("%s: got %v, want %d %q", name, got, code, text)
	}
}

// sum is what the original id of an app is made of.
func sum(appid string) []byte {
	h := sha256.Sum256([]byte(appid))
	return h[:6]
}
