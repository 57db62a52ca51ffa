package server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/sandbox"
)

// A company has a token server already: it goes on being the only one that
// fetches, and we take our token from it, also after WeChat killed one.
func TestTheTokenComesFromAServerThatIsThereAlready(t *testing.T) {
	story(t, func(w *world) {
		elsewhere := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			q := url.Values{"grant_type": {"client_credential"}, "appid": {r.URL.Query().Get("app")}, "secret": {sandbox.FirstSecret}}
			fetched := w.http("GET", w.sandbox.URL+"/cgi-bin/token?"+q.Encode(), nil, nil)
			fmt.Fprintf(rw, `{"code":0,"data":{"wechat_token":%q,"expires_in":%v}}`, fetched["access_token"], fetched["expires_in"])
		}))
		t.Cleanup(elsewhere.Close)
		w.stop()
		w.conf.TokenURL, w.conf.TokenPath = wxnotify.NewSecret(elsewhere.URL+"/token?app={appid}"), "data.wechat_token"
		w.start()
		w.deposit(li, "payment", w.pay(li))
		w.want(w.send(order(li)), "sent", "")
		w.must(w.sandbox.RevokeTokens(sandbox.FirstAppID))
		w.want(w.send(order(li)), "sent", "")
		requests, _ := w.sandbox.Requests(0, 1000)
		for _, r := range requests {
			if r.Path == "/cgi-bin/stable_token" {
				t.Error("we fetched a token ourselves")
			}
		}
	})
}
