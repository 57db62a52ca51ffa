package sandbox_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/wxnotify/wxnotify/sandbox"
)

func TestServerIsReachedThroughTheSandbox(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"path":"`+r.URL.RequestURI()+`","key":"`+r.Header.Get("Authorization")+`"}`)
	}))
	t.Cleanup(server.Close)
	w := start(t)
	if r := w.must("GET", "/sandbox/server", nil); r["server"] != nil {
		t.Errorf("no server joined: %v", r)
	}
	expect(t, "without a server the path is WeChat's", w.call("GET", "/server/v1/messages", nil), 40066, "invalid url")

	w.Join(sandbox.Peer{URL: server.URL, AppID: sandbox.FirstAppID, Key: "a-key-of-the-demo"})
	if r, ok := w.must("GET", "/sandbox/server", nil)["server"].(map[string]any); !ok || r["url"] != server.URL || r["key"] != "a-key-of-the-demo" {
		t.Errorf("got %v", r)
	}
	if r := w.must("GET", "/server/v1/messages?limit=1", nil); r.text("path") != "/v1/messages?limit=1" {
		t.Errorf("got %v", r)
	}
	if r := w.must("POST", "/server/mp/v1/login", `{}`); r.text("path") != "/mp/v1/login" {
		t.Errorf("got %v", r)
	}
	expect(t, "the server's pages stay away", w.call("GET", "/server/console", nil), 40066, "invalid url")

	server.Close()
	if status, _ := w.do("GET", "/server/v1/messages", nil); status != 502 {
		t.Errorf("the server is gone: %d", status)
	}
}
