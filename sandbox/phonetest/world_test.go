package phonetest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"

	"github.com/wxnotify/wxnotify/sandbox"
)

// long is what `make test-long` sets: everything, with all pictures.
var long = os.Getenv("WXNOTIFY_LONG") == "1"

func needLong(t *testing.T) {
	t.Helper()
	if !long {
		t.Skip("runs with WXNOTIFY_LONG=1")
	}
}

// world is a sandbox as its users see it.
type world struct {
	t   *testing.T
	url string
	*sandbox.Server
}

func start(t *testing.T) *world {
	t.Helper()
	s := sandbox.Start(t, sandbox.Options{})
	return &world{t, s.URL, s}
}

type object = map[string]any

// call makes a call and returns the answer; a control call must succeed.
func (w *world) call(method, path string, body any) object {
	w.t.Helper()
	j, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequest(method, w.url+path, bytes.NewReader(j))
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	out := object{}
	if err := json.Unmarshal(raw, &out); err != nil || resp.StatusCode != http.StatusOK {
		w.t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, raw)
	}
	return out
}

func (w *world) token() string {
	w.t.Helper()
	r := w.call("POST", "/cgi-bin/stable_token", object{"grant_type": "client_credential", "appid": sandbox.FirstAppID, "secret": sandbox.FirstSecret})
	token, ok := r["access_token"].(string)
	if !ok {
		w.t.Fatalf("no token: %v", r)
	}
	return token
}

func (w *world) form() string {
	w.t.Helper()
	f, err := w.SubmitForm(sandbox.FirstAppID, sandbox.FirstUser, 1)
	if err != nil {
		w.t.Fatal(err)
	}
	return f.FormID
}

// send sends as a backend does, and returns the errcode.
func (w *world) send(path string, message object) float64 {
	w.t.Helper()
	code, _ := w.call("POST", "/cgi-bin/message/"+path+"/send?access_token="+w.token(), message)["errcode"].(float64)
	return code
}

// order is the message of the story.
func order(form string) object {
	return object{
		"touser": sandbox.FirstUser, "template_id": sandbox.ClassicTemplate, "page": "pages/order/detail?id=1019&from=card", "form_id": form,
		"data": object{
			"keyword1": object{"value": "已接单", "color": "#173177"},
			"keyword2": object{"value": "2017年10月19日 12:31"},
			"keyword3": object{"value": "张一山", "color": "red"},
			"keyword4": object{"value": "136xxxx1720"},
			"keyword5": object{"value": "请手机保持通畅"},
		},
		"emphasis_keyword": "keyword1.DATA",
	}
}

// accepted is the same as a subscribe message.
func accepted() object {
	v := func(s string) object { return object{"value": s} }
	return object{
		"touser": sandbox.FirstUser, "template_id": sandbox.OnceTemplate, "page": "pages/order/detail?id=1019",
		"data": object{"phrase1": v("已接单"), "time2": v("2017年10月19日 12:31"), "name3": v("张一山"), "phone_number4": v("13600001720"), "thing5": v("请手机保持通畅")},
	}
}

// must runs a command of the browser's protocol.
func must[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	r, err := chromedp.Call(ctx, command, params)
	if err != nil {
		b.t.Fatalf("%s: %v", command.Method, err)
	}
	return r
}
