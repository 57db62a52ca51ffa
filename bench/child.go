package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"
)

// A child is this program in a process of its own.
type child struct {
	url  string
	cmd  *exec.Cmd
	out  bytes.Buffer
	done chan struct{} // closed when it has ended
}

// start runs the program with a free address for flag, and waits until it
// answers at path.
func start(ctx context.Context, program, flag, path string, env []string, args ...string) (*child, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, append(args, flag, addr)...) //nolint:gosec // the program is this one
	c := &child{url: "http://" + addr, cmd: cmd, done: make(chan struct{})}
	c.cmd.Env = append(os.Environ(), env...)
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.out
	dieWithUs(c.cmd)
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = c.cmd.Wait()
		close(c.done)
	}()
	deadline := time.After(30 * time.Second)
	for {
		if answers(ctx, c.url+path) {
			return c, nil
		}
		select {
		case <-c.done:
			return nil, fmt.Errorf("wxnotify %s ended: %s", args[0], c.out.String())
		case <-ctx.Done():
			c.stop()
			return nil, ctx.Err()
		case <-deadline:
			c.stop()
			return nil, fmt.Errorf("wxnotify %s does not answer: %s", args[0], c.out.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func answers(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func freeAddr(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// stop ends it as an operator would, and by force after 30 s.
func (c *child) stop() {
	if c == nil {
		return
	}
	if err := c.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		_ = c.cmd.Process.Kill()
	}
	select {
	case <-c.done:
	case <-time.After(30 * time.Second):
		_ = c.cmd.Process.Kill()
		<-c.done
	}
}

func (c *child) pid() int { return c.cmd.Process.Pid }
