package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
)

const (
	li   = sandbox.FirstUser
	wang = sandbox.SecondUser
)

// The main job: a user opens the mini program, submits a form, and gets a card.
func TestFromALoginToACardOnThePhone(t *testing.T) {
	story(t, func(w *world) {
		session := w.login(li)
		if session.OpenID != li {
			w.Fatalf("logged in as %s", session.OpenID)
		}
		results, err := w.MPPermits(w.ctx(), session.Token, []client.MPPermit{{ID: "1", Source: "form", Code: w.form(li), AgeSeconds: 3}})
		w.must(err)
		if results[0].Error != nil || results[0].Created != 1 {
			w.Fatalf("the form was not taken: %+v", results[0])
		}
		m := w.send(order(li))
		w.want(m, "sent", "")
		if m.Evidence != "answered" || m.Permit.Source != "form" || len(w.tried(m)) != 1 || w.tried(m)[0].Outcome != "accepted" {
			w.Errorf("%+v", m)
		}
		w.itIsTheArticlesCard(w.cards(1)[0])
	})
}

// itIsTheArticlesCard holds a card against what was posted.
func (w *world) itIsTheArticlesCard(c card) {
	w.Helper()
	got := []string{}
	for _, r := range c.Rows {
		got = append(got, r.Name+" "+r.Value+" "+r.Color)
	}
	want := []string{"状态 已接单 #173177", "时间 2017年10月19日 12:31 #173177", "骑手 张一山 #173177", "电话 136xxxx1720 #173177", "备注 请手机保持通畅 #173177"}
	if !slices.Equal(got, want) || c.Emphasis != "keyword1" || c.Page != "pages/order/detail?id=1019" || c.To != li || c.Title != "接单通知" {
		w.Errorf("the card is %+v", c)
	}
}

// The body that people post to WeChat today, posted to us as it is.
func TestWeChatsOwnBodyBecomesACard(t *testing.T) {
	story(t, func(w *world) {
		formID := w.form(li)
		body := fmt.Sprintf(`{"touser":%q,"template_id":%q,"page":"pages/order/detail?id=1019","form_id":%q,
			"data":{"keyword1":{"value":"已接单","color":"#173177"},"keyword2":{"value":"2017年10月19日 12:31","color":"#173177"},
			"keyword3":{"value":"张一山","color":"#173177"},"keyword4":{"value":"136xxxx1720","color":"#173177"},
			"keyword5":{"value":"请手机保持通畅","color":"#173177"}},"emphasis_keyword":"keyword1.DATA"}`, li, sandbox.ClassicTemplate, formID)
		w.http("POST", w.url+"/v1/messages", http.Header{"Authorization": {"Bearer " + storyKey}}, strings.NewReader(body))
		c := w.cards(1)[0]
		w.itIsTheArticlesCard(c)
		if c.FormID != formID {
			w.Errorf("the card used %s, not the form_id that was named", c.FormID)
		}
	})
}

func TestWithoutAPermitItFailsAndSaysSo(t *testing.T) {
	story(t, func(w *world) {
		w.want(w.send(order(li)), "failed", "no_permit")
		w.cards(0)
	})
}

func TestAPaymentGivesExactlyThree(t *testing.T) {
	story(t, func(w *world) {
		w.deposit(li, "payment", w.pay(li))
		for range 3 {
			w.want(w.send(order(li)), "sent", "")
		}
		w.want(w.send(order(li)), "failed", "no_permit")
		w.cards(3)
	})
}

func TestTheEarliestToExpireIsUsedFirst(t *testing.T) {
	story(t, func(w *world) {
		var codes []string
		for range 3 {
			codes = append(codes, w.form(li))
			w.advance(3600)
		}
		// Handed in out of order: what counts is when the user acted.
		for _, i := range []int{1, 2, 0} {
			_, err := w.DepositPermits(w.ctx(), "", []client.NewPermit{{To: li, Source: "form", Code: codes[i], AgeSeconds: (3 - i) * 3600}})
			w.must(err)
		}
		for range codes {
			w.want(w.send(order(li)), "sent", "")
		}
		for i, c := range w.cards(3) {
			if c.FormID != codes[i] {
				w.Errorf("card %d used %s, not the one that expired first", c.Seq, c.FormID)
			}
		}
	})
}

func TestAWaitingMessageGoesOutWhenAPermitComes(t *testing.T) {
	story(t, func(w *world) {
		m := order(li)
		m.Wait = true
		got, err := w.Send(w.ctx(), m)
		w.must(err)
		w.until("waiting message", func() bool {
			got, err = w.Message(w.ctx(), got.ID)
			w.must(err)
			return got.State == "waiting"
		})
		w.deposit(li, "form", w.form(li))
		w.cards(1)
	})
}

func TestOneKeyIsOneMessage(t *testing.T) {
	story(t, func(w *world) {
		w.deposit(li, "payment", w.pay(li))
		m := order(li)
		m.IdempotencyKey = "order-1019-accepted"
		first, second := w.send(m), w.send(m)
		if first.ID != second.ID || !second.Replayed {
			w.Errorf("%s, then %s (replayed %v)", first.ID, second.ID, second.Replayed)
		}
		m.Data["keyword1"] = client.Value{Value: "已送达"}
		if _, err := w.Send(w.ctx(), m); problem(err) != "idempotency_key_reused" {
			w.Errorf("other content under the same key: %v", err)
		}
		w.cards(1)
	})
}

func problem(err error) string {
	if p, ok := err.(*client.Problem); ok {
		return p.Code
	}
	return ""
}

// Whatever WeChat calls it when a token is no good: one renewal, and the
// message goes out once.
func TestADeadTokenIsRenewedOnce(t *testing.T) {
	story(t, func(w *world) {
		w.until("lists", func() bool { return w.template(sandbox.OnceTemplate) != nil }) // they take a token, too
		for i, code := range []int{40014, 42001} {
			w.deposit(li, "form", w.form(li))
			before := w.fetched()
			w.must(w.sandbox.RevokeTokens(sandbox.FirstAppID)) // which is 40001 by itself
			w.phone("POST", "faults", map[string]any{"endpoint": "template/send", "effect": "errcode", "errcode": code, "times": 1})
			w.want(w.send(order(li)), "sent", "")
			if n := w.fetched() - before; n != 1 {
				w.Errorf("%d: %d renewals, want one", code, n)
			}
			if n := w.answers("/cgi-bin/message/wxopen/template/send"); n[code] != 1 || n[0] != i+1 {
				w.Errorf("%d: WeChat answered %v", code, n)
			}
			w.cards(i + 1)
		}
	})
}

func TestARivalKillsTheTokenAndNothingIsLost(t *testing.T) {
	story(t, func(w *world) {
		w.deposit(li, "payment", w.pay(li))
		w.want(w.send(order(li)), "sent", "")
		before := w.answers("/cgi-bin/stable_token")[0]
		w.phone("POST", "tokens/revoke", map[string]any{})
		w.want(w.send(order(li)), "sent", "")
		if n := w.answers("/cgi-bin/stable_token")[0] - before; n != 1 {
			w.Errorf("%d renewals, want one", n)
		}
		w.cards(2)
	})
}

func TestADeadFormIDGivesWayToTheNext(t *testing.T) {
	story(t, func(w *world) {
		theirs := w.form(wang) // for another user it is invalid: 41028
		w.deposit(li, "form", theirs)
		good := w.form(li)
		w.deposit(li, "form", good)
		w.want(w.send(order(li)), "sent", "")
		if c := w.cards(1)[0]; c.FormID != good {
			w.Errorf("the card used %s", c.FormID)
		}
		dead := 0
		for p, err := range w.Permits(w.ctx(), client.PermitFilter{To: li, State: "dead"}) {
			w.must(err)
			dead++
			if p.Cause != "invalid" {
				w.Errorf("it died of %s", p.Cause)
			}
		}
		if dead != 1 {
			w.Errorf("%d dead permits, want the one", dead)
		}
	})
}

func TestARestartInTheMiddleLosesNothing(t *testing.T) {
	story(t, func(w *world) {
		n := 300
		if testing.Short() {
			n = 60 // the race detector makes all slower
		}
		w.phone("POST", "faults", map[string]any{"endpoint": "template/send", "effect": "slow", "delay_ms": 50, "times": n})
		batch := make([]client.NewMessage, n)
		for i := range batch {
			batch[i] = order(li)
			batch[i].FormID = w.form(li)
		}
		results, err := w.SendBatch(w.ctx(), batch)
		w.must(err)
		for i, r := range results {
			if r.Error != nil {
				w.Fatalf("message %d: %v", i, r.Error)
			}
		}
		w.stop()
		w.start()
		seen := map[string]bool{}
		for _, c := range w.cards(n) {
			seen[c.FormID] = true
		}
		if len(seen) != n {
			w.Errorf("%d form_ids were used for %d cards", len(seen), n)
		}
		w.until("message at rest", func() bool {
			for m, err := range w.Messages(w.ctx(), client.MessageFilter{}) {
				w.must(err)
				if m.State != "sent" {
					return false
				}
			}
			return true
		})
	})
}

func TestScheduledCanceledExpiredResent(t *testing.T) {
	story(t, func(w *world) {
		w.deposit(li, "payment", w.pay(li))
		later := order(li)
		later.SendAt = time.Now().Add(time.Hour)
		m, err := w.Send(w.ctx(), later)
		w.must(err)
		w.want(m, "scheduled", "")
		m, err = w.Cancel(w.ctx(), m.ID)
		w.must(err)
		w.want(m, "canceled", "canceled")
		if _, err := w.Cancel(w.ctx(), m.ID); problem(err) != "message_at_rest" {
			w.Errorf("canceled twice: %v", err)
		}
		if m, err = w.Send(w.ctx(), later); err != nil {
			w.Fatal(err)
		}
		w.advance(3601)
		w.cards(1)

		again, err := w.Resend(w.ctx(), m.ID)
		w.must(err)
		if again.ID == m.ID {
			w.Error("resend is a new message")
		}
		w.cards(2)

		patient := order(wang)
		patient.Wait = true
		if m, err = w.Send(w.ctx(), patient); err != nil {
			w.Fatal(err)
		}
		w.advance(8 * 24 * 3600)
		w.until("expired message", func() bool {
			m, err = w.Message(w.ctx(), m.ID)
			w.must(err)
			return m.State == "expired" && m.Reason == "deadline"
		})
	})
}

func TestSevenDaysEmptyTheStock(t *testing.T) {
	story(t, func(w *world) {
		w.deposit(li, "form", w.form(li))
		w.deposit(li, "payment", w.pay(li))
		u, err := w.User(w.ctx(), "", li)
		w.must(err)
		if !u.Reachable || u.Permits.Form != 1 || u.Permits.Payment != 3 {
			w.Errorf("in stock: %+v", u)
		}
		w.advance(7 * 24 * 3600)
		w.until("empty stock", func() bool {
			u, err = w.User(w.ctx(), "", li)
			w.must(err)
			return !u.Reachable && u.Permits.Form+u.Permits.Payment == 0
		})
		w.want(w.send(order(li)), "failed", "no_permit")
	})
}

// A lost answer with a form_id: the repeat hears "already used", and that is
// the proof.
func TestALostAnswerIsInferred(t *testing.T) {
	story(t, func(w *world) {
		w.phone("POST", "faults", map[string]any{"endpoint": "template/send", "effect": "drop_response", "times": 1})
		m := order(li)
		m.FormID = w.form(li)
		got := w.send(m)
		w.want(got, "sent", "")
		if got.Evidence != "inferred" || len(w.tried(got)) != 2 {
			w.Errorf("%+v", got)
		}
		w.cards(1)
	})
}

func TestALostRequestIsRepeated(t *testing.T) {
	story(t, func(w *world) {
		w.phone("POST", "faults", map[string]any{"endpoint": "template/send", "effect": "drop_request", "times": 1})
		m := order(li)
		m.FormID = w.form(li)
		got := w.send(m)
		w.want(got, "sent", "")
		if got.Evidence != "answered" {
			w.Errorf("%+v", got)
		}
		w.cards(1)
	})
}
