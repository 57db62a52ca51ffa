// Package bench measures this build on the machine it runs on, and says how far
// it is from what a bare HTTP client can do there.
//
// Machines differ, and a shared one differs from minute to minute. So every
// figure that matters is a ratio of two things that were measured in the same
// run: the rate of the whole product, with everything durable, over that of a
// loop that posts rendered bodies to WeChat and keeps nothing (the ceiling);
// and CPU seconds, which a busy neighbour disturbs less than a clock.
//
// Nothing is imitated. The program starts itself as the processes that people
// run: `wxnotify sandbox` stands for WeChat, `wxnotify serve` is measured, with
// a database of its own that is thrown away at the end. The ceiling posts to
// the same sandbox. After each part the sandbox's cards are held against what
// was sent: each message once, no form_id twice. A part that fails that check
// fails the run; a figure without it would be worth nothing.
package bench

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/wxnotify/wxnotify"
)

// Options are what a run can be told.
type Options struct {
	// Program is this program's file; it is started as sandbox and server.
	Program string
	// Dir is an empty folder for the SQLite file.
	Dir string
	// Postgres is an address where a database may be created, as postgres://….
	// The zero Secret leaves PostgreSQL out. The database is dropped at the end.
	Postgres wxnotify.Secret
	// Quick runs the main parts with less, in about half a minute.
	Quick bool
	// Deep adds a ledger of 10,000,000 permits; it takes many minutes and gigabytes.
	Deep bool
	// Progress is where the bar goes, nil for none.
	Progress io.Writer
}

// A size is how much is measured.
type size struct {
	Messages int // of a part
	Single   int // posts at once and by themselves, for each number of connections
	Idle     int
	Backlog  int // 0: left out
	Ledger   int
}

func (o Options) size() size {
	switch {
	case o.Quick:
		return size{Messages: 4000, Single: 1000, Idle: 100}
	case o.Deep:
		return size{Messages: 20_000, Single: 6000, Idle: 500, Backlog: 1_000_000, Ledger: 10_000_000}
	}
	return size{Messages: 20_000, Single: 6000, Idle: 500, Backlog: 1_000_000, Ledger: 1_000_000}
}

// Run measures, and returns what it found. It takes about two minutes for each
// database, half a minute if it is to be quick. When ctx ends it stops its
// processes and returns ctx's error.
func Run(ctx context.Context, o Options) (*Report, error) {
	r := &Report{Program: o.Program, Started: time.Now(), Size: o.size(), Machine: machine()}
	names := []string{"sqlite"}
	if !o.Postgres.IsZero() {
		names = append(names, "postgres")
	}
	bar := newBar(o.Progress, len(names)*parts(r.Size))
	defer bar.clear()
	for _, name := range names {
		if err := measure(ctx, o, name, r, bar); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	r.Took = time.Since(r.Started)
	return r, nil
}

// measure measures one database.
func measure(ctx context.Context, o Options, name string, r *Report, bar *bar) (err error) {
	w, err := newWorld(ctx, o, name)
	if err != nil {
		return err
	}
	defer w.close()
	d := &Database{Name: name}
	r.Databases = append(r.Databases, d)
	for _, p := range plan(r.Size) {
		bar.step(name + ": " + p.what)
		if err := p.run(w, r.Size, d); err != nil {
			return fmt.Errorf("%s: %w", p.what, err)
		}
	}
	return nil
}

// A part of the run.
type part struct {
	what string
	run  func(*world, size, *Database) error
}

func plan(s size) []part {
	all := []part{
		{"a bare HTTP client", ceiling},
		{"accepting single posts", singles},
		{"accepting batches of 100 and of 1,000", batches},
		{"sending what was accepted", drain},
		{"accepting and sending at the same time", together},
		{"256 calls at once that take 30 ms each", slow(256)},
		{"1,024 calls at once that take 30 ms each", slow(1024)},
		{"one message in peace", idle},
	}
	if s.Backlog > 0 {
		all = append(all,
			part{"a short backlog", behind(0)},
			part{"a long backlog", behind(s.Backlog)},
			part{"a large ledger", ledger(s.Ledger)})
	}
	return all
}

func parts(s size) int { return len(plan(s)) }
