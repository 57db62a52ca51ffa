package doctor_test

import (
	"database/sql"
	"encoding/hex"
	"log/slog"
	"strings"
	"testing"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/doctor"
	"github.com/wxnotify/wxnotify/server"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// found is what a doctor says of a database, by check.
func found(t *testing.T, dsn string, zh bool) map[string]doctor.Line {
	t.Helper()
	conf := server.Config{Database: wxnotify.NewSecret(dsn), MasterKey: wxnotify.NewSecret(hex.EncodeToString(storetest.MasterKey))}.Defaults()
	all := map[string]doctor.Line{}
	doctor.New(slog.New(slog.DiscardHandler), conf, zh, func(l doctor.Line) {
		if l.State == doctor.Wrong && (l.Text == "" || strings.Contains(l.Text, "%!")) {
			t.Errorf("%s: %q", l.Check, l.Text)
		}
		all[l.Check] = l
	}).Run(t.Context())
	return all
}

func TestADatabaseThatIsInUse(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		dsn := db(t)
		storetest.Open(t, dsn, nil)
		all := found(t, dsn, false)
		for _, check := range []string{"settings", "database", "clock", "schema", "master key", "apps"} {
			if all[check].State != doctor.OK {
				t.Errorf("%s: %+v", check, all[check])
			}
		}
	})
}

// The tests' PostgreSQL does not flush, and that is found out.
func TestADatabaseThatMayLoseWhatWasAccepted(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var fsync string
	if err := db.QueryRow(`show fsync`).Scan(&fsync); err != nil {
		t.Fatal(err)
	}
	want := map[string]doctor.State{"off": doctor.Wrong, "on": doctor.OK}[fsync]
	if l := found(t, dsn, true)["durability"]; l.State != want {
		t.Errorf("fsync is %s: %+v", fsync, l)
	}
}

func TestTablesOfAnotherVersion(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change string
		want   doctor.State
	}{
		"older":                  {`delete from goose_db_version where version_id > 1`, doctor.Wrong},
		"newer":                  {`insert into goose_db_version (version_id, is_applied) values (99999, 1)`, doctor.OK},
		"in the midst of a move": {`create table wxnotify_move (name text)`, doctor.Wrong},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := storetest.SQLite(t)
			s, err := storetest.TryOpen(t, dsn, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			db, err := sql.Open("sqlite", strings.TrimPrefix(dsn, "sqlite:"))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec(c.change); err != nil {
				t.Fatal(err)
			}
			if l := found(t, dsn, true)["schema"]; l.State != c.want {
				t.Errorf("got %+v", l)
			}
		})
	}
}
