package api_test

import (
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// What happened is in the series, and what is left in the stock.
func TestStatsAndStock(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h, ctx := build(t, db, nil), t.Context()
		h.deposit(client.NewPermit{To: h.user, Source: "form", Code: h.form(h.user)})
		h.deposit(client.NewPermit{To: h.others[0], Source: "form", Code: h.form(h.others[0])})
		h.deposit(client.NewPermit{ID: "1", To: h.user, Source: "subscribe", TemplateID: h.subscribe[0], Count: 2})
		for range 2 { // the second has no permit
			_, err := h.c.SendAndWait(ctx, h.message(), 20*time.Second)
			h.must(err)
		}
		s, err := h.c.Stats(ctx, client.StatsFilter{App: h.app, Step: 5 * time.Minute})
		h.must(err)
		if got := s.Total; got.Accepted != 2 || got.Ended["sent"] != 1 || got.Reasons["failed"]["no_permit"] != 1 || got.Errcodes["0"] != 1 ||
			got.Latency == nil || got.Latency.Count != 1 || got.Latency.P99 <= 0 || len(got.Latency.Buckets) != wxnotify.Buckets ||
			got.Created["form"] != 2 || got.Created["subscribe"] != 2 || got.Used["form"] != 1 || got.Dead != nil {
			t.Errorf("got %+v", got)
		}
		if n := len(s.Points); n != 289 || s.Step != 300 || !s.Points[n-1].At.Add(5*time.Minute).Equal(s.To) || !s.Points[0].At.Equal(s.From) {
			t.Errorf("%d points of %d s from %s to %s", n, s.Step, s.From, s.To)
		}
		all, err := h.c.Stats(ctx, client.StatsFilter{From: time.Now().Add(-30 * 24 * time.Hour)})
		h.must(err)
		if all.App != "" || all.Step != 3*3600 || all.Total.Accepted != 2 {
			t.Errorf("got %d s, %+v", all.Step, all.Total)
		}
		st, err := h.c.Stock(ctx, "")
		for end := time.Now().Add(20 * time.Second); err == nil && st.Users == nil && time.Now().Before(end); { // they are counted in the background
			st, err = h.c.Stock(ctx, "")
		}
		h.must(err)
		if st.Permits["form"] != 1 || st.Permits["subscribe"] != 2 || len(st.Expiry) != 2 || *st.Expiry[0].Days != 7 || st.Expiry[0].EndsOn == "" || st.Expiry[1].Days != nil ||
			len(st.Templates) != 1 || st.Templates[0].TemplateID != h.subscribe[0] || st.Users == nil || *st.Users != 2 || st.UsersAt.IsZero() {
			t.Errorf("got %+v", st)
		}
		// A key of another app sees nothing of this one.
		_, err = h.c.CreateApp(ctx, client.NewApp{ID: "wx00000000000000aa", AppSettings: client.AppSettings{Secret: new("s")}})
		h.must(err)
		k, err := h.c.CreateKey(ctx, client.NewKey{Name: "other", Scopes: []string{"read"}, App: "wx00000000000000aa"})
		h.must(err)
		other := client.New(h.url, k.Text)
		if s, err := other.Stats(ctx, client.StatsFilter{}); err != nil || s.App != "wx00000000000000aa" || s.Total.Accepted != 0 {
			t.Errorf("got %+v, %v", s.Total, err)
		}
		_, err = other.Stock(ctx, h.app)
		h.refused(err, wxnotify.AppUnknown)
	})
}
