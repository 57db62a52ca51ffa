package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/server"
	"github.com/wxnotify/wxnotify/store"
)

type moveCmd struct {
	Output output `embed:""`

	From        wxnotify.Secret `name:"from" required:"" placeholder:"DSN" help:"The database that is copied: sqlite:PATH or postgres://…"`
	To          wxnotify.Secret `name:"to" required:"" placeholder:"DSN" help:"An empty database."`
	MasterKey   wxnotify.Secret `name:"master-key" placeholder:"KEY" help:"Opens the old database. Left out, the key file beside a SQLite database."`
	ToMasterKey wxnotify.Secret `name:"to-master-key" placeholder:"KEY" help:"Is to open the new database. Left out, the same key."`
	Pause       bool            `name:"pause" help:"Leave every app of the new database paused, as restore does."`
	Restart     bool            `name:"restart" help:"Empty the target of a move that was not finished, and begin anew."`
}

// Help shows examples.
func (*moveCmd) Help() string {
	return `Stop every server first. A move that was interrupted goes on when the same command is run again; until it is done no server starts on the target.
At the end both sides are read and compared. The old database stays as it is, with every app paused: two that send would send everything twice.

Examples:

  wxnotify move --from sqlite:wxnotify.db --to postgres://wxnotify@db/wxnotify
  wxnotify move --from postgres://wxnotify@db/wxnotify --master-key-file old.key --to sqlite:small.db
  wxnotify move --pause --from sqlite:backup.db --master-key-file wxnotify.db.key --to postgres://wxnotify@db/wxnotify`
}

// Run moves.
func (c *moveCmd) Run(ctx context.Context) error {
	from, to := server.Config{Database: c.From, MasterKey: c.MasterKey}, server.Config{Database: c.To, MasterKey: c.ToMasterKey}
	for _, side := range []server.Config{from, to} {
		if err := side.CheckDatabase(); err != nil {
			return usageError{err}
		}
	}
	master, err := from.KnownMaster()
	if errors.Is(err, fs.ErrNotExist) || from.Postgres() && err != nil {
		return usage("%w (of the old database: --master-key-file)", err)
	}
	if err != nil {
		return err
	}
	target := master
	if !c.ToMasterKey.IsZero() {
		if target, err = to.KnownMaster(); err != nil {
			return usage("to-master-key: %w", err)
		}
	}
	tables, err := c.move(ctx, master, target)
	if err != nil {
		return stopped(ctx, err, "run the same command again to go on")
	}
	where := keyWords(to, target)
	return c.Output.print(tables, func(w io.Writer) { c.show(w, tables, where) })
}

// keyWords puts the master key beside a new SQLite file, and says where the
// servers find it.
func keyWords(to server.Config, master []byte) string {
	file := to.KeyFile()
	if file == "" {
		return "Every node needs the same master key: --master-key-file (the old key file will do), or WXNOTIFY_MASTER_KEY."
	}
	if kept, err := server.KeepKey(file, master); err != nil || !slices.Equal(kept, master) {
		return "The new database needs its master key, and " + file + " is not it: give it with --master-key-file."
	}
	return "Its master key is in " + file + "."
}

func (c *moveCmd) move(ctx context.Context, master, target []byte) ([]store.MovedTable, error) {
	p := watch("", rowCount)
	defer p.end()
	m := store.Move{
		From: c.From.Reveal(), To: c.To.Reveal(), Master: master, ToMaster: target, Restart: c.Restart, Pause: c.Pause,
		Told: func(what string, done, total int64) {
			p.say(what)
			p.told(done, total)
		},
	}
	return m.Run(ctx)
}

func rowCount(n int64) string { return fmt.Sprintf("%d %s", n, plural(int(n), "row")) }

func (c *moveCmd) show(w io.Writer, tables []store.MovedTable, where string) {
	rows := [][]string{{"TABLE", "ROWS", "CHECKSUM"}}
	for _, t := range tables {
		rows = append(rows, []string{t.Name, fmt.Sprint(t.Rows), t.Sum})
	}
	table(w, rows...)
	fmt.Fprintln(w, "\nBoth sides are equal. Every app of the old database is paused; do not start a server on it again.")
	if c.Pause {
		fmt.Fprintln(w, "Every app of the new one is paused, too: look at what would be sent, then wxnotify app resume APPID.")
	}
	fmt.Fprintln(w, where)
}
