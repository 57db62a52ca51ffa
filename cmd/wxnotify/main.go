// Command wxnotify is the whole product in one program: the server, the
// sandbox, a demo of both, and everyday work from a shell.
//
// Settings have one name in three places: the flag --wechat-url, the variable
// WXNOTIFY_WECHAT_URL, the key wechat_url in the file that --config names. A
// flag beats the environment, which beats the file. A secret may also be given
// as the name of a file that holds it: --api-key-file, WXNOTIFY_API_KEY_FILE,
// api_key_file. What a setting is called and means stands in server.Config.
//
// The exit code is 0 when it was done, 1 when it failed, 2 when the command
// line or a setting was wrong.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type cli struct {
	Config string `name:"config" placeholder:"FILE" help:"Configuration file (TOML)."`

	Demo     demoCmd     `cmd:"" help:"Server and sandbox in one process: try everything, nothing to configure."`
	Serve    serveCmd    `cmd:"" help:"Run the server."`
	Sandbox  sandboxCmd  `cmd:"" help:"Run the sandbox, a simulator of WeChat."`
	Send     sendCmd     `cmd:"" help:"Send a message."`
	Message  messageCmd  `cmd:"" help:"Look at messages, cancel or repeat them."`
	Permit   permitCmd   `cmd:"" help:"Hand in permits, list them."`
	Template templateCmd `cmd:"" help:"List templates, fetch them from WeChat."`
	App      appCmd      `cmd:"" help:"Register apps, pause and resume their sending."`
	Key      keyCmd      `cmd:"" help:"Make, list and revoke API keys."`
	Doctor   doctorCmd   `cmd:"" help:"Check everything that a set-up can get wrong."`
	Backup   backupCmd   `cmd:"" help:"Copy the SQLite database, also while a server works on it."`
	Restore  restoreCmd  `cmd:"" help:"Put a backup in place, with every app paused."`
	Export   exportCmd   `cmd:"" help:"Write messages or permits to a file, as NDJSON or CSV."`
	Import   importCmd   `cmd:"" help:"Hand in the permits or send the messages of a file."`
	Move     moveCmd     `cmd:"" help:"Copy everything into another database, such as from SQLite to PostgreSQL."`
	Migrate  migrateCmd  `cmd:"" help:"Bring the database's tables up to date."`
	Health   healthCmd   `cmd:"" name:"healthcheck" help:"Ask a server whether it is alive: for containers."`
	Bench    benchCmd    `cmd:"" help:"Measure this build on this machine."`
	Version  versionCmd  `cmd:"" help:"Print the version."`
}

const about = "A notification server for WeChat Mini Programs: it keeps the permits that users give, " +
	"sends each message once, and shows what became of it.\n\n" +
	"Settings: the flag --wechat-url is WXNOTIFY_WECHAT_URL in the environment and wechat_url in the file that --config names; " +
	"flag beats environment beats file."

func main() { os.Exit(run(os.Args[1:])) }

// A usageError is the caller's: exit code 2.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// run does what args say and returns the exit code. SIGINT and SIGTERM end the
// context; a second one ends the process at once.
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	if len(args) == 0 {
		args = []string{"--help"}
	}
	var c cli
	p, err := newParser(ctx, &c)
	if err != nil {
		panic(err) // the grammar is wrong
	}
	k, err := p.Parse(args)
	if err == nil {
		err = k.Run()
	} else {
		k = contextOf(err)
		err = usageError{explain(err, k)}
	}
	return report(err, k)
}

func newParser(ctx context.Context, c *cli) (*kong.Kong, error) {
	s := &settings{config: &c.Config}
	options := []kong.Option{
		kong.Name("wxnotify"),
		kong.Description(about),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100, NoExpandSubcommands: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.PostBuild(s.prepare),
		kong.WithBeforeResolve(s.load),
		kong.Resolvers(s),
	}
	return kong.New(c, append(options, mappers()...)...)
}

// report prints what went wrong and chooses the exit code.
func report(err error, k *kong.Context) int {
	var wrong usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &wrong):
		fmt.Fprintf(os.Stderr, "wxnotify: %v\n", err)
		fmt.Fprintf(os.Stderr, "Run \"%s --help\" for what there is.\n", command(k))
		return 2
	}
	fmt.Fprintf(os.Stderr, "wxnotify: %v\n", err)
	return 1
}

// contextOf is how far kong came with a command line that it refused.
func contextOf(err error) *kong.Context {
	if p, ok := errors.AsType[*kong.ParseError](err); ok {
		return p.Context
	}
	return nil
}

// command is how the command that was asked for is called.
func command(k *kong.Context) string {
	if k == nil || k.Selected() == nil {
		return "wxnotify"
	}
	return k.Selected().FullPath()
}

// first is the first word of the command: app of "app add".
func first(n *kong.Node) string {
	for n.Parent != nil && n.Parent.Type != kong.ApplicationNode {
		n = n.Parent
	}
	return n.Name
}
