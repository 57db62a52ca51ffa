package sandbox

import (
	"errors"
	"net"
	"net/http"
	"time"
)

// TB is the part of *testing.T and *testing.B that Start uses.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Server is a sandbox that listens on loopback.
type Server struct {
	*Sandbox
	URL string // http://127.0.0.1:PORT, without a slash at the end
}

// Start runs a sandbox on a free loopback port until the test ends. Point the
// code under test at URL instead of https://api.weixin.qq.com.
func Start(t TB, o Options) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("sandbox: listen: %v", err)
	}
	s := New(o)
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 15 * time.Second}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	t.Cleanup(func() {
		s.Close() // ends long polls and streams
		_ = srv.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Fatalf("sandbox: serve: %v", err)
		}
	})
	return &Server{Sandbox: s, URL: "http://" + l.Addr().String()}
}
