package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/api"
	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// key makes a key and a client that uses it.
func (h *house) key(k client.NewKey) (*client.Client, client.CreatedKey) {
	h.t.Helper()
	out, err := h.c.CreateKey(h.t.Context(), k)
	h.must(err)
	return client.New(h.url, out.Text, client.Tries(1)), out
}

func TestAKeyMayWhatItsScopesSay(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h := build(t, db, nil)
		calls := map[string]struct {
			scope string
			call  func(*client.Client) error
		}{
			"send":    {"send", func(c *client.Client) error { _, err := c.Send(t.Context(), client.NewMessage{}); return err }},
			"batch":   {"send", func(c *client.Client) error { _, err := c.SendBatch(t.Context(), nil); return err }},
			"cancel":  {"send", func(c *client.Client) error { _, err := c.Cancel(t.Context(), "msg_1"); return err }},
			"read":    {"read", func(c *client.Client) error { _, err := c.Message(t.Context(), "msg_1"); return err }},
			"list":    {"read", func(c *client.Client) error { return last(c.Messages(t.Context(), client.MessageFilter{})) }},
			"user":    {"read", func(c *client.Client) error { _, err := c.User(t.Context(), "", h.user); return err }},
			"deposit": {"permits", func(c *client.Client) error { _, err := c.DepositPermits(t.Context(), "", nil); return err }},
			"delete":  {"permits", func(c *client.Client) error { return c.DeletePermit(t.Context(), "", "prm_1") }},
			"new app": {"admin", func(c *client.Client) error { _, err := c.CreateApp(t.Context(), client.NewApp{}); return err }},
			"pause":   {"admin", func(c *client.Client) error { _, err := c.PauseApp(t.Context(), h.app, ""); return err }},
			"new key": {"admin", func(c *client.Client) error { _, err := c.CreateKey(t.Context(), client.NewKey{}); return err }},
			"keys":    {"admin", func(c *client.Client) error { return last(c.Keys(t.Context())) }},
			"template": {"admin", func(c *client.Client) error {
				_, err := c.PutTemplate(t.Context(), "x", client.PutTemplate{})
				return err
			}},
		}
		for _, scope := range []string{"send", "permits", "read", "token", "admin"} {
			c, _ := h.key(client.NewKey{Scopes: []string{scope}})
			for name, call := range calls {
				err := call.call(c)
				p, _ := errors.AsType[*client.Problem](err)
				if (p != nil && p.Code == "scope_missing") != (scope != call.scope) {
					t.Errorf("%s with %s: got %v", name, scope, err)
				}
			}
		}
	})
}

// Every route that wants a key wants the scope of its line in the table, and
// lets nobody in without it.
func TestEveryRouteWantsItsScope(t *testing.T) {
	t.Parallel()
	h := build(t, storetest.SQLite, nil)
	nothing := strings.NewReplacer("{appid}", "wx3333333333333333", "{openid}", "o_nobody_0001", "{id}", "x_1", "{delivery}", "x_2")
	keys := map[wxnotify.Scope]string{}
	for _, scope := range wxnotify.Scopes {
		_, k := h.key(client.NewKey{Scopes: []string{string(scope)}})
		keys[scope] = k.Text
	}
	for _, r := range api.Routes() {
		if !r.ByKey {
			continue
		}
		for scope, key := range keys {
			body := ""
			if r.Body {
				body = "{}"
			}
			_, _, p := h.send(request{r.Method, nothing.Replace(r.Path), body, map[string]string{"Authorization": "Bearer " + key}})
			if (p["code"] == string(wxnotify.ScopeMissing)) != (scope != r.Scope) {
				t.Errorf("%s %s with the scope %s: %v", r.Method, r.Path, scope, p)
			}
		}
		_, _, p := h.send(request{r.Method, nothing.Replace(r.Path), "", map[string]string{"Authorization": ""}})
		if p["code"] != string(wxnotify.Unauthenticated) {
			t.Errorf("%s %s without a key: %v", r.Method, r.Path, p)
		}
	}
}

// last runs through a list and returns its error.
func last[T any](list func(func(T, error) bool)) (err error) {
	for _, err = range list {
	}
	return err
}

// neighbours makes a second app beside the house's own, and sends a message
// that waits in the house's own.
func (h *house) neighbours() (theirs client.App, m client.NewMessage, sent client.Message) {
	h.t.Helper()
	secret := "s3cret"
	theirs, err := h.c.CreateApp(h.t.Context(), client.NewApp{ID: "wx2222222222222222", AppSettings: client.AppSettings{Secret: &secret}})
	h.must(err)
	m = h.message()
	m.App, m.Wait = h.app, true
	sent, err = h.c.Send(h.t.Context(), m)
	h.must(err)
	return theirs, m, sent
}

func TestAKeyOfOneAppSeesNoOther(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h, ctx := build(t, db, nil), t.Context()
		theirs, m, sent := h.neighbours()
		_, err := h.c.Send(ctx, h.message())
		h.refused(err, wxnotify.AppRequired)

		secret := "s3cret"
		own, _ := h.key(client.NewKey{Scopes: []string{"send", "permits", "read", "admin"}, App: theirs.ID})
		_, absent := own.Message(ctx, "msg_none")
		_, foreign := own.Message(ctx, sent.ID)
		same(h, absent, foreign, wxnotify.NotFound)
		_, absent = own.Cancel(ctx, "msg_none")
		_, foreign = own.Cancel(ctx, sent.ID)
		same(h, absent, foreign, wxnotify.NotFound)
		_, absent = own.App(ctx, "wx3333333333333333")
		_, foreign = own.App(ctx, h.app)
		same(h, absent, foreign, wxnotify.AppUnknown)
		_, absent = own.User(ctx, "wx3333333333333333", h.user)
		_, foreign = own.User(ctx, h.app, h.user)
		same(h, absent, foreign, wxnotify.AppUnknown)
		_, foreign = own.Send(ctx, m)
		h.refused(foreign, wxnotify.AppUnknown)
		h.refused(last(own.Messages(ctx, client.MessageFilter{App: h.app})), wxnotify.AppUnknown)
		for m, err := range own.Messages(ctx, client.MessageFilter{}) {
			t.Errorf("sees %+v, %v", m, err)
		}
		for a, err := range own.Apps(ctx) {
			if err != nil || a.ID != theirs.ID {
				t.Errorf("sees %+v, %v", a, err)
			}
		}
		_, err = own.CreateApp(ctx, client.NewApp{ID: "wx4444444444444444", AppSettings: client.AppSettings{Secret: &secret}})
		h.refused(err, wxnotify.ScopeMissing)

		// Its keys are those of the app.
		child, err := own.CreateKey(ctx, client.NewKey{Scopes: []string{"read"}})
		h.must(err)
		if child.App != theirs.ID {
			t.Errorf("made a key of %q", child.App)
		}
		_, mine := h.key(client.NewKey{Scopes: []string{"read"}})
		same(h, own.RevokeKey(ctx, "key_none"), own.RevokeKey(ctx, mine.ID), wxnotify.NotFound)
		h.must(own.RevokeKey(ctx, child.ID))
	})
}

// What a key may not see looks like what is not there, whatever it tries with it.
func TestForeignLooksAbsentToEveryCall(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h, ctx := build(t, db, nil), t.Context()
		theirs, _, sent := h.neighbours()
		_, err := h.c.DepositPermits(ctx, h.app, []client.NewPermit{{To: h.others[0], Source: "form", Code: "form-0000000001"}})
		h.must(err)
		permit := ""
		for p, err := range h.c.Permits(ctx, client.PermitFilter{App: h.app}) {
			h.must(err)
			permit = p.ID
		}
		_, k := h.key(client.NewKey{Scopes: []string{"send", "permits", "read", "token", "admin"}, App: theirs.ID})
		const noApp = "wx3333333333333333"
		for _, c := range []struct {
			method, path, body string // X is what is not to be seen
			absent, foreign    string
		}{
			{"GET", "/v1/messages/X", "", "msg_none", sent.ID},
			{"POST", "/v1/messages/X/cancel", "", "msg_none", sent.ID},
			{"POST", "/v1/messages/X/resend", "", "msg_none", sent.ID},
			{"POST", "/v1/messages/X/resolve", `{"state":"sent"}`, "msg_none", sent.ID},
			{"DELETE", "/v1/permits/X", "", "prm_none", permit},
			{"DELETE", "/v1/permits/" + permit + "?app=X", "", noApp, h.app},
			{"GET", "/v1/users/" + h.user + "?app=X", "", noApp, h.app},
			{"DELETE", "/v1/users/" + h.user + "?app=X", "", noApp, h.app},
			{"GET", "/v1/stock?app=X", "", noApp, h.app},
			{"GET", "/v1/stats?app=X", "", noApp, h.app},
			{"GET", "/v1/permits?app=X", "", noApp, h.app},
			{"GET", "/v1/audit?app=X", "", noApp, h.app},
			{"GET", "/v1/templates?app=X", "", noApp, h.app},
			{"POST", "/v1/templates/" + h.template + "/preview", `{"app":"X","data":{"keyword1":"a"}}`, noApp, h.app},
			{"PUT", "/v1/templates/" + h.template, `{"app":"X","alias":"mine","channel":"template","title":"t"}`, noApp, h.app},
			{"DELETE", "/v1/templates/" + h.template + "?app=X", "", noApp, h.app},
			{"POST", "/v1/permits", `{"app":"X","permits":[{"touser":"` + h.user + `","source":"form","code":"form-0000000002"}]}`, noApp, h.app},
			{"GET", "/v1/apps/X", "", noApp, h.app},
			{"PATCH", "/v1/apps/X", `{"name":"mine"}`, noApp, h.app},
			{"DELETE", "/v1/apps/X", "", noApp, h.app},
			{"GET", "/v1/apps/X/access_token", "", noApp, h.app},
			{"POST", "/v1/apps/X/pause", `{"scope":"all"}`, noApp, h.app},
			{"POST", "/v1/apps/X/resume", `{"scope":"all"}`, noApp, h.app},
		} {
			look := func(what string) (int, string) {
				status, _, p := h.send(request{c.method, strings.ReplaceAll(c.path, "X", what), strings.ReplaceAll(c.body, `"X"`, `"`+what+`"`), map[string]string{"Authorization": "Bearer " + k.Text}})
				delete(p, "request_id")
				return status, strings.ReplaceAll(fmt.Sprint(p), what, "X")
			}
			absentStatus, absent := look(c.absent)
			foreignStatus, foreign := look(c.foreign)
			if absentStatus != foreignStatus || absent != foreign || absentStatus < 400 || absentStatus == 422 && !strings.Contains(absent, "unknown") {
				t.Errorf("%s %s: absent %d %s, foreign %d %s", c.method, c.path, absentStatus, absent, foreignStatus, foreign)
			}
		}
		// And nothing came of it.
		if got, err := h.c.App(ctx, h.app); err != nil || len(got.Pauses) > 0 || got.Name == "mine" {
			t.Errorf("it was changed: %+v, %v", got, err)
		}
	})
}

// same wants two errors that cannot be told apart.
func same(h *house, absent, foreign error, code wxnotify.Code) {
	h.t.Helper()
	a, f := h.refused(absent, code), h.refused(foreign, code)
	a.RequestID, f.RequestID = "", ""
	if a.Error() != f.Error() || a.Title != f.Title {
		h.t.Errorf("absent is %v, foreign is %v", a, f)
	}
}

func TestKeysEnd(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h, ctx := build(t, db, nil), t.Context()
		c, k := h.key(client.NewKey{Name: "orders", Scopes: []string{"read"}})
		if !strings.HasPrefix(k.Text, "wxn_") || k.ID == "" || k.Name != "orders" {
			t.Errorf("got %+v", k.Key)
		}
		h.must(last(c.Apps(ctx)))
		h.must(h.c.RevokeKey(ctx, k.ID))
		h.refused(last(c.Apps(ctx)), wxnotify.Unauthenticated) // at once, though it was just remembered

		var listed client.Key
		for have, err := range h.c.Keys(ctx) {
			h.must(err)
			if have.ID == k.ID {
				listed = have
			}
		}
		if listed.RevokedAt.IsZero() || listed.LastUsedAt.IsZero() {
			t.Errorf("got %+v", listed)
		}
		short, _ := h.key(client.NewKey{Scopes: []string{"read"}, ExpiresAt: time.Now().Add(150 * time.Millisecond)})
		h.must(last(short.Apps(ctx)))
		until(t, func() bool { return last(short.Apps(ctx)) != nil })
		h.refused(last(short.Apps(ctx)), wxnotify.Unauthenticated)
	})
}

// until asks until it is so, at most for 10 s.
func until(t *testing.T, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for !so() {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal("it did not come to pass")
		}
	}
}

func TestRateOfAKey(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h := build(t, db, nil)
		c, k := h.key(client.NewKey{Scopes: []string{"read"}, RatePerSecond: 2})
		var err error
		for i := 0; err == nil && i < 100; i++ {
			err = last(c.Apps(t.Context()))
		}
		if p := h.refused(err, wxnotify.RateLimited); p.RetryAfter != time.Second {
			t.Errorf("retry after %s", p.RetryAfter)
		}
		status, header, _ := h.send(request{method: "GET", path: "/v1/apps", header: map[string]string{"Authorization": "Bearer " + k.Text}})
		if status == http.StatusTooManyRequests && header.Get("Retry-After") != "1" {
			t.Errorf("got %v", header)
		}
	})
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	h := build(t, storetest.SQLite, nil)
	for sent, want := range map[string]bool{"order-1019.a_b": true, "": false, "a b": false, "<x>": false, strings.Repeat("x", 129): false} {
		_, header, _ := h.send(request{method: "GET", path: "/v1/apps", header: map[string]string{"X-Request-ID": sent}})
		if got := header.Get("X-Request-ID"); got == "" || (got == sent) != want {
			t.Errorf("sent %q, got %q", sent, got)
		}
	}
}
