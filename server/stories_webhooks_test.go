package server_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
)

// A shop receives events as any receiver would: with the public library.
type shop struct {
	*httptest.Server
	mu     sync.Mutex
	secret string
	down   bool
	got    []event
}

type event struct {
	Type string
	Data struct {
		ID, App, State, Reason, Evidence, Scope string
		To                                      string `json:"touser"`
		Meta                                    map[string]string
		Count                                   int
	}
	id, raw string
	parent  string // the header traceparent
}

func (w *world) shop() *shop {
	s := &shop{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.posted.add("the shop", fmt.Sprint(r.Header, string(body)))
		s.mu.Lock()
		defer s.mu.Unlock()
		v, err := standardwebhooks.NewWebhook(s.secret)
		if err == nil {
			err = v.Verify(body, r.Header)
		}
		var e event
		if err == nil {
			err = json.Unmarshal(body, &e)
		}
		if err != nil || s.down {
			http.Error(rw, "not now", http.StatusServiceUnavailable)
			return
		}
		e.id, e.raw, e.parent = r.Header.Get(standardwebhooks.HeaderWebhookID), string(body), r.Header.Get("Traceparent")
		s.got = append(s.got, e)
	}))
	w.Cleanup(s.Close)
	return s
}

// told waits for events of these types, in this order.
func (w *world) told(s *shop, types ...string) []event {
	w.Helper()
	var got []event
	w.until("events "+strings.Join(types, ", "), func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		got = slices.Clone(s.got)
		return len(got) >= len(types)
	})
	for i, e := range got {
		if i >= len(types) || e.Type != types[i] {
			w.Fatalf("event %d is %+v, want %v", i, e, types)
		}
	}
	return got
}

func webhookWorld(t *testing.T, f func(w *world, s *shop)) {
	story(t, func(w *world) {
		w.stop()
		w.conf.WebhookAllow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		w.start()
		f(w, w.shop())
	})
}

// A message is sent, and the shop hears of it: signed, once, with what it needs
// to find its order again and nothing that was on the card.
func TestTheShopIsToldWhatBecameOfItsMessages(t *testing.T) {
	webhookWorld(t, func(w *world, s *shop) {
		s.mu.Lock()
		hook, err := w.CreateWebhook(w.ctx(), client.NewWebhook{URL: s.URL + "/wxnotify?token=t0ken"})
		w.must(err)
		s.secret = hook.Secret
		s.mu.Unlock()
		w.deposit(li, "form", w.form(li))
		w.told(s, "permit.created")
		m := order(li)
		m.Meta = map[string]string{"order": "1019"}
		sent := w.send(m)
		e := w.told(s, "permit.created", "message.sent")[1]
		if e.Data.ID != sent.ID || e.Data.State != "sent" || e.Data.Evidence != "answered" || e.Data.To != li || e.Data.Meta["order"] != "1019" || e.Data.App != sandbox.FirstAppID {
			w.Errorf("%+v", e)
		}
		if strings.Contains(e.raw, "张一山") {
			w.Errorf("what is on the card is in the event: %s", e.raw)
		}
		w.want(w.send(order(li)), "failed", "no_permit")
		_, err = w.PauseApp(w.ctx(), sandbox.FirstAppID, "all")
		w.must(err)
		w.told(s, "permit.created", "message.sent", "message.failed", "app.paused")
		for d, err := range w.Deliveries(w.ctx(), hook.ID, "") {
			w.must(err)
			w.until("the delivery of "+d.Type, func() bool {
				for now, err := range w.Deliveries(w.ctx(), hook.ID, "delivered") {
					w.must(err)
					if now.ID == d.ID {
						return now.Answer.Status == 200 && now.Attempts == 1
					}
				}
				return false
			})
		}
	})
}

// An app that runs out of permits says so.
func TestTheShopIsToldThatPermitsRunOut(t *testing.T) {
	webhookWorld(t, func(w *world, s *shop) {
		s.mu.Lock()
		hook, err := w.CreateWebhook(w.ctx(), client.NewWebhook{URL: s.URL, Types: []string{"stock.low"}})
		w.must(err)
		s.secret = hook.Secret
		s.mu.Unlock()
		w.deposit(li, "form", w.form(li))
		three := 3
		app, err := w.ChangeApp(w.ctx(), sandbox.FirstAppID, client.AppSettings{StockLow: &three})
		w.must(err)
		if app.StockLow != 3 {
			w.Errorf("stock_low is %d", app.StockLow)
		}
		got := w.told(s, "stock.low")[0].raw
		if want := `"data":{"app":"` + sandbox.FirstAppID + `","template_id":null,"free":1,"stock_low":3}`; !strings.Contains(got, want) {
			w.Errorf("%s, want %s", got, want)
		}
	})
}

// The shop is closed, the server restarts, the secret changes: nothing is lost,
// and the ids tell what is a repeat.
func TestNothingIsLostWhileTheShopIsClosed(t *testing.T) {
	webhookWorld(t, func(w *world, s *shop) {
		s.mu.Lock()
		hook, err := w.CreateWebhook(w.ctx(), client.NewWebhook{URL: s.URL, Types: []string{"message.sent"}})
		w.must(err)
		s.secret, s.down = hook.Secret, true
		s.mu.Unlock()
		w.deposit(li, "form", w.form(li))
		w.send(order(li))
		w.until("a first attempt", func() bool {
			for d, err := range w.Deliveries(w.ctx(), hook.ID, "pending") {
				w.must(err)
				return d.Answer != nil && d.Answer.Status == 503 && strings.Contains(d.Answer.Body, "not now")
			}
			return false
		})
		w.stop()
		s.mu.Lock()
		s.down = false
		s.mu.Unlock()
		w.start()
		first := w.told(s, "message.sent")[0]
		yes := true
		turned, err := w.ChangeWebhook(w.ctx(), hook.ID, client.WebhookChange{RotateSecret: &yes})
		w.must(err)
		_, err = w.ResendDelivery(w.ctx(), hook.ID, first.id) // verified with the old secret
		w.must(err)
		if again := w.told(s, "message.sent", "message.sent")[1]; again.id != first.id || again.raw != first.raw {
			w.Errorf("%+v came again as %+v", first, again)
		}
		s.mu.Lock()
		s.secret = turned.Secret
		s.mu.Unlock()
		_, err = w.ResendDelivery(w.ctx(), hook.ID, first.id)
		w.must(err)
		w.told(s, "message.sent", "message.sent", "message.sent")
	})
}
