package hook

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
)

// A zone is a name server of the test's own. It answers each question of type A
// with the next of its name's addresses, and with the last from then on: that
// is how names are rebound.
type zone struct {
	mu    sync.Mutex
	names map[string][]string
}

// resolver starts the server.
func (z *zone) resolver(t *testing.T) *net.Resolver {
	t.Helper()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(z.answer(buf[:n]), from)
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// answer answers one question (RFC 1035, section 4).
func (z *zone) answer(ask []byte) []byte {
	const header = 12
	var labels []string
	i := header
	for ask[i] != 0 {
		labels = append(labels, string(ask[i+1:i+1+int(ask[i])]))
		i += 1 + int(ask[i])
	}
	end := i + 1 + 4
	out := append([]byte{}, ask[:end]...)
	out[2], out[3] = 0x81, 0x80 // a response, with recursion
	for k := 6; k < header; k++ {
		out[k] = 0
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	name := strings.Join(labels, ".")
	addresses := z.names[name]
	if addresses == nil {
		out[3] |= 3 // there is no such name
		return out
	}
	if binary.BigEndian.Uint16(ask[i+1:]) != 1 { // not A
		return out
	}
	if len(addresses) > 1 {
		z.names[name] = addresses[1:]
	}
	out[7] = 1
	out = append(out, 0xc0, header, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
	a := netip.MustParseAddr(addresses[0]).As4()
	return append(out, a[:]...)
}
