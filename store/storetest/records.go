package storetest

import (
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
)

var records = map[string]func(*testing.T, Database){
	"apps come back with their secrets": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		a := wxnotify.App{ID: "wx0000000000000003", Name: "外卖", Secret: wxnotify.NewSecret("s1"), Sandbox: true, MPPayments: true, Rate: 5, MaxInFlight: 7,
			DailyQuota: 9, StockLow: 10, TokenMode: wxnotify.ClassicToken, CreatedAt: Noon, UpdatedAt: Noon,
			Callback: wxnotify.Callback{Token: wxnotify.NewSecret("t"), AESKey: wxnotify.NewSecret("k"), Mode: "safe"}}
		w.same(w.CreateApp(ctx, a), nil)
		w.refused(w.CreateApp(ctx, a), wxnotify.AppExists)
		got := must(w.App(ctx, a.ID))
		w.same([]any{got == a, got.Secret.Reveal(), got.Callback.AESKey.Reveal()}, []any{true, "s1", "k"})
		a.Name, a.Secret, a.UpdatedAt, a.Sandbox = "new", wxnotify.NewSecret("s2"), Noon.Add(time.Hour), false
		a.StockLow = 11
		w.same(w.UpdateApp(ctx, a), nil)
		if got := must(w.App(ctx, a.ID)); got != a {
			t.Errorf("got %+v", got)
		}
		if all := must(w.Apps(ctx)); len(all) != 2 || all[1] != a {
			t.Errorf("got %+v", all)
		}
		w.same(w.DeleteApp(ctx, a.ID), nil)
		_, err := w.App(ctx, a.ID)
		w.refused(err, wxnotify.AppUnknown)
		w.refused(w.DeleteApp(ctx, a.ID), wxnotify.AppUnknown)
		w.refused(w.UpdateApp(ctx, a), wxnotify.AppUnknown)
	},
	"keys": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		k := wxnotify.Key{ID: "key_1", Name: "shop", Scopes: []wxnotify.Scope{wxnotify.ScopeSend, wxnotify.ScopeRead}, App: w.app, Rate: 3, ExpiresAt: Noon.Add(time.Hour), CreatedAt: Noon}
		hash := wxnotify.KeyHash("wxn_x")
		w.same(w.CreateKey(ctx, k, hash), nil)
		w.same(must(w.KeyByHash(ctx, hash)), k)
		_, err := w.KeyByHash(ctx, wxnotify.KeyHash("wxn_y"))
		w.refused(err, wxnotify.NotFound)
		w.same(w.TouchKey(ctx, k.ID, Noon.Add(time.Minute)), nil)
		w.same(w.TouchKey(ctx, k.ID, Noon), nil)
		k.LastUsed = Noon.Add(time.Minute)
		w.same(must(w.Keys(ctx)), []wxnotify.Key{k})
		w.same(w.RevokeKey(ctx, k.ID), nil)
		first := must(w.KeyByHash(ctx, hash)).RevokedAt
		w.same(first.IsZero(), false)
		w.same(w.RevokeKey(ctx, k.ID), nil)
		w.same(must(w.KeyByHash(ctx, hash)).RevokedAt, first)
		w.refused(w.RevokeKey(ctx, "key_2"), wxnotify.NotFound)
	},
	"sessions and login codes": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		v := wxnotify.Session{App: w.app, To: alice, SessionKey: wxnotify.NewSecret("sk"), ExpiresAt: Noon.Add(time.Hour)}
		hash := wxnotify.KeyHash("session")
		w.same(w.CreateSession(ctx, hash, v), nil)
		got := must(w.SessionByHash(ctx, hash, Noon))
		w.same([]any{got == v, got.SessionKey.Reveal()}, []any{true, "sk"})
		_, err := w.SessionByHash(ctx, hash, Noon.Add(time.Hour))
		w.refused(err, wxnotify.NotFound)
		code := wxnotify.KeyHash("code")
		for _, c := range []struct {
			app  string
			at   time.Time
			want bool
		}{{w.app, Noon, true}, {w.app, Noon.Add(time.Minute), false}, {"wx0000000000000002", Noon, true}, {w.app, Noon.Add(5 * time.Minute), true}} {
			w.same(must(w.UseLoginCode(ctx, c.app, code, c.at, c.at.Add(5*time.Minute))), c.want)
		}
	},
	"templates": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		byHand := wxnotify.Template{App: w.app, ID: "T1", Alias: "order", Channel: wxnotify.ChannelTemplate, Title: "接单通知", Keywords: []wxnotify.Keyword{{Key: "keyword1", Name: "状态"}}}
		w.same(w.PutTemplate(ctx, byHand), nil)
		listed := []wxnotify.Template{{ID: "T2", Title: "a", Kind: wxnotify.KindOnce}, {ID: "T3", Title: "b", Kind: wxnotify.KindLongterm}}
		w.same(len(must(w.SyncTemplates(ctx, w.app, wxnotify.ChannelSubscribe, listed, Noon))), 0)
		two := must(w.Template(ctx, w.app, "T2"))
		two.Alias = "invite"
		w.same(w.PutTemplate(ctx, two), nil)
		less := []wxnotify.Template{{ID: "T2", Title: "c"}}
		w.same(must(w.SyncTemplates(ctx, w.app, wxnotify.ChannelSubscribe, less, Noon.Add(time.Minute))), []string{"T3"})
		w.same(len(must(w.SyncTemplates(ctx, w.app, wxnotify.ChannelSubscribe, less, Noon.Add(time.Hour)))), 0) // told once
		w.same(must(w.Template(ctx, w.app, "order")), byHand)
		w.same(must(w.Template(ctx, w.app, "invite")), wxnotify.Template{App: w.app, ID: "T2", Alias: "invite", Channel: wxnotify.ChannelSubscribe, Title: "c", SyncedAt: Noon.Add(time.Hour)})
		w.same(must(w.Template(ctx, w.app, "T3")).Gone, true)
		w.same(len(must(w.Templates(ctx, w.app))), 3)
		for _, id := range []string{"", "T9"} {
			_, err := w.Template(ctx, w.app, id)
			w.refused(err, wxnotify.TemplateUnknown)
		}
	},
	"tokens move by compare-and-set": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.same(must(w.LoadToken(ctx, w.app)), wxnotify.Token{})
		lease := func(at time.Time) bool { return must(w.LeaseRenewal(ctx, w.app, at, 30*time.Second)) }
		w.same([]bool{lease(Noon), lease(Noon), lease(Noon.Add(30 * time.Second))}, []bool{true, false, true})
		must(0, w.EndRenewal(ctx, w.app, Noon)) // somebody else's
		w.same(lease(Noon.Add(31*time.Second)), false)
		must(0, w.EndRenewal(ctx, w.app, Noon.Add(time.Minute)))
		w.same(lease(Noon.Add(31*time.Second)), true)
		one := wxnotify.Token{Value: wxnotify.NewSecret("one"), ExpiresAt: Noon.Add(2 * time.Hour), Gen: 1, By: "node", At: Noon}
		w.same(must(w.SaveToken(ctx, w.app, one, 0)), true)
		w.same(must(w.SaveToken(ctx, w.app, one, 0)), false)
		if got := must(w.LoadToken(ctx, w.app)); got != one {
			t.Errorf("got %+v", got)
		}
		w.same(lease(Noon.Add(31*time.Second)), true) // the save ended the lease
		w.same(must(w.DropToken(ctx, w.app, 0)), false)
		w.same(must(w.DropToken(ctx, w.app, 1)), true)
		w.same(must(w.DropToken(ctx, w.app, 1)), false)
		got := must(w.LoadToken(ctx, w.app))
		w.same([]any{got.Value.IsZero(), got.Gen, got.Dead == wxnotify.KeyHash("one")}, []any{true, int64(1), true})
		w.same(must(w.SaveToken(ctx, w.app, wxnotify.Token{Value: wxnotify.NewSecret("two"), Gen: 2}, 1)), true)
		got = must(w.LoadToken(ctx, w.app))
		w.same([]any{got.Value.Reveal(), got.Dead == wxnotify.KeyHash("one")}, []any{"two", true})
	},
}
