// Package client speaks the native API of a wxnotify server.
//
//	c := client.New("https://notify.example.com", os.Getenv("WXNOTIFY_KEY"))
//	m, err := c.Send(ctx, client.NewMessage{
//		To: openid, TemplateID: "accepted",
//		Data:           client.Data{"keyword1": {Value: "已接单"}},
//		IdempotencyKey: "order-1019-accepted",
//	})
//
// A Send that returns without error has a durable message: the server sends it
// once, whatever happens to either side. Give an IdempotencyKey, and the call
// may be repeated after any error; without one, an error that came from the
// network leaves open whether the message was accepted.
//
// Errors of the server are a *Problem, with a code for programs. A Client
// repeats by itself only what is safe to repeat: reading, what is the same when
// done twice, and what carries an idempotency key; then on 429, 503 and when
// the network failed, after the time that the server names.
//
// A Client is safe for use by many goroutines. It depends on nothing but the
// standard library.
package client

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// A Client calls one server with one key.
type Client struct {
	base  string
	key   string
	agent string
	http  *http.Client
	tries int
	pause time.Duration // before the first repeat, where the server names none
}

// Limits of repeats.
const (
	defaultTries = 4
	firstPause   = 250 * time.Millisecond
	longestPause = 30 * time.Second // a server that asks for more gets an error returned
)

// An Option changes how a Client works.
type Option func(*Client)

// HTTPClient makes the Client use h, say for a proxy, a certificate or a
// timeout of its own. The default waits 60 s for an answer, which is longer
// than any wait that can be asked for.
func HTTPClient(h *http.Client) Option { return func(c *Client) { c.http = h } }

// Tries says how often a call is made in all, where it is safe to repeat it;
// 1 is once. The default is 4.
func Tries(n int) Option { return func(c *Client) { c.tries = max(n, 1) } }

// UserAgent names the program that calls.
func UserAgent(s string) Option { return func(c *Client) { c.agent = s } }

type traceKey struct{}

// WithTraceparent has the calls that are made with ctx carry a W3C traceparent,
// such as 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01. Messages that
// are sent so keep its trace id.
func WithTraceparent(ctx context.Context, traceparent string) context.Context {
	return context.WithValue(ctx, traceKey{}, traceparent)
}

// New makes a Client of the server at baseURL, such as http://127.0.0.1:8080.
// key may be empty for what needs none: Login, MPPermits, MPMe, Ready.
func New(baseURL, key string, opts ...Option) *Client {
	c := &Client{
		base: strings.TrimRight(baseURL, "/"), key: key, agent: "wxnotify-client-go", tries: defaultTries, pause: firstPause,
		http: &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	for _, o := range opts {
		o(c)
	}
	return c
}
