package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/server"
)

type sandboxCmd struct {
	Config server.Config `embed:""`
}

// Help shows examples.
func (*sandboxCmd) Help() string {
	return `It answers WeChat's paths with WeChat's rules, errors and texts, and has a page with the cards that arrived. Nothing is kept on disk.

Examples:

  wxnotify sandbox
  wxnotify sandbox --sandbox-listen 127.0.0.1:9081`
}

// Run serves the sandbox until ctx ends.
func (c *sandboxCmd) Run(ctx context.Context) error {
	// Those who follow the log of a busy sandbox must not lose sight of it.
	world := sandbox.New(sandbox.Options{MaxRequests: 50_000})
	s, err := listen(c.Config, world)
	if err != nil {
		return err
	}
	fmt.Printf(`WeChat's simulator: %[1]s
Sample app          appid %[2]s   secret %[3]s
Point a server at it, in another terminal:
  wxnotify serve --wechat-url %[1]s --clock-url %[1]s \
    --appid %[2]s --appsecret %[3]s
`, s.url(), sandbox.FirstAppID, sandbox.FirstSecret)
	return s.run(ctx)
}

// A simulator is a sandbox that listens.
type simulator struct {
	world    *sandbox.Sandbox
	listener net.Listener
	handler  http.Handler
	public   bool // answers to any name
}

// listen opens the sandbox's address, which others must not reach unless a
// setting says so: the sandbox has no passwords.
func listen(c server.Config, world *sandbox.Sandbox) (*simulator, error) {
	addr := c.SandboxListen
	if !c.SandboxPublic && !loopback(addr) {
		return nil, usage("sandbox_listen: others could reach %s, and the sandbox has no passwords; use 127.0.0.1, or say --sandbox-public", addr)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, inUse(err, "--sandbox-listen", addr)
	}
	return &simulator{world, l, world, c.SandboxPublic}, nil
}

// loopback says whether an address, with or without a port, is this machine's
// alone.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(addr, "["), "]")
	}
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// atHome refuses calls that were addressed to another name. A web page whose
// name is made to lead to loopback (DNS rebinding) would be at home here for the
// browser, and could read what the sandbox tells; that of a demo tells a key.
func atHome(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if loopback(r.Host) {
			h.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(http.StatusMisdirectedRequest)
		_, _ = io.WriteString(w, `{"error":"the sandbox answers to localhost and 127.0.0.1 only; started with --sandbox-public it answers to every name"}`)
	})
}

func (s *simulator) url() string { return "http://" + s.listener.Addr().String() }

// server has the limits of wxnotify's own. A body may take as long as one that
// the gateway passes through. Answers may last: streams are some.
func (s *simulator) server() *http.Server {
	h := s.handler
	if !s.public {
		h = atHome(h)
	}
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
}

// run serves until ctx ends; then calls in flight have five seconds.
func (s *simulator) run(ctx context.Context) error {
	h := s.server()
	done := make(chan error, 1)
	go func() { done <- h.Serve(s.listener) }()
	select {
	case err := <-done:
		s.world.Close()
		return err
	case <-ctx.Done():
	}
	s.world.Close() // ends streams, which Shutdown would wait for
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := h.Shutdown(end); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		fmt.Fprintln(os.Stderr, "wxnotify: sandbox:", err)
	}
	return nil
}
