package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
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
	return &simulator{world, l, world}, nil
}

func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

func (s *simulator) url() string { return "http://" + s.listener.Addr().String() }

// run serves until ctx ends; then calls in flight have five seconds.
func (s *simulator) run(ctx context.Context) error {
	h := &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second}
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
