package gateway_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wxnotify/wxnotify/gateway"
	"github.com/wxnotify/wxnotify/sandbox"
)

func TestTemplatesAreManagedInBothEras(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, nil)
	token := w.token(testKey)
	for name, c := range map[string]struct {
		path string
		body any
		want string
	}{
		"classic list":   {"/cgi-bin/wxopen/template/list", object{"offset": 0, "count": 20}, sandbox.ClassicTemplate},
		"library":        {"/cgi-bin/wxopen/template/library/list", object{"offset": 0, "count": 5}, `"list"`},
		"subscribe list": {listTemplates, nil, sandbox.LongtermTemplate},
		"category":       {"/wxaapi/newtmpl/getcategory", nil, `"data"`},
	} {
		a := w.call(c.path, with(token), c.body)
		if a.Errcode != 0 || !strings.Contains(a.body, c.want) {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	q := with(token)
	q.Set("tid", "1")
	w.call("/wxaapi/newtmpl/getpubtemplatekeywords", q, nil)
	all, _ := w.sandbox.Requests(0, 100)
	if last := all[len(all)-1]; !strings.Contains(last.Query, "tid=1") || strings.Contains(last.Query, token) {
		t.Errorf("WeChat was asked %s", last.Query)
	}
	w.want(w.call("/wxa/nonsense", with(token), nil), 40066)
	w.want(w.call("/cgi-bin/nonsense", with("nonsense"), nil), 40001)
	if n := w.fetches(); n != 1 {
		t.Errorf("WeChat was asked for %d tokens", n)
	}
}

func TestTemplatesAreAddedAndDeletedInBothEras(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, nil)
	token := w.token(testKey)
	for name, c := range map[string]struct {
		add, list, del string
		template       object
		id             string // the member that names a template
	}{
		"classic":   {"/cgi-bin/wxopen/template/add", "/cgi-bin/wxopen/template/list", "/cgi-bin/wxopen/template/del", object{"id": "AT0009", "keyword_id_list": []int{2, 1}}, "template_id"},
		"subscribe": {"/wxaapi/newtmpl/addtemplate", listTemplates, "/wxaapi/newtmpl/deltemplate", object{"tid": "1128", "kidList": []int{4, 2}, "sceneDesc": "外卖送达"}, "priTmplId"},
	} {
		var added object
		a := w.call(c.add, with(token), c.template)
		w.must(json.Unmarshal([]byte(a.body), &added))
		id, _ := added[c.id].(string)
		if a.Errcode != 0 || len(id) != 43 {
			t.Errorf("%s: add: %s", name, a.body)
			continue
		}
		var page any
		if name == "classic" {
			page = object{"offset": 0, "count": 20}
		}
		if l := w.call(c.list, with(token), page); !strings.Contains(l.body, id) {
			t.Errorf("%s: the list: %s", name, l.body)
		}
		w.want(w.call(c.del, with(token), object{c.id: id}), 0)
		if l := w.call(c.list, with(token), page); strings.Contains(l.body, id) {
			t.Errorf("%s: the list afterwards: %s", name, l.body)
		}
	}
}

// Any method, and every room of WeChat's API; the real token is put in, and
// the rest of the call is as it was.
func TestEveryRoomAndMethodIsPassedThrough(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.Handle("/cgi-bin/stable_token", far(http.NotFound))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"errmsg":%q}`, strings.Join([]string{r.Method, r.URL.Path, r.URL.Query().Get("a"), strconv.Itoa(len(r.URL.Query().Get("access_token"))), string(body)}, " "))
	})
	w := newIdleWorld(t, 0, mux)
	token, long := w.token(testKey), strconv.Itoa(len("real-token-1"))
	for _, path := range []string{
		"/datacube/getweanalysisappiddailyvisittrend", "/cv/ocr/idcard", "/tcb/invokecloudfunction", "/product/spu/get_list",
		"/shop/order/get_list", "/intp/realname/checkrealnameinfo", "/wxa/business/getuserphonenumber", "/cgi-bin/express/business/order/get",
	} {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			req, err := http.NewRequestWithContext(t.Context(), method, w.url+path+"?a=1&access_token="+token, strings.NewReader("body"))
			w.must(err)
			resp, err := http.DefaultClient.Do(req)
			w.must(err)
			var got answer
			w.must(json.NewDecoder(resp.Body).Decode(&got))
			resp.Body.Close()
			if want := strings.Join([]string{method, path, "1", long, "body"}, " "); got.Errmsg != want {
				t.Errorf("%s %s: WeChat was asked %q", method, path, got.Errmsg)
			}
		}
	}
	for _, path := range []string{"/v1/messages", "/mp/v1/permits", "/console/", "/wechat/" + appid, "/docs", "/cgi-bin", "/datacubes/x", "/", ""} {
		if gateway.Owns(path) {
			t.Errorf("%q is not WeChat's", path)
		}
	}
}

// A token that a rival killed is renewed once, for all who meet it at a time,
// and none of them hears of it.
func TestADeadTokenIsMendedInside(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, nil)
	token := w.token(testKey)
	w.want(w.call(listTemplates, with(token), nil), 0)
	w.must(w.sandbox.RevokeTokens(appid))
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			if i%2 == 0 {
				w.want(w.call(listTemplates, with(token), nil), 0)
			} else {
				w.want(w.call("/cgi-bin/wxopen/template/list", with(token), object{"offset": 0, "count": 20}), 0)
			}
		})
	}
	all.Wait()
	if n := w.fetches(); n != 2 {
		t.Errorf("WeChat was asked for %d tokens", n)
	}
}

// A caller that never takes a new token costs WeChat nothing.
func TestACallerWithADeadTokenForEverCausesNoRenewal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, nil)
	w.want(w.call(listTemplates, with(w.token(testKey)), nil), 0)
	for i := range 50 {
		w.want(w.call(listTemplates, with("70_a-real-token-of-long-ago"), nil), 40001)
		w.want(w.call("/cgi-bin/stable_token", nil, object{"grant_type": "client_credential", "appid": appid, "secret": testKey, "force_refresh": i%2 == 0}), 0)
	}
	if n := w.fetches(); n != 1 {
		t.Errorf("WeChat was asked for %d tokens", n)
	}
}

// far is a WeChat that hands out tokens and serves one path. Its tokens are
// called real-token-1, real-token-2 and so on.
func far(h http.HandlerFunc) http.Handler {
	mux := http.NewServeMux()
	var mu sync.Mutex
	n := 0
	mux.HandleFunc("/cgi-bin/stable_token", func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		n++
		fmt.Fprintf(w, `{"access_token":"real-token-%d","expires_in":7200}`, n)
	})
	mux.HandleFunc("/wxa/media", h)
	return mux
}

func TestWhatBecomesOfStrangeAnswers(t *testing.T) {
	t.Parallel()
	var serve atomic.Pointer[http.HandlerFunc]
	w := newIdleWorld(t, 0, far(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		(*serve.Load())(w, r)
	}))
	token := w.token(testKey)
	abort := func(w http.ResponseWriter, text string) {
		io.WriteString(w, text)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	for name, c := range map[string]struct {
		serve http.HandlerFunc
		want  int
	}{
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://example.com/?"+r.URL.RawQuery, http.StatusFound)
		}, 9900001},
		"a server's fault": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, 9900001},
		"half an answer":   {func(w http.ResponseWriter, _ *http.Request) { abort(w, `{"errcode":0,"er`) }, 9900001},
		"no answer":        {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 9900001},
		"dead, and again":  {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"errcode":"40001","errmsg":"x"}`) }, -1},
		"another refusal":  {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"errcode":48004,"errmsg":"x"}`) }, 48004},
		"a payload of WeChat": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, `{"errmsg":"ok"}`)
		}, 0},
	} {
		serve.Store(&c.serve)
		a := w.call("/wxa/media", with(token), `{"a":1}`)
		if a.Errcode != c.want || strings.Contains(a.body, "real-token") {
			t.Errorf("%s: %s", name, a.body)
		}
	}
}

// WeChat can be asked for the URL of an earlier call, and the real token is in it.
func TestTheRealTokenIsTakenOutOfAnswers(t *testing.T) {
	t.Parallel()
	w := newIdleWorld(t, 0, far(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"errmsg":%q}`, r.URL.String())
	}))
	if a := w.call("/wxa/media", with(w.token(testKey)), nil); strings.Contains(a.body, "real-token") || !strings.Contains(a.body, "/wxa/media") {
		t.Errorf("got %s", a.body)
	}
}

// The earlier call may have been made with the token before this one, which is
// good for five minutes more.
func TestTokensOfEarlierCallsAreTakenOutOfAnswers(t *testing.T) {
	t.Parallel()
	const from = `"request_url":"\/datacube\/x?access_token=75_old-Token&a=1","hex":"?access_token\u003d75_old-Token\u0026a=1"`
	const want = `"request_url":"\/datacube\/x?access_token=************&a=1","hex":"?access_token\u003d************\u0026a=1"`
	w := newIdleWorld(t, 0, far(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		n, _ := strconv.Atoi(r.URL.Query().Get("long"))
		fmt.Fprintf(w, `{"errcode":0,"errmsg":"access_token is fine","request":{%s,"request_body":%q}}`, from, strings.Repeat("x", n))
	}))
	for _, n := range []int{10, 100_000} { // a short answer, and a stream
		q := with(w.token(testKey))
		q.Set("long", strconv.Itoa(n))
		a := w.call("/wxa/media", q, nil)
		if whole := fmt.Sprintf(`{"errcode":0,"errmsg":"access_token is fine","request":{%s,"request_body":%q}}`, want, strings.Repeat("x", n)); a.body != whole {
			t.Errorf("got %.300s of %d bytes", a.body, len(a.body))
		}
	}
}

// An answer that breaks off after its beginning was passed on breaks off for
// the caller as well.
func TestADownloadThatBreaksOffIsNotTakenForWhole(t *testing.T) {
	t.Parallel()
	w := newIdleWorld(t, 0, far(func(w http.ResponseWriter, _ *http.Request) {
		w.Write(bytes.Repeat([]byte("x"), 100_000))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}))
	resp, err := http.Get(w.url + "/wxa/media?access_token=" + w.token(testKey))
	w.must(err)
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Errorf("%d bytes were taken for the whole", n)
	}
}

// A stream cannot be sent twice: the caller is told to do it. The token is
// renewed for its next try.
func TestAnUploadThatMeetsADeadTokenIsAskedForAgain(t *testing.T) {
	t.Parallel()
	w := newIdleWorld(t, 0, far(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Query().Get("access_token") == "real-token-1" {
			io.WriteString(w, `{"errcode":40001,"errmsg":"invalid credential"}`)
			return
		}
		fmt.Fprintf(w, `{"errmsg":"%d bytes"}`, n)
	}))
	token, picture := w.token(testKey), strings.Repeat("x", 1<<20)
	w.want(w.call("/wxa/media", with(token), picture), -1)
	if a := w.call("/wxa/media", with(token), picture); a.Errmsg != "1048576 bytes" {
		t.Errorf("got %s", a.body)
	}
}

// 20 MB each way, and next to none of it in memory. Not parallel: what is
// measured is what the whole process asked for.
func TestLargeBodiesFlowThrough(t *testing.T) {
	const size = 20 << 20
	w := newIdleWorld(t, 0, far(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil || n != size || r.Header.Get("Content-Type") != "image/png" {
			t.Errorf("%d bytes of %s arrived: %v", n, r.Header.Get("Content-Type"), err)
		}
		w.Header().Set("Content-Type", "video/mp4")
		w.Header().Set("Content-Disposition", `attachment; filename="a.mp4"`)
		io.Copy(w, io.LimitReader(zeros{}, size))
	}))
	token := w.token(testKey)
	for name, length := range map[string]int64{"a length that is known": size, "chunks": -1} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/wxa/media?access_token="+token, io.LimitReader(zeros{}, size))
		w.must(err)
		req.ContentLength = length
		req.Header.Set("Content-Type", "image/png")
		resp, err := http.DefaultClient.Do(req)
		w.must(err)
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		runtime.ReadMemStats(&after)
		if err != nil || n != size || resp.Header.Get("Content-Type") != "video/mp4" || resp.Header.Get("Content-Disposition") == "" {
			t.Errorf("%s: %d bytes came back with %v: %v", name, n, resp.Header, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
			t.Errorf("%s: 40 MB took %d KB of memory", name, used>>10)
		}
	}
	a := w.call("/wxa/media", with(token), strings.Repeat("x", 65<<20))
	w.want(a, 45002)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
