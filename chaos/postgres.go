//go:build unix

package chaos

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A postgres is a PostgreSQL of our own, with its commits flushed.
type postgres struct {
	*process
	bin, data, port string

	busy sync.Mutex // held while it is restarted
}

func startPostgres(ctx context.Context, dir string) (*postgres, error) {
	bin, err := exec.CommandContext(ctx, "scripts/pgbin").Output()
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL's programs were not found; scripts/need postgres installs them: %w", err)
	}
	as, err := asPostgres()
	if err != nil {
		return nil, err
	}
	g := &postgres{bin: strings.TrimSpace(string(bin)), data: filepath.Join(dir, "postgres")}
	if err := owned(g.data, as); err != nil {
		return nil, err
	}
	init := exec.CommandContext(ctx, filepath.Join(g.bin, "initdb"), "-D", g.data, "-U", "wxnotify", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	init.Dir, init.SysProcAttr = g.data, &syscall.SysProcAttr{Credential: as}
	if out, err := init.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	addr, err := freePort()
	if err != nil {
		return nil, err
	}
	_, g.port, _ = net.SplitHostPort(addr)
	g.process = &process{name: "postgres", as: as, log: filepath.Join(dir, "postgres.log"), args: []string{
		filepath.Join(g.bin, "postgres"), "-D", g.data, "-k", g.data, "-h", "127.0.0.1", "-p", g.port,
		"-c", "max_connections=200", "-c", "shared_buffers=128MB", "-c", "log_min_messages=fatal",
	}}
	if err := g.start(); err != nil {
		return nil, err
	}
	return g, g.ready(ctx)
}

// owned makes a folder that belongs to as, in one that as can pass through.
func owned(dir string, as *syscall.Credential) error {
	if err := os.MkdirAll(dir, 0o700); err != nil || as == nil {
		return err
	}
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil {
		return err
	}
	return os.Chown(dir, int(as.Uid), int(as.Gid))
}

func (g *postgres) ready(ctx context.Context) error {
	return until(ctx, "PostgreSQL", time.Minute, func() bool {
		return exec.CommandContext(ctx, filepath.Join(g.bin, "pg_isready"), "-q", "-U", "wxnotify", "-d", "postgres", "-h", "127.0.0.1", "-p", g.port).Run() == nil
	})
}

// restart is an immediate shutdown (no checkpoint, clients are cut off), a
// recovery, and a start.
func (g *postgres) restart(ctx context.Context, away time.Duration) error {
	g.end(syscall.SIGQUIT, 10*time.Second)
	if !rest(ctx, away) {
		return ctx.Err()
	}
	if err := g.start(); err != nil {
		return err
	}
	return g.ready(ctx)
}

func (g *postgres) dsn(addr string) string {
	return "postgres://wxnotify@" + addr + "/postgres?sslmode=disable"
}
