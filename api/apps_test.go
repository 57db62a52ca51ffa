package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/store/storetest"
)

func TestSecretsOfAppsGoInAndNeverComeOut(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h, ctx := build(t, db, nil), t.Context()
		secret, tok, aes, name, plain, on, n := "CANARYsecret", "CANARYtoken", strings.Repeat("CANARYkey", 5)[:43], "外卖", "plain", true, 7
		a, err := h.c.CreateApp(ctx, client.NewApp{ID: "wx2222222222222222", AppSettings: client.AppSettings{
			Secret: &secret, Name: &name, MaxInFlight: &n, Callback: &client.CallbackSettings{Token: &tok, EncodingAESKey: &aes},
		}})
		h.must(err)
		if a.Name != name || a.MaxInFlight != 7 || a.TokenMode != "stable" || !a.Callback.Configured || a.Callback.Mode != "safe" || a.CreatedAt.IsZero() || len(a.Pauses) != 0 {
			t.Errorf("got %+v", a)
		}
		a, err = h.c.ChangeApp(ctx, a.ID, client.AppSettings{MPPayments: &on, Callback: &client.CallbackSettings{Mode: &plain}})
		h.must(err)
		if !a.MPPayments || a.Name != name || a.MaxInFlight != 7 || a.Callback.Mode != "plain" || !a.Callback.Configured {
			t.Errorf("got %+v", a)
		}
		stored, err := h.store.App(ctx, a.ID)
		h.must(err)
		if stored.Secret.Reveal() != secret || stored.Callback.Token.Reveal() != tok || stored.Callback.AESKey.Reveal() != aes {
			t.Error("the secrets were lost on the way")
		}
		for _, path := range []string{"/v1/apps", "/v1/apps/" + a.ID} {
			if _, _, out := h.send(request{method: "GET", path: path}); strings.Contains(fmt.Sprint(out), "CANARY") {
				t.Errorf("%s shows a secret: %v", path, out)
			}
		}
		if strings.Contains(h.logs.String(), "CANARY") {
			t.Error("a secret was logged")
		}
		h.must(h.c.DeleteApp(ctx, a.ID))
		_, err = h.c.App(ctx, a.ID)
		h.refused(err, wxnotify.AppUnknown)
		h.refused(h.c.DeleteApp(ctx, a.ID), wxnotify.AppUnknown)
	})
}

func TestListsHavePages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h, ctx, secret := build(t, db, nil), t.Context(), "s"
		for i := range 4 {
			_, err := h.c.CreateApp(ctx, client.NewApp{ID: fmt.Sprintf("wx222222222222222%d", i), AppSettings: client.AppSettings{Secret: &secret}})
			h.must(err)
		}
		var ids []any
		path := "/v1/apps?limit=2"
		for path != "" {
			_, _, out := h.send(request{method: "GET", path: path})
			data := out["data"].([]any)
			for _, a := range data {
				ids = append(ids, a.(map[string]any)["appid"])
			}
			if path = ""; out["next_cursor"] != nil {
				path = "/v1/apps?limit=2&cursor=" + out["next_cursor"].(string)
			}
		}
		if len(ids) != 5 || ids[0] != "wx2222222222222223" || ids[4] != h.app {
			t.Errorf("got %v", ids)
		}
	})
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h, ctx := build(t, db, nil), t.Context()
		a, err := h.c.PauseApp(ctx, h.app, "all")
		h.must(err)
		if len(a.Pauses) != 1 || a.Pauses[0].Scope != "all" || a.Pauses[0].Reason != "operator" || !a.Pauses[0].Until.IsZero() || a.Pauses[0].Since.IsZero() {
			t.Errorf("got %+v", a.Pauses)
		}
		h.deposit(client.NewPermit{To: h.user, Source: "form", Code: h.form(h.user)})
		m, err := h.c.Send(ctx, h.message())
		h.must(err)
		if a, err = h.c.ResumeApp(ctx, h.app, "all"); err != nil || len(a.Pauses) != 0 {
			t.Errorf("got %+v, %v", a, err)
		}
		until(t, func() bool { m, err = h.c.Message(ctx, m.ID); h.must(err); return m.AtRest() })
		if m.State != "sent" {
			t.Errorf("got %+v", m)
		}
		if _, err = h.c.ResumeApp(ctx, h.app, "all"); err != nil {
			t.Errorf("once more: %v", err)
		}
	})
}

func TestTemplatesComeFromWeChat(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h, ctx := build(t, db, nil), t.Context()
		rs, err := h.c.SyncTemplates(ctx, h.app)
		h.must(err)
		if len(rs) != 2 || rs[0].Channel != "template" || rs[0].Templates != 1 || rs[1].Templates != 3 || rs[0].Error != nil || rs[1].Error != nil {
			t.Errorf("got %+v", rs)
		}
		alias := "accepted"
		put, err := h.c.PutTemplate(ctx, h.template, client.PutTemplate{Alias: &alias, Channel: "template"})
		h.must(err)
		if put.Alias != alias || put.Title != "接单通知" || len(put.Keywords) != 5 || put.SyncedAt.IsZero() {
			t.Errorf("got %+v", put)
		}
		var ids []string
		for have, err := range h.c.Templates(ctx, "") {
			h.must(err)
			if ids = append(ids, have.ID); have.ID == h.template && have.Alias != alias {
				t.Errorf("got %+v", have)
			}
		}
		if len(ids) != 4 || !slices.IsSorted(ids) {
			t.Errorf("got %v", ids)
		}
		m := h.message()
		m.TemplateID = alias
		card, err := h.c.Preview(ctx, m)
		h.must(err)
		if card.TemplateID != h.template || card.Title != "接单通知" || card.Emphasis != "keyword1" || len(card.Rows) != 5 || card.Rows[0].Name != "状态" || card.Rows[0].Value != "已接单" {
			t.Errorf("got %+v", card)
		}
		m.Data["keyword1"] = client.Value{}
		_, err = h.c.Preview(ctx, m)
		h.refused(err, wxnotify.TemplateValueEmpty)
		if _, seq := h.sb.Cards(ctx, sandbox.CardQuery{}); seq != 0 {
			t.Error("a preview was sent")
		}
	})
}

// One list may be gone, or WeChat away: then what is unknown is left to WeChat,
// and WeChat is not asked again for a minute.
func TestUnknownTemplatesWhereTheListsCannotBeHad(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h, ctx := build(t, db, nil), t.Context()
		_, err := h.sb.AddFault(sandbox.Fault{Endpoint: "template/list", Effect: "errcode", Errcode: 45103})
		h.must(err)
		m := h.message()
		m.TemplateID, m.Wait = "of-nobody", true
		for range 3 {
			_, err = h.c.Send(ctx, m)
			h.must(err)
		}
		if n := h.asked("gettemplate"); n != 1 {
			t.Errorf("WeChat was asked %d times", n)
		}
		rs, err := h.c.SyncTemplates(ctx, "")
		h.must(err)
		if p := rs[0].Error; p == nil || p.Code != "upstream_refused" || p.WeChat == nil || p.WeChat.Errcode != 45103 || rs[1].Error != nil {
			t.Errorf("got %+v", rs)
		}
	})
}

// asked counts the calls to WeChat whose path ends so.
func (h *house) asked(tail string) (n int) {
	all, _ := h.sb.Requests(0, 10_000)
	for _, r := range all {
		if strings.HasSuffix(r.Path, tail) {
			n++
		}
	}
	return n
}
