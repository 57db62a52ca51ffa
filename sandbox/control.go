package sandbox

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
)

// refusal is the control API's word to a caller who asked for something wrong.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

// refuse makes a refusal. The sentence says what to do about it.
func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

type handler func(s *Sandbox, r *http.Request) (any, error)

var controlRoutes = []struct {
	verb, pattern string
	serve         handler
}{
	{"GET", "/sandbox/state", getState},
	{"GET", "/sandbox/stock", getStock},
	{"GET", "/sandbox/server", getServer},
	{"POST", "/sandbox/apps", postApp},
	{"POST", "/sandbox/users", postUser},
	{"POST", "/sandbox/templates", postTemplate},
	{"POST", "/sandbox/login", postLogin},
	{"POST", "/sandbox/forms", postForm},
	{"POST", "/sandbox/payments", postPayment},
	{"POST", "/sandbox/subscriptions", postSubscription},
	{"POST", "/sandbox/subscriptions/settings", postSettings},
	{"GET", "/sandbox/cards", getCards},
	{"POST", "/sandbox/cards/{seq}/tap", postTap},
	{"POST", "/sandbox/cards/{seq}/reject", postReject},
	{"GET", "/sandbox/requests", getRequests},
	{"POST", "/sandbox/faults", postFault},
	{"GET", "/sandbox/faults", getFaults},
	{"DELETE", "/sandbox/faults", deleteFaults},
	{"DELETE", "/sandbox/faults/{id}", deleteFaults},
	{"POST", "/sandbox/tokens/revoke", postRevoke},
	{"GET", "/sandbox/events", getEvents},
	{"POST", "/sandbox/events", postEvent},
	{"POST", "/sandbox/clock", postClock},
	{"GET", "/sandbox/clock", getClock},
	{"POST", "/sandbox/quotas", postQuota},
	{"POST", "/sandbox/reset", postReset},
}

// control serves everything under /sandbox/. Pages of other sites cannot change
// anything: the browser's own word about the origin is heard.
func (s *Sandbox) control() http.Handler {
	mux := http.NewServeMux()
	for _, r := range controlRoutes {
		mux.HandleFunc(r.verb+" "+r.pattern, func(w http.ResponseWriter, req *http.Request) { s.serve(w, req, r.serve) })
	}
	mux.HandleFunc("GET /sandbox/stream", s.stream)
	mux.HandleFunc("/sandbox/", func(w http.ResponseWriter, r *http.Request) {
		writeRefusal(w, refuse(404, "there is no %s %s in the sandbox; its calls are listed in the manual", r.Method, r.URL.Path))
	})
	return sameSite(mux)
}

// sameSite refuses changes that a page of another site asks for.
func sameSite(h http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeRefusal(w, refuse(403, "a page of another site may not change the sandbox"))
	}))
	return guard.Handler(h)
}

func (s *Sandbox) serve(w http.ResponseWriter, r *http.Request, h handler) {
	v, err := h(s, r)
	if err != nil {
		writeRefusal(w, err)
		return
	}
	writeJSON(w, 200, encode(v))
}

// writeRefusal tells the caller. Whatever is not a refusal is a caller who has
// gone away.
func writeRefusal(w http.ResponseWriter, err error) {
	var r *refusal
	if !errors.As(err, &r) {
		r = &refusal{499, "the call was given up"}
	}
	writeJSON(w, r.status, encode(struct {
		Error string `json:"error"`
	}{r.text}))
}

// encode writes one of our own values. What callers sent may stand in it, as
// oddly as they sent it; bad UTF-8 becomes U+FFFD.
func encode(v any) []byte {
	b, err := json.Marshal(v, tolerant, sloppy)
	if err != nil {
		panic("sandbox: encode: " + err.Error())
	}
	return b
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", jsonType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// decode reads a body strictly: names as they are written here, each once, and
// nothing else.
func decode[T any](r *http.Request) (v T, err error) {
	if err := onlyQuery(r); err != nil {
		return v, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return v, refuse(413, "the body is cut short or larger than 1 MiB")
	}
	if len(body) == 0 {
		body = []byte("{}")
	}
	if err := json.Unmarshal(body, &v, json.RejectUnknownMembers(true)); err != nil {
		return v, refuse(400, "the body cannot be read: %s", plain(err))
	}
	return v, nil
}

// plain says what is wrong with a body in the caller's terms, without our types.
func plain(err error) string {
	var sem *json.SemanticError
	if !errors.As(err, &sem) {
		return strings.TrimPrefix(err.Error(), "jsontext: ")
	}
	at := string(sem.JSONPointer)
	if errors.Is(err, json.ErrUnknownName) {
		return "there is no field " + at + "; take it out"
	}
	if at == "" {
		at = "the body"
	}
	return at + " is not of the kind that is meant"
}

// onlyQuery refuses query parameters other than those named.
func onlyQuery(r *http.Request, names ...string) error {
	for name, values := range r.URL.Query() {
		known := false
		for _, n := range names {
			known = known || n == name
		}
		if !known {
			return refuse(400, "there is no query parameter %q here; take it out", name)
		}
		if len(values) > 1 {
			return refuse(400, "the query parameter %q is given %d times; give it once", name, len(values))
		}
	}
	return nil
}
