package api_test

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/api"
	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// session logs a user in.
func (h *house) session(openid string) string {
	h.t.Helper()
	code, err := h.sb.Login(h.app, openid)
	h.must(err)
	s, err := h.c.Login(h.t.Context(), h.app, code)
	h.must(err)
	return s.Token
}

func TestACodeLogsInOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h, ctx := build(t, db, nil), t.Context()
		code, err := h.sb.Login(h.app, h.user)
		h.must(err)
		s, err := h.c.Login(ctx, h.app, code)
		h.must(err)
		_, err = h.c.Login(ctx, h.app, code)
		h.refused(err, wxnotify.CodeRejected)
		if n := h.asked("jscode2session"); n != 1 {
			t.Errorf("WeChat was asked %d times", n)
		}
		_, err = h.sb.AddFault(sandbox.Fault{Endpoint: "jscode2session", Effect: "drop_request"})
		h.must(err)
		code, err = h.sb.Login(h.app, h.user)
		h.must(err)
		_, err = h.c.Login(ctx, h.app, code)
		h.refused(err, wxnotify.UpstreamUnavailable)

		// Sessions are not keys, keys are not sessions, and both end.
		h.refused(last(client.New(h.url, s.Token, client.Tries(1)).Apps(ctx)), wxnotify.Unauthenticated)
		_, err = h.c.MPMe(ctx, masterKey)
		h.refused(err, wxnotify.Unauthenticated)
		_, err = h.c.MPMe(ctx, s.Token)
		h.must(err)
		h.ahead.Store(int64(wxnotify.SessionLasts + time.Minute))
		_, err = h.c.MPMe(ctx, s.Token)
		h.refused(err, wxnotify.Unauthenticated)
	})
}

// DevTools have one code and one form_id for everybody.
func TestASandboxAppTakesWhatDevToolsGive(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h, ctx, on := build(t, db, nil), t.Context(), true
		_, err := h.c.Login(ctx, h.app, wxnotify.MockLoginCode)
		h.refused(err, wxnotify.CodeRejected)
		_, err = h.c.ChangeApp(ctx, h.app, client.AppSettings{Sandbox: &on})
		h.must(err)
		for i := range 2 {
			s, err := h.c.Login(ctx, h.app, wxnotify.MockLoginCode)
			h.must(err)
			rs, err := h.c.MPPermits(ctx, s.Token, []client.MPPermit{
				{ID: fmt.Sprint("f", i), Source: "form", Code: "the formId is a mock one"},
				{ID: fmt.Sprint("p", i), Source: "payment", Code: fmt.Sprint("wx20141110163950000000", i)},
				{ID: fmt.Sprint("e", i), Source: "form"},
			})
			h.must(err)
			if !s.Sandbox || rs[0].Created != 1 || rs[1].Created != 3 || rs[2].Error == nil || rs[2].Error.Code != "form_id_mock" {
				t.Errorf("got %+v, %+v", s, rs)
			}
		}
	})
}

func TestUploadedItemsStandAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h, ctx := build(t, db, nil), t.Context()
		_, err := h.c.SyncTemplates(ctx, h.app)
		h.must(err)
		theirs, mine := h.session(h.others[0]), h.session(h.user)
		code := h.form(h.user)
		_, err = h.c.MPPermits(ctx, theirs, []client.MPPermit{{ID: "a", Source: "form", Code: code}})
		h.must(err)
		fresh := h.form(h.user)
		rs, err := h.c.MPPermits(ctx, mine, []client.MPPermit{
			{ID: "1", Source: "form", Code: fresh},
			{ID: "2", Source: "form", Code: fresh},
			{ID: "3", Source: "form", Code: "the formId is a mock one"},
			{ID: "4", Source: "form"},
			{ID: "5", Source: "form", Code: code},
			{ID: "6", Source: "form", Code: "22d907226dcd4542afb8829fa5e20768", AgeSeconds: 8 * 24 * 3600},
			{ID: "7", Source: "payment", Code: "wx201411101639507cbf6ffd8b0779950874"},
			{ID: "8", Source: "subscribe", TemplateID: h.subscribe[0], Result: "accept"},
			{ID: "9", Source: "subscribe", TemplateID: h.subscribe[2], Result: "accept"},
			{ID: "10", Source: "subscribe", TemplateID: h.subscribe[1], Result: "reject"},
			{ID: "11", Source: "subscribe", TemplateID: h.template, Result: "accept"},
			{ID: "12", Source: "subscribe", TemplateID: h.subscribe[0]},
			{ID: "13", Source: "lottery"},
			{ID: "", Source: "form", Code: "0123456789"},
		})
		h.must(err)
		for i, want := range map[int]int{0: 1, 1: 0, 7: 1, 8: 1, 9: 0} {
			if rs[i].Error != nil || rs[i].Created != want || rs[i].ID != strconv.Itoa(i+1) {
				t.Errorf("item %d: got %+v, want %d", i+1, rs[i], want)
			}
		}
		for i, want := range map[int]wxnotify.Code{
			2: wxnotify.FormIDMock, 3: wxnotify.FormIDMock, 4: wxnotify.PermitConflict, 5: wxnotify.PermitExpired, 6: wxnotify.PaymentNotAllowed,
			10: wxnotify.ChannelInvalid, 11: wxnotify.FieldRequired, 12: wxnotify.FieldInvalid, 13: wxnotify.FieldRequired,
		} {
			if p := rs[i].Error; p == nil || p.Code != string(want) {
				t.Errorf("item %d: got %+v, want %s", i+1, p, want)
			}
		}
		me, err := h.c.MPMe(ctx, mine)
		h.must(err)
		if me.Permits.Form != 1 || me.Permits.Subscribe[h.subscribe[0]] != 1 || len(me.Permits.Longterm) != 1 || me.Permits.Payment != 0 ||
			me.Said[h.subscribe[1]] != "reject" || me.Said[h.subscribe[0]] != "accept" {
			t.Errorf("got %+v", me)
		}
		// The same upload once more, as after a lost answer:
		rs, err = h.c.MPPermits(ctx, mine, []client.MPPermit{{ID: "8", Source: "subscribe", TemplateID: h.subscribe[0], Result: "accept"}})
		if err != nil || rs[0].Created != 0 || rs[0].Error != nil {
			t.Errorf("got %+v, %v", rs, err)
		}
	})
}

func TestTheOpenIDComesFromTheSession(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h := build(t, db, nil)
		auth := map[string]string{"Authorization": "Bearer " + h.session(h.user)}
		for _, body := range []string{
			`{"openid":"` + h.others[0] + `","permits":[{"id":"1","source":"form","code":"0123456789"}]}`,
			`{"permits":[{"id":"1","source":"form","code":"0123456789"},{"id":"2","touser":"` + h.others[0] + `","source":"form","code":"0123456780"}]}`,
		} {
			status, _, p := h.send(request{"POST", "/mp/v1/permits", body, auth})
			if status != 422 || p["code"] != "openid_not_allowed" {
				t.Errorf("got %d %v", status, p)
			}
		}
		_, _, out := h.send(request{"POST", "/mp/v1/permits", `{"permits":[{"id":"lost","source":"form","colour":"red"},{"id":7}]}`, auth})
		if got := fmt.Sprint(out); !strings.Contains(got, "id:lost") || !strings.Contains(got, "code:unknown_field") || !strings.Contains(got, "code:type_mismatch") {
			t.Errorf("an item that cannot be read keeps its id: %v", out)
		}
		u, err := h.c.User(t.Context(), "", h.user)
		h.must(err)
		if u.Permits.Form != 0 {
			t.Errorf("a part of a refused upload was kept: %+v", u)
		}
		for _, n := range []int{0, 51} {
			items := make([]client.MPPermit, n)
			_, err := h.c.MPPermits(t.Context(), auth["Authorization"][len("Bearer "):], items)
			h.refused(err, wxnotify.BatchSizeInvalid)
		}
	})
}

func TestAFloodOfFormIDsIsDammed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h, ctx := build(t, db, nil), t.Context()
		s := h.session(h.user)
		upload := func(from, n int) []client.MPResult {
			items := make([]client.MPPermit, n)
			for i := range items {
				items[i] = client.MPPermit{ID: strconv.Itoa(from + i), Source: "form", Code: fmt.Sprintf("22d907226dcd4542afb8829f%08d", from+i)}
			}
			rs, err := h.c.MPPermits(ctx, s, items)
			h.must(err)
			return rs
		}
		upload(0, 49)
		rs := upload(49, 2)
		if rs[0].Created != 1 || rs[1].Error == nil || rs[1].Error.Code != "too_many_permits" {
			t.Errorf("got %+v", rs)
		}
		var err error
		for i := 0; err == nil && i < 30; i++ {
			_, err = h.c.MPPermits(ctx, s, []client.MPPermit{{ID: "x", Source: "payment", Code: "0123456789"}})
		}
		if p := h.refused(err, wxnotify.RateLimited); p.RetryAfter < time.Second || p.RetryAfter > 4*time.Second {
			t.Errorf("retry after %s", p.RetryAfter)
		}
		// Another user is not touched.
		if _, err := h.c.MPPermits(ctx, h.session(h.others[0]), []client.MPPermit{{ID: "x", Source: "form", Code: "0123456789"}}); err != nil {
			t.Errorf("another user: %v", err)
		}
	})
}

// The limit per address sees through trusted proxies, and only through them.
func TestAnAddressBehindAProxy(t *testing.T) {
	t.Parallel()
	h := build(t, storetest.SQLite, nil, func(o *api.Options) { o.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	ask := func(forwarded string) int {
		status, _, _ := h.send(request{method: "GET", path: "/mp/v1/me", header: map[string]string{"X-Forwarded-For": forwarded}})
		return status
	}
	status := 0
	for i := 0; status != 429 && i < 2000; i++ {
		status = ask(fmt.Sprintf("198.51.100.%d, 203.0.113.9", i%250)) // what the client itself says does not count
	}
	if status != 429 {
		t.Fatalf("never dammed: %d", status)
	}
	// Time lets a little through; the dam of another address would let all of it.
	dammed := false
	for range 20 {
		dammed = dammed || ask("203.0.113.9:4711") == 429
	}
	if !dammed {
		t.Error("with a port it counts as another address")
	}
	for _, other := range []string{"203.0.113.10", "2001:db8::1", "203.0.113.9, 203.0.113.11", ""} {
		if status := ask(other); status != 401 {
			t.Errorf("%q: got %d", other, status)
		}
	}
}
