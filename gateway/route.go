package gateway

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path"
	"runtime/debug"

	"github.com/wxnotify/wxnotify"
)

// A call is one request on its way through a handler.
type call struct {
	w     http.ResponseWriter
	r     *http.Request
	id    string // request id
	now   wxnotify.Now
	query url.Values
}

// A handler answers with a JSON object, or with nil when it has written the
// answer itself. Errors leave as an errcode.
type handler func(*Gateway, *call) ([]byte, error)

// routes are the paths that are not passed through as they are.
var routes = map[string]struct {
	method string
	handle handler
}{
	"/cgi-bin/token":                        {http.MethodGet, (*Gateway).classicToken},
	"/cgi-bin/stable_token":                 {http.MethodPost, (*Gateway).stableToken},
	"/cgi-bin/message/wxopen/template/send": {http.MethodPost, (*Gateway).sendTemplate},
	"/cgi-bin/message/subscribe/send":       {http.MethodPost, (*Gateway).sendSubscribe},
	"/sns/jscode2session":                   {http.MethodGet, (*Gateway).login},
}

// ServeHTTP serves one request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// What of a query cannot be read is left out, as WeChat does.
	query, _ := url.ParseQuery(r.URL.RawQuery)
	c := &call{w: w, r: r, id: name(w, r), now: g.Now(), query: query}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	defer g.recover(c)
	raw, err := g.serve(c)
	if err != nil {
		raw = g.explain(c, err).body()
	}
	if raw != nil {
		c.write(raw)
	}
}

// name gives a request its id, which its answer tells and what is logged of it.
func name(w http.ResponseWriter, r *http.Request) string {
	id := wxnotify.RequestID(r.Header.Get("X-Request-ID"), rand.Uint64())
	w.Header().Set("X-Request-ID", id)
	return id
}

func (g *Gateway) serve(c *call) ([]byte, error) {
	p := c.r.URL.Path
	rt, ok := routes[p]
	switch {
	case path.Clean(p) != p || !Owns(p) || !ok && isLogin(p):
		return nil, say(40066)
	case !ok:
		return g.pass(c)
	case c.r.Method == rt.method:
		return rt.handle(g, c)
	case rt.method == http.MethodGet:
		return nil, say(43001)
	}
	return nil, say(43002)
}

// isLogin: what is under /sns/ takes the app's secret and no token, so nothing
// of it can be passed through.
func isLogin(p string) bool { return len(p) >= 5 && p[:5] == "/sns/" }

// recover turns a panic of ours into a fault. A copy that broke off half way
// must stay broken off.
func (g *Gateway) recover(c *call) {
	switch p := recover(); p {
	case nil:
	case http.ErrAbortHandler:
		panic(p)
	default:
		c.write(g.explain(c, wxnotify.Panicked(p, debug.Stack())).body())
	}
}

// maxBody bounds the bodies that are read whole, in bytes.
const maxBody = 256 << 10

// body reads the whole body. Any media type will do.
func (c *call) body() ([]byte, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, say(45002)
	}
	switch {
	case err != nil:
		return nil, say(47001)
	case len(raw) == 0:
		return nil, say(44002)
	}
	return raw, nil
}

// A visitor is who a gateway token stands for.
type visitor struct {
	key    wxnotify.Key
	app    wxnotify.App
	queued bool
}

// enter lets a request in by its gateway token.
func (g *Gateway) enter(c *call) (v visitor, err error) {
	text := c.query.Get("access_token")
	if text == "" {
		return v, say(41001)
	}
	t, ok := g.mint.read(text, c.now.Virtual)
	if !ok {
		return v, say(40001)
	}
	v.queued = t.queued
	if v.key, err = g.Gate.KeyByID(c.Context(), t.key); err != nil {
		return v, err
	}
	if err := mayAct(v.key); err != nil {
		return v, err
	}
	v.app, err = g.Gate.App(c.Context(), v.key, t.app)
	return v, err
}

// mayAct: WeChat's own calls know one right, and so does this door. A key that
// may only read or hand in permits must not reach users through it.
func mayAct(k wxnotify.Key) error {
	if k.May(wxnotify.ScopeSend) {
		return nil
	}
	return wxnotify.Refuse(wxnotify.ScopeMissing, "this needs a key with the scope %s", wxnotify.ScopeSend)
}

// Context is the request's.
func (c *call) Context() context.Context { return c.r.Context() }

func (g *Gateway) stopping() bool {
	select {
	case <-g.Stop:
		return true
	default:
		return false
	}
}
