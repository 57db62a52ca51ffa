//go:build unix

package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify/client"
)

// The databases and the sources of permits.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
	Cluster  = "cluster" // PostgreSQL with a standby, under Patroni
	Form     = "form"
	Payment  = "payment"
)

// Options say what a run is.
type Options struct {
	Database string        // SQLite, Postgres or Cluster
	Nodes    int           // servers; with SQLite one
	Source   string        // of permits: Form or Payment
	Messages int           // how many are sent; 0: as many as go
	For      time.Duration // for how long at most; a run that has not sent its Messages by then fails
	Seed     uint64
	Apps     int
	Quiet    bool      // nothing is broken: what the checker costs, and how fast it goes
	Tells    bool      // WeChat pushes events to the servers, and they tell a webhook of messages
	Next     string    // a wxnotify of version Rolled, to which the servers are upgraded behind a balancer; nothing else is broken then
	Binary   string    // the wxnotify that is run
	Dir      string    // an empty folder for data and logs
	Env      []string  // of the servers
	Out      io.Writer `json:"-"`
}

// usersPerApp is small enough that users have several messages at once.
const usersPerApp = 20

// Run is one run, from an empty folder to a verdict. An error means that there
// is none.
func Run(ctx context.Context, o Options) (*Report, error) {
	journal, err := newJournal(filepath.Join(o.Dir, "journal.jsonl"))
	if err != nil {
		return nil, err
	}
	defer journal.close()
	f, err := startFleet(ctx, o)
	if err != nil {
		return nil, err
	}
	defer f.close()
	places, err := f.settle(ctx, o.Apps, usersPerApp)
	if err != nil {
		return nil, err
	}
	t := &tail{wx: f.wx}
	follow, unfollow := context.WithCancel(ctx)
	defer unfollow()
	tailed := make(chan error, 1)
	go func() { tailed <- t.run(follow) }()

	report, l := &Report{}, &loads{opt: o, fleet: f, places: places, tail: t}
	if err := storm(ctx, l, journal, report); err != nil {
		return nil, err
	}
	return report, l.verdict(ctx, journal, t, report, unfollow, tailed)
}

// verdict waits until all is at rest, reads everything, and checks it.
func (l *loads) verdict(ctx context.Context, j *journal, t *tail, report *Report, unfollow func(), tailed <-chan error) (err error) {
	f := l.fleet
	healed := time.Now()
	if err := f.calm(ctx, l.opt, l.places, t); err != nil && !errors.Is(err, errStuck) {
		return err
	}
	report.Drained = time.Since(healed)
	if f.ears != nil {
		rest(ctx, 10*time.Second) // of what was said of messages at rest; servers look every 5 s
	}
	unfollow()
	if err := <-tailed; err != nil {
		return err
	}
	if err := t.read(ctx); err != nil {
		return err
	}
	if err := f.crashes(j); err != nil {
		return err
	}
	report.Fetches = t.fetches
	report.Record.Calls, report.Record.Events = t.calls, t.events
	if report.Record.Journal, err = j.with(l.journals); err != nil {
		return err
	}
	if err := f.gather(ctx, l.places, &report.Record); err != nil {
		return err
	}
	if f.ears != nil {
		report.Record.Told = f.ears.all(ctx, f.client(f.nodes[0]))
	}
	report.Findings = Check(report.Record)
	return nil
}

// storm is the load under all faults, until the load is done.
func storm(ctx context.Context, l *loads, j *journal, report *Report) error {
	o, f := l.opt, l.fleet
	began := time.Now()
	d := &driver{opt: o, fleet: f, journal: j, places: l.places, counts: map[string]int{}}
	if !o.Quiet && o.Next == "" {
		if err := f.spoil(ctx, o.Seed); err != nil {
			return err
		}
	}
	// A play is what is done to the servers in a fixed order: the load lasts at
	// least until it is over.
	var play func(context.Context) ([]string, error)
	switch {
	case f.cluster != nil:
		play = func(ctx context.Context) ([]string, error) { return f.failovers(ctx, j) }
	case f.front != nil:
		play = func(ctx context.Context) ([]string, error) { return f.roll(ctx, o.Next) }
	}
	b, err := l.start(false, play != nil)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, b.stop)()
	defer time.AfterFunc(o.For, b.stop).Stop()
	breaking, heal := context.WithCancel(ctx)
	defer heal()
	broken := make(chan error, 1)
	switch {
	case play != nil:
		go func() {
			figures, err := play(breaking)
			report.Figures = figures
			b.enough()
			if err != nil || o.Messages == 0 {
				b.stop()
			}
			broken <- err
		}()
	case o.Quiet:
		broken <- nil
	default:
		go func() { broken <- d.run(breaking) }()
	}
	err = b.wait()
	heal()
	if err := errors.Join(err, <-broken); err != nil {
		return err
	}
	report.Loaded, report.Injuries = time.Since(began), d.counts
	report.Errors, report.FirstError = l.sum.Errors, l.sum.First
	report.Asked, report.Sent = o.Messages, int(l.sum.Marks)
	if ctx.Err() != nil {
		return errOver
	}
	return f.wx.heal(ctx)
}

// spoil lets the sandbox lose and refuse calls: 5 % of requests and 10 % of
// answers are lost, 2 % get an HTTP 502, 1 % errcode -1.
func (f *fleet) spoil(ctx context.Context, seed uint64) error {
	for i, fault := range []struct {
		effect string
		more   object
	}{
		{"drop_request", object{"probability": 0.05}},
		{"drop_response", object{"probability": 0.10}},
		{"status", object{"probability": 0.02, "status": 502}},
		{"errcode", object{"probability": 0.01, "errcode": -1}},
	} {
		fault.more["seed"] = seed + uint64(i)
		if err := f.wx.fault(ctx, fault.effect, fault.more); err != nil {
			return err
		}
	}
	return nil
}

func progress(ctx context.Context, out io.Writer, l *load, t *tail) {
	for rest(ctx, 15*time.Second) {
		fmt.Fprintf(out, "  %d messages sent in, %d accepted, %d cards\n", l.marks.Load(), l.accepted.Load(), t.effects.Load())
	}
}

// errStuck: the rule of the same name tells which messages.
var errStuck = errors.New("not everything came to rest")

// calm starts whatever does not run and waits until every message is at rest.
// A message that was lost n times waits up to 2^n seconds, so this takes a
// while when there were many.
func (f *fleet) calm(ctx context.Context, o Options, places []place, t *tail) error {
	for _, n := range f.nodes {
		if err := n.start(); err != nil {
			return err
		}
	}
	if err := f.ready(ctx); err != nil {
		return err
	}
	told := time.Now()
	err := until(ctx, "everything at rest", 12*time.Minute, func() bool {
		left := f.moving(ctx, places)
		if left != "" && time.Since(told) > 15*time.Second {
			told = time.Now()
			fmt.Fprintf(o.Out, "  not at rest yet: %s; %d cards\n", left, t.effects.Load())
			if f.ears != nil { // for an event that WeChat could not tell a quarter of an hour is waited
				_ = f.wx.call(ctx, "clock", object{"advance_seconds": 16 * 60}, nil) // or in 15 s
			}
		}
		return left == ""
	})
	switch {
	case ctx.Err() != nil:
		return errOver
	case err != nil:
		return errStuck
	}
	return nil
}

// moving names a message that is not at rest; "": all are.
func (f *fleet) moving(ctx context.Context, places []place) string {
	c := f.client(f.nodes[0])
	for _, p := range places {
		for _, state := range []string{"scheduled", "waiting", "queued", "sending", "unsure"} {
			for m, err := range c.Messages(ctx, client.MessageFilter{App: p.app, State: state, PageSize: 1}) {
				if err != nil {
					return err.Error()
				}
				return m.ID + " is " + m.State
			}
		}
	}
	return ""
}

// gather reads what the API and the phones say at the end.
func (f *fleet) gather(ctx context.Context, places []place, r *Record) (err error) {
	c := client.New(f.nodes[0].url, key)
	for _, p := range places {
		for m, err := range c.Messages(ctx, client.MessageFilter{App: p.app, PageSize: 250}) {
			if err != nil {
				return err
			}
			out := Message{ID: m.ID, Mark: m.Meta["mark"], App: m.App, To: m.To, State: m.State, Reason: m.Reason, Evidence: m.Evidence}
			if m.Permit != nil {
				out.Permit = m.Permit.ID
			}
			if m.State == "unknown" || !out.atRest() {
				if m, err = c.Message(ctx, m.ID); err != nil {
					return err
				}
				for _, a := range m.Attempts {
					out.Tries = append(out.Tries, Try{Node: a.Node, Outcome: a.Outcome, Started: a.StartedAt})
				}
			}
			r.Messages = append(r.Messages, out)
		}
		for x, err := range c.Permits(ctx, client.PermitFilter{App: p.app, PageSize: 250}) {
			if err != nil {
				return err
			}
			r.Permits = append(r.Permits, Permit{ID: x.ID, App: x.App, To: x.To, State: x.State, Cause: x.Cause, Message: x.Message})
		}
	}
	r.Cards, err = f.wx.cards(ctx)
	return err
}

// crashes writes down what servers' logs say about panics.
func (f *fleet) crashes(j *journal) error {
	for _, n := range f.nodes {
		raw, err := os.ReadFile(n.log)
		if err != nil {
			return err
		}
		for text := range strings.Lines(string(raw)) {
			if strings.HasPrefix(text, "panic: ") || strings.HasPrefix(text, "fatal error: ") || strings.HasPrefix(text, "WARNING: DATA RACE") || strings.Contains(text, `"msg":"a panic`) {
				j.write(Entry{Op: OpCrashed, Node: n.name, Text: strings.TrimSpace(text)})
			}
		}
	}
	return nil
}
