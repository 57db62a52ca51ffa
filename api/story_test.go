package api_test

import (
	"slices"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// A user logs in, submits a form, and the message is on the phone.
func TestFromLoginToCard(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h, ctx := build(t, db, nil), t.Context()
		code, err := h.sb.Login(h.app, h.user)
		h.must(err)
		s, err := h.c.Login(ctx, h.app, code)
		h.must(err)
		if s.OpenID != h.user || s.ExpiresIn != 604800 || s.Limits.SubscribeIDs != 5 || s.Sandbox {
			t.Errorf("got %+v", s)
		}
		rs, err := h.c.MPPermits(ctx, s.Token, []client.MPPermit{{ID: "1", Source: "form", Code: h.form(h.user), AgeSeconds: 3}})
		h.must(err)
		if rs[0].ID != "1" || rs[0].Created != 1 || rs[0].Error != nil {
			t.Fatalf("got %+v", rs[0])
		}
		me, err := h.c.MPMe(ctx, s.Token)
		h.must(err)
		if me.To != h.user || !me.Reachable || me.Permits.Form != 1 || me.NextExpiry.IsZero() {
			t.Errorf("got %+v", me)
		}
		m, err := h.c.SendAndWait(ctx, h.message(), 20*time.Second)
		h.must(err)
		if m.State != "sent" || m.Evidence != "answered" || len(m.Attempts) != 1 || m.Permit == nil || m.Permit.Source != "form" ||
			m.Page != "pages/order/detail?id=1019" || m.Data["keyword1"].Value != "已接单" || m.Emphasis != "keyword1.DATA" {
			t.Fatalf("got %+v", m)
		}
		if a := m.Attempts[0]; a.Outcome != "accepted" || a.Errcode == nil || *a.Errcode != 0 || a.Permit != m.Permit.ID || a.FinishedAt.IsZero() {
			t.Errorf("got %+v", a)
		}
		cards, _ := h.sb.Cards(ctx, sandbox.CardQuery{AppID: h.app})
		if len(cards) != 1 || cards[0].Openid != h.user || cards[0].Rows[0].Value != "已接单" || *cards[0].Rows[0].Color != "#173177" {
			t.Errorf("got %+v", cards)
		}
		// And with nothing left in stock:
		if m, err = h.c.SendAndWait(ctx, h.message(), 20*time.Second); err != nil || m.State != "failed" || m.Reason != "no_permit" {
			t.Errorf("got %+v, %v", m, err)
		}
	})
}

func TestOneIdempotencyKeyIsOneMessage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h, ctx := build(t, db, nil), t.Context()
		m := h.message()
		m.IdempotencyKey, m.Wait = "order-1019", true
		m.SendAt = time.Now().Add(time.Hour).Truncate(time.Second)
		first, err := h.c.Send(ctx, m)
		h.must(err)
		if first.Replayed || first.State != "scheduled" || !first.SendAt.Equal(m.SendAt) {
			t.Errorf("got %+v", first)
		}
		again, err := h.c.Send(ctx, m)
		h.must(err)
		if !again.Replayed || again.ID != first.ID {
			t.Errorf("got %+v", again)
		}
		other := m
		other.Page = "pages/index"
		_, err = h.c.Send(ctx, other)
		h.refused(err, wxnotify.IdempotencyReused)

		// Its time has come: the same request can no longer be checked, and is still answered.
		h.ahead.Store(int64(2 * time.Hour))
		late, err := h.c.Send(ctx, m)
		h.must(err)
		if !late.Replayed || late.ID != first.ID {
			t.Errorf("got %+v", late)
		}
		_, err = h.c.Send(ctx, other)
		h.refused(err, wxnotify.IdempotencyReused)
		m.IdempotencyKey = "order-1020"
		_, err = h.c.Send(ctx, m)
		h.refused(err, wxnotify.SendAtPast)
	})
}

func TestBatchItemsStandAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h, ctx := build(t, db, nil), t.Context()
		good, bad, twice := h.message(), h.message(), h.message()
		bad.To = "no"
		twice.IdempotencyKey = "k1"
		rs, err := h.c.SendBatch(ctx, []client.NewMessage{good, bad, twice, twice})
		h.must(err)
		if len(rs) != 4 || rs[0].ID == "" || rs[2].ID == "" || rs[2].ID != rs[3].ID || rs[0].ID == rs[2].ID {
			t.Errorf("got %+v", rs)
		}
		if p := rs[1].Error; p == nil || p.Code != "openid_invalid" || p.Errors[0].Field != "messages[1].touser" || p.RequestID == "" {
			t.Errorf("got %+v", rs[1].Error)
		}
		var ids []string
		for m, err := range h.c.Messages(ctx, client.MessageFilter{PageSize: 1}) {
			h.must(err)
			ids = append(ids, m.ID)
		}
		if want := []string{rs[0].ID, rs[2].ID}; len(ids) != 2 || !slices.Contains(ids, want[0]) || !slices.Contains(ids, want[1]) {
			t.Errorf("got %v, want %v", ids, want)
		}
		status, _, _ := h.send(request{"POST", "/v1/messages/batch", `{"messages":[{}]}`, map[string]string{"Idempotency-Key": "k"}})
		if status != 400 {
			t.Errorf("the header in a batch: got %d", status)
		}
	})
}

func TestCancelResendResolve(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h, ctx := build(t, db, nil), t.Context()
		m := h.message()
		m.Wait, m.Meta = true, map[string]string{"order": "1019"}
		w, err := h.c.Send(ctx, m)
		h.must(err)
		_, err = h.c.Resolve(ctx, w.ID, true)
		h.refused(err, wxnotify.MessageResolved)
		done, err := h.c.Cancel(ctx, w.ID)
		h.must(err)
		if done.State != "canceled" || done.Reason != "canceled" || done.Meta["order"] != "1019" {
			t.Errorf("got %+v", done)
		}
		_, err = h.c.Cancel(ctx, w.ID)
		h.refused(err, wxnotify.MessageAtRest)
		again, err := h.c.Resend(ctx, w.ID)
		h.must(err)
		if again.ID == w.ID || again.Data["keyword3"].Value != "张一山" {
			t.Errorf("got %+v", again)
		}
		for _, f := range []func() error{
			func() error { _, err := h.c.Cancel(ctx, "msg_none"); return err },
			func() error { _, err := h.c.Resend(ctx, "msg_none"); return err },
			func() error { _, err := h.c.Resolve(ctx, "msg_none", true); return err },
			func() error { _, err := h.c.Message(ctx, "msg_none"); return err },
			func() error { _, err := h.c.Message(ctx, "a/../b\x00"); return err },
		} {
			h.refused(f(), wxnotify.NotFound)
		}
		var found int
		for m, err := range h.c.Messages(ctx, client.MessageFilter{Meta: map[string]string{"order": "1019"}, State: "canceled", To: h.user, Channel: "template"}) {
			h.must(err)
			if found++; m.ID != w.ID {
				t.Errorf("got %s", m.ID)
			}
		}
		if found != 1 {
			t.Errorf("found %d", found)
		}
	})
}

// A permit names its template as a message does: by its id or an alias, which
// may be a classic template's as well. What it gives is the template's to say.
func TestAPermitNamesItsTemplateByAnAlias(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h, ctx := build(t, db, nil), t.Context()
		_, err := h.c.SyncTemplates(ctx, h.app)
		h.must(err)
		both, classic := "order.accepted", "classic"
		for id, channel := range map[string]string{h.template: "template", h.subscribe[0]: "subscribe"} {
			_, err := h.c.PutTemplate(ctx, id, client.PutTemplate{Alias: &both, Channel: channel})
			h.must(err)
		}
		permits := []client.NewPermit{
			{To: h.user, Source: "subscribe", TemplateID: both},
			{To: h.user, Source: "subscribe", TemplateID: h.subscribe[2]},
			{To: h.user, Source: "subscribe", TemplateID: h.template},
			{To: h.user, Source: "subscribe", TemplateID: "nobody.knows"},
		}
		rs, err := h.c.DepositPermits(ctx, h.app, permits)
		h.must(err)
		for i, want := range []wxnotify.Code{"", "", wxnotify.ChannelInvalid, wxnotify.TemplateUnknown} {
			p := rs[i].Error
			if want == "" && (p != nil || rs[i].Created != 1) || want != "" && (p == nil || p.Code != string(want)) {
				t.Errorf("item %d: got %+v, %+v, want %q", i, rs[i], p, want)
			}
		}
		u, err := h.c.User(ctx, "", h.user)
		h.must(err)
		if u.Permits.Subscribe[h.subscribe[0]] != 1 || !slices.Equal(u.Permits.Longterm, []string{h.subscribe[2]}) {
			t.Errorf("got %+v", u.Permits)
		}
		_, err = h.c.PutTemplate(ctx, h.template, client.PutTemplate{Alias: &classic, Channel: "template"})
		h.must(err)
		rs, err = h.c.DepositPermits(ctx, h.app, []client.NewPermit{{To: h.user, Source: "subscribe", TemplateID: classic}})
		h.must(err)
		if p := rs[0].Error; p == nil || p.Code != string(wxnotify.ChannelInvalid) {
			t.Errorf("by a classic template's alias: got %+v", rs[0])
		}
	})
}

func TestPermitsInAndOut(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h, ctx := build(t, db, nil), t.Context()
		code := h.form(h.user)
		rs, err := h.c.DepositPermits(ctx, h.app, []client.NewPermit{
			{To: h.user, Source: "form", Code: code, AgeSeconds: 12},
			{To: h.user, Source: "form", Code: code},
			{To: h.user, Source: "payment", Code: "wx201411101639507cbf6ffd8b0779950874"},
			{ID: "own-1", To: h.user, Source: "subscribe", TemplateID: h.subscribe[0], Count: 2},
			{ID: "own-1", To: h.user, Source: "subscribe", TemplateID: h.subscribe[0], Count: 2},
			{To: h.user, Source: "longterm", TemplateID: h.subscribe[2]},
			{To: h.user, Source: "form", Code: "the formId is a mock one"},
			{To: h.others[0], Source: "form", Code: code},
			{To: h.user, Source: "form", Code: "22d907226dcd4542afb8829fa5e20768", AgeSeconds: 8 * 24 * 3600},
			{To: "x", Source: "lottery"},
		})
		h.must(err)
		for i, want := range []int{1, 0, 3, 2, 0, 1} {
			if rs[i].Created != want || rs[i].Error != nil {
				t.Errorf("item %d: got %+v, want %d", i, rs[i], want)
			}
		}
		for i, want := range map[int]wxnotify.Code{6: wxnotify.FormIDMock, 7: wxnotify.PermitConflict, 8: wxnotify.PermitExpired, 9: wxnotify.OpenIDInvalid} {
			if p := rs[i].Error; p == nil || p.Code != string(want) || p.Status != 422 {
				t.Errorf("item %d: got %+v, want %s", i, p, want)
			}
		}
		u, err := h.c.User(ctx, "", h.user)
		h.must(err)
		if !u.Reachable || u.Permits.Form != 1 || u.Permits.Payment != 3 || u.Permits.Subscribe[h.subscribe[0]] != 2 || !slices.Equal(u.Permits.Longterm, []string{h.subscribe[2]}) {
			t.Errorf("got %+v", u)
		}
		stranger, err := h.c.User(ctx, "", "oNobodyAtAll")
		h.must(err)
		if stranger.Reachable || stranger.Permits.Form != 0 || !stranger.NextExpiry.IsZero() {
			t.Errorf("got %+v", stranger)
		}
		var n int
		for p, err := range h.c.Permits(ctx, client.PermitFilter{To: h.user, Source: "payment", State: "free", PageSize: 2}) {
			h.must(err)
			if n++; n == 1 {
				h.must(h.c.DeletePermit(ctx, "", p.ID))
			}
		}
		if u, err = h.c.User(ctx, "", h.user); err != nil || n != 3 || u.Permits.Payment != 2 {
			t.Errorf("%d in the list, then %+v, %v", n, u, err)
		}
		h.refused(h.c.DeletePermit(ctx, "", "prm_none"), wxnotify.NotFound)
	})
}

// A permit is dated and judged by one reading of the clock, however far the
// clock leaps while the request is under way.
func TestPermitOfThisMomentIsInTime(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h := build(t, db, nil)
		h.leap.Store(int64(8 * 24 * time.Hour))
		rs, err := h.c.DepositPermits(t.Context(), h.app, []client.NewPermit{{To: h.user, Source: "form", Code: h.form(h.user)}})
		h.leap.Store(0)
		h.must(err)
		if rs[0].Created != 1 || rs[0].Error != nil {
			t.Errorf("got %+v", rs[0])
		}
	})
}
