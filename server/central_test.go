package server_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
)

// A company has a token server already: it goes on being the only one that
// fetches, and we take our token from it, also after WeChat killed one.
func TestTheTokenComesFromAServerThatIsThereAlready(t *testing.T) {
	story(t, func(w *world) {
		w.stop()
		before := w.fetched() // the server looks at the lists of templates when it starts
		w.conf.TokenURL, w.conf.TokenPath = wxnotify.NewSecret(w.tokenServer()+"/token?app={appid}"), "data.wechat_token"
		w.start()
		w.deposit(li, "payment", w.pay(li))
		w.want(w.send(order(li)), "sent", "")
		w.must(w.sandbox.RevokeTokens(sandbox.FirstAppID))
		w.want(w.send(order(li)), "sent", "")
		w.fetchedNone(before)
	})
}

// One app of several takes its token from there: at an address that was named
// through the API, and therefore only where a webhook may go.
func TestOneAppHasATokenServerOfItsOwn(t *testing.T) {
	story(t, func(w *world) {
		from := w.tokenServer() + "/token?app={appid}&key=canary"
		w.until("lists", func() bool { return w.template(sandbox.OnceTemplate) != nil })
		before := w.fetched()
		a := w.api("PATCH", "apps/"+sandbox.FirstAppID, fmt.Sprintf(`{"token_url":%q,"token_path":"data.wechat_token"}`, from))
		if a["token_path"] != "data.wechat_token" || strings.Contains(fmt.Sprint(a), "canary") {
			t.Errorf("got %v", a)
		}
		w.api("POST", "apps", fmt.Sprintf(`{"appid":"wx2222222222222222","secret":"s","token_url":%q,"token_path":"data.wechat_token"}`, from))
		if _, err := w.speak(w.url, storyKey, client.Tries(1)).AccessToken(w.ctx(), "wx2222222222222222"); err == nil {
			t.Error("a private address gave a token")
		}
		w.must(w.DeleteApp(w.ctx(), "wx2222222222222222"))
		w.stop()
		w.conf.WebhookAllow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		w.start()
		w.deposit(li, "form", w.form(li))
		w.want(w.send(order(li)), "sent", "")
		w.fetchedNone(before)
		url, path := "ftp://tokens.example/canary", "data..canary"
		for field, change := range map[string]client.AppSettings{"token_url": {TokenURL: &url}, "token_path": {TokenPath: &path}} {
			_, err := w.ChangeApp(w.ctx(), sandbox.FirstAppID, change)
			if p, ok := errors.AsType[*client.Problem](err); !ok || p.Code != "field_invalid" || p.Errors[0].Field != field || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s: got %v", field, err)
			}
		}
		w.api("PATCH", "apps/"+sandbox.FirstAppID, `{"token_url":""}`)
		w.stop()
		w.start()
		w.must(w.sandbox.RevokeTokens(sandbox.FirstAppID))
		w.deposit(li, "form", w.form(li))
		w.want(w.send(order(li)), "sent", "")
		if w.fetched() == before {
			t.Error("we still take our token from there")
		}
	})
}

// tokenServer is one that a company has already.
func (w *world) tokenServer() string {
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		q := url.Values{"grant_type": {"client_credential"}, "appid": {r.URL.Query().Get("app")}, "secret": {sandbox.FirstSecret}}
		fetched := w.http("GET", w.sandbox.URL+"/cgi-bin/token?"+q.Encode(), nil, nil)
		fmt.Fprintf(rw, `{"code":0,"data":{"wechat_token":%q,"expires_in":%v}}`, fetched["access_token"], fetched["expires_in"])
	}))
	w.Cleanup(s.Close)
	return s.URL
}

// fetched is how many tokens we asked WeChat for ourselves.
func (w *world) fetched() int {
	w.Helper()
	n := 0
	for _, k := range w.answers("/cgi-bin/stable_token") {
		n += k
	}
	return n
}

func (w *world) fetchedNone(before int) {
	w.Helper()
	if n := w.fetched() - before; n > 0 {
		w.Errorf("we fetched %d tokens ourselves", n)
	}
}
