package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/wxnotify/wxnotify"
)

// A txn is an open transaction of one of the databases.
type txn interface {
	exec(ctx context.Context, text string, args []any) (int64, error)
	query(ctx context.Context, text string, args []any) (*sql.Rows, error)
	commit(ctx context.Context) error
	rollback()
}

// A work is one transaction of one verb. It ends with the function that it was
// given to.
type work struct {
	*dialect
	s    *Store
	ctx  context.Context
	verb string
	tx   txn
	rung []string // webhooks that notices were written for

	tally tally
	lane  int // of the sums
}

// do runs f in one transaction and commits. Deadlocks are begun anew, so f
// must not keep anything from a run that failed.
func (s *Store) do(ctx context.Context, verb string, limit time.Duration, f func(*work) error) error {
	caller := ctx
	ctx, cancel := context.WithTimeout(ctx, max(limit, s.opt.Patience))
	defer cancel()
	for try := 1; ; try++ {
		err := s.once(ctx, verb, f)
		if try < 4 && ctx.Err() == nil && (errors.Is(err, errRival) || s.base.dialect().kind(err) == again) {
			continue
		}
		return s.blame(caller, verb, err)
	}
}

func (s *Store) once(ctx context.Context, verb string, f func(*work) error) error {
	tx, err := s.base.begin(ctx)
	if err != nil {
		return err
	}
	w := &work{dialect: s.base.dialect(), s: s, ctx: ctx, verb: verb, tx: tx}
	defer func() { s.lanes.give(w.lane) }() // the transaction is over by then
	over := false
	defer func() {
		if !over { // an error, or a panic
			tx.rollback()
		}
	}()
	if err := f(w); err != nil {
		return err
	}
	if err := w.count(); err != nil {
		return err
	}
	if err := w.fault("before_commit"); err != nil {
		return err
	}
	over = true
	if err := tx.commit(ctx); err != nil {
		return &commitError{err}
	}
	s.called(w.rung)
	w.tally.wrote(s.opt.Wrote)
	if err := w.fault("after_commit"); err != nil {
		return &commitError{err}
	}
	return nil
}

// look runs f, which reads outside of a transaction.
func (s *Store) look(ctx context.Context, verb string, f func(context.Context) error) error {
	caller := ctx
	ctx, cancel := context.WithTimeout(ctx, max(doorLimit, s.opt.Patience))
	defer cancel()
	return s.blame(caller, verb, f(ctx))
}

func (w *work) fault(when string) error {
	if w.s.opt.Fault == nil {
		return nil
	}
	return w.s.opt.Fault(w.verb + "." + when)
}

// exec runs a statement and says how many rows it changed.
func (w *work) exec(text string, args ...any) (int64, error) {
	if err := w.fault("before_statement"); err != nil {
		return 0, err
	}
	n, err := w.tx.exec(w.ctx, text, args)
	if err != nil {
		return 0, err
	}
	return n, w.fault("after_statement")
}

// A scanner is a row.
type scanner interface{ Scan(dest ...any) error }

// each calls f for every row of a query.
func (w *work) each(f func(scanner) error, text string, args ...any) error {
	if err := w.fault("before_statement"); err != nil {
		return err
	}
	rows, err := w.tx.query(w.ctx, text, args)
	if err != nil {
		return err
	}
	if err := drain(rows, f); err != nil {
		return err
	}
	return w.fault("after_statement")
}

// one scans the only row of a query, and says whether there is one.
func (w *work) one(dest []any, text string, args ...any) (found bool, err error) {
	err = w.each(func(r scanner) error {
		found = true
		return r.Scan(dest...)
	}, text, args...)
	return found, err
}

// each is work.each outside of a transaction.
func (s *Store) each(ctx context.Context, f func(scanner) error, text string, args ...any) error {
	rows, err := s.base.read().QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	return drain(rows, f)
}

func drain(rows *sql.Rows, f func(scanner) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return rows.Close()
}

// A kind is what an error of a driver means to us.
type kind int

const (
	other kind = iota
	again      // a deadlock: nothing happened, begin anew
	away       // the database cannot be reached
	full       // no room on its disk
	taken      // a unique key is taken
)

// A commitError is a commit of which nobody knows whether it happened.
type commitError struct{ error }

func (e *commitError) Unwrap() error { return e.error }

// blame turns the world's faults into refusals that a door can answer with;
// what is left gets the verb in front of it.
func (s *Store) blame(caller context.Context, verb string, err error) error {
	if err == nil || wxnotify.CodeOf(err) != "" {
		return err
	}
	var unknown *commitError
	k := s.base.dialect().kind(err)
	switch {
	case k == full:
		return fmt.Errorf("%s: %w: %w", verb, wxnotify.Refuse(wxnotify.StorageFull, "the database's disk is full"), err)
	case errors.As(err, &unknown):
		return fmt.Errorf("%s: %w: %w", verb, wxnotify.Refuse(wxnotify.CommitUnknown, "the database was lost while it wrote"), err)
	case caller.Err() != nil:
		return fmt.Errorf("%s: %w", verb, caller.Err())
	case k == away, k == again, errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w: %w", verb, wxnotify.Refuse(wxnotify.StorageUnavailable, "the database cannot be reached"), err)
	case s.ctx.Err() != nil:
		return fmt.Errorf("%s: %w: %w", verb, wxnotify.Refuse(wxnotify.StorageUnavailable, "the database is being closed"), err)
	}
	return fmt.Errorf("%s: %w", verb, err)
}
