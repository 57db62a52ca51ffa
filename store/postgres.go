package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// A post is a PostgreSQL: a pool for what writes, whose planner is told what
// the hot statements need, and a pool with the planner's usual freedom for
// what only reads.
type post struct {
	config *pgx.ConnConfig
	hosts  *dialer
	engine *sql.DB
	db     *sql.DB
}

var postDialect = &dialect{
	name:   "postgres",
	lock:   " for update",
	skip:   " for update skip locked",
	lockQ:  " for update of q",
	skipQ:  " for update of q skip locked",
	unpack: unpackWith("json_array_elements((%s)::text::json)", "value ->> %d"),
	kind:   postKind,
	hot:    postHot{},

	hasTable: `select to_regclass($1) is not null`,
	columns: `select c.relname::text, a.attname::text, format_type(a.atttypid, null), coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0)
		from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
		left join pg_index i on i.indrelid = c.oid and i.indisprimary
		where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace order by c.relname collate "C", 4, a.attnum`,
}

// connections is how many each of the two pools may hold.
const connections = 12

// enginePlans: row estimates of arrays and partial indexes are guesses, and a
// guess that leads to a full scan costs ten times the statement (measured).
// With these the hot statements go by their indexes at every size, and are
// planned once.
var enginePlans = map[string]string{
	"jit":              "off",
	"enable_seqscan":   "off",
	"enable_mergejoin": "off",
	"enable_hashjoin":  "off",
	"plan_cache_mode":  "force_generic_plan",
}

// idleLimit is when the database ends a transaction in which nothing happens: a
// process that stands still must not hold its locks. Where calls may take longer
// than that, so may what is between two statements.
const idleLimit = 10 * time.Second

func openPostgres(ctx context.Context, dsn string, patience time.Duration) (*post, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("the database's address cannot be read; it is written postgres://user:password@host:5432/name")
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "wxnotify"
	}
	hosts := newDialer(config)
	engine := config.Copy()
	maps.Copy(engine.RuntimeParams, enginePlans)
	engine.RuntimeParams["idle_in_transaction_session_timeout"] = fmt.Sprint(max(idleLimit, patience).Milliseconds())
	b := &post{config: config, hosts: hosts, engine: stdlib.OpenDB(*engine), db: stdlib.OpenDB(*config)}
	for _, db := range []*sql.DB{b.engine, b.db} {
		db.SetMaxOpenConns(connections)
		db.SetMaxIdleConns(connections)
	}
	if err := b.db.PingContext(ctx); err != nil {
		b.close()
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	return b, nil
}

func (b *post) dialect() *dialect { return postDialect }
func (b *post) read() *sql.DB     { return b.db }

func (b *post) pools() map[string]sql.DBStats {
	return map[string]sql.DBStats{"read": b.db.Stats(), "write": b.engine.Stats()}
}

func (b *post) close() {
	b.engine.Close()
	b.db.Close()
	b.hosts.close()
}

// Keys of our advisory locks. Names of nodes have keys of their own, made from
// the name.
const (
	lockMigrate = 0x77786e0001
	lockKeyring = 0x77786e0002
)

// migrate holds a lock meanwhile: several nodes may start at once.
func (b *post) migrate(ctx context.Context) error {
	if migrated(ctx, b.db, "postgres") {
		return nil
	}
	conn, err := b.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, `select pg_advisory_lock($1)`, int64(lockMigrate)); err != nil {
		return err
	}
	defer func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), `select pg_advisory_unlock($1)`, int64(lockMigrate))
	}()
	return migrate(ctx, goose.DialectPostgres, b.db, "postgres")
}

func (b *post) begin(ctx context.Context) (txn, error) {
	tx, err := b.engine.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	return postTx{tx}, nil
}

type postTx struct{ tx *sql.Tx }

func (t postTx) exec(ctx context.Context, text string, args []any) (int64, error) {
	r, err := t.tx.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (t postTx) query(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	return t.tx.QueryContext(ctx, text, args...)
}

func (t postTx) commit(context.Context) error { return t.tx.Commit() }
func (t postTx) rollback()                    { _ = t.tx.Rollback() }

// clockSlack is how far the clocks of a node and of its database may differ.
const clockSlack = 2 * time.Second

// join checks the clock and takes the node's name.
func (b *post) join(ctx context.Context, s *Store) error {
	before := time.Now()
	var theirs float64
	if err := b.db.QueryRowContext(ctx, `select extract(epoch from clock_timestamp())::float8`).Scan(&theirs); err != nil {
		return err
	}
	now := time.Now()
	if d := time.UnixMilli(int64(theirs * 1000)).Sub(now); d > clockSlack || -d > clockSlack+now.Sub(before) {
		return fmt.Errorf("this machine's clock and the database's differ by %s; at most %s is allowed: set the clocks (NTP)", d.Round(time.Millisecond).Abs(), clockSlack)
	}
	if err := s.takeName(ctx, b); err != nil {
		return err
	}
	s.listen(b)
	return nil
}

// postKind reads SQLSTATEs: 08 and 57P are about the connection, 53 about
// resources, 40 about a transaction that has to be begun anew.
func postKind(err error) kind {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch {
		case e.Code == "40001" || e.Code == "40P01":
			return again
		case e.Code == "23505":
			return taken
		case e.Code == "53100":
			return full
		case e.Code[:2] == "08", e.Code[:2] == "53", e.Code[:3] == "57P", e.Code == "25P03", e.Code == "25006":
			return away
		}
		return other
	}
	var n net.Error
	var c *pgconn.ConnectError
	if errors.As(err, &n) || errors.As(err, &c) || pgconn.Timeout(err) || pgconn.SafeToRetry(err) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF) {
		return away
	}
	return other
}
