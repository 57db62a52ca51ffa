package api

import (
	"context"
	"math/rand/v2"
	"net/http"
	"path"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/dam"
)

// An access says who may call a route.
type access int

const (
	byKey     access = iota // a key with the route's scope
	bySession               // a mini program's session
	open                    // anyone
)

// A route is one operation: how it is called, who may, and what the OpenAPI
// document says of it.
type route struct {
	method, path string
	access       access
	scope        wxnotify.Scope
	handle       func(*Door, *call) (answer, error)

	name    string // operationId
	tag     string
	summary string
	doc     string
	params  []param
	headers []param
	in      any // the request struct, nil without a body
	out     any // the answer's struct, nil without a body
	status  int
	refuses []wxnotify.Code // beside those that every route of its access has
}

// A param is a query parameter or a header.
type param struct {
	name, doc, kind string // kind as in JSON Schema; "" is string
	enum            []string
	example         any
}

// A call is one request on its way through a handler.
type call struct {
	w       http.ResponseWriter
	r       *http.Request
	route   string
	id      string // request id
	now     wxnotify.Now
	key     wxnotify.Key
	session wxnotify.Session
	query   query
}

// Context is the request's.
func (c *call) Context() context.Context { return c.r.Context() }

// An answer is what a handler has to say when nothing is wrong.
type answer struct {
	status   int
	body     any    // for the encoder
	raw      []byte // instead of body: JSON already
	replayed bool   // an Idempotency-Key was known
}

// ok is the answer of most handlers.
func ok(body any) (answer, error) { return answer{status: http.StatusOK, body: body}, nil }

// ServeHTTP serves one request.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{w: w, r: r, id: wxnotify.RequestID(r.Header.Get("X-Request-ID"), rand.Uint64()), route: "none"}
	w.Header().Set("X-Request-ID", c.id)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if err := d.keys.credentialInURL(r.URL.RawQuery); err != nil {
		d.writeProblem(c, err)
		return
	}
	if path.Clean(r.URL.Path) != r.URL.Path {
		d.writeProblem(c, refusePath())
		return
	}
	d.mux.ServeHTTP(w, r)
}

func refusePath() error { return wxnotify.Refuse(wxnotify.NotFound, "there is nothing here") }

// mount puts the routes into the mux.
func (d *Door) mount() {
	for _, rt := range routes {
		d.mux.HandleFunc(rt.method+" "+rt.path, d.serve(rt))
	}
	d.mux.HandleFunc("/", d.missing)
	d.mountDocs()
	d.mountMetrics()
}

// serve makes the handler of a route: let in, handle, encode.
func (d *Door) serve(rt route) http.HandlerFunc {
	name := rt.method + " " + rt.path
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{w: w, r: r, route: name, id: w.Header().Get("X-Request-ID"), now: d.Now()}
		defer d.recover(c)
		a, err := d.run(&rt, c)
		if err != nil {
			d.writeProblem(c, err)
			return
		}
		c.write(a)
	}
}

func (d *Door) run(rt *route, c *call) (a answer, err error) {
	if d.stopping() && c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		return a, wxnotify.Refuse(wxnotify.Draining, "this node is stopping")
	}
	if strings.HasPrefix(rt.path, "/mp/") {
		if err := d.flood.address(dam.Address(c.r, d.opt.Proxies)); err != nil {
			return a, err
		}
	}
	switch rt.access {
	case byKey:
		err = d.enter(c, rt.scope)
	case bySession:
		err = d.enterMini(c)
	}
	if err != nil {
		return a, err
	}
	if c.query, err = parseQuery(c.r.URL.RawQuery, rt.params); err != nil {
		return a, err
	}
	return rt.handle(d, c)
}

func (d *Door) stopping() bool {
	select {
	case <-d.Stop:
		return true
	default:
		return false
	}
}

// recover turns a panic of ours into a fault.
func (d *Door) recover(c *call) {
	if p := recover(); p != nil {
		d.writeProblem(c, wxnotify.Panicked(p, debug.Stack()))
	}
}

func (c *call) write(a answer) {
	h := c.w.Header()
	h.Set("Cache-Control", "no-store")
	if a.replayed {
		h.Set("Idempotent-Replayed", "true")
	}
	if a.status == http.StatusNoContent {
		c.w.WriteHeader(a.status)
		return
	}
	raw := a.raw
	if raw == nil {
		raw = mustMarshal(a.body)
	}
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(raw)))
	c.w.WriteHeader(a.status)
	_, _ = c.w.Write(raw) // the caller has gone
}

// mustMarshal encodes a struct of ours, which can always be encoded.
func mustMarshal(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}

// missing answers where no route is: a path that is there with other methods
// is 405 and names them.
func (d *Door) missing(w http.ResponseWriter, r *http.Request) {
	c := &call{w: w, r: r, route: "none", id: w.Header().Get("X-Request-ID")}
	var allowed []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if _, pattern := d.mux.Handler(&http.Request{Method: m, URL: r.URL, Host: r.Host}); pattern != "/" {
			allowed = append(allowed, m)
		}
	}
	if allowed == nil {
		d.writeProblem(c, refusePath())
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	d.writeProblem(c, wxnotify.Refuse(wxnotify.MethodNotAllowed, "this path takes %s", strings.Join(allowed, ", ")))
}

// pathID is the {id} of the path, or not_found where it cannot be an id of
// anything.
func (c *call) pathID() (string, error) {
	s := c.r.PathValue("id")
	if !wxnotify.ValidTemplateID(s) {
		return "", wxnotify.Refuse(wxnotify.NotFound, "there is no such object")
	}
	return s, nil
}
