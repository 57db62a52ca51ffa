package store_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/store/storetest"
)

func TestANewMasterKeyOpensWhatTheOldOneDid(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		dsn := db(t)
		s, err := storetest.TryOpen(t, dsn, nil)
		if err != nil {
			t.Fatal(err)
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		now := wxnotify.Now{Real: planTime, Virtual: planTime}
		must(s.CreateApp(ctx, wxnotify.App{ID: planApp, Secret: wxnotify.NewSecret("secret")}))
		must(s.CreateWebhook(ctx, wxnotify.Webhook{ID: "whk_1", URL: "https://example.com/in", Secret: wxnotify.NewSecret("whsec")}))
		m := queued(1)
		_, err = s.Accept(ctx, now, []wxnotify.Entry{{Message: m, Key: "k", FormID: "form-00000001"}})
		must(err)
		fresh := bytes.Repeat([]byte{7}, 32)
		opt := store.Options{DSN: dsn, MasterKey: storetest.MasterKey, Node: "command", Patience: time.Minute}
		log := slog.New(slog.DiscardHandler)
		if err := store.RotateMaster(ctx, log, opt, fresh); err == nil || !strings.Contains(err.Error(), "running") && !strings.Contains(err.Error(), "in use") {
			t.Errorf("beside a running node: %v", err)
		}
		must(s.Close())
		wrong := opt
		wrong.MasterKey = bytes.Repeat([]byte{9}, 32)
		if err := store.RotateMaster(ctx, log, wrong, fresh); err == nil || !strings.Contains(err.Error(), "the master key does not belong") {
			t.Errorf("with a wrong key: %v", err)
		}
		must(store.RotateMaster(ctx, log, opt, fresh))

		if _, err := storetest.TryOpen(t, dsn, nil); err == nil || !strings.Contains(err.Error(), "the master key does not belong") {
			t.Errorf("the old key: %v", err)
		}
		s = storetest.Open(t, dsn, func(o *store.Options) { o.MasterKey = fresh })
		a, err := s.App(ctx, planApp)
		must(err)
		h, err := s.Webhook(ctx, "whk_1")
		must(err)
		if a.Secret.Reveal() != "secret" || h.Secret.Reveal() != "whsec" || h.URL != "https://example.com/in" {
			t.Error("a secret is lost")
		}
		got, err := s.Message(ctx, planApp, m.ID)
		must(err)
		if string(got.Body) != "{}" {
			t.Errorf("the message says %q", got.Body)
		}
		if _, _, known, err := s.Replay(ctx, planApp, "k"); !known || err != nil {
			t.Errorf("the idempotency key is forgotten: %v", err)
		}
		c, err := s.Claim(ctx, now, time.Minute, []wxnotify.Want{{App: planApp, N: 1}})
		must(err)
		if len(c.Tries) != 1 || c.Tries[0].Permit.Code != "form-00000001" {
			t.Errorf("got %+v", c)
		}
		// What lasts is under the new key, what goes by itself under the old one.
		keys := store.SealKeys(t, s, `select secret from app`, `select code from permit`, `select secret from webhook`)
		if keys[0] == keys[1] || keys[0] != keys[2] {
			t.Error("a secret is still under the old key")
		}
		lines, _, err := s.Audits(ctx, wxnotify.AuditFilter{})
		must(err)
		if len(lines) != 1 || lines[0].Action != wxnotify.AuditMasterRotate || lines[0].Actor != wxnotify.ActorCommand {
			t.Errorf("got %+v", lines)
		}
	})
}
