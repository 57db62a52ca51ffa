package chaos

import (
	"errors"
	"net"
	"sync"
)

// A proxy passes TCP connections on to one address, and can hold up what flows
// in one direction: as when one way of a network is lost, bytes wait, and
// either arrive later or never.
type proxy struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	cut   [2]chan struct{} // by direction; closed: it flows
	conns map[net.Conn]bool
}

// The directions.
const (
	onward = iota // from the server to the far side
	back
)

func newProxy(target string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	open := make(chan struct{})
	close(open)
	p := &proxy{listener: l, target: target, cut: [2]chan struct{}{open, open}, conns: map[net.Conn]bool{}}
	go p.serve()
	return p, nil
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) serve() {
	for {
		c, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			go p.pass(c)
		}
	}
}

func (p *proxy) pass(near net.Conn) {
	far, err := net.Dial("tcp", p.target)
	if err != nil {
		reset(near)
		return
	}
	p.keep(near, far)
	go p.pump(far, near, onward)
	p.pump(near, far, back)
}

// pump copies one direction until either side ends, and then ends both.
func (p *proxy) pump(to, from net.Conn, direction int) {
	defer func() {
		p.drop(to)
		p.drop(from)
	}()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			<-p.flows(direction)
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *proxy) flows(direction int) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cut[direction]
}

// hold stops one direction until release.
func (p *proxy) hold(direction int) (release func(reset bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	wait := make(chan struct{})
	p.cut[direction] = wait
	return func(gone bool) {
		if gone {
			p.reset()
		}
		close(wait)
	}
}

// reset ends every connection as a reboot would: what was held never arrives.
func (p *proxy) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		reset(c)
	}
}

func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	c.Close()
}

func (p *proxy) keep(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.conns[c] = true
	}
}

func (p *proxy) drop(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	c.Close()
}

func (p *proxy) close() {
	p.listener.Close()
	p.reset()
}
