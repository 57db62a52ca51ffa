package server_test

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
)

// A spy makes the server's connections to WeChat. It learns the secrets that
// WeChat gives, and breaks calls where its world has faults: by count and from
// the world's name, so that the same calls break in the same way each time.
//
// A call that is broken does not reach WeChat, so what the sandbox counts is
// what the story says. It is a send, which is broken before a byte has left, a
// fetch of a token, or a login: those are done again within the time of a
// story. The lists of templates are looked at when a server starts, and then
// hours later; they, and what needs them, are left alone.
//
// With the calls go panics in the doors, one for each verb of the store.
type spy struct {
	w      *world
	faults bool

	mu    sync.Mutex
	looks int            // at lists of templates
	armed bool           // both were looked at
	calls map[string]int // by kind, since it is armed
	next  error          // what the next dialling ends with
	died  map[string]bool
	owed  int // panics of which nobody has heard yet
}

// A trouble is what becomes of a call in WeChat's place.
type trouble struct {
	unsent bool   // not a byte leaves
	dial   error  // and the next connection cannot be made
	answer string // what comes back; "": err
	err    error
}

// troubles are those of each kind of call.
var troubles = map[string][]trouble{
	"send": {
		{unsent: true, err: syscall.ECONNRESET},
		{unsent: true, err: syscall.ECONNRESET, dial: syscall.ECONNREFUSED},
		{unsent: true, err: os.ErrDeadlineExceeded, dial: os.ErrDeadlineExceeded},
	},
	"token": answered,
	"login": answered,
}

var answered = []trouble{
	{answer: page("302 Found\r\nLocation: http://127.0.0.1:1/elsewhere", "")},
	{err: os.ErrDeadlineExceeded},
	{answer: page("502 Bad Gateway", "<html>502</html>")},
	{err: syscall.ECONNRESET},
	{answer: page("200 OK", `{"access_token":"`)},
	{err: io.EOF},
	{answer: page("200 OK", `{"errcode":-1,"errmsg":"system error"}`)},
}

func page(head, body string) string {
	return fmt.Sprintf("HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", head, len(body), body)
}

// kinds are what calls are to a spy.
var kinds = map[string]string{
	"/cgi-bin/message/wxopen/template/send": "send", "/cgi-bin/message/subscribe/send": "send",
	"/cgi-bin/stable_token": "token", "/cgi-bin/token": "token",
	"/sns/jscode2session":           "login",
	"/cgi-bin/wxopen/template/list": "look", "/wxaapi/newtmpl/gettemplate": "look",
}

// doorVerbs are asked of the store by doors alone, which answer a panic.
var doorVerbs = []string{
	"accept", "deposit", "create a session", "create an app", "update an app", "create a key", "create a webhook", "update a webhook", "erase",
}

// arm is true once the calls that are left alone are over; then faults begin.
func (s *spy) arm() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = s.looks >= 2
	return s.armed
}

// panics is asked at each point of the store.
func (s *spy) panics(point string) error {
	verb, when, _ := strings.Cut(point, ".")
	if when != "before_statement" || !slices.Contains(doorVerbs, verb) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.armed || s.died[verb] {
		return nil
	}
	s.died[verb] = true
	s.owed++
	panic("a panic with " + sandbox.FirstSecret + " and " + storyName)
}

// owes says whether a request failed by a panic of ours, and takes note.
func (s *spy) owes() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owed == 0 {
		return false
	}
	s.owed--
	return true
}

var requestLine = regexp.MustCompile(`^(?:GET|POST) (/[^? ]*)`)

// breaks says what becomes of a request; nil: it is carried out.
func (s *spy) breaks(request []byte) *trouble {
	m := requestLine.FindSubmatch(request)
	if !s.faults || m == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	kind := kinds[string(m[1])]
	if kind == "look" {
		s.looks++
	}
	list := troubles[kind]
	if !s.armed || list == nil {
		return nil
	}
	n := s.calls[kind]
	s.calls[kind]++
	if n%3 > 0 || n >= 15 {
		return nil
	}
	seed := fnv.New32a()
	_, _ = io.WriteString(seed, s.w.Name())
	t := &list[(int(seed.Sum32()%1000)+n/3)%len(list)]
	s.next = t.dial
	return t
}

// broken is how many calls were broken of a kind.
func (s *spy) broken(kind string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return min((s.calls[kind]+2)/3, 5)
}

// String tells what there was of faults.
func (s *spy) String() string {
	s.mu.Lock()
	died := len(s.died)
	s.mu.Unlock()
	return fmt.Sprintf("broken: %d sends, %d fetches of tokens, %d logins; %d doors panicked", s.broken("send"), s.broken("token"), s.broken("login"), died)
}

func (s *spy) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	s.mu.Lock()
	err := s.next
	s.next = nil
	s.mu.Unlock()
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &spied{Conn: conn, spy: s}, nil
}

// A spied connection is one to WeChat.
type spied struct {
	net.Conn
	spy *spy

	mu     sync.Mutex
	broken *trouble // nil: not yet
	answer string   // what is to come of its answer
	heard  []byte   // the end of what WeChat said
}

// Write is net.Conn's. A request begins with a write of its own.
func (c *spied) Write(b []byte) (int, error) {
	t := c.trouble(b)
	switch {
	case t == nil:
		return c.Conn.Write(b)
	case t.unsent:
		return 0, t.err
	}
	_ = c.Conn.Close() // so whoever waits for WeChat's answer gets ours
	return len(b), nil
}

func (c *spied) trouble(b []byte) *trouble {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken == nil {
		if c.broken = c.spy.breaks(b); c.broken != nil {
			c.answer = c.broken.answer
		}
	}
	return c.broken
}

// Read is net.Conn's.
func (c *spied) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.broken == nil:
		c.hear(b[:n])
		return n, err
	case c.answer != "":
		n = copy(b, c.answer)
		c.answer = c.answer[n:]
		return n, nil
	case c.broken.err != nil:
		return 0, c.broken.err
	}
	return 0, io.EOF
}

// hear learns what WeChat said, wherever it was cut.
func (c *spied) hear(b []byte) {
	c.heard = append(c.heard, b...)
	if bytes.Contains(c.heard, []byte("access_token")) || bytes.Contains(c.heard, []byte("session_key")) {
		c.spy.w.learn(c.heard)
	}
	if n := len(c.heard) - 512; n > 0 {
		c.heard = append(c.heard[:0], c.heard[n:]...)
	}
}

// again says whether an answer is bad because the world has faults: then whoever
// asked asks once more, as backends and SDKs do.
func (w *world) again(path string, status int, answer []byte) bool {
	w.Helper()
	busy := bytes.HasPrefix(answer, []byte(`{"errcode":-1,`)) // the gateway's "nothing was done"
	switch {
	case !w.spy.faults:
		return false
	case (busy || status == 500) && w.spy.owes():
		return true
	case busy, status == 503 && path != "/mp/v1/login": // a code is good once
		time.Sleep(time.Second) // as Retry-After says
		return true
	}
	return false
}

// login is what a mini program does when it starts. Where WeChat's answer was
// lost it asks for a new code.
func (w *world) login(openid string) client.Session {
	w.Helper()
	for try := 1; ; try++ {
		s, err := w.Login(w.ctx(), sandbox.FirstAppID, w.phone("POST", "login", map[string]any{"openid": openid})["code"].(string))
		if err == nil || !w.spy.faults || try == 5 {
			w.must(err)
			return s
		}
	}
}

// tried are a message's attempts without those that the world's faults ended
// before a byte had left.
func (w *world) tried(m client.Message) []client.Attempt {
	return slices.DeleteFunc(slices.Clone(m.Attempts), func(a client.Attempt) bool { return w.spy.faults && a.Outcome == "not_sent" })
}
