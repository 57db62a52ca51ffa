// Package sandbox is a WeChat of our own, for development and for tests.
//
// It answers WeChat's paths with WeChat's rules, errors and texts: tokens
// overlap for five minutes, a login code works once, a form id sends one
// message to the user who submitted the form, an accepted prompt is one send,
// quotas end at midnight UTC+8. What a person would do on a phone, and what a
// tester wants to break, is an API under /sandbox/. What is a rule of WeChat is
// taken from its documents and from replies that people recorded; this package
// never looks at wxnotify's own client, so that one misreading cannot hide in
// both. It shares only the errcode table and the callback crypto.
//
// All state is one world behind one mutex: a call is decoded before the lock,
// judged, carried out and written to the request log under it, and answered
// after it. So the log, the cards and the counts always tell one story, and
// whoever has an answer in hand finds its request in the log. Nothing is kept on
// disk; Reset, or a new process, gives the same first world with the same ids.
//
// The world has a clock: real time plus an offset that only grows. Codes,
// tokens, permissions and quotas follow it. Delays of faults, deliveries to
// callbacks and the rate of a fault follow real time.
package sandbox

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options change how a sandbox runs; the zero value is good for tests.
type Options struct {
	// Now is real time; nil means time.Now.
	Now func() time.Time
	// OnRequest and OnCard are called after each call on WeChat's side and
	// after each card, outside the lock, from the goroutine of the call.
	OnRequest func(Request)
	OnCard    func(Card)
	// MaxCards and MaxRequests bound what is remembered; the oldest go first.
	// 0 means 500,000 cards and 10,000 requests.
	MaxCards, MaxRequests int
	// Callbacks carries events to the apps' callback addresses; nil means a
	// transport of our own that uses no proxy.
	Callbacks http.RoundTripper
	// CallbackPause is the real time between two deliveries of one event;
	// 0 means one second.
	CallbackPause time.Duration
}

// Sandbox is a WeChat in memory. It is an http.Handler, safe for use by many
// goroutines, and keeps no goroutine while nothing is being delivered.
type Sandbox struct {
	opt   Options
	api   http.Handler
	pages http.Handler
	peer  atomic.Pointer[peer]

	mu      sync.Mutex
	w       *world
	changed chan struct{} // closed at the next change; nil while nobody waits

	ctx     context.Context
	stop    context.CancelFunc
	pushing sync.WaitGroup
	client  *http.Client
}

// New makes a fresh sandbox. Close it when it is no longer needed.
func New(o Options) *Sandbox {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxCards == 0 {
		o.MaxCards = 500_000
	}
	if o.MaxRequests == 0 {
		o.MaxRequests = 10_000
	}
	if o.CallbackPause == 0 {
		o.CallbackPause = time.Second
	}
	if o.Callbacks == nil {
		o.Callbacks = &http.Transport{MaxIdleConnsPerHost: pushersPerApp, IdleConnTimeout: time.Minute}
	}
	s := &Sandbox{opt: o, client: callbackClient(o.Callbacks)}
	s.ctx, s.stop = context.WithCancel(context.Background())
	// A listener of an earlier process must not take this world for the one
	// that it knows.
	s.w = newWorld(o, 1+rand.IntN(1<<40))
	s.api = s.control()
	s.pages = pages()
	return s
}

// Handler returns the sandbox itself, for those who look for one.
func (s *Sandbox) Handler() http.Handler { return s }

// Close ends deliveries, long polls and streams, and waits for the deliveries.
func (s *Sandbox) Close() {
	s.mu.Lock()
	s.stop() // under the lock, so that no pusher starts afterwards
	s.mu.Unlock()
	s.pushing.Wait()
	s.client.CloseIdleConnections()
}

// ServeHTTP serves the phone at /, the control API under /sandbox/, the API of
// a server that joined under /server/, and WeChat's own paths everywhere else.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch p := r.URL.Path; {
	case strings.HasPrefix(p, "/cgi-bin/"):
		s.wechat(w, r)
	case strings.HasPrefix(p, "/sandbox/"):
		s.api.ServeHTTP(w, r)
	case p == "/" || strings.HasPrefix(p, "/phone/"):
		s.pages.ServeHTTP(w, r)
	default:
		if h := s.joined(p); h != nil {
			h.ServeHTTP(w, r)
			return
		}
		s.wechat(w, r)
	}
}

// do runs f on the world under the lock, wakes those who wait for a change,
// and sends what f left to be pushed.
func (s *Sandbox) do(f func(w *world, now time.Time) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := f(s.w, s.now())
	s.settle()
	return err
}

// settle follows every change of the world; the lock is held.
func (s *Sandbox) settle() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
	if len(s.w.due) > 0 {
		s.startPushers()
	}
}

// wait returns a channel that is closed at the next change; the lock is held.
func (s *Sandbox) wait() <-chan struct{} {
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}

// now is the world's time; the lock is held.
func (s *Sandbox) now() time.Time {
	return s.opt.Now().Add(s.w.offset)
}
