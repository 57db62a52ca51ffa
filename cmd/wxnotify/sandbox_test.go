package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/server"
)

func TestTheSandboxAnswersToItsOwnNamesAlone(t *testing.T) {
	t.Parallel()
	for _, public := range []bool{false, true} {
		s, err := listen(server.Config{SandboxListen: "127.0.0.1:0", SandboxPublic: public}, sandbox.New(sandbox.Options{}))
		if err != nil {
			t.Fatal(err)
		}
		defer s.listener.Close()
		for host, ours := range map[string]bool{
			"127.0.0.1:8081": true, "127.0.0.1": true, "127.1.2.3:80": true, "localhost:8081": true, "LOCALHOST": true, "[::1]:8081": true, "[::1]": true,
			"rebound.example:8081": false, "rebound.example": false, "localhost.rebound.example": false, "127.0.0.1.rebound.example:8081": false,
			"192.168.1.7:8081": false, "0.0.0.0:8081": false, "": false,
		} {
			for _, path := range []string{"/", "/sandbox/state", "/phone/main.js"} {
				r := httptest.NewRequest(http.MethodGet, path, nil)
				r.Host = host
				w := httptest.NewRecorder()
				s.server().Handler.ServeHTTP(w, r)
				if want := map[bool]int{true: http.StatusOK, false: http.StatusMisdirectedRequest}[ours || public]; w.Code != want {
					t.Errorf("public %v: %s of %q is answered %d, want %d", public, path, host, w.Code, want)
				}
			}
		}
	}
}

// Who stops in the middle of a body is cut off; who listens to the stream is not.
func TestTheSandboxEndsHalfBodiesAndKeepsStreams(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		world, l := sandbox.New(sandbox.Options{}), &pipes{make(chan net.Conn), make(chan struct{})}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- (&simulator{world: world, listener: l, handler: world}).run(ctx) }()
		began := time.Now()
		stream := l.dial("GET /sandbox/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
		for _, half := range []string{"POST /cgi-bin/stable_token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{", "GET / HTTP/1.1\r\nHost: loc"} {
			if _, err := io.Copy(io.Discard, l.dial(half)); err != nil {
				t.Errorf("it ended with %v", err)
			}
			if d := time.Since(began); d > 3*time.Minute {
				t.Errorf("%.30q is borne for %s", half, d)
			}
		}
		for r := bufio.NewReader(stream); time.Since(began) < 10*time.Minute; {
			line, err := r.ReadString('\n')
			if err != nil {
				t.Fatalf("the stream ended after %s: %v", time.Since(began), err)
			}
			if strings.HasPrefix(line, "HTTP/") && !strings.Contains(line, "200") {
				t.Fatalf("the stream began with %s", line)
			}
		}
		stream.Close()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// pipes is a network inside of this process, whose waiting costs no time.
type pipes struct {
	calls chan net.Conn
	ended chan struct{}
}

func (p *pipes) dial(text string) net.Conn {
	near, far := net.Pipe()
	p.calls <- far
	if _, err := io.WriteString(near, text); err != nil {
		panic(err)
	}
	return near
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.calls:
		return c, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.ended); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8081} }
