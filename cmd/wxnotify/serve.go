package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/server"
	"github.com/wxnotify/wxnotify/store"
)

type serveCmd struct {
	Config server.Config `embed:""`
}

// Help shows examples.
func (*serveCmd) Help() string {
	return `Examples:

  wxnotify serve --database sqlite:/var/lib/wxnotify/wxnotify.db
  wxnotify serve --database postgres://wxnotify@db/wxnotify --master-key-file /run/secrets/master
  wxnotify serve --wechat-url http://127.0.0.1:8081 --clock-url http://127.0.0.1:8081

A secret may be given as a file: --master-key-file, WXNOTIFY_MASTER_KEY_FILE, master_key_file.
SIGTERM and SIGINT stop it: calls in flight finish, at most 20 s.`
}

// Run serves until ctx ends.
func (c *serveCmd) Run(ctx context.Context) error {
	if err := c.Config.Check(); err != nil {
		return usageError{err}
	}
	s, err := server.New(ctx, newLogger(c.Config.LogLevel), c.Config)
	if err != nil {
		return inUse(err, "--listen", c.Config.Listen)
	}
	if err := c.sayConsole(ctx, s); err != nil {
		return err
	}
	return inUse(s.Run(ctx), "--listen", c.Config.Listen)
}

// sayConsole prints the link that makes the console's first user, as long as
// there is none. It goes to standard output: logs are no place for secrets.
func (c *serveCmd) sayConsole(ctx context.Context, s *server.Server) error {
	link, err := s.SetupLink(ctx)
	if wxnotify.CodeOf(err) == wxnotify.StorageFull {
		fmt.Println("The console has no user yet, and the disk is full: make room and start the server again, and a link for the first one is printed here.")
		return nil
	}
	if err != nil || link == "" {
		return err
	}
	at := strings.TrimSuffix(c.Config.PublicURL, "/")
	if at == "" {
		scheme := "http://"
		if c.Config.TLSCert != "" {
			scheme = "https://"
		}
		at = scheme + reach(s.Addr())
	}
	fmt.Printf("The console has no user yet. Make the first one within a day: %s%s\n", at, link)
	return nil
}

// inUse says how to choose another port when the one that flag names is taken.
func inUse(err error, flag, addr string) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	host, text, splitErr := net.SplitHostPort(addr)
	port, numErr := strconv.Atoi(text)
	if splitErr != nil || numErr != nil {
		return err
	}
	if port += 10_000; port > 65_535 {
		port -= 20_000
	}
	return fmt.Errorf("%s is in use by another program; choose another port, for example: %s %s", addr, flag, net.JoinHostPort(host, strconv.Itoa(port)))
}

type migrateCmd struct {
	Config server.Config `embed:""`
}

// Help shows an example.
func (*migrateCmd) Help() string {
	return `The server does this at every start; the command is for those who want to do it before.

Example:

  wxnotify migrate --database postgres://wxnotify@db/wxnotify`
}

// Run brings the tables up to date.
func (c *migrateCmd) Run(ctx context.Context) error {
	if err := c.Config.CheckDatabase(); err != nil {
		return usageError{err}
	}
	if err := store.Migrate(ctx, c.Config.Database.Reveal()); err != nil {
		return err
	}
	fmt.Println("The tables are up to date.")
	return nil
}
