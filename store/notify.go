package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// channel is what nodes listen on. The payload is an appid.
const channel = "wxnotify"

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
// on SQLite, where there are no other nodes.
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
	if _, err := conn.Exec(ctx, `listen `+channel); err != nil {
		return err
	}
	if !first {
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
		if boot, app := n.Payload[:min(len(s.boot), len(n.Payload))], n.Payload[min(len(s.boot)+1, len(n.Payload)):]; boot != s.boot {
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
