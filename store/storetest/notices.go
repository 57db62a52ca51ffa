package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/store"
)

// listen makes a webhook of the world's app.
func (w *world) listen(topics ...wxnotify.Topic) string {
	w.Helper()
	return w.hook(wxnotify.Webhook{App: w.app, Topics: topics})
}

func (w *world) hook(h wxnotify.Webhook) string {
	w.Helper()
	h.ID = strings.Replace(w.id(), wxnotify.MessagePrefix, wxnotify.WebhookPrefix, 1)
	h.URL, h.Secret = "https://shop.example/hook?password=tomato", wxnotify.NewSecret("whsec_cucumber")
	h.CreatedAt, h.UpdatedAt = Noon, Noon
	if err := w.CreateWebhook(ctx, h); err != nil {
		w.Fatal(err)
	}
	return h.ID
}

func (w *world) posts(n int, hooks ...string) []wxnotify.Post {
	w.Helper()
	var wants []wxnotify.NoticeWant
	for _, h := range hooks {
		wants = append(wants, wxnotify.NoticeWant{Webhook: h, N: n})
	}
	posts, _, err := w.ClaimPosts(ctx, w.now.Real, lease, wants)
	if err != nil {
		w.Fatal(err)
	}
	return posts
}

// answered settles posts with an answer, and returns what was switched off.
func (w *world) answered(a wxnotify.Answer, posts ...wxnotify.Post) map[string]string {
	w.Helper()
	var outs []wxnotify.NoticeOutcome
	a.At = w.now.Real
	for _, p := range posts {
		o := wxnotify.NoticeOutcome{Webhook: p.Webhook, ID: p.ID, Owner: p.Owner, Answer: a}
		o.State, o.Due = p.After(a, w.now.Real, 0)
		outs = append(outs, o)
	}
	off, err := w.SettlePosts(ctx, w.now.Real, outs)
	if err != nil {
		w.Fatal(err)
	}
	return off
}

// notices are those of a webhook, oldest first, written topic state.
func (w *world) notices(hook string) (out []string) {
	w.Helper()
	all, _, err := w.Notices(ctx, hook, "", 250, "")
	if err != nil {
		w.Fatal(err)
	}
	slices.Reverse(all)
	for _, n := range all {
		out = append(out, string(n.Topic)+" "+string(n.State))
	}
	return out
}

func topics(posts []wxnotify.Post) (out []string) {
	for _, p := range posts {
		out = append(out, string(p.Topic))
	}
	return out
}

var (
	good   = wxnotify.Answer{Status: 204, Took: 12 * time.Millisecond}
	broken = wxnotify.Answer{Status: 500, Fault: wxnotify.FaultStatus, Body: "oops", Took: 12 * time.Millisecond}
	gone   = wxnotify.Answer{Status: 410, Fault: wxnotify.FaultStatus}
)

// RunNotices runs the part of the contract that is about webhooks.
func RunNotices(t *testing.T, db Database) {
	for name, f := range notices {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, db)
		})
	}
}

var notices = map[string]func(*testing.T, Database){
	"webhooks come back with their secrets": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		id := w.listen(wxnotify.MessageSent, wxnotify.AppPaused)
		h := must(w.Webhook(ctx, id))
		w.same([]any{h.URL, h.Secret.Reveal(), h.App, h.Topics, h.OldSecret.IsZero()},
			[]any{"https://shop.example/hook?password=tomato", "whsec_cucumber", w.app, []wxnotify.Topic{wxnotify.MessageSent, wxnotify.AppPaused}, true})
		h.URL, h.Topics, h.OldSecret, h.OldUntil, h.Secret = "https://new.example/", nil, h.Secret, Noon.Add(time.Hour), wxnotify.NewSecret("whsec_new")
		h.Off, h.OffAt = wxnotify.OffByOperator, Noon
		w.same(w.UpdateWebhook(ctx, h), nil)
		w.same(must(w.Webhooks(ctx)), []wxnotify.Webhook{h})
		w.same(w.DeleteWebhook(ctx, id), nil)
		w.refused(w.DeleteWebhook(ctx, id), wxnotify.NotFound)
		w.refused(w.UpdateWebhook(ctx, h), wxnotify.NotFound)
		_, err := w.Webhook(ctx, id)
		w.refused(err, wxnotify.NotFound)
	},
	"a message's states are told, with the transaction that changes them": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		all, some := w.listen(), w.listen(wxnotify.MessageFailed)
		w.report(acceptance("a", Noon))
		id := w.send(subscribe, func(e *wxnotify.Entry) { e.Message.Meta = map[string]string{"order": "1019"} })
		w.settle(w.claim1(), taken(msgid))
		w.push(sentEvent(msgid, Noon))
		w.same(w.notices(all), []string{"permit.created pending", "message.sent pending", "message.delivered pending"})
		failed := w.send()
		w.claim(1)
		w.is(failed, "failed/no_permit")
		w.same(w.notices(some), []string{"message.failed pending"})
		lags := must(w.Lags(ctx))
		for i := range lags {
			w.same(lags[i].Oldest.IsZero(), false)
			lags[i].Oldest = time.Time{}
		}
		w.same(lags, []wxnotify.Lag{{App: w.app, N: 5}})

		var body struct {
			Type      string
			Timestamp time.Time
			Data      map[string]any
		}
		page, _, _ := w.Notices(ctx, all, "", 3, "")
		w.same(json.Unmarshal(page[1].Body(), &body), nil)
		w.same([]any{body.Type, body.Timestamp, body.Data}, []any{"message.delivered", Noon, map[string]any{
			"id": id, "app": w.app, "touser": alice, "state": "delivered", "reason": nil, "evidence": "event", "template_id": prompt, "channel": "subscribe",
			"msgid": msgid, "meta": map[string]any{"order": "1019"}, "updated_at": "2026-03-04T12:00:00Z",
		}})
		one, _, _ := w.Notices(ctx, some, "", 1, "")
		w.same(one[0].ID, page[0].ID) // one event, two webhooks
	},
	"what is not asked for is not written down": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.makeApp("wx0000000000000002")
		other := w.hook(wxnotify.Webhook{App: "wx0000000000000002"})
		off := w.hook(wxnotify.Webhook{Off: wxnotify.OffByOperator, OffAt: Noon.Add(-8 * 24 * time.Hour)})
		lately := w.hook(wxnotify.Webhook{Off: wxnotify.OffGone, OffAt: Noon.Add(-6 * 24 * time.Hour)})
		w.deposit(w.form(form(1)))
		w.send()
		w.settle(w.claim1(), ok)
		w.same(w.notices(other), []string(nil))
		w.same(w.notices(off), []string(nil))
		w.same(w.notices(lately), []string{"permit.created pending", "message.sent pending"})
		w.same(len(w.posts(10, lately)), 0)
		id := w.send()
		must(w.Cancel(ctx, w.now, w.app, id))
		w.same(len(w.notices(lately)), 2)
		w.same(must(w.Lags(ctx)), []wxnotify.Lag(nil)) // what is kept for one that is off is not late
	},
	"a message that has failed at accept is told of": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)))
		w.send()
		w.settle(w.claim1(), ok)
		hook := w.listen()
		w.is(w.send(formID(form(1))), "failed/permit_used")
		w.same(w.notices(hook), []string{"message.failed pending"})
	},
	"permits that come and go": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		hook := w.listen(wxnotify.PermitCreated, wxnotify.PermitRevoked)
		w.deposit(wxnotify.Deposit{Source: wxnotify.Payment, Code: prepay, GivenAt: Noon}, w.form(form(1)))
		w.report(acceptance("a", Noon))
		w.report(acceptance("a", Noon)) // known
		w.push(said(wxnotify.EventChange, "reject", Noon.Add(time.Second)))
		w.push(said(wxnotify.EventChange, "reject", Noon.Add(2*time.Second))) // nothing left
		ps, _, _ := w.Permits(ctx, wxnotify.PermitFilter{App: w.app, Source: wxnotify.Form})
		w.same(w.DeletePermit(ctx, w.now, w.app, ps[0].ID), nil)
		page, _, _ := w.Notices(ctx, hook, "", 50, "")
		got := map[string]bool{}
		for _, n := range page {
			got[string(n.Topic)+string(n.Data)] = true
		}
		ends := `,"expires_at":"2026-03-11T12:00:00Z"`
		user := `{"app":"` + w.app + `","touser":"` + alice + `"`
		w.same(got, map[string]bool{
			"permit.created" + user + `,"source":"payment","template_id":null,"count":3` + ends + `}`:    true,
			"permit.created" + user + `,"source":"form","template_id":null,"count":1` + ends + `}`:       true,
			"permit.created" + user + `,"source":"subscribe","template_id":"` + prompt + `","count":1}`:  true,
			"permit.revoked" + user + `,"template_id":"` + prompt + `","count":1,"cause":"withdrawn"}`:   true,
			"permit.revoked" + user + `,"source":"form","template_id":null,"count":1,"cause":"deleted"}`: true,
		})
	},
	"a pause is told once, and its end": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		hook := w.listen(wxnotify.AppPaused, wxnotify.AppResumed)
		w.deposit(w.form(form(1)), w.form(form(2)))
		w.send()
		w.send()
		for _, try := range w.claim(2).Tries {
			w.settle(try, quota)
		}
		w.same(w.notices(hook), []string{"app.paused pending"})
		w.pass(24 * time.Hour)
		w.sweep()
		w.sweep()
		w.same(w.PutPause(ctx, wxnotify.Pause{App: w.app, Scope: "all", Reason: store.ByOperator, Since: w.now.Real}), nil)
		w.same(must(w.Resume(ctx, w.app, "all")), true)
		w.same(must(w.Resume(ctx, w.app, "all")), false)
		w.same(w.notices(hook), []string{"app.paused pending", "app.resumed pending", "app.paused pending", "app.resumed pending"})
		page, _, _ := w.Notices(ctx, hook, "", 50, "")
		w.same(string(page[0].Data), `{"app":"`+w.app+`","scope":"all"}`)
		w.same(strings.Contains(string(page[3].Data), `"scope":"template","reason":"quota","detail":"WeChat answered 45009`), true)
		w.same(w.TellContention(ctx, w.app), nil)
		w.same(len(w.notices(hook)), 4)
	},
	"of one message one goes after the other": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		hook := w.listen(wxnotify.MessageSent, wxnotify.MessageDelivered)
		w.report(acceptance("a", Noon))
		w.send(subscribe)
		w.settle(w.claim1(), taken(msgid))
		w.push(sentEvent(msgid, Noon))
		w.deposit(w.form(form(1)))
		w.send()
		w.settle(w.claim1(), ok)
		posts := w.posts(10, hook)
		w.same(topics(posts), []string{"message.sent", "message.sent"})
		w.same(len(w.posts(10, hook)), 0)
		w.answered(broken, posts[0])
		w.answered(good, posts[1])
		w.same(len(w.posts(10, hook)), 0)
		w.pass(6 * time.Second)
		posts = w.posts(10, hook)
		w.same(topics(posts), []string{"message.sent"})
		w.same(posts[0].Tries, 2)
		w.answered(good, posts...)
		posts = w.posts(10, hook)
		w.same(topics(posts), []string{"message.delivered"}) // at once
		w.answered(good, posts...)
		w.same(w.notices(hook), []string{"message.sent delivered", "message.delivered delivered", "message.sent delivered"})
	},
	"what a node had begun comes again after its lease, and its late word counts no more": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		hook := w.listen(wxnotify.PermitCreated)
		w.deposit(w.form(form(1)))
		first := w.posts(10, hook)
		w.same([]any{len(first), len(w.posts(10, hook))}, []any{1, 0})
		w.pass(lease)
		second := w.posts(10, hook)
		w.same(second[0].Tries, 2)
		w.answered(broken, first...)
		w.same(w.notices(hook), []string{"permit.created pending"})
		w.same(len(w.posts(10, hook)), 0)
		w.answered(good, second...)
		w.same(w.notices(hook), []string{"permit.created delivered"})
	},
	"many claim, and nothing is claimed twice nor out of turn": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		hook := w.listen(wxnotify.MessageSent, wxnotify.MessageDelivered)
		const messages = 30
		for i := range messages {
			w.pass(5 * time.Minute)
			w.report(acceptance(fmt.Sprint(i), w.now.Real))
			w.send(subscribe)
			w.settle(w.claim1(), taken(fmt.Sprint(msgid, i)))
			w.push(sentEvent(fmt.Sprint(msgid, i), w.now.Real))
		}
		var mu sync.Mutex
		told := map[string][]string{}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for end := time.Now().Add(time.Minute); time.Now().Before(end); {
					posts, _, err := w.ClaimPosts(ctx, time.Now(), lease, []wxnotify.NoticeWant{{Webhook: hook, N: 7}})
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					n := 0
					for _, p := range posts {
						told[subjectOf(p)] = append(told[subjectOf(p)], string(p.Topic))
					}
					for _, ts := range told {
						n += len(ts)
					}
					mu.Unlock()
					var outs []wxnotify.NoticeOutcome
					for _, p := range posts {
						outs = append(outs, wxnotify.NoticeOutcome{Webhook: p.Webhook, ID: p.ID, Owner: p.Owner, State: wxnotify.NoticeDelivered})
					}
					if _, err := w.SettlePosts(ctx, time.Now(), outs); err != nil {
						t.Error(err)
					}
					if n >= 2*messages {
						return
					}
				}
			})
		}
		all.Wait()
		w.same(len(told), messages)
		for _, ts := range told {
			w.same(ts, []string{"message.sent", "message.delivered"})
		}
	},
	"one webhook's backlog does not stand before another's": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		dead, alive := w.listen(), w.listen()
		for i := range 20 {
			w.deposit(wxnotify.Deposit{To: fmt.Sprintf("oSomebody%d", i), Source: wxnotify.Form, Code: form(i), GivenAt: Noon})
		}
		posts, full, err := w.ClaimPosts(ctx, w.now.Real, lease, []wxnotify.NoticeWant{{Webhook: dead, N: 1}, {Webhook: alive, N: 30}})
		w.same([]any{len(posts), full, err}, []any{21, []string{dead}, nil})
		due := must(w.Callings(ctx, w.now.Real))
		w.same([]any{due[dead], len(due)}, []any{Noon, 2})
		for _, p := range posts {
			if p.Hook.URL == "" || p.Hook.Secret.IsZero() {
				t.Errorf("%+v", p)
			}
		}
	},
	"410 switches off, and so do five days of failure": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		hook := w.listen()
		w.deposit(w.form(form(1)))
		w.same(w.answered(gone, w.posts(1, hook)...), map[string]string{hook: wxnotify.OffGone})
		h := must(w.Webhook(ctx, hook))
		w.same([]any{h.Off, h.OffAt}, []any{wxnotify.OffGone, Noon})
		w.pass(time.Hour)
		w.same(len(w.posts(1, hook)), 0)
		h.Off, h.OffAt = "", time.Time{}
		w.same(w.UpdateWebhook(ctx, h), nil)

		w.same(w.answered(broken, w.posts(1, hook)...), map[string]string(nil)) // what it did not take waited for it
		w.same(must(w.Webhook(ctx, hook)).FailingSince, w.now.Real)
		w.pass(5*24*time.Hour - time.Minute)
		w.same(w.answered(broken, w.posts(1, hook)...), map[string]string(nil))
		w.pass(10 * time.Minute)
		w.same(w.answered(broken, w.posts(1, hook)...), map[string]string{hook: wxnotify.OffFailing})
		h = must(w.Webhook(ctx, hook))
		h.Off, h.OffAt = "", time.Time{}
		w.same(w.UpdateWebhook(ctx, h), nil)
		w.same(must(w.Webhook(ctx, hook)).FailingSince.IsZero(), true)
		w.pass(time.Hour)
		w.answered(broken, w.posts(1, hook)...)
		w.pass(10 * time.Hour)
		w.answered(good, w.posts(1, hook)...)
		w.same(must(w.Webhook(ctx, hook)).FailingSince.IsZero(), true)
	},
	"Retry-After holds the whole webhook": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		hook := w.listen()
		w.deposit(w.form(form(1)))
		later := wxnotify.Answer{Status: 429, Fault: wxnotify.FaultStatus, RetryAfter: 10 * time.Minute}
		w.answered(later, w.posts(1, hook)...)
		w.deposit(w.form(form(2)))
		w.pass(9 * time.Minute)
		w.same(len(w.posts(10, hook)), 0)
		w.same(must(w.Callings(ctx, w.now.Real))[hook], Noon.Add(10*time.Minute))
		w.pass(time.Minute)
		w.answered(good, w.posts(10, hook)...)
		w.answered(good, w.posts(10, hook)...) // the user's second one after the first
		w.same(w.notices(hook), []string{"permit.created delivered", "permit.created delivered"})
	},
	"it is tried for three days, then it has failed, and can be sent again": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		hook := w.listen()
		w.deposit(w.form(form(1)))
		start, tries := w.now.Real, 0
		for w.notices(hook)[0] == "permit.created pending" {
			posts := w.posts(1, hook)
			tries += len(posts)
			w.answered(broken, posts...)
			if due := must(w.Callings(ctx, w.now.Real))[hook]; due.Before(w.now.Real.Add(100 * 24 * time.Hour)) {
				w.pass(due.Sub(w.now.Real))
			}
		}
		if took := w.now.Real.Sub(start); tries != 11 || took < 70*time.Hour || took > 75*time.Hour {
			t.Errorf("%d attempts in %v", tries, took)
		}
		page, next, err := w.Notices(ctx, hook, wxnotify.NoticeFailed, 1, "")
		w.same([]any{len(page), next, err, page[0].Answer.Body, page[0].Answer.Status, page[0].Tries}, []any{1, "", nil, "oops", 500, 11})
		n, more, err := w.RecoverNotices(ctx, hook, w.now.Real)
		w.same([]any{n, more, err}, []any{0, false, nil})
		n, _, _ = w.RecoverNotices(ctx, hook, start)
		w.same(n, 1)
		again := must(w.ResendNotice(ctx, hook, page[0].ID))
		w.same([]any{again.State, again.Tries}, []any{wxnotify.NoticePending, 0})
		w.pass(time.Since(w.now.Real)) // those two go by the real clock
		posts := w.posts(1, hook)
		w.same([]any{posts[0].ID, posts[0].Tries}, []any{page[0].ID, 1})
		must(w.ResendNotice(ctx, hook, page[0].ID)) // under way
		w.answered(good, posts...)
		w.same(w.notices(hook), []string{"permit.created pending"})
		w.pass(time.Since(w.now.Real))
		w.answered(good, w.posts(1, hook)...)
		w.same(w.notices(hook), []string{"permit.created delivered"})
		_, err = w.ResendNotice(ctx, "whk_other", page[0].ID)
		w.refused(err, wxnotify.NotFound)
	},
	"old notices go, and those of a webhook that is gone": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		hook, other := w.listen(), w.listen()
		w.deposit(w.form(form(1)))
		w.pass(29 * 24 * time.Hour)
		w.deposit(w.form(form(2)))
		w.same(must(w.SweepNotices(ctx, w.now.Real)), false)
		w.same(len(w.notices(hook)), 2)
		w.pass(25 * time.Hour)
		must(w.SweepNotices(ctx, w.now.Real))
		w.same(len(w.notices(hook)), 1)
		w.same(w.DeleteWebhook(ctx, other), nil)
		must(w.SweepNotices(ctx, w.now.Real))
		w.same([]any{len(w.notices(hook)), len(w.notices(other))}, []any{1, 0})
	},
	"an event is there exactly when its cause is": func(t *testing.T, db Database) {
		dsn := db(t)
		b := &breaker{}
		w := worldAt(t, dsn, func(o *store.Options) { o.Fault = b.fault })
		hook := w.listen()
		w.deposit(w.form(form(1)))
		w.send()
		try := w.claim1()
		batch := []wxnotify.Settlement{w.settlement(try, ok)}
		w.breaks(b, "settle", func() error { _, err := w.Settle(ctx, w.now, batch); return err })
		w.same(w.notices(hook), []string{"permit.created pending", "message.sent pending"})
		missed, err := w.Settle(ctx, w.now, batch) // asked again, since the commit was in doubt
		w.same([]any{missed, err}, []any{[]int{0}, nil})
		w.same(len(w.notices(hook)), 2)
		var posts []wxnotify.Post
		w.breaks(b, "claim notices", func() error {
			_, _, err := w.ClaimPosts(ctx, w.now.Real, lease, []wxnotify.NoticeWant{{Webhook: hook, N: 10}})
			return err
		})
		w.pass(lease)
		posts = w.posts(10, hook)
		w.same(len(posts), 2)
		out := wxnotify.NoticeOutcome{Webhook: hook, ID: posts[0].ID, Owner: posts[0].Owner, State: wxnotify.NoticeDelivered}
		w.breaks(b, "settle notices", func() error {
			_, err := w.SettlePosts(ctx, w.now.Real, []wxnotify.NoticeOutcome{out})
			return err
		})
	},
}

func subjectOf(p wxnotify.Post) string {
	var d struct{ ID string }
	if err := json.Unmarshal(p.Data, &d); err != nil {
		panic(err)
	}
	return d.ID
}
