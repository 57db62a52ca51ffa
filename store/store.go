// Package store keeps everything that must survive a power cut, in one SQLite
// file or in a PostgreSQL that any number of nodes share.
//
// What it promises: a verb that returned without an error is durable, whole and
// visible to every later call; one that failed changed nothing, unless its
// error is commit_unknown. State changes are compare-and-set on what the caller
// saw (state, number of the attempt, number of unanswered attempts), so a late
// or doubled call changes nothing that moved on. Permits are bound under a lock
// and come back only with proof that nothing was delivered.
//
// A message is two rows: message (immutable, written once) and queue (narrow,
// moves). In state sending the queue's row is the record of the attempt in
// flight (number, permit, start, owner), committed before Claim returns and so
// before the call; when the attempt is over, Settle writes it to attempt.
// A row in state sending whose lease is over may have reached WeChat: nobody
// may forget it, Lapsed hands it to the outbox as lost.
//
// What differs between the databases: opening, errors, the lock clauses, and
// the statements of the hot verbs (hot.go says which). All decisions are taken
// in Go, once. SQLite has one writer, so a transaction there is alone; on
// PostgreSQL rows are locked in this order: records of idempotency keys, queue
// rows (candidates with skip locked), permits in the order of their index, and
// last, for the commit alone, sums (tally.go). A deadlock that slips through is
// begun anew.
//
// Two clocks come in with every call (wxnotify.Now): leases and backoff are
// real, deadlines virtual. due in queue is real in the states queued, sending
// and unsure, virtual in scheduled, waiting and in unsure with mode hold.
// Times that people see (created, updated, started, finished) are virtual.
//
// When the power fails, SQLite's WAL (synchronous=FULL) and PostgreSQL keep
// what was committed. Whatever a dead node held comes back when its leases are
// over, or at once when the node starts again under its name.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/wxnotify/wxnotify"
)

// Options say where the data is and who opens it.
type Options struct {
	DSN       string // sqlite:PATH or postgres://…
	MasterKey []byte // 32 bytes
	Node      string // of this process, unique among those that share the database
	// Retention is how long the content of a message is kept once it is at
	// rest; 0: 7 days.
	Retention time.Duration
	// PermitRetention is how long a spent or dead permit stays known, counted
	// from its deposit; 0 means 90 days.
	PermitRetention time.Duration
	// Fault, where set, is asked before and after every statement and commit:
	// its error takes the place of the effect, or hides it. The point is
	// VERB.before_statement, VERB.after_statement, VERB.before_commit or
	// VERB.after_commit. It is for tests and may be called by several goroutines.
	Fault func(point string) error
	// Wrote, where set, is told of each app what a transaction has just made
	// durable, for counting; what was taken back is not in it. It must not block.
	Wrote func(app string, p wxnotify.Point)
	// Patience is how long a call waits for the database at least: 2 s at the
	// doors and 5 s in the engines if it is less. Tests on busy machines need more.
	Patience time.Duration
}

// How long the database may take, beneath the caller's own deadline.
const (
	doorLimit   = 2 * time.Second
	engineLimit = 5 * time.Second
)

// A Store is open until Close. All methods may be called by any number of
// goroutines at once.
type Store struct {
	log     *slog.Logger
	opt     Options
	base    base
	keys    keyring
	ids     permitIDs
	notices permitIDs
	node    atomic.Pointer[string]
	boot    string
	late    atomic.Bool // the disk was full when this life began

	lock     io.Closer    // SQLite: what keeps other processes off the file
	claims   atomic.Int64 // made in this life
	wakes    wakes        // PostgreSQL: NOTIFY, bundled
	doubts   doubts       // claims whose commit is unknown
	probes   probes       // attempts that try out a pause
	walks    walks        // how far the sweeps came
	lanes    lanes        // of the sums
	census   census
	depths   gauge[[]wxnotify.Depth]
	lags     gauge[[]wxnotify.Lag]
	bell     chan struct{} // events came in, or may find their message now
	ears     ears          // webhooks
	onNotice atomic.Pointer[func([]string)]
	onRevoke atomic.Pointer[func()]
	stride   stride       // of lists
	ahead    atomic.Int64 // how far the virtual clock was seen ahead, in milliseconds; -1: not seen

	stop context.CancelFunc
	ctx  context.Context // of what runs beside the calls
	wait sync.WaitGroup
}

// Open opens the database, brings its schema up to date under a lock, and makes
// the leases of this node's earlier life void. It refuses a second process on
// one SQLite file, a master key that does not belong to the data, and clocks
// that differ by more than two seconds. A full disk keeps no database from being
// opened that was opened before: what there is to write then is written later.
func Open(ctx context.Context, log *slog.Logger, opt Options) (*Store, error) {
	if len(opt.MasterKey) != 32 {
		return nil, fmt.Errorf("the master key has %d bytes, it needs 32", len(opt.MasterKey))
	}
	s := &Store{log: log, opt: opt, boot: uuid.NewString()[:8], bell: make(chan struct{}, 1), stride: strideOf(&opt)}
	s.ahead.Store(-1)
	s.ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	name := strings.ReplaceAll(opt.Node, "/", "_")
	s.node.Store(&name)
	if err := s.open(ctx); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) (err error) {
	if s.base, s.lock, err = openBase(ctx, s.opt.DSN, s.opt.Patience); err != nil {
		return err
	}
	if err := s.base.migrate(ctx); err != nil {
		return fmt.Errorf("bring the schema up to date: %w", err)
	}
	if half, err := unfinished(ctx, s.base); err != nil || half {
		return errors.Join(err, errMoving)
	}
	if err := s.unlock(ctx); err != nil {
		return err
	}
	if err := s.base.join(ctx, s); err != nil {
		return err
	}
	return s.arrive(ctx)
}

// openBase opens what the DSN names, for calls that wait for it at least so
// long. The lock is nil on PostgreSQL.
func openBase(ctx context.Context, dsn string, patience time.Duration) (base, io.Closer, error) {
	scheme, rest, _ := strings.Cut(dsn, ":")
	switch scheme {
	case "sqlite":
		return openSQLite(ctx, rest)
	case "postgres", "postgresql":
		b, err := openPostgres(ctx, dsn, patience)
		if err != nil {
			return nil, nil, err // and no base that holds a nil
		}
		return b, nil, nil
	}
	return nil, nil, errors.New("the database is written sqlite:PATH or postgres://…")
}

// Migrate brings the schema of a database up to date and closes it again.
func Migrate(ctx context.Context, dsn string) error {
	b, lock, err := openBase(ctx, dsn, 0)
	if err != nil {
		return err
	}
	err = b.migrate(ctx)
	b.close()
	if lock != nil {
		_ = lock.Close()
	}
	return err
}

// Close ends what runs beside the calls and closes the database. Calls that
// are still under way fail.
func (s *Store) Close() error {
	s.stop()
	s.wait.Wait()
	if s.base != nil {
		s.base.close()
	}
	if s.lock != nil {
		return s.lock.Close()
	}
	return nil
}

// Ping asks the database for a sign of life; storage_unavailable without one.
func (s *Store) Ping(ctx context.Context) error {
	return s.look(ctx, "ping", func(ctx context.Context) error {
		var one int
		return s.base.read().QueryRowContext(ctx, `select 1`).Scan(&one)
	})
}

// Boot names this life of the process; it is in every lease that it takes.
func (s *Store) Boot() string { return s.boot }

// Node is this node's name: the one of the options, with a suffix when
// somebody else held it.
func (s *Store) Node() string { return *s.node.Load() }

// saw remembers how far the virtual clock is ahead, for reading by time.
func (s *Store) saw(now wxnotify.Now) {
	ahead := now.Virtual.Sub(now.Real).Milliseconds()
	for old := s.ahead.Load(); ahead > old; old = s.ahead.Load() {
		if s.ahead.CompareAndSwap(old, max(ahead, 0)) {
			return
		}
	}
}

// Pools say how the pools of connections are used, for watching.
func (s *Store) Pools() map[string]sql.DBStats { return s.base.pools() }

// A base is one of the two databases.
type base interface {
	pools() map[string]sql.DBStats
	dialect() *dialect
	read() *sql.DB
	begin(ctx context.Context) (txn, error)
	migrate(ctx context.Context) error
	// join checks the clock and takes the node's name. It writes nothing.
	join(ctx context.Context, s *Store) error
	close()
}
