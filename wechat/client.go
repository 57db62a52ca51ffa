// Package wechat is the wall towards WeChat: the client, the wire forms, the
// table of errcodes and the crypto of callbacks.
//
// A send comes back as an Outcome and never as an error. Its kind says what can
// be known: accepted and refused are WeChat's own words; not_sent means that
// not a byte of the request was handed to the operating system, which the
// connection itself counts; everything else is lost, because it may have
// arrived. What is unreadable is lost as well: an answer is believed only when
// it came whole, with status 200, and says what it should.
//
// Nothing is ever repeated here. net/http repeats a request by itself when a
// kept connection dies under it; that could deliver a message twice, so bodies
// are of a kind that it cannot rewind, GETs included. Redirects are not
// followed: they would show the URL, and with it a token, to somebody else.
//
// No error and no outcome holds a URL, a token or a secret, nor what a
// stranger between us and WeChat sends back: failures of the network are told
// in sentences of our own, and WeChat's errmsg is searched for the secrets of
// the call before it is passed on.
package wechat

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
)

// Options are the settings of a Client. The zero value is good.
type Options struct {
	URL      string        // "": https://api.weixin.qq.com. See CheckURL
	MaxConns int           // idle connections kept, as many as calls are in flight at once; 0: 1024
	Timeout  time.Duration // of a call, from dialling to the last byte; 0: 10 s

	// Dial makes the connections; nil: as the network does. What is sent over
	// them is counted all the same.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// Transport stands in for the network; nil is the real one. Only the real
	// one can tell that nothing was sent: failures of others count as lost.
	Transport http.RoundTripper
}

// DefaultURL is where WeChat is (wechat-api.md 0).
const DefaultURL = "https://api.weixin.qq.com"

// A Client makes WeChat's calls. It is safe for many goroutines and holds no
// token: whoever calls brings one.
type Client struct {
	base    url.URL
	timeout time.Duration
	rt      http.RoundTripper
	own     bool // rt is ours, and counts what was sent
}

// New makes a Client. It panics where CheckURL refuses.
func New(o Options) *Client {
	if o.URL == "" {
		o.URL = DefaultURL
	}
	base, err := parseURL(o.URL)
	if err != nil {
		panic("wechat: " + err.Error())
	}
	if o.MaxConns == 0 {
		o.MaxConns = 1024
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	c := &Client{base: *base, timeout: o.Timeout, rt: o.Transport}
	if o.Dial == nil {
		o.Dial = dialer.DialContext
	}
	if c.rt == nil {
		c.rt, c.own = transport(o.MaxConns, o.Dial), true
	}
	return c
}

// CheckURL refuses what cannot be WeChat's address: it is http or https, may
// have a path, and has no user, query or fragment.
func CheckURL(s string) error {
	_, err := parseURL(s)
	return err
}

func parseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") ||
		u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return nil, wxnotify.Refuse(wxnotify.FieldInvalid, "WeChat's address is http:// or https:// with a host, perhaps a port and a path, and nothing else")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = ""
	return u, nil
}

type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

var dialer = &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}

// transport keeps as many connections as there are calls at once: with fewer,
// each send would cost a new one. HTTP/1.1, because it is faster than HTTP/2
// here (performance.md 2). Connections rest half a minute at most, less than
// any server in between, since a call on one that was just closed is lost.
// The proxy settings of the environment count, but for loopback addresses.
func transport(conns int, dial dialFunc) *http.Transport {
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &countedConn{Conn: conn}, nil
		},
		Protocols:              new(http.Protocols),
		MaxIdleConnsPerHost:    conns,
		IdleConnTimeout:        30 * time.Second,
		TLSHandshakeTimeout:    5 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
	}
	t.Protocols.SetHTTP1(true)
	return t
}

// Close gives up the idle connections.
func (c *Client) Close() {
	if t, ok := c.rt.(*http.Transport); ok && c.own {
		t.CloseIdleConnections()
	}
}

// A request is one call. Its query holds secrets, already escaped.
type request struct {
	path, query string
	body        []byte // nil: a GET
}

// These are shared by all requests; the transport does not change them.
var (
	getHeader  = http.Header{"User-Agent": {"wxnotify"}}
	postHeader = http.Header{"User-Agent": {"wxnotify"}, "Content-Type": {"application/json"}}
)

// exchange makes the call. When it returns true the whole answer is in k.buf;
// otherwise the outcome is not_sent or lost, and says why.
func (c *Client) exchange(ctx context.Context, k *call, q request) (wxnotify.Outcome, bool) {
	if err := ctx.Err(); err != nil {
		return wxnotify.Outcome{Kind: wxnotify.NotSent, Errmsg: why(err)}, false
	}
	ctx, cancel := context.WithTimeout(k.traced(ctx), c.timeout)
	defer cancel()
	resp, err := c.rt.RoundTrip(c.request(ctx, q))
	if err != nil {
		if c.own && k.nothingSent() {
			return wxnotify.Outcome{Kind: wxnotify.NotSent, Errmsg: why(err)}, false
		}
		return lost(why(err)), false
	}
	defer resp.Body.Close()
	if err := k.read(resp.Body); err != nil {
		return lost(why(err)), false
	}
	if resp.StatusCode != http.StatusOK {
		return lost("HTTP status " + statusText(resp.StatusCode)), false
	}
	return wxnotify.Outcome{}, true
}

func (c *Client) request(ctx context.Context, q request) *http.Request {
	u := c.base
	u.Path += q.path
	u.RawQuery = q.query
	r := &http.Request{
		Method: http.MethodGet, URL: &u, Host: u.Host, Header: getHeader, Body: nothing{},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if q.body != nil {
		r.Method, r.Header, r.Body, r.ContentLength = http.MethodPost, postHeader, once(q.body), int64(len(q.body))
	}
	return r.WithContext(ctx)
}

// nothing is the body of a GET: none at all, but net/http believes that it
// could not send it again.
type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, io.EOF }
func (nothing) Close() error             { return nil }

func lost(text string) wxnotify.Outcome {
	return wxnotify.Outcome{Kind: wxnotify.Lost, Errmsg: text}
}
