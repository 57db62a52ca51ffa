package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/bench"
	"github.com/wxnotify/wxnotify/server"
)

type benchCmd struct {
	Database   wxnotify.Secret `name:"database" placeholder:"DSN" help:"Measure on this PostgreSQL as well, postgres://…; a database of its own is made there, and dropped."`
	Quick      bool            `name:"quick" help:"The main parts only, with less: half a minute for each database."`
	Deep       bool            `name:"deep" help:"Also a ledger of 10,000,000 permits: many minutes, several gigabytes."`
	JSON       bool            `name:"json" help:"Print JSON."`
	BareClient bool            `name:"bare-client" hidden:""`
}

// Help shows examples.
func (*benchCmd) Help() string {
	return `It starts a sandbox and a server of this build, with a database that is thrown away, measures them and a bare HTTP client that posts to the same sandbox, and prints how they compare. It checks that each message arrived once. Nothing of yours is touched.

Examples:

  wxnotify bench
  wxnotify bench --quick
  wxnotify bench --database postgres://wxnotify@127.0.0.1/postgres --json > bench.json`
}

// Run measures until ctx ends.
func (c *benchCmd) Run(ctx context.Context) error {
	if c.BareClient {
		return bench.Bare(ctx, os.Stdin, os.Stdout)
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "wxnotify-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	report, err := bench.Run(ctx, bench.Options{Program: program, Dir: dir, Postgres: c.Database, Quick: c.Quick, Deep: c.Deep, Progress: terminal(os.Stderr)})
	if ctx.Err() != nil {
		return errors.New("stopped before the end; nothing was left behind")
	}
	if err != nil {
		return err
	}
	report.Version = server.Version()
	if !c.JSON {
		report.Print(os.Stdout)
		return nil
	}
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(report)
}

// terminal is f if a person watches it, else nil.
func terminal(f *os.File) io.Writer {
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	return f
}
