package sandbox

import (
	"cmp"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The effects of a fault. What acts, acts as if nothing were wrong and then
// spoils the answer; what does not act leaves the world as it was.
const (
	effectErrcode      = "errcode"       // answers an errcode, does not act
	effectStatus       = "status"        // answers an HTTP status, does not act
	effectDropRequest  = "drop_request"  // closes the connection, does not act
	effectDropResponse = "drop_response" // acts, then closes the connection
	effectReset        = "reset"         // resets the connection, does not act
	effectSlow         = "slow"          // acts after the delay
	effectMalformed    = "malformed"     // acts, then answers half of the JSON
	effectRedirect     = "redirect"      // answers a redirect, does not act
)

var effects = []string{effectErrcode, effectStatus, effectDropRequest, effectDropResponse, effectReset, effectSlow, effectMalformed, effectRedirect}

// Fault spoils calls on WeChat's side. Empty selectors match everything. Of
// Times, Probability and AbovePerSecond at most one is given; with none of them
// the fault hits until it is deleted.
type Fault struct {
	ID         string `json:"id"`
	Endpoint   string `json:"endpoint"` // the tail of the path, or * for all
	AppID      string `json:"appid,omitzero"`
	Openid     string `json:"openid,omitzero"`
	TemplateID string `json:"template_id,omitzero"`

	Effect  string `json:"effect"`
	Errcode int    `json:"errcode,omitzero"`
	Status  int    `json:"status,omitzero"`
	DelayMS int    `json:"delay_ms,omitzero"` // real time, before any effect

	Times          int     `json:"times,omitzero"`            // only the next so many calls
	Probability    float64 `json:"probability,omitzero"`      // of each call, drawn by Seed
	Seed           uint64  `json:"seed,omitzero"`             // the same seed draws the same
	AbovePerSecond float64 `json:"above_per_second,omitzero"` // calls beyond that in a real second

	Hits int `json:"hits"`
}

type fault struct {
	Fault
	draw   *rand.Rand
	second int64 // of the current window
	seen   int   // calls in that window
}

// check says what is wrong with a rule.
func (f Fault) check() error {
	shapes := 0
	for _, given := range []bool{f.Times != 0, f.Probability != 0, f.AbovePerSecond != 0} {
		if given {
			shapes++
		}
	}
	switch {
	case f.Endpoint == "":
		return refuse(422, "endpoint is missing: give the tail of a path such as template/send, or * for all")
	case !slices.Contains(effects, f.Effect):
		return refuse(422, "effect %q is none of %s", f.Effect, strings.Join(effects, ", "))
	case f.Effect == effectErrcode && f.Errcode == 0:
		return refuse(422, "the effect errcode needs an errcode other than 0")
	case f.Effect == effectStatus && (f.Status < 400 || f.Status > 599):
		return refuse(422, "the effect status needs a status from 400 to 599")
	case f.Effect == effectRedirect && f.Status != 0 && (f.Status < 300 || f.Status > 399):
		return refuse(422, "the effect redirect takes a status from 300 to 399, or none for 302")
	case f.Effect == effectSlow && f.DelayMS == 0:
		return refuse(422, "the effect slow needs delay_ms")
	case f.DelayMS < 0 || f.DelayMS > 600_000:
		return refuse(422, "delay_ms must be from 0 to 600000")
	case shapes > 1:
		return refuse(422, "give only one of times, probability and above_per_second")
	case f.Times < 0 || f.AbovePerSecond < 0 || f.Probability < 0 || f.Probability > 1:
		return refuse(422, "times and above_per_second must not be negative, probability must be from 0 to 1")
	}
	return nil
}

// pickFault returns what the first rule that hits does to the call. The lock is
// held; real is real time.
func (w *world) pickFault(c *call, real time.Time) applied {
	for _, f := range w.faults {
		if f.matches(w, c) && f.strikes(real) {
			f.Hits++
			return applied{effect: f.Effect, errcode: f.Errcode, status: f.Status, delay: time.Duration(f.DelayMS) * time.Millisecond}
		}
	}
	return applied{}
}

func (f *fault) matches(w *world, c *call) bool {
	if f.Endpoint != "*" && !strings.HasSuffix(c.path, f.Endpoint) {
		return false
	}
	if f.AppID != "" && (c.app == nil || c.app.id != f.AppID) {
		return false
	}
	if f.TemplateID != "" && c.send.template != f.TemplateID {
		return false
	}
	return f.Openid == "" || f.Openid == w.openidOf(c)
}

// openidOf is the user that a call concerns, if any.
func (w *world) openidOf(c *call) string {
	if k := w.codes.byID[c.login.code]; k != nil {
		return k.user.openid
	}
	return c.send.touser
}

func (f *fault) strikes(real time.Time) bool {
	switch {
	case f.Times > 0:
		return f.Hits < f.Times
	case f.draw != nil:
		return f.draw.Float64() < f.Probability
	case f.AbovePerSecond > 0:
		if now := real.Unix(); now != f.second {
			f.second, f.seen = now, 0
		}
		f.seen++
		return float64(f.seen) > f.AbovePerSecond
	}
	return true
}

// applied is what a fault does to one call; the zero value does nothing.
type applied struct {
	effect          string
	errcode, status int
	delay           time.Duration
}

// before spoils the call ahead of acting; false if there is to be no act.
func (p applied) before(c *call) bool {
	switch p.effect {
	case effectErrcode:
		c.refuseFaulted(p.errcode)
	case effectStatus:
		c.page(p.status)
	case effectRedirect:
		c.page(cmp.Or(p.status, http.StatusFound))
	case effectDropRequest, effectReset:
		c.drop = true
	default:
		return true
	}
	return false
}

// after spoils the answer of a call that was carried out.
func (p applied) after(c *call) {
	switch p.effect {
	case effectDropResponse:
		c.drop = true
	case effectMalformed:
		c.reply = c.reply[:len(c.reply)/2]
	}
}

// page is what a proxy in front of WeChat would say.
func (c *call) page(status int) {
	c.status, c.header = status, "text/html"
	c.reply = []byte("<html><head><title>" + strconv.Itoa(status) + " " + http.StatusText(status) + "</title></head></html>\n")
}

// cut ends the connection without an answer. It does not return. Where the
// connection cannot be had, aborting the handler closes it or its stream.
func (p applied) cut(w http.ResponseWriter) {
	if p.effect == effectReset {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
			_ = conn.Close()
		}
	}
	panic(http.ErrAbortHandler)
}

// AddFault adds a rule behind those that are there; the first that hits a call
// is the one that counts.
func (s *Sandbox) AddFault(f Fault) (id string, err error) {
	if err := f.check(); err != nil {
		return "", err
	}
	err = s.do(func(w *world, _ time.Time) error {
		w.nextID++
		f.ID, f.Hits = "flt_"+strconv.Itoa(w.nextID), 0
		rule := &fault{Fault: f}
		if f.Probability > 0 {
			rule.draw = rand.New(rand.NewPCG(f.Seed, 0)) // drawn the same every time
		}
		w.faults = append(w.faults, rule)
		return nil
	})
	return f.ID, err
}

// Faults lists the rules with their hits.
func (s *Sandbox) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.showFaults()
}

func (w *world) showFaults() []Fault {
	out := []Fault{}
	for _, f := range w.faults {
		out = append(out, f.Fault)
	}
	return out
}

// RemoveFaults removes the rule with that id, or all rules if id is empty.
func (s *Sandbox) RemoveFaults(id string) error {
	return s.do(func(w *world, _ time.Time) error {
		before := len(w.faults)
		w.faults = slices.DeleteFunc(w.faults, func(f *fault) bool { return id == "" || f.ID == id })
		if id != "" && len(w.faults) == before {
			return refuse(404, "there is no fault %q; GET /sandbox/faults lists them", id)
		}
		return nil
	})
}
