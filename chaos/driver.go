//go:build unix

package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"
)

// A driver breaks things, one after the other and several at once, as its seed
// says. At most one thing is wrong with each server at a time.
type driver struct {
	opt     Options
	fleet   *fleet
	journal *journal
	places  []place
	counts  map[string]int
	mu      sync.Mutex
}

// An injury is one way to break something, and for how long.
type injury struct {
	name   string
	weight int
	many   bool // needs more than one server
	pg     bool // needs PostgreSQL
	least  time.Duration
	most   time.Duration
	do     func(d *driver, ctx context.Context, n *node, r *rand.Rand, lasts time.Duration) error
}

// The injuries. Times beyond 15 s pass the start of a claimed call, beyond 30 s
// the lease.
var injuries = []injury{
	{"kill -9, back at once", 6, false, false, 0, 500 * time.Millisecond, (*driver).kill},
	{"kill -9, back later", 4, false, false, time.Second, 6 * time.Second, (*driver).kill},
	{"kill -9, gone beyond its lease", 1, true, false, 32 * time.Second, 40 * time.Second, (*driver).kill},
	{"SIGTERM", 1, false, false, 0, time.Second, (*driver).terminate},
	{"SIGSTOP, shortly", 3, false, false, 200 * time.Millisecond, 5 * time.Second, (*driver).freeze},
	{"SIGSTOP, past the start", 1, true, false, 16 * time.Second, 20 * time.Second, (*driver).freeze},
	{"SIGSTOP, past the lease", 1, true, false, 32 * time.Second, 36 * time.Second, (*driver).freeze},
	{"calls to WeChat cut", 2, false, false, 300 * time.Millisecond, 4 * time.Second, cutter(onward, false)},
	{"answers of WeChat cut", 3, false, false, 300 * time.Millisecond, 14 * time.Second, cutter(back, false)},
	{"calls to the database cut", 2, false, true, 300 * time.Millisecond, 8 * time.Second, cutter(onward, true)},
	{"answers of the database cut", 3, false, true, 300 * time.Millisecond, 8 * time.Second, cutter(back, true)},
	{"PostgreSQL restarted", 1, false, true, 0, 3 * time.Second, (*driver).restart},
	{"tokens revoked", 2, false, false, 0, 0, (*driver).revoke},
}

// run breaks until ctx ends, and leaves everything as it found it.
func (d *driver) run(ctx context.Context) error {
	r := rand.New(rand.NewPCG(d.opt.Seed, 1))
	var all sync.WaitGroup
	failed := make(chan error, 1)
	all.Go(func() { d.watch(ctx) })
	for rest(ctx, time.Duration(500+r.IntN(d.gap()))*time.Millisecond) {
		i, n, own := d.draw(r), d.fleet.nodes[r.IntN(len(d.fleet.nodes))], rand.New(rand.NewPCG(r.Uint64(), 0))
		lasts := i.least + time.Duration(r.Int64N(int64(i.most-i.least)+1))
		if !n.busy.TryLock() {
			continue
		}
		all.Go(func() {
			defer n.busy.Unlock()
			d.count(i.name)
			name := n.name
			if i.name == "PostgreSQL restarted" {
				name = "postgres"
			}
			d.journal.write(Entry{Op: OpFault, Node: name, Text: fmt.Sprintf("%s, for %v", i.name, lasts.Round(time.Millisecond))})
			if err := i.do(d, ctx, n, own, lasts); err != nil {
				select {
				case failed <- fmt.Errorf("%s on %s: %w", i.name, n.name, err):
				default:
				}
			}
			d.journal.write(Entry{Op: OpHealed, Node: name, Text: i.name})
		})
	}
	all.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// gap is how long it is quiet between two injuries at most, in milliseconds. A
// long run needs time to send in between.
func (d *driver) gap() int {
	if d.opt.For < 2*time.Minute {
		return 3000
	}
	return 15_000 / len(d.fleet.nodes)
}

// watch is the supervisor that a server has in real life: one that ended by
// itself, say because its database was away when it started, is started again.
func (d *driver) watch(ctx context.Context) {
	for rest(ctx, time.Second) {
		for _, n := range d.fleet.nodes {
			if n.busy.TryLock() {
				if !n.running() {
					d.count("started again by its supervisor")
					_ = n.start() // or a second later
				}
				n.busy.Unlock()
			}
		}
	}
}

// draw picks an injury that can be done here.
func (d *driver) draw(r *rand.Rand) injury {
	for {
		n := r.IntN(weights)
		for _, i := range injuries {
			if n -= i.weight; n >= 0 {
				continue
			}
			if i.many && len(d.fleet.nodes) == 1 || i.pg && d.fleet.postgres == nil || i.least > d.opt.For/4 {
				break
			}
			return i
		}
	}
}

var weights = func() (sum int) {
	for _, i := range injuries {
		sum += i.weight
	}
	return sum
}()

func (d *driver) count(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counts[name]++
}

func (d *driver) kill(ctx context.Context, n *node, _ *rand.Rand, away time.Duration) error {
	n.kill()
	rest(ctx, away)
	return n.start()
}

func (d *driver) terminate(ctx context.Context, n *node, _ *rand.Rand, away time.Duration) error {
	n.end(syscall.SIGTERM, 30*time.Second)
	rest(ctx, away)
	return n.start()
}

func (d *driver) freeze(ctx context.Context, n *node, _ *rand.Rand, lasts time.Duration) error {
	n.signal(syscall.SIGSTOP)
	rest(ctx, lasts)
	n.signal(syscall.SIGCONT)
	return nil
}

// cutter holds up one direction; afterwards what was held arrives, or every
// connection is reset.
func cutter(direction int, database bool) func(*driver, context.Context, *node, *rand.Rand, time.Duration) error {
	return func(_ *driver, ctx context.Context, n *node, r *rand.Rand, lasts time.Duration) error {
		p := n.wechat
		if database {
			p = n.database
		}
		release := p.hold(direction)
		rest(ctx, lasts)
		release(r.IntN(2) == 0)
		return nil
	}
}

func (d *driver) restart(ctx context.Context, _ *node, _ *rand.Rand, away time.Duration) error {
	d.fleet.postgres.busy.Lock()
	defer d.fleet.postgres.busy.Unlock()
	return d.fleet.postgres.restart(context.WithoutCancel(ctx), away)
}

func (d *driver) revoke(ctx context.Context, _ *node, r *rand.Rand, _ time.Duration) error {
	return d.fleet.wx.call(context.WithoutCancel(ctx), "tokens/revoke", object{"appid": d.places[r.IntN(len(d.places))].app}, nil)
}
