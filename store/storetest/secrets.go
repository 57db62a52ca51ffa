package storetest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
)

var secretsKept = map[string]func(*testing.T, Database){
	"no secret, content or code is in the bytes of the database": func(t *testing.T, db Database) {
		dsn := db(t)
		s, err := TryOpen(t, dsn, nil)
		if err != nil {
			t.Fatal(err)
		}
		w := &world{TB: t, Store: s, dsn: dsn, now: wxnotify.Now{Real: Noon, Virtual: Noon}, app: theApp}
		canary := func(name string) string { return "CANARY" + name + "CANARY0123456789" }
		w.same(w.CreateApp(ctx, wxnotify.App{ID: theApp, Secret: wxnotify.NewSecret(canary("app")), CreatedAt: Noon, UpdatedAt: Noon,
			Callback: wxnotify.Callback{Token: wxnotify.NewSecret(canary("callback")), AESKey: wxnotify.NewSecret(canary("aes"))}}), nil)
		w.same(w.CreateKey(ctx, wxnotify.Key{ID: "key_1"}, wxnotify.KeyHash(canary("key"))), nil)
		w.same(w.CreateSession(ctx, wxnotify.KeyHash(canary("session")), wxnotify.Session{App: theApp, To: alice, SessionKey: wxnotify.NewSecret(canary("sessionkey")), ExpiresAt: Noon.Add(time.Hour)}), nil)
		must(w.UseLoginCode(ctx, theApp, wxnotify.KeyHash(canary("login")), Noon, Noon.Add(time.Hour)))
		must(w.SaveToken(ctx, theApp, wxnotify.Token{Value: wxnotify.NewSecret(canary("token")), Gen: 1}, 0))
		must(w.DropToken(ctx, theApp, 1))
		must(w.SaveToken(ctx, theApp, wxnotify.Token{Value: wxnotify.NewSecret(canary("token2")), Gen: 2}, 1))
		w.deposit(w.form(canary("form")), wxnotify.Deposit{Source: wxnotify.Payment, Code: canary("pay"), GivenAt: Noon})
		w.accept(w.draft(formID(canary("named")), key(canary("idem"), "1"), func(e *wxnotify.Entry) {
			e.Message.Body = []byte(canary("body"))
			e.Message.Meta = map[string]string{"visible": "CONTROLMETA"}
		}))
		w.settle(w.claim1(), busy)
		w.settle(w.claim1(), ok)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		stored := Everything(t, dsn)
		for _, control := range []string{"CONTROLMETA", alice, theApp} {
			if !bytes.Contains(stored, []byte(control)) {
				t.Errorf("%s is not found: the test does not see", control)
			}
		}
		for _, name := range []string{"app", "callback", "aes", "key", "session", "sessionkey", "login", "token", "token2", "form", "pay", "named", "idem", "body"} {
			c := canary(name)
			for _, form := range []string{c, url.QueryEscape(c), hex.EncodeToString([]byte(c)), base64.StdEncoding.EncodeToString([]byte(c))[:20]} {
				if bytes.Contains(stored, []byte(form)) {
					t.Errorf("%s is in the database, as %s", name, form)
				}
			}
		}
		if bytes.Contains(stored, MasterKey) || bytes.Contains(stored, []byte(hex.EncodeToString(MasterKey))) {
			t.Error("the master key is in the database")
		}
	},
	"a row that cannot be read whole stops no other": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)), w.form(form(2)))
		a, b := w.send(), w.send()
		d := raw(t, w.dsn)
		defer d.Close()
		if _, err := d.Exec(`update message set meta = '{' where id = $1`, a); err != nil {
			t.Fatal(err)
		}
		c := w.claim(10)
		w.same([]any{len(c.Tries), c.Tries[0].Message.ID}, []any{1, b})
		w.same(c.Rest, []wxnotify.Rest{{App: w.app, ID: a, To: alice, State: wxnotify.Failed, Reason: wxnotify.ReasonInternal}})
	},
	"what was moved to another row does not open": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)), w.form(form(2)))
		a, b := w.send(), w.send()
		d := raw(t, w.dsn)
		defer d.Close()
		if _, err := d.Exec(`update message set body = (select body from message where id = $1) where id = $2`, a, b); err != nil {
			t.Fatal(err)
		}
		_, err := w.Message(ctx, w.app, b)
		if err == nil || !strings.Contains(err.Error(), "does not open") {
			t.Errorf("got %v", err)
		}
		c := w.claim(10) // one bad row does not stop the others
		w.same([]any{len(c.Tries), c.Tries[0].Message.ID, len(c.Rest)}, []any{1, a, 1})
		w.same(c.Rest[0], wxnotify.Rest{App: w.app, ID: b, To: alice, State: wxnotify.Failed, Reason: wxnotify.ReasonInternal})
		w.have(alice, "bound", "free")
	},
}

// Everything is all bytes of a SQLite database and its journals, or all rows
// of a PostgreSQL one.
func Everything(t testing.TB, dsn string) []byte {
	t.Helper()
	path, lite := strings.CutPrefix(dsn, "sqlite:")
	if !lite {
		return []byte(strings.Join(dump(t, dsn), "\n"))
	}
	var all []byte
	files, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}
