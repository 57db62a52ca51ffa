package store_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/store/storetest"
)

const shop = "wx0000000000000001"

// kept is a database with an app and messages in the states that a restore
// tells of.
func kept(t *testing.T) (*store.Store, string) {
	t.Helper()
	dsn := storetest.SQLite(t)
	s := storetest.Open(t, dsn, nil)
	now := storetest.Noon
	if err := s.CreateApp(t.Context(), wxnotify.App{ID: shop, Name: "shop", Secret: wxnotify.NewSecret("app-secret"), TokenMode: wxnotify.StableToken, MaxInFlight: 256, CreatedAt: now, UpdatedAt: now}); err != nil {
		t.Fatal(err)
	}
	entries := []wxnotify.Entry{draft(1, wxnotify.Queued), draft(2, wxnotify.Queued), draft(3, wxnotify.Scheduled)}
	if _, err := s.Accept(t.Context(), wxnotify.Now{Real: now, Virtual: now}, entries); err != nil {
		t.Fatal(err)
	}
	return s, strings.TrimPrefix(dsn, "sqlite:")
}

func draft(n int, state wxnotify.State) wxnotify.Entry {
	now := storetest.Noon
	at := now
	if state == wxnotify.Scheduled {
		at = now.Add(time.Hour)
	}
	return wxnotify.Entry{Message: wxnotify.Message{
		ID: fmt.Sprintf("msg_%026d", n), App: shop, To: "oAlice0000000000000000000001", TemplateID: "TEMPLATE", Channel: wxnotify.ChannelTemplate,
		Body: []byte(`{"data":{}}`), OnUnsure: wxnotify.Hold, SendAt: at, ExpiresAt: now.Add(wxnotify.Lasts), CreatedAt: now, UpdatedAt: now, State: state,
	}}
}

// A copy that is made while somebody writes holds everything up to one moment.
func TestABackupIsOfOneMoment(t *testing.T) {
	t.Parallel()
	s, path := kept(t)
	ctx, stop := context.WithCancel(t.Context())
	written := make(chan int, 1)
	go func() {
		n := 0
		for ; ctx.Err() == nil; n++ {
			id := fmt.Sprintf("key_%08d", n)
			if err := s.CreateKey(context.Background(), wxnotify.Key{ID: id, Scopes: []wxnotify.Scope{wxnotify.ScopeSend}, CreatedAt: storetest.Noon}, sha256.Sum256([]byte(id))); err != nil {
				t.Error(err)
				break
			}
		}
		written <- n
	}()
	file := filepath.Join(t.TempDir(), "copy.db")
	for range 5 {
		if err := store.Backup(t.Context(), path, file, nil); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	total := <-written
	var n, last int
	one(t, file, `select count(*), coalesce(max(cast(substr(id, 5) as integer)), -1) + 1 from app_key`, &n, &last)
	if n != last || n > total {
		t.Errorf("the copy has %d keys, the last is number %d; %d were written", n, last, total)
	}
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
	alone(t, file)
}

// alone wants a folder that holds nothing but a file.
func alone(t *testing.T, file string) {
	t.Helper()
	all, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(all) != 1 || all[0].Name() != filepath.Base(file) {
		t.Errorf("the folder holds %v, %v", all, err)
	}
}

func one(t *testing.T, file, query string, dest ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(query).Scan(dest...); err != nil {
		t.Fatal(err)
	}
}

func TestABackupThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	_, path := kept(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	file := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(file, []byte("older"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := store.Backup(ctx, path, file, nil); err == nil {
		t.Error("it was done without a context")
	}
	alone(t, file)
	if b, err := os.ReadFile(file); err != nil || string(b) != "older" {
		t.Errorf("what was there is now %q, %v", b, err)
	}
	if err := store.Backup(t.Context(), path, path, nil); err == nil || !strings.Contains(err.Error(), "the database itself") {
		t.Errorf("got %v", err)
	}
}

func TestARestoredDatabaseIsWholeAndPaused(t *testing.T) {
	t.Parallel()
	s, path := kept(t)
	file := filepath.Join(t.TempDir(), "copy.db")
	if err := store.Backup(t.Context(), path, file, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Restore(t.Context(), file, path, storetest.MasterKey, true, nil); err == nil || !strings.Contains(err.Error(), "in use by another wxnotify process") {
		t.Errorf("over a database in use: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Restore(t.Context(), file, path, storetest.MasterKey, false, nil); !errors.Is(err, store.ErrNotEmpty) {
		t.Errorf("over a database: %v", err)
	}
	r, err := store.Restore(t.Context(), file, path, storetest.MasterKey, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := store.Pending{App: shop, Queued: 2, Scheduled: 1}
	if len(r.Pending) != 1 || r.Pending[0] != want || !r.Newest.Equal(storetest.Noon) {
		t.Errorf("got %+v", r)
	}
	again := storetest.Open(t, "sqlite:"+path, nil)
	app, err := again.App(t.Context(), shop)
	if err != nil || app.Secret.Reveal() != "app-secret" {
		t.Errorf("the app's secret: %v", err)
	}
	ps, err := again.Pauses(t.Context(), shop)
	if err != nil || len(ps) != 1 || ps[0].Scope != "all" || ps[0].Reason != store.ByOperator || !ps[0].Until.IsZero() {
		t.Errorf("got %+v, %v", ps, err)
	}
	if old := storetest.Open(t, "sqlite:"+r.Kept, nil); old.Ping(t.Context()) != nil {
		t.Error("the old database was not kept")
	}
}

// A log or a journal of a database that is gone is none of the restored one's.
func TestWhatIsLeftOfADatabaseStaysOutOfTheRestoredOne(t *testing.T) {
	t.Parallel()
	for name, rest := range map[string]func(path string) error{
		"the database is gone":  os.Remove,
		"the database is empty": func(path string) error { return os.Truncate(path, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, path := kept(t)
			file := filepath.Join(t.TempDir(), "copy.db")
			if err := store.Backup(t.Context(), path, file, nil); err != nil {
				t.Fatal(err)
			}
			if err := s.CreateApp(t.Context(), wxnotify.App{ID: "wx0000000000000002", Name: "later", TokenMode: wxnotify.StableToken, MaxInFlight: 1}); err != nil {
				t.Fatal(err)
			}
			stale, err := os.ReadFile(path + "-wal")
			if err != nil || len(stale) == 0 {
				t.Fatalf("%d bytes, %v", len(stale), err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := rest(path); err != nil {
				t.Fatal(err)
			}
			for _, tail := range []string{"-wal", "-journal"} {
				if err := os.WriteFile(path+tail, stale, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			r, err := store.Restore(t.Context(), file, path, storetest.MasterKey, false, nil)
			if err != nil {
				t.Fatal(err)
			}
			var apps int
			var sound string
			one(t, path, `select count(*) from app`, &apps)
			one(t, path, `pragma integrity_check`, &sound)
			if apps != 1 || sound != "ok" {
				t.Errorf("%d apps were restored; %s", apps, sound)
			}
			base := strings.TrimSuffix(r.Kept, "-journal")
			for _, tail := range []string{"-wal", "-journal"} {
				if b, err := os.ReadFile(base + tail); err != nil || !bytes.Equal(b, stale) {
					t.Errorf("%s of what was left is not kept (%s): %v", tail, r.Kept, err)
				}
				if _, err := os.Stat(path + tail); err == nil && tail == "-journal" {
					t.Errorf("%s is still there", tail)
				}
			}
		})
	}
}

// Whatever is wrong with a backup, nothing is written.
func TestWhatCannotBeRestored(t *testing.T) {
	t.Parallel()
	_, path := kept(t)
	good := filepath.Join(t.TempDir(), "good.db")
	if err := store.Backup(t.Context(), path, good, nil); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	spoilt := append([]byte(nil), content...)
	for i := len(spoilt) / 3; i < len(spoilt)*2/3; i++ {
		spoilt[i] ^= 0x55
	}
	for name, c := range map[string]struct {
		content []byte
		change  string // SQL on the file
		key     []byte
		want    string
	}{
		"another master key": {content, "", make([]byte, 32), "the master key does not belong"},
		"half a file":        {content[:len(content)/2], "", storetest.MasterKey, "cannot be restored"},
		"flipped bits":       {spoilt, "", storetest.MasterKey, "cannot be restored"},
		"no database":        {[]byte("a letter"), "", storetest.MasterKey, "cannot be restored"},
		"somebody else's":    {content, `drop table goose_db_version`, storetest.MasterKey, "not a database of wxnotify"},
		"of tomorrow":        {content, `insert into goose_db_version (version_id, is_applied) values (99999, 1)`, storetest.MasterKey, "newer wxnotify"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "copy.db")
			if err := os.WriteFile(file, c.content, 0o600); err != nil {
				t.Fatal(err)
			}
			if c.change != "" {
				change(t, file, c.change)
			}
			to := filepath.Join(t.TempDir(), "new.db")
			_, err := store.Restore(t.Context(), file, to, c.key, false, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
			alone(t, to+".lock")
		})
	}
}

func change(t *testing.T, file, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}
