package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/wxnotify/wxnotify"
)

// ErrNotEmpty is the refusal to write over a database.
var ErrNotEmpty = errors.New("it is there already and is not empty")

// A Restored tells what was restored.
type Restored struct {
	Kept    string    `json:"kept"`   // where the database lies that was replaced, or what was left of it; "" where there was none
	Newest  time.Time `json:"newest"` // of the last change of a message in the backup
	Pending []Pending `json:"pending"`
}

// Pending is what an app would do when it is resumed.
type Pending struct {
	App       string `json:"app"`
	Queued    int    `json:"queued"`
	Scheduled int    `json:"scheduled"`
	Waiting   int    `json:"waiting"`
	Flying    int    `json:"sending"` // when the backup was made
	Unsure    int    `json:"unsure"`
}

// Restore writes a backup into the SQLite database at path and leaves every app
// paused. The database must be held by no process, and be absent or empty; with
// force a present one is kept under another name. Nothing changes before the
// backup is copied, checked, opened with the master key and brought up to date;
// then it takes its place at once.
func Restore(ctx context.Context, file, path string, master []byte, force bool, told Told) (r Restored, err error) {
	lock, err := lockFile(path)
	if err != nil {
		return r, err
	}
	defer lock.Close()
	empty, err := gone(path)
	switch {
	case err != nil:
		return r, err
	case !empty && !force:
		return r, fmt.Errorf("%s: %w", path, ErrNotEmpty)
	}
	if err := backupWhole(file, path); err != nil {
		return r, err
	}
	tmp := path + ".restoring" // the lock says that it is ours
	defer removeLite(tmp)
	removeLite(tmp)
	if err := copyFile(ctx, file, tmp, told); err != nil {
		return r, err
	}
	if err := sound(ctx, tmp); err != nil {
		return r, fmt.Errorf("%s cannot be restored: %w", file, err)
	}
	if err := r.prepare(ctx, tmp, master); err != nil {
		return r, fmt.Errorf("%s cannot be restored: %w", file, err)
	}
	if err := syncFile(tmp); err != nil {
		return r, err
	}
	if r.Kept, err = setAside(ctx, path, empty); err != nil {
		return r, fmt.Errorf("keep the old database: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return r, err
	}
	return r, syncFile(filepath.Dir(path))
}

// backupWhole refuses what cannot be a backup of this command's making.
func backupWhole(file, path string) error {
	st, err := os.Stat(file)
	if err != nil {
		return err
	}
	if other, err := os.Stat(path); err == nil && os.SameFile(st, other) {
		return fmt.Errorf("%s is the database itself", file)
	}
	if logged, err := os.Stat(file + "-wal"); err == nil && logged.Size() > 0 {
		return fmt.Errorf("%s has a write-ahead log beside it (%s-wal), so it is not whole; open it once with: wxnotify migrate --database sqlite:%s", file, file, file)
	}
	return nil
}

func (r *Restored) prepare(ctx context.Context, path string, master []byte) error {
	db, err := sql.Open("sqlite", existing(path))
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if err := opensWith(ctx, db, master); err != nil {
		return err
	}
	if err := notAhead(ctx, db, "sqlite"); err != nil {
		return err
	}
	b := newLite(path)
	b.db = db
	if err := b.migrate(ctx); err != nil {
		return fmt.Errorf("bring the schema up to date: %w", err)
	}
	if _, err := db.ExecContext(ctx, pauseText, pauseArgs("restored from a backup")...); err != nil {
		return err
	}
	r.Pending, r.Newest, err = pending(ctx, db)
	return err
}

// opensWith says whether a master key opens the database's keyring.
func opensWith(ctx context.Context, db *sql.DB, master []byte) error {
	seal, err := masterSeal(master)
	if err != nil {
		return err
	}
	_, err = readKeys(from(ctx, db), seal)
	return err
}

// from reads rows of a database that is open without a store.
func from(ctx context.Context, db *sql.DB) eacher {
	return func(f func(scanner) error, text string, args ...any) error {
		rows, err := db.QueryContext(ctx, text, args...)
		if err != nil {
			return err
		}
		return drain(rows, f)
	}
}

// notAhead refuses a database of a newer wxnotify: what it has no name for
// would be lost.
func notAhead(ctx context.Context, db *sql.DB, dir string) error {
	want, err := newest(dir)
	if err != nil {
		return err
	}
	have, err := version(ctx, db)
	if err == nil && have > want {
		return fmt.Errorf("it was written by a newer wxnotify (schema %d, this one knows %d); use that version", have, want)
	}
	return err
}

// pauseText stops the sending of all apps until an operator resumes it.
const pauseText = `insert into pause (` + pauseColumns + `)
	select app, 'all', $1, $2, cast($3 as bigint), cast($4 as bigint), 0 from app where true
	on conflict (app, scope) do update set reason = excluded.reason, detail = excluded.detail,
	since = excluded.since, until = excluded.until, probe = excluded.probe`

func pauseArgs(why string) []any { return []any{ByOperator, why, nowMS(), int64(far)} }

func pauseIn(ctx context.Context, tx txn, why string) error {
	_, err := tx.exec(ctx, pauseText, pauseArgs(why))
	return err
}

// pending counts by app what would be sent.
func pending(ctx context.Context, db *sql.DB) (all []Pending, newest time.Time, err error) {
	each, place := from(ctx, db), map[string]int{}
	if err := each(func(r scanner) error {
		var p Pending
		err := r.Scan(&p.App)
		place[p.App] = len(all)
		all = append(all, p)
		return err
	}, `select app from app order by app`); err != nil {
		return nil, newest, err
	}
	err = each(func(r scanner) error {
		var app, state string
		var n int
		var last int64
		if err := r.Scan(&app, &state, &n, &last); err != nil {
			return err
		}
		if t := at(last); t.After(newest) {
			newest = t
		}
		if i, known := place[app]; known {
			all[i].add(wxnotify.State(state), n)
		}
		return nil
	}, `select app, state, count(*), max(updated_at) from queue group by app, state`)
	return all, newest, err
}

func (p *Pending) add(s wxnotify.State, n int) {
	switch s {
	case wxnotify.Queued:
		p.Queued += n
	case wxnotify.Scheduled:
		p.Scheduled += n
	case wxnotify.Waiting:
		p.Waiting += n
	case wxnotify.Sending:
		p.Flying += n
	case wxnotify.Unsure:
		p.Unsure += n
	}
}

// setAside gives the old database a second name, and tells it. Its write-ahead
// log is folded in first. A log or a journal that is left over, also of a
// database that is gone, would be taken for the new one's and written into it.
func setAside(ctx context.Context, path string, empty bool) (kept string, err error) {
	name := path + ".replaced-" + time.Now().UTC().Format("20060102T150405Z")
	if !empty {
		if db, err := sql.Open("sqlite", existing(path)); err == nil {
			_, _ = db.ExecContext(ctx, `pragma wal_checkpoint(truncate)`) // a broken database is kept as it is
			_ = db.Close()
		}
	}
	for _, tail := range []string{"-wal", "-journal"} {
		switch err := os.Rename(path+tail, name+tail); {
		case err == nil:
			kept = name + tail
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
	}
	_ = os.Remove(path + "-shm")
	if empty {
		return kept, syncFile(filepath.Dir(path))
	}
	if os.Link(path, name) != nil {
		err = os.Rename(path, name)
	}
	return name, errors.Join(err, syncFile(filepath.Dir(path)))
}

// removeLite removes a SQLite file and what lies beside it.
func removeLite(path string) {
	for _, tail := range []string{"", "-wal", "-shm", "-journal"} {
		_ = os.Remove(path + tail)
	}
}
