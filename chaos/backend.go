//go:build unix

package chaos

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// The load is a process of its own, as backends are. It gets its task as the
// first line of its standard input; the word enough on a line of its own says
// that the play is over, and the end of the input that the load is. It keeps
// its own journal, and writes a tally when it is done.

// A task is what the load's process is told.
type task struct {
	Options Options
	Sandbox string
	Nodes   []address
	Front   *address // nil: none
	Places  []taskPlace
	Points  bool   // the load of a kill point, not that of a run
	On      bool   // there is a play, and the load lasts at least as long
	First   int64  // marks that were given out before
	Call    uint64 // of the sandbox's log, after which to read
	Event   uint64
	Journal string
	Tally   string
}

type address struct{ Name, URL string }

type taskPlace struct {
	App, Template, Prompt string
	Users                 []string
}

// A tallied is what the load's processes counted.
type tallied struct {
	Marks  int64
	Errors int64
	First  string // of the errors; "": none
}

// Load is the load's process, from its task to its tally. It ends when the
// messages are out, when its input ends, or with ctx; an error means that there
// is no tally, and the run has no verdict.
func Load(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	if !lines.Scan() {
		return fmt.Errorf("no task: %w", errors.Join(lines.Err(), io.ErrUnexpectedEOF))
	}
	var t task
	if err := json.Unmarshal(lines.Bytes(), &t); err != nil {
		return fmt.Errorf("the task: %w", err)
	}
	l, err := t.load()
	if err != nil {
		return err
	}
	defer l.journal.close()
	ctx, end := context.WithCancel(ctx)
	defer end()
	loading, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		for lines.Scan() {
			l.on.Store(false)
		}
		stop()
	}()
	tailed := make(chan error, 1)
	go func() {
		err := l.tail.run(ctx)
		stop() // without it nothing is known any more
		tailed <- err
	}()
	if t.Points {
		l.short(ctx, loading)
	} else {
		go progress(loading, out, l, l.tail)
		l.run(loading)
	}
	end()
	if err := <-tailed; err != nil {
		return err
	}
	tally := tallied{Marks: l.marks.Load(), Errors: l.errors.Load()}
	if first := l.first.Load(); first != nil {
		tally.First = (*first).Error()
	}
	raw, err := json.Marshal(tally)
	if err != nil {
		return err
	}
	return os.WriteFile(t.Tally, raw, 0o644)
}

func (t *task) load() (*load, error) {
	j, err := newJournal(t.Journal)
	if err != nil {
		return nil, err
	}
	f := &fleet{wx: newWeChat(t.Sandbox)}
	for _, s := range t.Nodes {
		f.nodes = append(f.nodes, s.node())
	}
	if t.Front != nil {
		f.front = t.Front.node()
	}
	l := &load{opt: t.Options, fleet: f, journal: j, tail: &tail{wx: f.wx, last: t.Call, lastEvent: t.Event}}
	for _, p := range t.Places {
		l.places = append(l.places, place{app: p.App, template: p.Template, prompt: p.Prompt, users: p.Users})
	}
	l.marks.Store(t.First)
	l.on.Store(t.On)
	return l, nil
}

func (s address) node() *node { return &node{process: &process{name: s.Name}, url: s.URL} }

func (n *node) address() address { return address{n.name, n.url} }

// short is the load of a kill point: a little of everything, until stop ends.
// What began is brought to an end under ctx.
func (l *load) short(ctx, stop context.Context) {
	r := rand.New(rand.NewPCG(l.opt.Seed, uint64(l.marks.Load())))
	var all sync.WaitGroup
	for range 3 {
		own := rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))
		all.Go(func() {
			for stop.Err() == nil {
				if l.waiting() > 500 {
					rest(stop, 50*time.Millisecond)
				} else {
					l.batch(stop, stop, own)
				}
				l.operate(ctx, own)
				l.subscribe(ctx, own)
			}
		})
	}
	all.Wait()
}

// Loads are the load's processes of a run, one after the other, and what they
// counted and wrote down together.
type loads struct {
	opt    Options
	fleet  *fleet
	places []place
	tail   *tail

	number   int
	sum      tallied
	journals []string
}

// A backend is a load's process that runs.
type backend struct {
	loads *loads
	cmd   *exec.Cmd
	in    io.WriteCloser
	tally string
	once  sync.Once
}

// start starts the load. This program does it, told by its first argument.
func (l *loads) start(points, on bool) (*backend, error) {
	l.number++
	t := task{
		Options: l.opt, Sandbox: l.fleet.wx.url, Points: points, On: on, First: l.sum.Marks,
		Journal: filepath.Join(l.opt.Dir, fmt.Sprintf("load-%d.jsonl", l.number)),
		Tally:   filepath.Join(l.opt.Dir, fmt.Sprintf("load-%d.json", l.number)),
	}
	t.Call, t.Event = l.tail.position()
	for _, n := range l.fleet.nodes {
		t.Nodes = append(t.Nodes, n.address())
	}
	if l.fleet.front != nil {
		front := l.fleet.front.address()
		t.Front = &front
	}
	for _, p := range l.places {
		t.Places = append(t.Places, taskPlace{p.app, p.template, p.prompt, p.users})
	}
	raw, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &backend{loads: l, cmd: exec.Command(self, LoadArg), tally: t.Tally}
	c.cmd.Stdout, c.cmd.Stderr = l.opt.Out, os.Stderr
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(c.cmd.SysProcAttr, syscall.SIGKILL)
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("the load: %w", err)
	}
	l.journals = append(l.journals, t.Journal)
	_, err = c.in.Write(append(raw, '\n'))
	return c, err
}

// LoadArg is the argument with which this program is the load.
const LoadArg = "load"

// enough says that the play is over.
func (c *backend) enough() { _, _ = io.WriteString(c.in, "enough\n") } // one that is over cannot hear it

// stop ends the load; what it began it brings to an end.
func (c *backend) stop() { c.once.Do(func() { _ = c.in.Close() }) }

// wait waits until the load is over, and counts it in.
func (c *backend) wait() error {
	err := c.cmd.Wait()
	if err != nil {
		return fmt.Errorf("the load: %w", err)
	}
	raw, err := os.ReadFile(c.tally)
	if err != nil {
		return err
	}
	var t tallied
	if err := json.Unmarshal(raw, &t); err != nil {
		return err
	}
	s := &c.loads.sum
	s.Marks, s.Errors = t.Marks, s.Errors+t.Errors
	if s.First == "" {
		s.First = t.First
	}
	return nil
}
