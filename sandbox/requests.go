package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// maxLogged is how much of a body is remembered in the request log.
const maxLogged = 64 << 10

// record is a call as it is remembered: raw, and made readable and safe to show
// only when somebody looks.
type record struct {
	seq      uint64
	at       time.Time // virtual
	took     time.Duration
	call     *call
	secret   string // of the app, at that time
	answered bool
}

// log remembers the call. The lock is held; alive tells whether the caller is
// still there to get the answer.
func (w *world) log(c *call, real time.Time, alive bool) *record {
	r := &record{seq: w.requests.last() + 1, at: c.now, took: real.Sub(c.started), call: c, answered: alive && !c.drop}
	if c.app != nil {
		r.secret = c.app.secret
	}
	w.requests.add(r)
	return r
}

// Request is one call on WeChat's side, as GET /sandbox/requests shows it.
// Secrets and tokens are masked: what is left is a mark by which equal ones can
// be told. Fault is the effect that was applied.
type Request struct {
	Seq      uint64         `json:"seq"`
	Time     string         `json:"time"`
	MS       float64        `json:"ms"`
	Method   string         `json:"method"`
	Path     string         `json:"path"`
	Query    string         `json:"query"`
	AppID    *string        `json:"appid"`
	Body     jsontext.Value `json:"body"`
	Status   int            `json:"status"`
	Answer   jsontext.Value `json:"answer"`
	Errcode  int            `json:"errcode"`
	Effect   bool           `json:"effect"`
	Answered bool           `json:"answered"`
	Fault    *string        `json:"fault"`
}

// request makes the record readable. It needs no lock: neither the record nor
// the call changes any more.
func (r *record) request() Request {
	c := r.call
	q := Request{
		Seq: r.seq, Time: stamp(r.at), MS: float64(r.took.Microseconds()) / 1000,
		Method: c.method, Path: c.path, Query: maskQuery(c.rawQuery),
		Status: c.status, Errcode: c.errcode, Effect: c.effect, Answered: r.answered,
		Fault: orNil(c.fault.effect),
		Body:  r.shown(c.body), Answer: jsontext.Value("null"),
	}
	if c.app != nil {
		q.AppID = orNil(c.app.id)
	}
	if len(c.reply) > 0 {
		q.Answer = r.shown(c.reply)
	}
	if !r.answered {
		q.Status = 0
	}
	return q
}

// Requests returns the calls after a number, oldest first, at most limit
// (0 means 1000), and the number of the newest call there is.
func (s *Sandbox) Requests(after uint64, limit int) ([]Request, uint64) {
	s.mu.Lock()
	kept, last := s.w.requests.after(after), s.w.requests.last()
	s.mu.Unlock()
	if limit == 0 {
		limit = 1000
	}
	out := []Request{}
	for _, r := range kept[:min(limit, len(kept))] {
		out = append(out, r.request())
	}
	return out, last
}

// shown is a body as a JSON value: itself, masked, if it is JSON, else a string.
func (r *record) shown(body []byte) jsontext.Value {
	if len(body) == 0 {
		return jsontext.Value("null")
	}
	if v, ok := maskMembers(body); ok {
		return v
	}
	text := string(body[:min(len(body), maxLogged)])
	for _, secret := range r.secrets() {
		text = strings.ReplaceAll(text, secret, mask(secret))
	}
	v, _ := jsontext.AppendQuote(nil, text)
	return v
}

// secrets are those that may stand in the call, for where no name tells.
func (r *record) secrets() []string {
	all := []string{r.call.access, r.call.login.secret, r.secret}
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// maskedNames are the members and query parameters that hold what opens doors.
var maskedNames = map[string]bool{"secret": true, "appsecret": true, "access_token": true, "session_key": true}

// mask hides a secret and keeps a mark, so that one can see which calls used the
// same one.
func mask(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return "***" + hex.EncodeToString(sum[:2])
}

func maskQuery(raw string) string {
	if raw == "" {
		return ""
	}
	parts := strings.Split(raw, "&")
	for i, p := range parts {
		name, secret, _ := strings.Cut(p, "=")
		if n, err := url.QueryUnescape(name); err == nil && maskedNames[n] {
			parts[i] = name + "=" + mask(secret)
		}
	}
	return strings.Join(parts, "&")
}
