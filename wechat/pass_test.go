package wechat

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/wxnotify/wxnotify"
)

func TestPassCarriesACallAsItIsButForTheToken(t *testing.T) {
	t.Parallel()
	type seen struct{ method, uri, body, length string }
	var got seen
	var header http.Header
	c := serving(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = seen{r.Method, r.RequestURI, string(b), r.Header.Get("Content-Length")}
		header = r.Header
		w.Header().Set("Content-Type", "image/png")
		w.WriteHeader(http.StatusPartialContent)
		io.WriteString(w, "picture")
	})
	resp, o := c.Pass(t.Context(), "to ken", Passage{
		Method: http.MethodPut, Path: "/wxa/x", Query: "a=1&b=%E4%B8%80", Body: strings.NewReader("body"), Length: 4,
		Header: http.Header{"Content-Type": {"multipart/form-data; boundary=x"}, "Cookie": {"c"}, "Authorization": {"Bearer x"}, "X-Forwarded-For": {"10.0.0.1"}, "Accept-Encoding": {"br"}},
	})
	if resp == nil {
		t.Fatal(o)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	if string(answer) != "picture" || resp.StatusCode != http.StatusPartialContent || resp.Header.Get("Content-Type") != "image/png" {
		t.Errorf("the answer became %d %q %v", resp.StatusCode, answer, resp.Header)
	}
	if want := (seen{http.MethodPut, "/wxa/x?access_token=to+ken&a=1&b=%E4%B8%80", "body", "4"}); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if header.Get("Content-Type") != "multipart/form-data; boundary=x" {
		t.Errorf("Content-Type became %q", header.Get("Content-Type"))
	}
	for _, name := range []string{"Cookie", "Authorization", "X-Forwarded-For", "Accept-Encoding"} {
		if header.Get(name) != "" {
			t.Errorf("WeChat got to see %s", name)
		}
	}
}

func TestPassTellsWhatMayHaveArrived(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for name, c := range map[string]struct {
		url  string
		want wxnotify.Kind
	}{
		"nobody there":        {"http://" + closed.Addr().String(), wxnotify.NotSent},
		"closed without word": {raw(t, func(_ net.Conn, r *bufio.Reader) { readRequest(r) }), wxnotify.Lost},
	} {
		resp, o := New(Options{URL: c.url}).Pass(t.Context(), sample["token"], Passage{Method: http.MethodGet, Path: "/wxa/x"})
		if resp != nil || o.Kind != c.want || strings.Contains(o.Errmsg, sample["token"]) {
			t.Errorf("%s: %+v", name, o)
		}
	}
}
