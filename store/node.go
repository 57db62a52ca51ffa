package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
)

func nowMS() int64 { return time.Now().UnixMilli() }

// keepEvery is how often a node looks whether its name is still its own.
const keepEvery = 2 * time.Second

// takeName takes the first name of NODE, NODE-2, NODE-3 … that nobody holds.
func (s *Store) takeName(ctx context.Context, b *post) error {
	conn, err := b.db.Conn(ctx)
	if err != nil {
		return err
	}
	wanted := s.Node()
	held, err := tryNames(ctx, conn, wanted)
	if err != nil {
		conn.Close()
		return err
	}
	if held != wanted {
		s.log.Warn("another process holds this node's name; using another one", "name", wanted, "used", held)
	}
	s.node.Store(&held)
	s.wait.Go(func() { s.keepName(b, conn, wanted) })
	return nil
}

func tryNames(ctx context.Context, conn *sql.Conn, wanted string) (string, error) {
	for i := 1; ; i++ {
		n := wanted
		if i > 1 {
			n = fmt.Sprintf("%s-%d", wanted, i)
		}
		var ok bool
		if err := conn.QueryRowContext(ctx, `select pg_try_advisory_lock($1)`, nameKey(n)).Scan(&ok); err != nil {
			return "", fmt.Errorf("take the node's name: %w", err)
		}
		if ok {
			return n, nil
		}
	}
}

func nameKey(n string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("wxnotify node " + n))
	return int64(h.Sum64() >> 1)
}

// keepName holds the session whose lock is the name, and takes it again when
// the session was lost.
func (s *Store) keepName(b *post, conn *sql.Conn, wanted string) {
	t := time.NewTicker(keepEvery)
	defer t.Stop()
	for mine := true; ; {
		select {
		case <-s.ctx.Done():
			// The session itself has to end, or the pool would keep the lock.
			_ = conn.Raw(func(any) error { return driver.ErrBadConn })
			conn.Close()
			return
		case <-t.C:
		}
		if !s.alive(conn) {
			conn.Close()
			fresh, err := b.db.Conn(s.ctx)
			if err != nil {
				continue
			}
			conn, mine = fresh, false
		}
		mine = mine || s.retakeName(conn, wanted)
	}
}

// retakeName takes a name in a new session and writes it down: who looks for
// running nodes goes by the table. What fails is tried again.
func (s *Store) retakeName(conn *sql.Conn, wanted string) bool {
	held, err := tryNames(s.ctx, conn, wanted)
	if err != nil {
		return false
	}
	if held != s.Node() {
		s.log.Warn("the node's name was lost with the connection; using another one", "name", s.Node(), "used", held)
		s.node.Store(&held)
	}
	_, err = conn.ExecContext(s.ctx, nodeText, held, s.boot, nowMS())
	return err == nil
}

// nodeText writes down a life of a node.
const nodeText = `insert into node (name, boot, started_at) values ($1, $2, $3)
	on conflict (name) do update set boot = excluded.boot, started_at = excluded.started_at`

// nodeOutlives is how long a node is remembered after its last start.
const nodeOutlives = 90 * 24 * time.Hour

// sweepNodes forgets nodes that are gone for good: in Kubernetes each start may
// have a name of its own.
func (s *Store) sweepNodes(ctx context.Context, now wxnotify.Now, n int) error {
	return s.do(ctx, "sweep", engineLimit, func(w *work) error {
		names, err := w.nodes(`select name from node where name <> $1 and started_at < $2 order by started_at limit $3`, s.Node(), ms(now.Real.Add(-nodeOutlives)), n)
		for _, name := range names {
			var runs bool
			if runs, err = w.runs(name); err == nil && !runs {
				_, err = w.exec(`delete from node where name = $1`, name)
			}
			if err != nil {
				break
			}
		}
		return err
	})
}

func (w *work) nodes(text string, args ...any) (names []string, err error) {
	err = w.each(func(r scanner) error {
		var name string
		err := r.Scan(&name)
		names = append(names, name)
		return err
	}, text, args...)
	return names, err
}

// runs says whether another node lives: then it holds its name.
func (w *work) runs(name string) (bool, error) {
	if w.dialect == liteDialect {
		return false, nil // the file is ours
	}
	free := false
	_, err := w.one([]any{&free}, `select pg_try_advisory_xact_lock($1)`, nameKey(name))
	return !free, err
}

func (s *Store) alive(conn *sql.Conn) bool {
	ctx, cancel := context.WithTimeout(s.ctx, doorLimit)
	defer cancel()
	return conn.PingContext(ctx) == nil
}

// arrive begins this life of the node in the database. Where the disk is full
// that waits for Lapsed: until then the leases of the last life last as long as
// any, which costs time and loses nothing. A server that ended for it would be
// started over and over, and nobody could even read.
func (s *Store) arrive(ctx context.Context) error {
	err := s.void(ctx)
	if wxnotify.CodeOf(err) != wxnotify.StorageFull {
		return err
	}
	s.late.Store(true)
	s.log.Error("the database's disk is full: make room; until then messages are refused, and what was on its way waits", "error", err)
	return nil
}

// void writes down who this life of the node is, and ends the leases that
// earlier ones left behind: they count as over, so Lapsed finds them at once. On
// SQLite nobody else can hold any.
func (s *Store) void(ctx context.Context) error {
	prefix := s.Node() + "/"
	if s.base.dialect() == liteDialect {
		prefix = ""
	}
	return s.do(ctx, "void", engineLimit, func(w *work) error {
		if _, err := w.exec(nodeText, s.Node(), s.boot, nowMS()); err != nil {
			return err
		}
		_, err := w.exec(`update queue set due = 0 where state = 'sending' and due > 0
			and substr(owner, 1, $1) = $2 and substr(owner, 1, $3) <> $4`,
			len(prefix), prefix, len(s.lease()), s.lease())
		return err
	})
}

// lease begins the owner of every claim of this life of the node.
func (s *Store) lease() string { return s.Node() + "/" + s.boot + "/" }

// owner is one claim's, so that a claim whose commit is unknown can be found.
func (s *Store) owner() string { return fmt.Sprintf("%s%d", s.lease(), s.claims.Add(1)) }

// nodeOf is the node's name in an owner.
func nodeOf(owner string) string {
	n, _, _ := strings.Cut(owner, "/")
	return n
}
