package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"
)

// Look opens a database to read it and nothing else: it takes no lock and no
// name, brings no schema up to date, and makes no file. A SQLite file that a
// server holds can be looked at. Verbs that write must not be called, and
// secrets can be read after Unlock.
func Look(ctx context.Context, log *slog.Logger, opt Options) (*Store, error) {
	s := &Store{log: log, opt: opt, bell: make(chan struct{}, 1), stride: strideOf(&opt)}
	s.node.Store(&s.opt.Node)
	s.ahead.Store(-1)
	s.ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	var err error
	if path, lite := strings.CutPrefix(opt.DSN, "sqlite:"); lite {
		s.base, err = lookLite(ctx, path)
	} else {
		s.base, _, err = openBase(ctx, opt.DSN, opt.Patience)
	}
	if err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func lookLite(ctx context.Context, path string) (base, error) {
	empty, err := gone(path)
	if err == nil && empty {
		err = fmt.Errorf("there is no database %s: %w", path, fs.ErrNotExist)
	}
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", liteDSN(path, "busy_timeout(5000)", "query_only(1)")+"&mode=rw")
	if err != nil {
		return nil, err
	}
	if err := db.PingContext(ctx); err != nil {
		_ = db.Close()
		return nil, err
	}
	b := newLite(path)
	b.db = db
	return b, nil
}

// Unlock says whether the master key opens the database of a Store that was
// made by Look.
func (s *Store) Unlock(ctx context.Context) error {
	master, err := masterSeal(s.opt.MasterKey)
	if err != nil {
		return err
	}
	if err := s.loadKeys(from(ctx, s.base.read()), master); err != nil {
		return err
	}
	if s.keys.hash == nil {
		return errors.New("the database holds no keys: no server was started on it yet")
	}
	return nil
}

// Facts are what can be told of a database.
type Facts struct {
	Name        string // SQLite or PostgreSQL, with its version
	Schema      int    // the last migration that it has seen
	Known       int    // the last one of this build
	Unsafe      string // why a power cut may lose what was accepted, "" if not
	Skew        time.Duration
	Interrupted bool // it is the target of a move that is not finished
}

// Facts reads them.
func (s *Store) Facts(ctx context.Context) (f Facts, err error) {
	d := s.base.dialect()
	if f.Known, err = newest(d.name); err != nil {
		return f, err
	}
	if f.Schema, err = version(ctx, s.base.read()); err != nil {
		f.Schema = 0 // no table: nothing was ever migrated
	}
	if f.Interrupted, err = unfinished(ctx, s.base); err != nil {
		return f, err
	}
	if d == liteDialect {
		return f, s.liteFacts(ctx, &f)
	}
	return f, s.postFacts(ctx, &f)
}

func (s *Store) liteFacts(ctx context.Context, f *Facts) error {
	var number, journal string
	err := s.base.read().QueryRowContext(ctx, `select sqlite_version(), journal_mode from pragma_journal_mode`).Scan(&number, &journal)
	f.Name = "SQLite " + number
	if journal != "wal" {
		f.Unsafe = "journal_mode is " + journal
	}
	return err
}

func (s *Store) postFacts(ctx context.Context, f *Facts) error {
	var number, fsync, commit, pages string
	var theirs float64
	before := time.Now()
	err := s.base.read().QueryRowContext(ctx, `select current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit'),
		current_setting('full_page_writes'), extract(epoch from clock_timestamp())::float8`).Scan(&number, &fsync, &commit, &pages, &theirs)
	if err != nil {
		return err
	}
	half := time.Since(before) / 2
	f.Skew = time.UnixMicro(int64(theirs * 1e6)).Sub(before.Add(half))
	f.Name = "PostgreSQL " + number
	for _, c := range [][2]string{{"fsync", fsync}, {"synchronous_commit", commit}, {"full_page_writes", pages}} {
		if c[1] == "off" {
			f.Unsafe = c[0] + " is off"
			break
		}
	}
	return nil
}

// ClockSlack is how far the clocks of a node and its database may differ.
const ClockSlack = clockSlack

// MostCounted is where InStock stops counting.
const MostCounted = 100_000

// InStock counts an app's usable permits by source, at most MostCounted of them.
func (s *Store) InStock(ctx context.Context, app string, now time.Time) (map[string]int, error) {
	counts := map[string]int{}
	err := s.look(ctx, "count permits", func(ctx context.Context) error {
		return s.each(ctx, func(r scanner) error {
			var source string
			var n int
			err := r.Scan(&source, &n)
			counts[source] = n
			return err
		}, `select source, count(*) from (select source from permit where app = $1 and state = 'free' and till > $2 limit $3) x group by source`,
			app, ms(now), MostCounted)
	})
	return counts, err
}

// FileSize is how large the SQLite database is, with its log; 0 for PostgreSQL.
func (s *Store) FileSize() (n int64) {
	b, ok := s.base.(*lite)
	if !ok {
		return 0
	}
	for _, tail := range []string{"", "-wal"} {
		if st, err := os.Stat(b.path + tail); err == nil {
			n += st.Size()
		}
	}
	return n
}
