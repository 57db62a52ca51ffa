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
	"sync"
	"sync/atomic"
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
	opt := store.Options{DSN: dsn, MasterKey: MasterKey, Node: "node:8080"}
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

var template struct {
	sync.Once
	name string
	err  error
}

var made atomic.Int64

// Postgres is a database on the server that the environment names, copied from
// one that was migrated once. Without a server the test fails: half of the
// suite is not the suite.
func Postgres(t testing.TB) string {
	t.Helper()
	server := os.Getenv(Variable)
	if server == "" {
		t.Fatalf("%s is not set: `make test` starts a PostgreSQL and sets it; `make postgres` starts one for you alone", Variable)
	}
	admin, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { admin.Close() })
	template.Do(func() { template.name, template.err = makeTemplate(admin, server) })
	if template.err != nil {
		t.Fatal(template.err)
	}
	name := fmt.Sprintf("wxn_test_%d_%d", os.Getpid(), made.Add(1))
	if _, err := admin.Exec("create database " + name + " template " + template.name + ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec("drop database " + name + " with (force)"); err != nil {
			t.Log(err)
		}
	})
	return inDatabase(server, name)
}

// makeTemplate migrates a database that the others are copied from. It stays
// behind, like a compiler's cache; its name is the schema's.
func makeTemplate(admin *sql.DB, server string) (string, error) {
	conn, err := admin.Conn(context.Background())
	if err != nil {
		return "", err
	}
	defer conn.Close()
	const lock = 0x77786e0009 // packages are tested at the same time
	if _, err := conn.ExecContext(context.Background(), "select pg_advisory_lock($1)", int64(lock)); err != nil {
		return "", err
	}
	defer func() { _, _ = conn.ExecContext(context.Background(), "select pg_advisory_unlock($1)", int64(lock)) }()
	name := "wxn_template_" + store.SchemaSum()
	var have bool
	if err := conn.QueryRowContext(context.Background(), "select exists (select 1 from pg_database where datname = $1)", name).Scan(&have); err != nil || have {
		return name, err
	}
	if _, err := conn.ExecContext(context.Background(), "create database "+name); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := store.Migrate(ctx, inDatabase(server, name)); err != nil {
		_, _ = conn.ExecContext(context.Background(), "drop database "+name)
		return "", err
	}
	return name, nil
}

func inDatabase(server, name string) string {
	u, err := url.Parse(server)
	if err != nil {
		panic(err)
	}
	u.Path = "/" + name
	return u.String()
}
