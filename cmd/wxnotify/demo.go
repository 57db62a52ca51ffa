package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/server"
)

type demoCmd struct {
	Config server.Config `embed:""`
}

// Help shows examples.
func (*demoCmd) Help() string {
	return `It starts a sandbox (a simulator of WeChat) and a server that sends through it, registers the sandbox's sample app, and hands in three form permits of one user. It needs no account and no network.

Messages and the key are kept in the folder --data and are there again at the next start. The sandbox starts anew each time: what its users gave before is void, and three new permits are handed in. Delete the folder to start from nothing. The phone's page knows the key: keep its address to yourself.

Examples:

  wxnotify demo
  wxnotify demo --listen 127.0.0.1:18080 --sandbox-listen 127.0.0.1:18081`
}

// Run is the demo, until ctx ends.
func (c *demoCmd) Run(ctx context.Context) error {
	conf, err := c.settings()
	if err != nil {
		return err
	}
	world := sandbox.New(sandbox.Options{})
	sim, err := listen(conf, world)
	if err != nil {
		return err
	}
	sim.handler = withSample(world)
	conf.WeChatURL, conf.ClockURL = sim.url(), sim.url()
	if err := conf.Check(); err != nil {
		return usageError{err}
	}
	d := &demo{conf: conf, world: world, sim: sim, news: newNewsreel(), log: c.logger()}
	return d.run(ctx)
}

// settings makes the folder and says where things are in it.
func (c *demoCmd) settings() (server.Config, error) {
	conf := c.Config
	if err := os.MkdirAll(conf.Data, 0o700); err != nil {
		return conf, fmt.Errorf("data: %w", err)
	}
	conf.Database = wxnotify.NewSecret("sqlite:" + filepath.Join(conf.Data, "wxnotify.db"))
	conf.AppID, conf.AppSecret = sandbox.FirstAppID, wxnotify.NewSecret(sandbox.FirstSecret)
	if !conf.APIKey.IsZero() {
		return conf.Defaults(), nil
	}
	key, err := demoKey(conf.Data)
	conf.APIKey = key
	return conf.Defaults(), err
}

// logger is quiet: a demo shows messages, and of the log only what is wrong,
// unless more was asked for.
func (c *demoCmd) logger() *slog.Logger {
	level := c.Config.LogLevel
	if level == slog.LevelInfo {
		level = slog.LevelWarn
	}
	return newLogger(level)
}

// reach is how a listener's address is called from this machine.
func reach(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr
}

// A demo is a sandbox and a server that run side by side.
type demo struct {
	conf  server.Config
	world *sandbox.Sandbox
	sim   *simulator
	addr  string // of the server, as one calls it
	link  string // into the console, good once
	news  *newsreel
	log   *slog.Logger
}

// run starts the sandbox before the server, and ends it after: calls in flight
// get their answer.
func (d *demo) run(ctx context.Context) error {
	outer, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var simulated errgroup.Group
	simulated.Go(func() error { return d.sim.run(outer) })
	err := d.serve(ctx)
	stop()
	if simErr := simulated.Wait(); err == nil {
		err = simErr
	}
	return err
}

// serve runs the server, prepares the stock, says where everything is, and
// tells the news until ctx ends.
func (d *demo) serve(ctx context.Context) error {
	s, err := server.New(ctx, d.log, d.conf, server.OnRest(d.news.tell))
	if err != nil {
		return inUse(err, "--listen", d.conf.Listen)
	}
	d.addr = reach(s.Addr())
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.Run(ctx) })
	g.Go(func() error {
		c := remote{Server: "http://" + d.addr, Key: d.conf.APIKey}.open()
		err := d.prepare(ctx, c)
		if err != nil {
			return unlessStopped(ctx, err)
		}
		if d.link, err = s.EnterLink(ctx); err != nil {
			return unlessStopped(ctx, err)
		}
		d.banner()
		d.news.look = d.storyOf(c)
		return d.news.print(ctx, os.Stdout)
	})
	return g.Wait()
}

// unlessStopped is err, but nothing when the demo was stopped meanwhile.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return nil
}

// banner says where everything is, in lines that fit a terminal.
func (d *demo) banner() {
	folder, err := filepath.Abs(d.conf.Data)
	if err != nil {
		folder = d.conf.Data
	}
	sim := strings.TrimPrefix(d.sim.url(), "http://")
	fmt.Printf(`
  phone    http://%s/
  console  http://%[2]s%[7]s
  API      http://%[2]s/v1   docs: http://%[2]s/docs
  key      %[3]s
  files    %[4]s

%[5]s has submitted three forms: three messages may go out.
Press the phone's buttons, or send one from another terminal:

%[6]s

`, sim, d.addr, d.conf.APIKey.Reveal(), folder, "李小红", curlLine(sim, d.addr, d.conf.APIKey.Reveal()), d.link)
}
