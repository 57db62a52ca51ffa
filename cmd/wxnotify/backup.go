package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/wxnotify/wxnotify/server"
	"github.com/wxnotify/wxnotify/store"
)

type backupCmd struct {
	Config server.Config `embed:""`
	Output output        `embed:""`

	File  string `arg:"" name:"file" help:"Where the copy goes."`
	Force bool   `name:"force" help:"Replace FILE if it is there."`
}

// Help shows examples.
func (*backupCmd) Help() string {
	return `The copy is consistent, checked, and readable by its owner alone. A server may run meanwhile.
The master key (PATH.key beside the database) is not in it, and without that key the copy cannot be used: keep both, apart from one another.

PostgreSQL is backed up with its own tools (pg_dump, or continuous archiving); docs/operating.md says how.

Examples:

  wxnotify backup /backup/wxnotify-$(date +%F).db
  wxnotify backup --database sqlite:/var/lib/wxnotify/wxnotify.db --force /backup/latest.db`
}

// Run copies.
func (c *backupCmd) Run(ctx context.Context) error {
	path, err := c.source()
	if err != nil {
		return err
	}
	if _, err := os.Stat(c.File); err == nil && !c.Force {
		return fmt.Errorf("%s is there already; choose another name, or replace it with --force", c.File)
	}
	p := watch("backup", size)
	begun := time.Now()
	err = store.Backup(ctx, path, c.File, p.told)
	p.end()
	if err != nil {
		return stopped(ctx, err, "nothing was written")
	}
	st, err := os.Stat(c.File)
	if err != nil {
		return err
	}
	result := map[string]any{"file": c.File, "bytes": st.Size(), "ms": time.Since(begun).Milliseconds()}
	return c.Output.print(result, func(w io.Writer) {
		fmt.Fprintf(w, "%s: %s, checked\n", c.File, size(st.Size()))
		if file := c.Config.KeyFile(); c.Config.MasterKey.IsZero() {
			fmt.Fprintf(w, "It is of use only together with the master key, %s: keep a copy of that, too, in another place.\n", file)
		}
	})
}

func (c *backupCmd) source() (string, error) {
	if err := c.Config.CheckDatabase(); err != nil {
		return "", usageError{err}
	}
	if c.Config.Postgres() {
		return "", usage("the database is PostgreSQL, which brings its own tools: pg_dump --format=custom --file=FILE, or continuous archiving (docs/operating.md)")
	}
	path := c.Config.SQLiteFile()
	if _, err := os.Stat(path); err != nil {
		return "", usage("there is no database %s; name it with --database sqlite:PATH", path)
	}
	return path, nil
}

// stopped says what an interrupted command leaves behind.
func stopped(ctx context.Context, err error, left string) error {
	if ctx.Err() != nil {
		return fmt.Errorf("stopped; %s", left)
	}
	return err
}

type restoreCmd struct {
	Config server.Config `embed:""`
	Output output        `embed:""`

	File  string `arg:"" name:"file" help:"What wxnotify backup wrote."`
	Force bool   `name:"force" help:"Replace a database that is there; it is kept under another name."`
}

// Help shows an example.
func (*restoreCmd) Help() string {
	return `The backup becomes the database that --database names. Stop the server first, and put the key file back first (PATH.key), or give --master-key-file.

Every app is left paused, because a backup is an old state: what was sent after it was made is queued in it, and would be sent again.
Look at what is queued, cancel what must not go out, then let each app go on:

  wxnotify app resume APPID

Examples:

  wxnotify restore /backup/wxnotify-2026-11-25.db
  wxnotify restore --database sqlite:/var/lib/wxnotify/wxnotify.db --force /backup/latest.db`
}

// Run restores.
func (c *restoreCmd) Run(ctx context.Context) error {
	if err := c.Config.CheckDatabase(); err != nil {
		return usageError{err}
	}
	if c.Config.Postgres() {
		return usage("restore writes SQLite files. A dump of PostgreSQL is restored with pg_restore; a backup file goes into PostgreSQL with: wxnotify move --pause --from sqlite:%s --to postgres://…", c.File)
	}
	master, err := c.Config.KnownMaster()
	if errors.Is(err, fs.ErrNotExist) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	p := watch("restore", size)
	path := c.Config.SQLiteFile()
	r, err := store.Restore(ctx, c.File, path, master, c.Force, p.told)
	p.end()
	if errors.Is(err, store.ErrNotEmpty) {
		return fmt.Errorf("%w; name another database, or replace it with --force (it is kept under another name)", err)
	}
	if err != nil {
		return stopped(ctx, err, path+" is as it was")
	}
	return c.Output.print(&r, func(w io.Writer) { showRestored(w, path, &r) })
}

func showRestored(w io.Writer, path string, r *store.Restored) {
	fmt.Fprintf(w, "%s is restored; its last change is of %s. Every app is paused.\n", path, moment(r.Newest))
	if r.Kept != "" {
		fmt.Fprintf(w, "The old database is kept: %s\n", r.Kept)
	}
	rows := [][]string{{"APPID", "AT ONCE", "LATER", "WAITING", "IN FLIGHT"}}
	for _, a := range r.Pending {
		rows = append(rows, []string{plain(a.App), number(a.Queued), number(a.Scheduled), number(a.Waiting), number(a.Flying + a.Unsure)})
	}
	fmt.Fprintln(w, "\nWhat goes out when an app is resumed:")
	table(w, rows...)
	fmt.Fprint(w, restoreAdvice)
}

const restoreAdvice = `
Start the server, then look before you resume:
  * AT ONCE and LATER: what was sent after the backup was made is sent again, unless WeChat refuses its form_id a second time.
    wxnotify message list --state queued, and wxnotify message cancel ID for what must not go out.
  * WAITING: these go out as soon as their users give a permit.
  * IN FLIGHT: these have no answer. They are tried again only with the permit that they had, where WeChat refuses a second delivery; the others become unknown.
  * Whoever asked to be forgotten since the backup has to be erased again: DELETE /v1/users/OPENID.
Then: wxnotify app resume APPID
`
