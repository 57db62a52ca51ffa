package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// A Told hears how far a long task came: bytes or rows. total is 0 where it is
// not known.
type Told func(done, total int64)

// tell is how often somebody who waits hears something.
const tell = 100 * time.Millisecond

// Backup writes a copy of the SQLite database at path into file, which it
// replaces: consistent, of one moment, checked, on disk, and readable by its
// owner alone. A server may be at work on the database meanwhile; its
// write-ahead log grows until the copy is done. What was deleted is not in the
// copy. A copy that failed leaves nothing behind.
func Backup(ctx context.Context, path, file string, told Told) error {
	if st, err := os.Stat(path); err != nil {
		return err
	} else if other, err := os.Stat(file); err == nil && os.SameFile(st, other) {
		return fmt.Errorf("%s is the database itself", file)
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".backup-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if err := tmp.Close(); err != nil {
		return err
	}
	if err := vacuumInto(ctx, path, tmp.Name(), told); err != nil {
		return err
	}
	if err := sound(ctx, tmp.Name()); err != nil {
		return fmt.Errorf("the copy of %s is not usable: %w", path, err)
	}
	if err := syncFile(tmp.Name()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), file); err != nil {
		return err
	}
	return syncFile(filepath.Dir(file))
}

func vacuumInto(ctx context.Context, path, file string, told Told) error {
	db, err := sql.Open("sqlite", existing(path))
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	var size int64
	if err := db.QueryRowContext(ctx, `select page_count * page_size from pragma_page_count, pragma_page_size`).Scan(&size); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	over := watchSize(file, size, told)
	defer over()
	if _, err = db.ExecContext(ctx, `vacuum into $1`, file); err != nil {
		return fmt.Errorf("copy %s: %w", path, err)
	}
	return nil
}

// existing is the DSN of a SQLite file that is not made when it is not there.
func existing(path string) string {
	return liteDSN(path, "busy_timeout(5000)", "cache_size(-65536)") + "&mode=rw"
}

// watchSize tells how a file grows until over is called.
func watchSize(file string, total int64, told Told) (over func()) {
	if told == nil {
		return func() {}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		t := time.NewTicker(tell)
		defer t.Stop()
		for {
			select {
			case <-stop:
				return
			case <-t.C:
				if st, err := os.Stat(file); err == nil {
					told(st.Size(), max(total, st.Size()))
				}
			}
		}
	}()
	return func() { close(stop); <-stopped }
}

// sound checks a SQLite file that nobody else uses: whole, and one of ours.
func sound(ctx context.Context, file string) error {
	db, err := sql.Open("sqlite", existing(file))
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	var first string
	if err := db.QueryRowContext(ctx, `pragma integrity_check(1)`).Scan(&first); err != nil {
		return err
	}
	if first != "ok" {
		return fmt.Errorf("SQLite's integrity check says: %s", first)
	}
	_, err = version(ctx, db)
	if err != nil {
		return errors.New("it is not a database of wxnotify")
	}
	return nil
}

// syncFile puts what was written to a file or folder on disk. Windows cannot
// do it for folders.
func syncFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	err = f.Sync()
	if st, statErr := f.Stat(); statErr == nil && st.IsDir() {
		err = nil
	}
	return errors.Join(err, f.Close())
}

// copyFile copies a file's content into a new file that only its owner may
// read, and puts it on disk.
func copyFile(ctx context.Context, from, to string, told Told) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, &counted{ctx: ctx, from: in, total: st.Size(), told: told})
	return errors.Join(err, out.Sync(), out.Close())
}

// A counted reader tells how far it came, and ends with its context.
type counted struct {
	ctx         context.Context
	from        io.Reader
	done, total int64
	told        Told
}

// Read is io.Reader's.
func (c *counted) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.from.Read(p)
	if c.done += int64(n); c.told != nil {
		c.told(c.done, c.total)
	}
	return n, err
}

// gone says whether there is nothing at path, or an empty file.
func gone(path string) (bool, error) {
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return err == nil && st.Size() == 0, err
}
