package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/metrics"
	"github.com/wxnotify/wxnotify/outbox"
	"github.com/wxnotify/wxnotify/wechat"
)

// newMetrics is what counts on this node.
func (s *Server) newMetrics() *metrics.Metrics {
	return metrics.New(s.log, metrics.Options{Version: Version(), Known: func(errcode int) bool {
		_, known := wechat.Lookup(errcode)
		return known
	}})
}

// sent takes in a send of the outbox.
func (s *Server) sent(r outbox.CallReport) {
	endpoint := "template/send"
	if r.Channel == wxnotify.ChannelSubscribe {
		endpoint = "subscribe/send"
	}
	s.metrics.Called(metrics.Call{App: r.App, Endpoint: endpoint, Outcome: r.Outcome, Took: r.Took})
}

// A counted client tells of every call but the outbox's sends, which tell
// themselves whose they are.
type counted struct {
	*wechat.Client
	called func(metrics.Call)
}

func (c counted) tell(app, endpoint string, began time.Time, err error) {
	o := wxnotify.Outcome{Kind: wxnotify.Accepted, Said: true}
	if e, ok := errors.AsType[*wechat.Error](err); ok {
		o = e.Outcome()
	} else if err != nil {
		o = wxnotify.Outcome{Kind: wxnotify.Lost}
	}
	c.called(metrics.Call{App: app, Endpoint: endpoint, Outcome: o, Took: time.Since(began)})
}

func (c counted) FetchToken(ctx context.Context, app wxnotify.App, force bool) (wxnotify.Secret, time.Duration, error) {
	endpoint := "stable_token"
	if app.TokenMode == wxnotify.ClassicToken {
		endpoint = "token"
	}
	began := time.Now()
	value, life, err := c.Client.FetchToken(ctx, app, force)
	c.tell(app.ID, endpoint, began, err)
	return value, life, err
}

func (c counted) Login(ctx context.Context, app wxnotify.App, code string) (string, wxnotify.Secret, string, error) {
	began := time.Now()
	openid, key, union, err := c.Client.Login(ctx, app, code)
	c.tell(app.ID, "jscode2session", began, err)
	return openid, key, union, err
}

func (c counted) Templates(ctx context.Context, token string, ch wxnotify.Channel) ([]wxnotify.Template, error) {
	began := time.Now()
	ts, err := c.Client.Templates(ctx, token, ch)
	c.tell("", "template/list", began, err)
	return ts, err
}

func (c counted) Pass(ctx context.Context, token string, p wechat.Passage) (*http.Response, wxnotify.Outcome) {
	began := time.Now()
	resp, o := c.Client.Pass(ctx, token, p)
	c.called(metrics.Call{Endpoint: "pass", Outcome: o, Took: time.Since(began)})
	return resp, o
}

// keyedMetrics is what listen serves of them: nothing where they have an
// address of their own.
func (s *Server) keyedMetrics() http.Handler {
	if s.watched != nil {
		return nil
	}
	return s.metrics.Handler()
}

// openMetrics listens at metrics_listen, where no key is asked for.
func (s *Server) openMetrics(ctx context.Context) (err error) {
	if s.conf.MetricsListen == "" {
		return nil
	}
	if s.watched, err = (&net.ListenConfig{}).Listen(ctx, "tcp", s.conf.MetricsListen); err != nil {
		return wrong("metrics_listen", err.Error())
	}
	return nil
}

// serveMetrics serves them until ctx ends.
func (s *Server) serveMetrics(ctx context.Context) {
	if s.watched == nil {
		return
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.metrics.Handler())
	srv := &http.Server{Handler: mux, ReadTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second, ErrorLog: s.http.ErrorLog}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(s.watched); !errors.Is(err, http.ErrServerClosed) {
		s.log.Error("metrics are no longer served", "error", err)
	}
}

// MetricsAddr is where metrics are served without a key, "" if nowhere.
func (s *Server) MetricsAddr() string {
	if s.watched == nil {
		return ""
	}
	return s.watched.Addr().String()
}
