package consoletest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
)

// A day as a delivery service has it, told by the sandbox's clock in steps of
// ten minutes: users who gave permits all week and some who gave none, lunch
// and dinner, and an hour around noon in which WeChat is slow and refuses.

const dayStep = 10 * time.Minute

// day makes one until ten in the evening; it takes most of a minute.
func (w *world) day() {
	w.Helper()
	random := rand.New(rand.NewPCG(20171019, 1))
	name, quota := "即刻外送", 2000
	_, err := w.ChangeApp(w.Context(), sandbox.FirstAppID, client.AppSettings{Name: &name, DailyQuota: &quota})
	w.must(err)
	_, err = w.SyncTemplates(w.Context(), "")
	w.must(err)
	users := []string{li, zhang, wang}
	for range 40 {
		u, err := w.sandbox.AddUser(sandbox.User{AppID: sandbox.FirstAppID})
		w.must(err)
		users = append(users, u.Openid)
	}
	w.midnight()
	for range 5 { // the days before
		w.gives(random, users, 90)
		w.sends(random, users, 20)
		w.ahead(24 * time.Hour)
	}
	for range 24 {
		w.gives(random, users, 18)
		w.sends(random, users, 21)
		w.ahead(time.Hour)
	}
	for at := time.Duration(0); at < 22*time.Hour; at += dayStep {
		peak := func(hour, wide, high float64) float64 {
			x := (at.Hours() - hour) / wide
			return high * math.Exp(-x*x/2)
		}
		n := 1 + peak(8.5, .9, 3) + peak(11.8, 1, 13) + peak(18.3, 1.3, 16)
		mend := func() {}
		if noon := peak(12.2, .4, 1); noon > .1 {
			mend = w.fault(sandbox.Fault{Endpoint: "template/send", Effect: "errcode", Errcode: 45011, Times: 1 + int(noon*n/2)})
		}
		w.gives(random, users, int(n))
		w.sends(random, users, max(1, int(n*(.85+.3*random.Float64()))))
		mend()
		w.ahead(dayStep)
	}
	w.sends(random, users, 6)
}

// gives lets users hand in permits; the last of them never do.
func (w *world) gives(random *rand.Rand, users []string, n int) {
	w.Helper()
	for range n {
		to := users[random.IntN(len(users)-4)]
		if random.IntN(8) > 0 {
			w.form(to, 1)
			continue
		}
		p, err := w.sandbox.Pay(sandbox.FirstAppID, to, 1)
		w.must(err)
		_, err = w.DepositPermits(w.Context(), "", []client.NewPermit{{To: to, Source: "payment", Code: p.PrepayID}})
		w.must(err)
	}
	if random.IntN(6) == 0 {
		_, err := w.DepositPermits(w.Context(), "", []client.NewPermit{{To: users[random.IntN(9)], Source: "subscribe", TemplateID: sandbox.OnceTemplate}})
		w.must(err)
	}
}

// sends sends messages, and lets one in forty meet with something of its own.
func (w *world) sends(random *rand.Rand, users []string, n int) {
	w.Helper()
	mend := func() {}
	switch random.IntN(40 / max(1, n/4)) {
	case 0:
		mend = w.fault(sandbox.Fault{Endpoint: "template/send", Effect: "errcode", Errcode: 47003, Times: 1})
	case 1:
		mend = w.fault(sandbox.Fault{Endpoint: "template/send", Effect: "drop_response", Times: 1})
	}
	batch := make([]client.NewMessage, n)
	for i := range batch {
		batch[i] = order(users[random.IntN(len(users))])
		batch[i].Meta = map[string]string{"order": fmt.Sprint(1000 + random.IntN(9000))}
	}
	_, err := w.SendBatch(w.Context(), batch)
	w.must(err)
	w.until("everything at rest", func() bool { return w.count("queued")+w.count("sending") == 0 })
	mend()
}

// midnight moves the clock to where a day of WeChat's begins, and a little
// further: the server follows by whole seconds.
func (w *world) midnight() {
	w.Helper()
	now := time.Now().UTC().Add(8 * time.Hour)
	w.ahead(now.Truncate(24 * time.Hour).Add(24*time.Hour + 10*time.Second).Sub(now))
}

// ahead moves the sandbox's clock, and waits until the server has followed.
func (w *world) ahead(d time.Duration) {
	w.Helper()
	clock, err := w.sandbox.Advance(d)
	w.must(err)
	now, err := time.Parse(time.RFC3339, clock.Now)
	w.must(err)
	w.until("the server follows the clock", func() bool {
		s, err := w.Stats(w.Context(), client.StatsFilter{From: now.Add(-time.Hour), Step: time.Minute})
		return err == nil && !s.To.Before(now) // before it does, that is no range
	})
}
