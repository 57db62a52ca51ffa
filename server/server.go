package server

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/api"
	"github.com/wxnotify/wxnotify/console"
	"github.com/wxnotify/wxnotify/gateway"
	"github.com/wxnotify/wxnotify/hook"
	"github.com/wxnotify/wxnotify/ledger"
	"github.com/wxnotify/wxnotify/metrics"
	"github.com/wxnotify/wxnotify/outbox"
	"github.com/wxnotify/wxnotify/pump"
	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/token"
	"github.com/wxnotify/wxnotify/wechat"
)

// A Server is one node: all rooms, put together.
type Server struct {
	log    *slog.Logger
	conf   Config
	listen net.Listener
	clock  *clock
	store  *store.Store
	wechat *wechat.Client
	keeper *token.Keeper
	box    *outbox.Box
	inbox  *ledger.Inbox
	hooks  *hook.Teller
	native *api.Door
	pages  *console.Door
	http   *http.Server
	onRest func(wxnotify.Rest)

	metrics  *metrics.Metrics
	watched  net.Listener             // metrics_listen; nil: metrics are at listen
	patience time.Duration            // with the database, at least
	fault    func(point string) error // nil but in tests, and in builds with the tag faults
	cert     *certificate             // nil: plain http
	actor    string                   // in the audit log; "": the key that was used

	// dial makes the connections to WeChat; nil but in tests.
	dial func(ctx context.Context, network, addr string) (net.Conn, error)

	stop     chan struct{} // closed: no new work is taken
	draining chan struct{} // closed: readyz fails
}

// An Option adds to a Server what is no setting.
type Option func(*Server)

// OnRest is told of each message that came to rest on this node. It must not block.
func OnRest(f func(wxnotify.Rest)) Option { return func(s *Server) { s.onRest = f } }

// Patience makes calls wait at least d for the database. Tests on busy machines
// need more than the 2 s and 5 s that are right in service.
func Patience(d time.Duration) Option { return func(s *Server) { s.patience = d } }

// Faults has f asked before and after each statement and commit of the
// database; an error of f is the statement's. Tests break there.
func Faults(f func(point string) error) Option { return func(s *Server) { s.fault = f } }

// Dial has f make the connections to WeChat. Tests listen and break there.
func Dial(f func(ctx context.Context, network, addr string) (net.Conn, error)) Option {
	return func(s *Server) { s.dial = f }
}

// New opens the listener and the database and makes the rooms. c has its
// defaults filled in. Nothing is served or sent until Run.
func New(ctx context.Context, log *slog.Logger, c Config, options ...Option) (_ *Server, err error) {
	s := &Server{log: log, conf: c, stop: make(chan struct{}), draining: make(chan struct{})}
	for _, o := range options {
		o(s)
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.listen, err = (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen); err != nil {
		return nil, err
	}
	if err := s.openMetrics(ctx); err != nil {
		return nil, err
	}
	if c.TLSCert != "" {
		if s.cert, err = newCertificate(log, c.TLSCert, c.TLSKey); err != nil {
			return nil, err
		}
	}
	master, err := c.Master()
	if err != nil {
		return nil, err
	}
	s.metrics = s.newMetrics()
	if point := killPoint(); point != nil {
		s.fault = point
	}
	s.store, err = store.Open(ctx, log, store.Options{DSN: c.Database.Reveal(), MasterKey: master, Node: c.NodeName(s.Addr()), Retention: c.Retention, PermitRetention: c.PermitRetention, Fault: s.fault, Wrote: s.metrics.Wrote, Patience: s.patience})
	if err != nil {
		return nil, err
	}
	if err := s.register(ctx); err != nil {
		return nil, err
	}
	s.clock = newClock(log, c.ClockURL, func() { s.box.Tick() })
	s.rooms()
	// The first moment counts: permits of a sandbox that is ahead must not be
	// taken for expired, nor expired ones for good.
	if err := s.clock.Sync(ctx); err != nil {
		log.Warn("the sandbox's clock cannot be read yet", "error", err)
	}
	return s, nil
}

// rooms makes engines and doors, each with what it uses.
func (s *Server) rooms() {
	c := s.conf
	s.wechat = wechat.New(wechat.Options{URL: c.WeChatURL, Dial: s.dial})
	told := counted{s.wechat, s.metrics.Called}
	s.metrics.Watch(s.store, s.store.Node(), s.clock.Now)
	guard := hook.NewGuard(c.WebhookAllow, nil)
	s.keeper = token.New(s.log, s.store, sources{c, told, guard}, token.Options{Now: s.clock.Now, Node: s.store.Node(), OnContention: func(app string) {
		s.log.Error("somebody else fetches this app's access_token, and each fetch kills the other's; let them take it from here", "app", app)
		s.metrics.Contention(app)
		if err := s.store.TellContention(context.Background(), app); err != nil {
			s.log.Error("webhooks cannot be told of it", "app", app, "error", err)
		}
	}})
	s.box = outbox.New(s.log, s.store, s.keeper, mortal(s.wechat, s.fault), outbox.Options{Now: s.clock.Now, OnRest: s.atRest, OnCall: s.sent, Backlog: c.MaxBacklog})
	wake := func(app string) {
		s.box.Wake(app)
		s.store.Notify(app)
	}
	books := ledger.New(s.log, s.store, s.clock.Now, wake)
	s.hooks = hook.New(s.log, s.store, guard, "wxnotify/"+Version())
	s.store.OnNotice(s.hooks.Wake)
	s.native = api.New(s.log, api.Deps{
		Box: s.box, Ledger: books, Reader: s.store, Admin: s.store, WeChat: told, Library: s.wechat, Tokens: s.keeper, Targets: guard,
		Now: s.clock.Now, Ready: s.ready, Stop: s.stop, Metrics: s.keyedMetrics(),
	}, api.Options{Key: c.APIKey, Proxies: c.TrustedProxies, Version: Version(), Actor: s.actor})
	s.store.OnRevoke(s.native.ForgetKeys)
	wechats := gateway.New(s.log, gateway.Deps{
		Gate: s.native, Box: s.box, Reader: s.store, Admin: s.store, WeChat: told, Tokens: s.keeper, Now: s.clock.Now, Stop: s.stop,
	}, gateway.Options{Secret: s.store.Derive("gateway tokens")})
	s.inbox = ledger.NewInbox(s.log, s.store, s.clock.Now, ledger.Hooks{Seen: s.box.CallbackSeen, Rest: s.box.Told, Wake: wake})
	pushes := gateway.NewCallback(s.log, gateway.CallbackDeps{Apps: s.store, Inbox: s.inbox, Know: s.native.Know, Now: s.clock.Now})
	s.pages = console.New(s.log, console.Deps{
		Box: s.box, Ledger: books, Reader: s.store, Admin: s.store, People: s.store, WeChat: s.wechat, Tokens: s.keeper, Targets: guard, Now: s.clock.Now,
	}, console.Options{
		Secure: c.TLSCert != "" || strings.HasPrefix(c.PublicURL, "https:"), Proxies: c.TrustedProxies, Node: s.store.Node(), Version: Version(), Sandbox: c.ClockURL,
	})
	s.http = &http.Server{
		Handler:           doors(wechats, pushes, s.pages, s.native),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      60 * time.Second, // wait_ms holds an answer for up to 30 s
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// doors sends a request to the door that its path belongs to.
func doors(wechats, pushes, pages, native http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case gateway.Owns(r.URL.Path):
			wechats.ServeHTTP(w, r)
		case gateway.OwnsCallback(r.URL.Path):
			pushes.ServeHTTP(w, r)
		case console.Owns(r.URL.Path):
			pages.ServeHTTP(w, r)
		default:
			native.ServeHTTP(w, r)
		}
	})
}

// register adds the app of the settings, if it is not known.
func (s *Server) register(ctx context.Context) error {
	if s.conf.AppID == "" {
		return nil
	}
	_, err := s.store.App(ctx, s.conf.AppID)
	if err == nil || wxnotify.CodeOf(err) != wxnotify.AppUnknown {
		return err
	}
	now := time.Now()
	err = s.store.CreateApp(ctx, wxnotify.App{
		ID: s.conf.AppID, Name: s.conf.AppID, Secret: s.conf.AppSecret, TokenMode: wxnotify.StableToken,
		MaxInFlight: wxnotify.DefaultInFlight, CreatedAt: now, UpdatedAt: now,
	})
	if wxnotify.CodeOf(err) == wxnotify.AppExists { // another node was first
		return nil
	}
	return err
}

// atRest writes one line per message at rest, with the user's pseudonym in
// place of the openid.
func (s *Server) atRest(r wxnotify.Rest) {
	if ctx := context.Background(); s.log.Enabled(ctx, slog.LevelInfo) {
		line := []slog.Attr{slog.String("app", r.App), slog.String("message", r.ID), slog.String("user", s.store.Pseudonym(r.App, r.To)),
			slog.String("state", string(r.State)), slog.String("reason", string(r.Reason))}
		if r.Trace != "" {
			line = append(line, slog.String("trace_id", r.Trace.ID()))
		}
		s.log.LogAttrs(ctx, slog.LevelInfo, "message at rest", line...)
	}
	if s.onRest != nil {
		s.onRest(r)
	}
}

// ready says whether this node can take work.
func (s *Server) ready(ctx context.Context) error {
	select {
	case <-s.draining:
		return wxnotify.Refuse(wxnotify.Draining, "this node is stopping")
	default:
		return s.store.Ping(ctx)
	}
}

// SetupLink is the path of a link that makes the console's first user; "" when
// there is one. EnterLink is the path of one that lets in whoever opens it
// first: for the demo. Both are secrets.
func (s *Server) SetupLink(ctx context.Context) (string, error) { return s.pages.SetupLink(ctx) }

// EnterLink says SetupLink.
func (s *Server) EnterLink(ctx context.Context) (string, error) { return s.pages.EnterLink(ctx) }

// Addr is where the server listens.
func (s *Server) Addr() string { return s.listen.Addr().String() }

// Run serves until ctx ends, then stops in order: /readyz fails for
// drain_delay, no new work is taken, calls in flight finish (at most 20 s).
// It returns nil after a clean stop.
func (s *Server) Run(ctx context.Context) error {
	defer s.close()
	serve := context.WithoutCancel(ctx)
	engines, stopEngines := context.WithCancel(serve)
	defer stopEngines()
	var running sync.WaitGroup
	running.Go(func() { s.clock.Follow(engines) })
	running.Go(func() { s.box.Run(engines) })
	running.Go(func() { s.inbox.Run(engines) })
	running.Go(func() { s.hooks.Run(engines) })
	running.Go(func() { s.native.Watch(engines) })
	running.Go(func() { s.serveMetrics(engines) })
	failed := make(chan error, 1)
	go func() { failed <- s.serve() }()
	s.log.Info("ready", "listen", s.Addr(), "node", s.store.Node(), "version", Version())
	select {
	case err := <-failed:
		stopEngines()
		running.Wait()
		return err
	case <-ctx.Done():
	}
	s.drain(serve)
	stopEngines()
	running.Wait()
	return nil
}

func (s *Server) serve() error {
	var err error
	if s.conf.TLSCert == "" {
		err = s.http.Serve(s.listen)
	} else {
		s.http.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.cert.get}
		err = s.http.ServeTLS(s.listen, "", "")
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func (s *Server) drain(ctx context.Context) {
	close(s.draining)
	if s.conf.DrainDelay > 0 {
		s.log.Info("draining", "for", s.conf.DrainDelay)
		time.Sleep(s.conf.DrainDelay)
	}
	close(s.stop)
	ctx, cancel := context.WithTimeout(ctx, pump.Grace)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		s.log.Warn("requests were cut off", "error", err)
		_ = s.http.Close()
	}
}

func (s *Server) close() {
	if s.keeper != nil {
		s.keeper.Close()
	}
	if s.wechat != nil {
		s.wechat.Close()
	}
	for _, l := range []net.Listener{s.listen, s.watched} {
		if l != nil {
			_ = l.Close()
		}
	}
	if s.store != nil {
		if err := s.store.Close(); err != nil {
			s.log.Warn("the database did not close cleanly", "error", err)
		}
	}
}

// version is set by the linker in released builds.
var version = ""

// Version is this build's.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "devel"
}
