package store

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A dialer goes to the hosts of an address that names several. A machine that is
// lost without a word refuses nothing: each call would spend its time waiting
// for it, in the order of the names, and never come to the host that leads now.
// So a host that let somebody wait is passed over, until it has answered a look
// that nobody waits for.
type dialer struct {
	dial pgconn.DialFunc
	ctx  context.Context // of the looks
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu     sync.Mutex
	silent map[string]bool // by address: whether somebody looks
}

// A host on the way to which half a second is lost is silent. lookFor is how
// long a look waits for one.
const (
	silentFor = time.Second / 2
	lookFor   = 5 * time.Second
)

var errSilent = errors.New("passed over: it has not answered lately")

func newDialer(c *pgx.ConnConfig) *dialer {
	d := &dialer{dial: c.DialFunc, silent: map[string]bool{}}
	d.ctx, d.stop = context.WithCancel(context.Background())
	for _, f := range c.Fallbacks {
		if f.Host != c.Host || f.Port != c.Port { // a single host has nobody to pass it over for
			c.DialFunc = d.connect
		}
	}
	return d
}

// close ends the looks.
func (d *dialer) close() {
	d.mu.Lock()
	d.stop() // nobody begins another
	d.mu.Unlock()
	d.wg.Wait()
}

func (d *dialer) connect(ctx context.Context, network, addr string) (net.Conn, error) {
	if d.passed(network, addr) {
		return nil, errSilent
	}
	begun := time.Now()
	c, err := d.dial(ctx, network, addr)
	if err != nil && time.Since(begun) >= silentFor {
		d.mu.Lock()
		defer d.mu.Unlock()
		if _, known := d.silent[addr]; !known {
			d.silent[addr] = false
		}
	}
	return c, err
}

// passed says whether a host is to be passed over, and has somebody look at it.
func (d *dialer) passed(network, addr string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	looked, silent := d.silent[addr]
	if silent && !looked && d.ctx.Err() == nil {
		d.silent[addr] = true
		d.wg.Go(func() { d.look(network, addr) })
	}
	return silent
}

// look waits in the place of the callers. A refusal is an answer, too.
func (d *dialer) look(network, addr string) {
	ctx, cancel := context.WithTimeout(d.ctx, lookFor)
	defer cancel()
	begun := time.Now()
	c, err := d.dial(ctx, network, addr)
	if err == nil {
		c.Close()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil || time.Since(begun) < silentFor {
		delete(d.silent, addr)
		return
	}
	d.silent[addr] = false
}
