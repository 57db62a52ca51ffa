package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A Move copies all that one database holds into another one, which must be
// empty, or hold what an earlier run of the same move left there.
//
// It goes by the schema itself: every table, in the order of its primary key,
// in bites. A bite and the note of how far it came are one transaction, so a
// move that was killed goes on where it was. At the end both sides are read
// and compared, row by row. As long as the note is there, no server starts on
// the target.
//
// No server may run on the source. SQLite's lock sees to that; on PostgreSQL
// the names of running nodes are looked for before and after. What changed in
// between shows in the comparison. When all is well the apps of the source are
// paused: with two databases that send, users would get everything twice. A move
// that is killed right then finds its own pauses in the source, which the target
// has not, and compares without them.
type Move struct {
	From, To     string // DSNs
	Master       []byte // opens the source
	ToMaster     []byte // is to open the target; nil: the same key
	Restart      bool   // empty the target of an unfinished move, and begin anew
	Pause        bool   // pause all apps of the target, too
	Told         func(what string, done, total int64)
	from, to     base
	plan         []*table
	halted       map[string]bool // apps of the source that an earlier run has paused, with all but its last step done
	total, moved int64
}

// A MovedTable is a table that was found equal on both sides.
type MovedTable struct {
	Name string `json:"table"`
	Rows int64  `json:"rows"`
	Sum  string `json:"sum"` // of its rows, in any order
}

// ErrMoving is why no server starts on a database that is half of another one.
var errMoving = errors.New("a move into this database is not finished: run the same wxnotify move again, it goes on where it was")

// noteTable holds how far a move came. It is no part of the schema: it comes
// and goes with the move.
const noteTable = "wxnotify_move"

// Run moves, and tells what was moved.
func (m *Move) Run(ctx context.Context) (_ []MovedTable, err error) {
	if m.ToMaster == nil {
		m.ToMaster = m.Master
	}
	closers, err := m.open(ctx)
	defer closers.close()
	if err != nil {
		return nil, err
	}
	if err := m.prepare(ctx); err != nil {
		return nil, err
	}
	for _, t := range m.plan {
		if err := m.copyTable(ctx, t); err != nil {
			return nil, fmt.Errorf("copy table %s: %w", t.name, err)
		}
	}
	tables, err := m.compare(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.idle(ctx); err != nil {
		return nil, err
	}
	return tables, m.finish(ctx)
}

type closers []io.Closer

func (c closers) close() {
	for _, x := range slices.Backward(c) {
		_ = x.Close()
	}
}

type closeBase struct{ base }

// Close is io.Closer's.
func (c closeBase) Close() error { c.close(); return nil }

// open opens both sides and brings both to this build's schema.
func (m *Move) open(ctx context.Context) (all closers, err error) {
	if path, lite := strings.CutPrefix(m.From, "sqlite:"); lite {
		if empty, err := gone(path); err != nil || empty {
			return nil, errors.Join(fmt.Errorf("there is no database %s", path), err)
		}
	}
	for _, side := range []struct {
		name, dsn string
		base      *base
	}{{"source", m.From, &m.from}, {"target", m.To, &m.to}} {
		b, lock, err := openBase(ctx, side.dsn, 0)
		if err != nil {
			return all, fmt.Errorf("%s: %w", side.name, err)
		}
		if lock != nil {
			all = append(all, lock)
		}
		all = append(all, closeBase{b})
		*side.base = b
		if err := b.migrate(ctx); err != nil {
			return all, fmt.Errorf("%s: bring the schema up to date: %w", side.name, err)
		}
		if err := notAhead(ctx, b.read(), b.dialect().name); err != nil {
			return all, fmt.Errorf("%s: %w", side.name, err)
		}
	}
	return all, nil
}

// prepare checks what can be checked beforehand, and reads or makes the note.
func (m *Move) prepare(ctx context.Context) (err error) {
	if half, err := unfinished(ctx, m.from); err != nil || half {
		return errors.Join(err, fmt.Errorf("source: %w", errMoving))
	}
	if err := m.idle(ctx); err != nil {
		return err
	}
	if err := opensWith(ctx, m.from.read(), m.Master); err != nil {
		return fmt.Errorf("source: %w", err)
	}
	if m.plan, err = tablesOf(ctx, m.from); err != nil {
		return err
	}
	if err := m.match(ctx); err != nil {
		return err
	}
	for _, t := range m.plan {
		n, err := countRows(ctx, m.from, t.name)
		if err != nil {
			return err
		}
		m.total += n
	}
	m.halted = map[string]bool{}
	if err := from(ctx, m.from.read())(func(r scanner) error {
		var app string
		err := r.Scan(&app)
		m.halted[app] = true
		return err
	}, `select app from pause where scope = 'all' and reason = $1 and detail = $2`, ByOperator, movedAway); err != nil {
		return err
	}
	return m.takeUp(ctx)
}

// movedAway is why the source is paused.
const movedAway = "moved to another database"

// match refuses a target whose schema is another one.
func (m *Move) match(ctx context.Context) error {
	theirs, err := tablesOf(ctx, m.to)
	if err != nil {
		return err
	}
	for _, t := range m.plan {
		i := slices.IndexFunc(theirs, func(o *table) bool { return o.name == t.name })
		if i < 0 || !slices.Equal(slices.Sorted(slices.Values(t.columns)), slices.Sorted(slices.Values(theirs[i].columns))) {
			return fmt.Errorf("table %s is not the same on both sides", t.name)
		}
	}
	if len(theirs) != len(m.plan) {
		return errors.New("the target has tables that the source has not")
	}
	return nil
}

// idle refuses a source on which a server runs.
func (m *Move) idle(ctx context.Context) error {
	b, ok := m.from.(*post)
	if !ok {
		return nil // the lock says so
	}
	conn, err := b.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	var names []string
	if err := from(ctx, b.db)(func(r scanner) error {
		var n string
		err := r.Scan(&n)
		names = append(names, n)
		return err
	}, `select name from node order by name`); err != nil {
		return err
	}
	for _, n := range names {
		var free bool
		if err := conn.QueryRowContext(ctx, `select pg_try_advisory_lock($1)`, nameKey(n)).Scan(&free); err != nil {
			return err
		}
		if !free {
			return fmt.Errorf("node %s runs on the source: stop every server first", n)
		}
		if _, err := conn.ExecContext(ctx, `select pg_advisory_unlock($1)`, nameKey(n)); err != nil {
			return err
		}
	}
	return nil
}

// finish pauses the source and takes the note away: from then on a server may
// start on the target.
func (m *Move) finish(ctx context.Context) error {
	if err := writes(ctx, m.from, func(tx txn) error { return pauseIn(ctx, tx, movedAway) }); err != nil {
		return fmt.Errorf("pause the source: %w", err)
	}
	m.tell("finish", m.total)
	return writes(ctx, m.to, func(tx txn) error {
		if m.Pause {
			if err := pauseIn(ctx, tx, "moved from another database"); err != nil {
				return err
			}
		}
		_, err := tx.exec(ctx, `drop table `+noteTable, nil)
		return err
	})
}

// writes runs f in one transaction.
func writes(ctx context.Context, b base, f func(txn) error) error {
	tx, err := b.begin(ctx)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		tx.rollback()
		return err
	}
	return tx.commit(ctx)
}

// unfinished says whether the database is the target of a move under way.
func unfinished(ctx context.Context, b base) (is bool, err error) {
	err = b.read().QueryRowContext(ctx, b.dialect().hasTable, noteTable).Scan(&is)
	return is, err
}
