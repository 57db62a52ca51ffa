package server_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/server"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// second starts one more server on the same database.
func (w *world) second() (address string) {
	w.Helper()
	conf := w.conf
	conf.Node = "second:8080"
	ctx, cancel := context.WithCancel(context.Background())
	s, err := server.New(ctx, slog.New(slog.NewTextHandler(&w.logs, &slog.HandlerOptions{Level: slog.LevelDebug})), conf, w.options...)
	if err != nil {
		cancel()
		w.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	w.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.Errorf("the second server ended with %v", err)
		}
	})
	return "http://" + s.Addr()
}

// A key that is revoked on one node opens nothing on the other a second later,
// and neither does a gateway token that it had got there.
func TestAKeyRevokedOnOneNodeEndsOnTheOtherWithinASecond(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.Postgres(t))
	there := w.second()
	k, err := w.CreateKey(w.ctx(), client.NewKey{Scopes: []string{"read", "send"}, App: sandbox.FirstAppID})
	w.must(err)
	q := url.Values{"grant_type": {"client_credential"}, "appid": {sandbox.FirstAppID}, "secret": {k.Text}}
	token, _ := w.http(http.MethodGet, there+"/cgi-bin/token?"+q.Encode(), nil, nil)["access_token"].(string)
	list := func() any {
		return w.http(http.MethodPost, there+"/cgi-bin/wxopen/template/list?access_token="+token, nil, strings.NewReader(`{"offset":0,"count":1}`))["errcode"]
	}
	native := w.speak(there, k.Text, client.Tries(1))
	if _, err := native.App(w.ctx(), sandbox.FirstAppID); err != nil {
		t.Fatal(err)
	}
	if got := list(); got != nil && got != 0.0 {
		t.Fatalf("the gateway token is worth nothing: %v", got)
	}
	w.must(w.RevokeKey(w.ctx(), k.ID))
	time.Sleep(time.Second) // the promise is about this second
	if _, err := native.App(w.ctx(), sandbox.FirstAppID); err == nil {
		t.Error("a second after it was revoked the key opens the API of the other node")
	}
	if got := list(); got != 40001.0 {
		t.Errorf("a second after it was revoked its gateway token is answered with %v", got)
	}
}
