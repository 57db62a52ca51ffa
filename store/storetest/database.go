// Package storetest is the contract of package store as a suite that runs on
// every database that it supports, with nothing switched off, and what tests of
// other rooms need to have a database of their own.
package storetest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx

	"github.com/wxnotify/wxnotify/store"
)

// A Database makes an empty database for one test, gone after it, and returns
// its DSN.
type Database func(t testing.TB) string

// Databases are the supported ones, by name.
var Databases = map[string]Database{"sqlite": SQLite, "postgres": Postgres}

// MasterKey opens what tests seal.
var MasterKey = func() []byte { k := sha256.Sum256([]byte("storetest")); return k[:] }()

// Each runs f as a subtest on each database.
func Each(t *testing.T, f func(t *testing.T, db Database)) {
	t.Helper()
	for name, db := range Databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, db)
		})
	}
}

// Open opens a store and closes it after the test. change may be nil.
func Open(t testing.TB, dsn string, change func(*store.Options)) *store.Store {
	t.Helper()
	s, err := TryOpen(t, dsn, change)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// TryOpen opens a store for a test that closes it itself.
func TryOpen(t testing.TB, dsn string, change func(*store.Options)) (*store.Store, error) {
	t.Helper()
	opt := store.Options{DSN: dsn, MasterKey: MasterKey, Node: "node:8080", Patience: time.Minute}
	if change != nil {
		change(&opt)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return store.Open(ctx, slog.New(slog.DiscardHandler), opt)
}

// SQLite is a file in a folder of the test.
func SQLite(t testing.TB) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "wxnotify.db")
}

// Variable holds the DSN of a PostgreSQL whose user may create databases.
const Variable = "WXNOTIFY_TEST_POSTGRES"

// Postgres is a database on the server that the environment names. Making one
// takes longer than most tests, so they stay and are emptied for the next test;
// a lock of the test's own session says that one is in use. Without a server
// the test fails: half of the suite is not the suite.
func Postgres(t testing.TB) string {
	t.Helper()
	server := os.Getenv(Variable)
	if server == "" {
		t.Fatalf("%s is not set: `make test` starts a PostgreSQL and sets it; `make postgres` starts one for you alone", Variable)
	}
	dsn, release, err := borrow(server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return dsn
}

func borrow(server string) (dsn string, release func(), err error) {
	admin, err := sql.Open("pgx", server)
	if err != nil {
		return "", nil, err
	}
	admin.SetMaxOpenConns(1) // one session, whose end is the end of its locks
	release = func() { admin.Close() }
	for i := 1; ; i++ {
		var mine bool
		if err := admin.QueryRow("select pg_try_advisory_lock($1)", 0x77786e1000+int64(i)).Scan(&mine); err != nil {
			release()
			return "", nil, err
		}
		if mine {
			dsn, err = empty(admin, server, fmt.Sprintf("wxn_test_%s_%d", store.SchemaSum(), i))
			if err != nil {
				release()
			}
			return dsn, release, err
		}
	}
}

// empty returns a migrated database of this name without a row.
func empty(admin *sql.DB, server, name string) (dsn string, err error) {
	dsn = inDatabase(server, name)
	var have bool
	if err := admin.QueryRow("select exists (select 1 from pg_database where datname = $1)", name).Scan(&have); err != nil {
		return "", err
	}
	if !have {
		if _, err := admin.Exec("create database " + name); err != nil {
			return "", err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if !have {
		return dsn, store.Migrate(ctx, dsn)
	}
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return "", err
	}
	defer db.Close()
	// Deleting a few rows is faster than truncating; a big table stays big.
	var statements string
	if err := db.QueryRowContext(ctx, `select string_agg(
			case when relname = 'wxnotify_move' then 'drop table ' when pg_relation_size(c.oid) > 1000000 then 'truncate ' else 'delete from ' end || quote_ident(relname), '; ')
		from pg_class c where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> 'goose_db_version'`).Scan(&statements); err != nil {
		return "", err
	}
	_, err = db.ExecContext(ctx, statements)
	return dsn, err
}

func inDatabase(server, name string) string {
	u, err := url.Parse(server)
	if err != nil {
		panic(err)
	}
	u.Path = "/" + name
	return u.String()
}
