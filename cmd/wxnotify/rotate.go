package main

import (
	"context"
	"fmt"
	"os"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/server"
)

type rotateCmd struct {
	Config server.Config `embed:""`

	New wxnotify.Secret `name:"new-master-key" placeholder:"KEY" help:"The new key: 64 hex digits, or base64 of 32 bytes. Left out, one is made, where the old one lies beside a SQLite database."`
}

// Help shows examples.
func (*rotateCmd) Help() string {
	return `Stop the server, or all nodes, first: it is refused while one runs. The keys in the database are wrapped anew with the new master key; what lasts (secrets of apps, tokens) and all that comes is encrypted with a new data key. Contents and codes stay under the old data key until they go, after the retention time.

A backup needs the master key of its day: keep the old one as long as its backups. Whoever has both can read that backup.

Examples:

  wxnotify key rotate-master
  wxnotify key rotate-master --database postgres://db/wxnotify --master-key-file old --new-master-key-file new`
}

// Run rotates.
func (c *rotateCmd) Run(ctx context.Context) error {
	conf := c.Config.Defaults()
	if err := conf.Check(); err != nil {
		return usageError{err}
	}
	if file := conf.SQLiteFile(); file != "" {
		if _, err := os.Stat(file); err != nil {
			return usage("there is no database %s; name one with --database", file)
		}
	}
	file, err := server.RotateMaster(ctx, newLogger(quiet(conf.LogLevel)), conf, c.New)
	if err != nil {
		return err
	}
	if file == "" {
		fmt.Println("the database has its new master key; start every node with it")
		return nil
	}
	fmt.Printf("the database has a new master key; it lies in %s\n", file)
	return nil
}
