package token

import (
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/store/storetest"
	"github.com/wxnotify/wxnotify/wechat"
)

// Three nodes on one PostgreSQL, over a real network: however many ask, one of
// them fetches; a rival's revocation is mended by one renewal.
func TestNodesOnPostgres(t *testing.T) {
	t.Parallel()
	wx := sandbox.Start(t, sandbox.Options{})
	a := wx.State().Apps[0]
	app := wxnotify.App{ID: a.AppID, Secret: wxnotify.NewSecret(a.Secret)}
	client := wechat.New(wechat.Options{URL: wx.URL})
	t.Cleanup(client.Close)
	dsn := storetest.Postgres(t)
	var nodes []*Keeper
	for _, name := range []string{"a:1", "b:1", "c:1"} {
		s := storetest.Open(t, dsn, func(o *store.Options) { o.Node = name })
		k := New(slog.New(slog.DiscardHandler), s, client, Options{Node: name})
		t.Cleanup(k.Close)
		nodes = append(nodes, k)
	}

	each := func(f func(k *Keeper)) {
		var all sync.WaitGroup
		for _, k := range nodes {
			for range 50 {
				all.Go(func() { f(k) })
			}
		}
		all.Wait()
	}
	get := func(k *Keeper, want int64) {
		v, gen, err := k.Get(t.Context(), app)
		if err != nil || gen != want || v == "" {
			t.Errorf("generation %d, want %d: %v", gen, want, err)
		}
	}
	each(func(k *Keeper) { get(k, 1) })
	if err := wx.RevokeTokens(app.ID); err != nil {
		t.Fatal(err)
	}
	each(func(k *Keeper) {
		if err := k.Drop(t.Context(), app, 1); err != nil {
			t.Error(err)
		}
		get(k, 2)
	})

	v, _, err := nodes[2].Get(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	var refused *wechat.Error
	if _, err := client.Templates(t.Context(), v, wxnotify.ChannelTemplate); errors.As(err, &refused) {
		t.Error(err)
	}
	calls, _ := wx.Requests(0, 1000)
	fetched := 0
	for _, c := range calls {
		if strings.HasSuffix(c.Path, "/stable_token") {
			fetched++
		}
	}
	if fetched != 2 {
		t.Errorf("%d fetches, want 2", fetched)
	}
}
