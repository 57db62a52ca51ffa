//go:build unix

// Command chaos breaks a running wxnotify for a while and says whether anything
// was lost or came twice; the package comment of chaos is its manual.
//
//	go run ./chaos/cmd -database postgres -nodes 3 -messages 200000 -for 15m
//
// A run that was told how many messages to send, and sent fewer, fails.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/wxnotify/wxnotify/chaos"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	var err error
	if len(os.Args) == 2 && os.Args[1] == chaos.LoadArg {
		err = chaos.Load(ctx, os.Stdin, os.Stdout)
	} else {
		err = run(ctx)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	o := chaos.Options{Out: os.Stdout}
	flag.StringVar(&o.Database, "database", chaos.SQLite, "sqlite, postgres, or cluster: a primary and a standby under Patroni, of which the primary is lost twice")
	flag.IntVar(&o.Nodes, "nodes", 1, "servers; with sqlite one")
	flag.StringVar(&o.Source, "source", chaos.Form, "of permits: form or payment")
	flag.IntVar(&o.Messages, "messages", 0, "how many are sent; if it is fewer after -for, the run fails; 0: as many as go")
	flag.DurationVar(&o.For, "for", 30*time.Second, "for how long at most")
	flag.Uint64Var(&o.Seed, "seed", rand.Uint64N(1_000_000), "draws what is broken and when")
	flag.IntVar(&o.Apps, "apps", 12, "mini programs")
	flag.BoolVar(&o.Quiet, "quiet", false, "break nothing")
	points := flag.String("points", "", "go through kill points instead: all, few, or names with commas between them")
	roll := flag.Bool("roll", false, "break nothing, but upgrade the servers one after the other behind haproxy: no request of the clients may fail")
	measure := flag.Bool("measure", false, "take the figures of docs/guarantees.md instead")
	blocked := flag.Int("blocked", 200_000, "messages of the paused app, with -measure")
	keep := flag.String("keep", "", "folder for data and logs; left out, they are kept only if something was found")
	flag.Parse()
	if o.Database == chaos.SQLite {
		o.Nodes = 1
	}
	if o.Dir = *keep; o.Dir == "" {
		if o.Dir, err = os.MkdirTemp("", "wxnotify-chaos."); err != nil {
			return err
		}
	} else if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return err
	} else if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return err
	}
	o.Binary = filepath.Join(o.Dir, "wxnotify")
	args := []string{"build", "-o", o.Binary}
	if *points != "" {
		args = append(args, "-tags", "faults")
	}
	build := exec.CommandContext(ctx, "go", append(args, "./cmd/wxnotify")...)
	build.Stdout, build.Stderr = os.Stdout, os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	if *roll {
		o.Next = o.Binary + "-next"
		build := exec.CommandContext(ctx, "go", "build", "-o", o.Next, "-ldflags", "-X github.com/wxnotify/wxnotify/server.version="+chaos.Rolled, "./cmd/wxnotify")
		build.Stdout, build.Stderr = os.Stdout, os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("build: %w", err)
		}
	}
	again := fmt.Sprintf("go run ./chaos/cmd -database %s -nodes %d -source %s -for %v -apps %d -seed %d", o.Database, o.Nodes, o.Source, o.For, o.Apps, o.Seed)
	if o.Messages > 0 {
		again += fmt.Sprint(" -messages ", o.Messages)
	}
	if *points != "" {
		again += " -points " + *points
	}
	if *roll {
		again += " -roll"
	}
	fmt.Println(again)
	if *measure {
		if err := chaos.Measure(ctx, o, *blocked); err != nil {
			return fmt.Errorf("%w (logs in %s)", err, o.Dir)
		}
		if *keep == "" {
			_ = os.RemoveAll(o.Dir)
		}
		return nil
	}
	report, err := perform(ctx, o, *points)
	if err != nil {
		return fmt.Errorf("no verdict: %w (logs in %s)", err, o.Dir)
	}
	report.Print(o.Out)
	if *roll && report.Errors > 0 {
		return fmt.Errorf("%d requests failed, the first with: %s (logs in %s)", report.Errors, report.FirstError, o.Dir)
	}
	short := report.Short()
	if len(report.Findings) == 0 && short != nil {
		return fmt.Errorf("%w (logs in %s)", short, o.Dir)
	}
	if len(report.Findings) == 0 {
		if *keep == "" {
			_ = os.RemoveAll(o.Dir)
		}
		return nil
	}
	report.Tell(o.Out, o.Dir)
	return errors.Join(fmt.Errorf("%d findings; the same again: %s", len(report.Findings), again), short)
}

func perform(ctx context.Context, o chaos.Options, points string) (*chaos.Report, error) {
	switch points {
	case "":
		return chaos.Run(ctx, o)
	case "all":
		return chaos.Exhaust(ctx, o, chaos.Points)
	case "few":
		return chaos.Exhaust(ctx, o, chaos.FewPoints)
	}
	return chaos.Exhaust(ctx, o, strings.Split(points, ","))
}
