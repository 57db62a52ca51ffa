//go:build unix

package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// A process is a child in a process group of its own, with its output in a
// file. It can be started again.
type process struct {
	name  string
	args  []string
	env   []string
	as    *syscall.Credential
	log   string
	death syscall.Signal // when we die; 0: kill -9

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// start starts it; what runs already stays.
func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done != nil && !ended(p.done) {
		return nil
	}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command(p.args[0], p.args[1:]...)
	cmd.Dir, cmd.Env = filepath.Dir(p.log), append(os.Environ(), p.env...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: p.as}
	dieWithParent(cmd.SysProcAttr, cmp.Or(p.death, syscall.SIGKILL))
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	done := make(chan struct{})
	p.cmd, p.done = cmd, done
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(done)
	}()
	return nil
}

func ended(done chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// signal reaches the whole group, and no process that is not of it.
func (p *process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done != nil && !ended(p.done) {
		_ = syscall.Kill(-p.cmd.Process.Pid, s)
	}
}

// end sends a signal and waits for the end; after the patience it is kill -9.
func (p *process) end(s syscall.Signal, patience time.Duration) {
	p.mu.Lock()
	done := p.done
	p.mu.Unlock()
	if done == nil {
		return
	}
	p.signal(s)
	select {
	case <-done:
	case <-time.After(patience):
		p.signal(syscall.SIGKILL)
		<-done
	}
}

// exitCode is how it ended; -1: by a signal, or not yet.
func (p *process) exitCode() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done == nil || !ended(p.done) {
		return -1
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) kill() { p.end(syscall.SIGKILL, time.Minute) }

func (p *process) running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done != nil && !ended(p.done)
}

// freePort is one on loopback that nobody listens on now.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// until asks again until f is true.
func until(ctx context.Context, what string, patience time.Duration, f func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("%s: not within %v", what, patience))
	defer cancel()
	for !f() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// asPostgres is whom PostgreSQL runs as: it refuses to run as root.
func asPostgres() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
		}
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
