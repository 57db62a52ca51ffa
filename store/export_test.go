package store

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
)

// A Watch sees every statement of a store's transactions.
type Watch struct {
	base
	mu    sync.Mutex
	texts map[string]int // and how many places each has
	runs  map[string]int // since the last call of Runs
	rows  int64
	seq   int64
}

// NewWatch begins to watch a store that is not in use yet.
func NewWatch(s *Store) *Watch {
	w := &Watch{base: s.base, texts: map[string]int{}, runs: map[string]int{}}
	s.base = w
	return w
}

// Doubt makes the next claim look for one whose commit was unknown.
func Doubt(s *Store) { s.doubts.add("nobody") }

// ListTexts are the statements of a leg of a list, the first of them where
// there is one for each state: the page, and the one that says where it ends;
// with how many places each has.
func ListTexts(s *Store, app string, f wxnotify.MessageFilter) (map[string]int, error) {
	f = byState(f)[0]
	w, err := s.chooseWay(context.Background(), app, f)
	x := leg{w, "msg_z", "msg_1", 51}
	page, end := matching(f, &x), furtherText(&x, 2000)
	page.add(` order by `+x.key+` desc limit ?`, x.most)
	return map[string]int{`select ` + itemColumns + page.b.String(): len(page.args), end.b.String(): len(end.args)}, err
}

// Stride makes lists go through so many rows at a time.
func Stride(s *Store, rows int, lasts time.Duration) { s.stride = stride{rows, lasts} }

// Texts returns the statements that were seen.
func (w *Watch) Texts() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.texts
}

// Runs returns how often each statement ran since the last call.
func (w *Watch) Runs() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	runs := w.runs
	w.runs = map[string]int{}
	return runs
}

// Reads returns how many rows PostgreSQL read for the transactions since the
// last call, and how many of them one after the other.
func (w *Watch) Reads() (rows, sequential int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	rows, sequential = w.rows, w.seq
	w.rows, w.seq = 0, 0
	return rows, sequential
}

type watched struct {
	txn
	w         *Watch
	rows, seq int64 // as the session counted before
}

func (w *Watch) begin(ctx context.Context) (txn, error) {
	tx, err := w.base.begin(ctx)
	if err != nil {
		return nil, err
	}
	t := watched{txn: tx, w: w}
	t.rows, t.seq, err = t.counted(ctx)
	return t, err
}

// counted asks PostgreSQL what this session read since it last reported.
func (t watched) counted(ctx context.Context) (rows, seq int64, err error) {
	if t.w.dialect() != postDialect {
		return 0, 0, nil
	}
	all, err := t.txn.query(ctx, `select coalesce(sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)), 0)::bigint, coalesce(sum(seq_tup_read), 0)::bigint
		from pg_stat_xact_user_tables where relname in ('queue', 'message', 'permit', 'attempt', 'idem')`, nil)
	if err == nil {
		err = drain(all, func(r scanner) error { return r.Scan(&rows, &seq) })
	}
	return rows, seq, err
}

func (t watched) note(text string, args []any) {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	t.w.texts[text] = len(args)
	t.w.runs[text]++
}

func (t watched) exec(ctx context.Context, text string, args []any) (int64, error) {
	t.note(text, args)
	return t.txn.exec(ctx, text, args)
}

func (t watched) query(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	t.note(text, args)
	return t.txn.query(ctx, text, args)
}

func (t watched) commit(ctx context.Context) error {
	rows, seq, err := t.counted(ctx)
	if err != nil {
		return err
	}
	t.w.mu.Lock()
	t.w.rows, t.w.seq = t.w.rows+rows-t.rows, t.w.seq+seq-t.seq
	t.w.mu.Unlock()
	return t.txn.commit(ctx)
}

// Fill leaves next to no room in a SQLite file.
func Fill(t testing.TB, s *Store) {
	t.Helper()
	b := s.base.(*lite)
	<-b.turn
	defer func() { b.turn <- struct{}{} }()
	var pages int
	if err := b.conn.QueryRowContext(context.Background(), `pragma page_count`).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	if _, err := b.conn.ExecContext(context.Background(), fmt.Sprintf(`pragma max_page_count = %d`, pages+20)); err != nil {
		t.Fatal(err)
	}
}

// SealKeys returns, for queries of one sealed value each, the id of its key.
func SealKeys(t testing.TB, s *Store, queries ...string) (keys []string) {
	t.Helper()
	for _, q := range queries {
		var sealed []byte
		if err := s.base.read().QueryRowContext(context.Background(), q).Scan(&sealed); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, string(sealed[1:5]))
	}
	return keys
}

// Lasting are the columns that a new master key seals anew.
func Lasting() (columns []string) {
	for _, c := range lasting {
		columns = append(columns, c.table+"."+c.column)
	}
	return columns
}
