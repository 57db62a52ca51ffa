package server_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// Two servers on one database keep the rate of an app together, as WeChat sees it.
func TestTwoNodesKeepARateTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.Postgres(t))
	rate := 20
	_, err := w.ChangeApp(w.ctx(), sandbox.FirstAppID, client.AppSettings{RatePerSecond: &rate})
	w.must(err)
	w.stop() // a running node hears of it with its next sweep
	w.start()
	w.second()
	var ms []client.NewMessage
	for i := range 60 {
		m := order(li)
		m.FormID, m.IdempotencyKey = w.form(li), fmt.Sprint("pace-", i)
		ms = append(ms, m)
	}
	_, err = w.SendBatch(w.ctx(), ms)
	w.must(err)
	w.cards(len(ms))
	var at []time.Time
	requests, _ := w.sandbox.Requests(0, 10_000)
	for _, r := range requests {
		if r.Path == "/cgi-bin/message/wxopen/template/send" {
			when, err := time.Parse(time.RFC3339Nano, r.Time)
			w.must(err)
			at = append(at, when)
		}
	}
	slices.SortFunc(at, time.Time.Compare)
	// A busy machine may make calls late, and then closer together; but the
	// whole cannot be through before its time.
	if all := at[len(at)-1].Sub(at[0]); len(at) != len(ms) || all < 2*time.Second {
		t.Errorf("%d calls at %d a second took %v", len(at), rate, all)
	}
}
