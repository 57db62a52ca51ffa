package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
)

// What an SDK sends stands in lists, books and plots like everything else.
func TestSendsThroughTheGatewayAreCounted(t *testing.T) {
	story(t, func(w *world) {
		w.deposit(li, "form", w.form(li))
		token := w.http(http.MethodGet, w.url+"/cgi-bin/token?grant_type=client_credential&appid="+sandbox.FirstAppID+"&secret="+url.QueryEscape(storyKey), nil, nil)
		query := "?access_token=" + url.QueryEscape(token["access_token"].(string))
		for page, want := range []float64{0, 41028} { // the second has no permit
			message := order(li)
			message.Page = fmt.Sprintf("pages/%d", page)
			if said := w.post("/cgi-bin/message/wxopen/template/send"+query, aTrace, message); said["errcode"] != want {
				w.Fatalf("the gateway said %v, want %v", said, want)
			}
		}
		s, err := w.Stats(w.ctx(), client.StatsFilter{})
		w.must(err)
		if got := s.Total; got.Accepted != 2 || got.Ended["sent"] != 1 || got.Reasons["failed"]["no_permit"] != 1 || got.Errcodes["0"] != 1 || got.Used["form"] != 1 {
			w.Errorf("the plots count %+v", got)
		}
		// A path of WeChat that this server does nothing of its own for.
		if said := w.post("/datacube/getweanalysisappiddailyvisittrend"+query, aTrace, map[string]any{}); said["errcode"] != float64(40066) {
			w.Errorf("the sandbox has no such path, and it said %v", said)
		}
	})
}
