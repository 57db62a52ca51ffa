package wechat

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
)

// maxAnswer bounds an answer, in bytes. WeChat's are a few hundred.
const maxAnswer = 1 << 20

var errTooLong = errors.New("the answer is longer than 1 MiB")

// A call is what one exchange needs while it runs; calls are used again. Only
// the synchronous GotConn is traced, so that no goroutine of net/http can
// touch a call that belongs to somebody else by then.
type call struct {
	trace httptrace.ClientTrace
	conn  *countedConn // that the request was given to; nil: none yet
	from  int64        // what had been written on it before
	buf   []byte       // the answer
}

var calls = sync.Pool{New: func() any {
	k := &call{buf: make([]byte, 0, 1024)}
	k.trace.GotConn = k.gotConn
	return k
}}

func newCall() *call {
	k := calls.Get().(*call)
	k.conn, k.buf = nil, k.buf[:0]
	return k
}

// release ends the use of k and of k.buf.
func (k *call) release() {
	if k.conn = nil; cap(k.buf) <= 64<<10 {
		calls.Put(k)
	}
}

func (k *call) traced(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &k.trace)
}

func (k *call) gotConn(info httptrace.GotConnInfo) {
	conn := info.Conn
	for {
		if t, ok := conn.(*tls.Conn); ok {
			conn = t.NetConn()
			continue
		}
		break
	}
	if k.conn, _ = conn.(*countedConn); k.conn != nil {
		k.from = k.conn.written.Load()
	}
}

// nothingSent says, after a RoundTrip that failed, that not a byte of the
// request was written, and that none will be: net/http returns only after the
// goroutine that writes has ended.
func (k *call) nothingSent() bool { return k.conn == nil || k.conn.written.Load() == k.from }

// A countedConn counts the bytes that the operating system took. Under TLS
// these are those of the records, beginning with the handshake.
type countedConn struct {
	net.Conn
	written atomic.Int64
}

func (c *countedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.written.Add(int64(n))
	return n, err
}

// read reads a whole answer into k.buf.
func (k *call) read(r io.Reader) error {
	for {
		if len(k.buf) == cap(k.buf) {
			k.buf = append(k.buf, 0)[:len(k.buf)]
		}
		n, err := r.Read(k.buf[len(k.buf):cap(k.buf)])
		k.buf = k.buf[:len(k.buf)+n]
		switch {
		case len(k.buf) > maxAnswer:
			return errTooLong
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// once is a body that net/http cannot rewind, since nothing tells it how. It
// has to be one of the kinds that net/http knows to be in memory: others cost a
// packet of their own.
func once(b []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(b)) }
