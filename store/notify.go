package store

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// What nodes listen on. The payload is the boot of who speaks, and on channel
// an appid behind it.
const (
	channel     = "wxnotify"
	keysChannel = "wxnotify_keys" // a key was revoked
)

// listen starts what carries wake-ups to other nodes.
func (s *Store) listen(b *post) {
	s.wakes.bell, s.wakes.apps = make(chan struct{}, 1), map[string]bool{}
	s.wait.Go(func() {
		for {
			select {
			case <-s.ctx.Done():
				return
			case <-s.wakes.bell:
			}
			for _, app := range s.wakes.take() {
				// A lost wake-up costs the sweep's interval, so nobody repeats it.
				ctx, cancel := context.WithTimeout(s.ctx, doorLimit)
				_, _ = b.db.ExecContext(ctx, `select pg_notify($1, $2)`, channel, s.boot+" "+app)
				cancel()
			}
			sleep(s.ctx, notifyEvery)
		}
	})
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// Waked brings the apps that other nodes have work for, until ctx ends; then it
// is closed. After the connection was lost it brings every app once. It is nil
// on SQLite, where there are no other nodes. While it runs, OnRevoke hears of
// keys that were revoked on other nodes.
func (s *Store) Waked(ctx context.Context) <-chan string {
	b, ok := s.base.(*post)
	if !ok {
		return nil
	}
	out := make(chan string, 64)
	s.wait.Go(func() {
		defer close(out)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(s.ctx, cancel)()
		for first := true; ctx.Err() == nil; first = false {
			if err := s.hearWakes(ctx, b, first, out); err != nil && ctx.Err() == nil {
				s.log.Warn("wake-ups of other nodes cannot be heard; the sweep goes on", "error", err)
				sleep(ctx, time.Second)
			}
		}
	})
	return out
}

func (s *Store) hearWakes(ctx context.Context, b *post, first bool, out chan<- string) error {
	conn, err := pgx.ConnectConfig(ctx, b.config.Copy())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, c := range []string{channel, keysChannel} {
		if _, err := conn.Exec(ctx, `listen `+c); err != nil {
			return err
		}
	}
	if !first {
		s.revoked()
		apps, err := s.Apps(ctx)
		if err != nil {
			return err
		}
		for _, a := range apps {
			send(ctx, out, a.ID)
		}
	}
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		switch boot, app, _ := strings.Cut(n.Payload, " "); {
		case boot == s.boot:
		case n.Channel == keysChannel:
			s.revoked()
		default:
			send(ctx, out, app)
		}
	}
}

func send(ctx context.Context, out chan<- string, app string) {
	select {
	case out <- app:
	case <-ctx.Done():
	}
}

// OnRevoke names who is called after a key was revoked, here or on another node
// (there as soon as the word arrives: what is remembered of keys must not rest
// on it). It must not block, and is set once, before the work begins.
func (s *Store) OnRevoke(f func()) { s.onRevoke.Store(&f) }

func (s *Store) revoked() {
	if f := s.onRevoke.Load(); f != nil {
		(*f)()
	}
}
