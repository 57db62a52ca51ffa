package bench

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // PostgreSQL
	_ "modernc.org/sqlite"             // SQLite

	"github.com/wxnotify/wxnotify"
)

// A database is one of the two, empty after make.
type database interface {
	make(ctx context.Context) (dsn string, err error)
	version(ctx context.Context) string
	size(ctx context.Context) int64 // bytes on disk
	pid(ctx context.Context) int    // of its server here, 0 if there is none
	// clone makes n rows like the newest of a table, with some columns changed.
	// The server must be down.
	clone(ctx context.Context, table string, n int, changed map[string]string) error
	drop()
}

// bite is how many rows a transaction of clone writes.
const bite = 100_000

func clone(ctx context.Context, db *sql.DB, table string, n int, changed map[string]string) error {
	rows, err := db.QueryContext(ctx, "select * from "+table+" limit 0") //nolint:gosec // our own tables
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err == nil {
		err = rows.Err()
	}
	if err != nil {
		return err
	}
	_ = rows.Close() // one connection has to do
	values := make([]string, len(columns))
	for i, c := range columns {
		values[i] = "t." + c
		if v, ok := changed[c]; ok {
			values[i] = v
		}
	}
	text := fmt.Sprintf(`insert into %[1]s (%[2]s) with recursive n(i) as (select cast(%%d as bigint) union all select i + 1 from n where i < %%d)
		select %[3]s from (select * from %[1]s order by id desc limit 1) t, n`, table, strings.Join(columns, ", "), strings.Join(values, ", "))
	var newest string
	if err := db.QueryRowContext(ctx, "select max(id) from "+table).Scan(&newest); err != nil {
		return err
	}
	text = strings.Replace(text, "order by id desc limit 1", "where id = $1", 1)
	for from := 0; from < n; from += bite {
		if _, err := db.ExecContext(ctx, fmt.Sprintf(text, from, min(from+bite, n)-1), newest); err != nil {
			return err
		}
	}
	return nil
}

// A sqliteFile is a database in a file.
type sqliteFile struct {
	dir  string
	n    int
	path string
}

func (f *sqliteFile) make(context.Context) (string, error) {
	f.drop()
	f.n++
	f.path = fmt.Sprintf("%s/bench%d.db", f.dir, f.n)
	return "sqlite:" + f.path, nil
}

func (f *sqliteFile) drop() {
	for _, tail := range []string{"", "-wal", "-shm", ".lock", ".key"} {
		_ = os.Remove(f.path + tail)
	}
}

func (f *sqliteFile) version(ctx context.Context) string {
	db, err := f.open()
	if err != nil {
		return "SQLite"
	}
	defer db.Close()
	var v string
	_ = db.QueryRowContext(ctx, "select sqlite_version()").Scan(&v)
	return "SQLite " + v
}

// size counts pages in use, in the log as well.
func (f *sqliteFile) size(ctx context.Context) int64 {
	db, err := f.open()
	if err != nil {
		return 0
	}
	defer db.Close()
	var pages, free, bytes int64
	_ = db.QueryRowContext(ctx, "select page_count, freelist_count, page_size from pragma_page_count, pragma_freelist_count, pragma_page_size").Scan(&pages, &free, &bytes)
	return (pages - free) * bytes
}

func (f *sqliteFile) open() (*sql.DB, error) { return sql.Open("sqlite", f.path) }

func (f *sqliteFile) pid(context.Context) int { return 0 }

func (f *sqliteFile) clone(ctx context.Context, table string, n int, changed map[string]string) error {
	db, err := sql.Open("sqlite", f.path+"?_pragma=synchronous(OFF)&_pragma=cache_size(-262144)")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	return clone(ctx, db, table, n, changed)
}

// A postgres is a database that is made on somebody's server.
type postgres struct {
	at   wxnotify.Secret
	name string
}

func (p *postgres) make(ctx context.Context) (string, error) {
	p.drop()
	p.name = "wxnotify_bench_" + random(4)
	if err := p.exec(ctx, "create database "+p.name); err != nil {
		return "", fmt.Errorf("a database for the measurement cannot be made: %w", err)
	}
	return p.dsn()
}

func (p *postgres) dsn() (string, error) {
	u, err := url.Parse(p.at.Reveal())
	if err != nil {
		return "", fmt.Errorf("--database is no postgres:// address")
	}
	u.Path = "/" + p.name
	return u.String(), nil
}

func (p *postgres) exec(ctx context.Context, text string) error {
	db, err := sql.Open("pgx", p.at.Reveal())
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, text)
	return err
}

func (p *postgres) drop() {
	if p.name == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_ = p.exec(ctx, "drop database if exists "+p.name+" with (force)")
	p.name = ""
}

func (p *postgres) open() (*sql.DB, error) {
	dsn, err := p.dsn()
	if err != nil {
		return nil, err
	}
	return sql.Open("pgx", dsn)
}

func (p *postgres) one(ctx context.Context, text string, out any) error {
	db, err := p.open()
	if err != nil {
		return err
	}
	defer db.Close()
	return db.QueryRowContext(ctx, text).Scan(out)
}

func (p *postgres) version(ctx context.Context) string {
	var v, sync string
	_ = p.one(ctx, "show server_version", &v)
	_ = p.one(ctx, "select current_setting('fsync') || ', synchronous_commit ' || current_setting('synchronous_commit')", &sync)
	return "PostgreSQL " + v + ", fsync " + sync
}

func (p *postgres) size(ctx context.Context) (n int64) {
	_ = p.one(ctx, "select pg_database_size(current_database())", &n)
	return n
}

// pid is the parent of a backend that serves us here.
func (p *postgres) pid(ctx context.Context) int {
	db, err := p.open()
	if err != nil {
		return 0
	}
	defer db.Close()
	var backend int
	if err := db.QueryRowContext(ctx, "select pg_backend_pid()").Scan(&backend); err != nil {
		return 0
	}
	return parent(backend, "postgres")
}

func (p *postgres) clone(ctx context.Context, table string, n int, changed map[string]string) error {
	db, err := p.open()
	if err != nil {
		return err
	}
	defer db.Close()
	return clone(ctx, db, table, n, changed)
}
