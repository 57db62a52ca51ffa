package server

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/store"
)

// Direct opens the database and makes the doors, and nothing else: it listens
// nowhere and sends nothing. It is for the commands that keep records (apps,
// keys) where no server runs. A SQLite file that a server holds is refused.
//
// Whoever has c.APIKey may do everything through the handler. done closes the
// database.
func Direct(ctx context.Context, log *slog.Logger, c Config) (doors http.Handler, done func(), err error) {
	master, err := c.Master()
	if err != nil {
		return nil, nil, err
	}
	c.TokenURL = wxnotify.Secret{} // no token is fetched here
	s := &Server{log: log, conf: c, stop: make(chan struct{}), draining: make(chan struct{})}
	s.store, err = store.Open(ctx, log, store.Options{DSN: c.Database.Reveal(), MasterKey: master, Node: "command"})
	if err != nil {
		return nil, nil, err
	}
	s.clock = newClock(log, "", nil)
	s.actor = wxnotify.ActorCommand
	s.metrics = s.newMetrics()
	s.rooms()
	return s.http.Handler, s.close, nil
}
