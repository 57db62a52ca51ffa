package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// A lite is a SQLite file: one writer that stays open with its prepared
// statements, and a pool of readers. WAL lets them read while it writes.
type lite struct {
	path    string
	db      *sql.DB // readers
	writers *sql.DB
	turn    chan struct{} // holds the writer, or nothing while it is at work
	conn    *sql.Conn
	stmts   map[string]*sql.Stmt
}

var liteDialect = &dialect{
	name:   "sqlite",
	unpack: unpackWith("json_each(%s)", "value ->> %d"),
	kind:   liteKind,
	hot:    liteHot{},

	hasTable: `select exists (select 1 from sqlite_master where type = 'table' and name = $1)`,
	columns: `select m.name, c.name, c.type, c.pk from sqlite_master m join pragma_table_info(m.name) c
		where m.type = 'table' and m.name not like 'sqlite\_%' escape '\' order by m.name, c.pk, c.cid`,
}

// readers is how many may read at once. More would only wait for the cores.
const readers = 8

func openSQLite(ctx context.Context, path string) (base, io.Closer, error) {
	lock, err := lockFile(path)
	if err != nil {
		return nil, nil, err
	}
	if err := private(path); err != nil {
		_ = lock.Close()
		return nil, nil, fmt.Errorf("open %s: %w", path, err)
	}
	b := newLite(path)
	// Checkpoints at 16 MB: pages of indexes over hashes change with every batch,
	// and reach the file once for many of them.
	b.writers, err = sql.Open("sqlite", liteDSN(path, "synchronous(FULL)", "journal_mode(WAL)", "wal_autocheckpoint(4000)", "cache_size(-24576)", "busy_timeout(5000)", "temp_store(MEMORY)"))
	if err == nil {
		b.db, err = sql.Open("sqlite", liteDSN(path, "query_only(1)", "cache_size(-4096)", "busy_timeout(5000)", "temp_store(MEMORY)"))
	}
	if err == nil {
		b.writers.SetMaxOpenConns(1)
		b.db.SetMaxOpenConns(readers)
		b.db.SetMaxIdleConns(readers)
		err = b.connect(ctx)
	}
	if err != nil {
		b.close()
		_ = lock.Close()
		return nil, nil, fmt.Errorf("open %s: %w", path, err)
	}
	return b, lock, nil
}

// newLite is one without connections. Its turn is free: also what is only read
// from is closed when its turn has come.
func newLite(path string) *lite {
	b := &lite{path: path, turn: make(chan struct{}, 1)}
	b.turn <- struct{}{}
	return b
}

// private makes a new file that only its owner may read; SQLite gives its log
// the same mode. The mode of a file that exists is its owner's business.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func liteDSN(path string, pragmas ...string) string {
	q := url.Values{"_pragma": pragmas}
	return (&url.URL{Scheme: "file", Opaque: strings.ReplaceAll(url.PathEscape(filepath.ToSlash(path)), "%2F", "/"), RawQuery: q.Encode()}).String()
}

// connect opens the writer.
func (b *lite) connect(ctx context.Context) (err error) {
	b.stmts = map[string]*sql.Stmt{}
	b.conn, err = b.writers.Conn(ctx)
	if err != nil {
		return err
	}
	return b.conn.PingContext(ctx)
}

func (b *lite) dialect() *dialect { return liteDialect }
func (b *lite) read() *sql.DB     { return b.db }

func (b *lite) pools() map[string]sql.DBStats {
	return map[string]sql.DBStats{"read": b.db.Stats(), "write": b.writers.Stats()}
}

// close ends with the writer and leaves one file: SQLite folds the write-ahead
// log in when its last connection goes, and a connection whose statements are
// still open does not go.
func (b *lite) close() {
	<-b.turn // the transaction under way ends before its connection does
	defer func() { b.turn <- struct{}{} }()
	for _, st := range b.stmts {
		st.Close()
	}
	if b.conn != nil {
		b.conn.Close()
		b.conn = nil
	}
	for _, db := range []*sql.DB{b.db, b.writers} {
		if db != nil {
			db.Close()
		}
	}
}

// join has nothing to do: the file's lock is the node's, and the clock is ours.
func (b *lite) join(context.Context, *Store) error { return nil }

// begin waits for the writer's turn. Statements run without the caller's
// context: a driver's watch over it costs more than the statement, and with
// one writer nothing inside of the transaction waits.
func (b *lite) begin(ctx context.Context) (txn, error) {
	select {
	case <-b.turn:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	t := (*liteTx)(b)
	if b.conn == nil {
		if err := b.connect(ctx); err != nil {
			b.turn <- struct{}{}
			return nil, err
		}
	}
	if _, err := t.exec(ctx, `begin immediate`, nil); err != nil {
		t.rollback()
		return nil, err
	}
	return t, nil
}

// A liteTx is the writer while it is at work.
type liteTx lite

func (t *liteTx) prepare(text string) (*sql.Stmt, error) {
	if st := t.stmts[text]; st != nil {
		return st, nil
	}
	st, err := t.conn.PrepareContext(context.Background(), positional(text))
	if err == nil {
		t.stmts[text] = st
	}
	return st, err
}

func (t *liteTx) exec(ctx context.Context, text string, args []any) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	st, err := t.prepare(text)
	if err != nil {
		return 0, err
	}
	r, err := st.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (t *liteTx) query(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	st, err := t.prepare(text)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(context.Background(), args...)
}

func (t *liteTx) commit(context.Context) error {
	if _, err := t.exec(context.Background(), `commit`, nil); err != nil {
		t.rollback()
		return err
	}
	t.turn <- struct{}{}
	return nil
}

// rollback leaves a writer without a transaction behind, a new one if need be.
func (t *liteTx) rollback() {
	_, err := t.exec(context.Background(), `rollback`, nil)
	if err != nil && !strings.Contains(err.Error(), "no transaction is active") {
		t.conn.Close()
		t.conn = nil
	}
	t.turn <- struct{}{}
}

func liteKind(err error) kind {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return other
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return taken
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return full
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
		return away
	}
	return other
}

func (b *lite) migrate(ctx context.Context) error {
	if migrated(ctx, b.db, "sqlite") {
		return nil
	}
	db, err := sql.Open("sqlite", liteDSN(b.path, "busy_timeout(5000)"))
	if err != nil {
		return err
	}
	defer db.Close()
	return migrate(ctx, goose.DialectSQLite3, db, "sqlite")
}

// positional writes ? for $1, $2 … where each place stands once: the driver
// looks the others up by name at every call.
func positional(text string) string {
	var b strings.Builder
	rest, next := text, 1
	for {
		before, after, found := strings.Cut(rest, "$")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		n := len(after) - len(strings.TrimLeft(after, "0123456789"))
		if after[:n] != strconv.Itoa(next) {
			return text
		}
		b.WriteByte('?')
		rest, next = after[n:], next+1
	}
}
