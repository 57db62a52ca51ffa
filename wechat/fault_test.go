package wechat

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
)

var message = []byte(`{"form_id":"1508392837549","touser":"o1"}`)

func (c *Client) post(t testing.TB) wxnotify.Outcome {
	return c.Send(t.Context(), sample["token"], wxnotify.ChannelTemplate, message)
}

// answering serves one fixed answer.
func answering(t testing.TB, status int, body string) *Client {
	return serving(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	})
}

func serving(t testing.TB, h http.HandlerFunc) *Client {
	s := httptest.NewServer(h)
	c := New(Options{URL: s.URL})
	t.Cleanup(func() { c.Close(); s.Close() })
	return c
}

// raw plays a server by hand: each connection is given to f and closed.
func raw(t testing.TB, f func(net.Conn, *bufio.Reader)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				f(conn, bufio.NewReader(conn))
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

func readRequest(r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err == nil
}

const whole = "HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n{\"errcode\":0,\"errmsg\":\"ok\"}"

// Whatever is not an answer of WeChat's after bytes have left us is lost.
func TestLost(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]struct {
		status int
		body   string
	}{
		"bad gateway":                 {502, "<html>502</html>"},
		"server error with an answer": {500, `{"errcode":0,"errmsg":"ok"}`},
		"not found":                   {404, "404 page not found"},
		"refusal with status 403":     {403, `{"errcode":40001,"errmsg":"x"}`},
		"nothing":                     {200, ""},
		"empty object":                {200, "{}"},
		"only a text":                 {200, `{"errmsg":"ok"}`},
		"null":                        {200, "null"},
		"array":                       {200, `[{"errcode":0}]`},
		"string":                      {200, `"ok"`},
		"a page":                      {200, "<html>ok</html>"},
		"cut":                         {200, `{"errcode":0,"errmsg":"o`},
		"something behind":            {200, `{"errcode":0,"errmsg":"ok"} {"errcode":0}`},
		"errcode is null":             {200, `{"errcode":null,"errmsg":"ok"}`},
		"errcode is empty":            {200, `{"errcode":"","errmsg":"ok"}`},
		"errcode is a fraction":       {200, `{"errcode":0.5}`},
		"errcode is beyond 64 bits":   {200, `{"errcode":99999999999999999999}`},
		"errcode is an object":        {200, `{"errcode":{}}`},
		"errcode in another case":     {200, `{"ErrCode":0,"errmsg":"ok"}`},
		"longer than 1 MiB":           {200, `{"errcode":0,"errmsg":"` + strings.Repeat("k", maxAnswer) + `"}`},
	} {
		if o := answering(t, answer.status, answer.body).post(t); o.Kind != wxnotify.Lost || o.Errmsg == "" || o.Said {
			t.Errorf("%s: %+v", name, o)
		}
	}
}

func TestTolerance(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]wxnotify.Outcome{
		` {"errmsg":"ok","errcode":0} ` + "\n":            {Kind: wxnotify.Accepted, Errmsg: "ok", Said: true},
		`{"errcode":"0","errmsg":"ok","more":[{"a":1}]}`:  {Kind: wxnotify.Accepted, Errmsg: "ok", Said: true},
		`{"errcode":0,"errmsg":"ok","msgid":"12"}`:        {Kind: wxnotify.Accepted, Errmsg: "ok", MsgID: "12", Said: true},
		`{"msgid":9223372036854775807}`:                   {Kind: wxnotify.Accepted, MsgID: "9223372036854775807", Said: true},
		`{"errcode":0,"msgid":1.5e3}`:                     {Kind: wxnotify.Accepted, Said: true},
		`{"errcode":0,"msgid":null}`:                      {Kind: wxnotify.Accepted, Said: true},
		`{"errcode":"-1","errmsg":"system error"}`:        {Kind: wxnotify.Lost, Errcode: -1, Errmsg: "system error", Said: true},
		`{"errcode":7,"errmsg":8}`:                        {Kind: wxnotify.Refused, Errcode: 7, Errmsg: "8", Said: true, Verdict: VerdictOf(7)},
		"{\"errcode\":7,\"errmsg\":\"a\\u0000b\xff\\n\"}": {Kind: wxnotify.Refused, Errcode: 7, Errmsg: "a b\ufffd ", Said: true, Verdict: VerdictOf(7)},
		`{"errcode":40001,"errmsg":"token-canary_77aa"}`:  {Kind: wxnotify.Refused, Errcode: 40001, Errmsg: "[redacted]", Said: true, Verdict: VerdictOf(40001)},
	} {
		if o := answering(t, 200, body).post(t); o != want {
			t.Errorf("%s:\ngot  %+v\nwant %+v", body, o, want)
		}
	}
}

func TestLostOnTheConnection(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(net.Conn, *bufio.Reader){
		"closed after the request": func(_ net.Conn, r *bufio.Reader) { readRequest(r) },
		"reset after the request": func(c net.Conn, r *bufio.Reader) {
			readRequest(r)
			c.(*net.TCPConn).SetLinger(0)
		},
		"cut in the head": func(c net.Conn, r *bufio.Reader) {
			readRequest(r)
			io.WriteString(c, whole[:20])
		},
		"cut in the body": func(c net.Conn, r *bufio.Reader) {
			readRequest(r)
			io.WriteString(c, whole[:len(whole)-1])
		},
		"not HTTP": func(c net.Conn, r *bufio.Reader) {
			readRequest(r)
			io.WriteString(c, "220 smtp.example ready "+sample["token"]+"\r\n")
		},
	} {
		c := New(Options{URL: raw(t, f)})
		if o := c.post(t); o.Kind != wxnotify.Lost || o.Errmsg == "" {
			t.Errorf("%s: %+v", name, o)
		}
	}
}

func TestNoAnswerInTimeIsLost(t *testing.T) {
	t.Parallel()
	url := raw(t, func(c net.Conn, r *bufio.Reader) {
		readRequest(r)
		r.ReadByte() // until the client goes away
	})
	c := New(Options{URL: url, Timeout: 50 * time.Millisecond})
	if o := c.post(t); o.Kind != wxnotify.Lost || o.Errmsg != "no answer in time" {
		t.Errorf("%+v", o)
	}
}

func TestNothingSent(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String()
	l.Close()
	untrusted := httptest.NewUnstartedServer(nil)
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0) // it would tell of the handshake
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	plain := httptest.NewServer(nil)
	t.Cleanup(plain.Close)
	for url, want := range map[string]string{
		closed:        "connection refused",
		untrusted.URL: "the TLS certificate is not trusted",
		"https" + strings.TrimPrefix(plain.URL, "http"): "the other side does not speak TLS",
	} {
		if o := New(Options{URL: url}).post(t); o.Kind != wxnotify.NotSent || o.Errmsg != want {
			t.Errorf("%s: %+v", url, o)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if o := New(Options{URL: plain.URL}).Send(ctx, "t", wxnotify.ChannelTemplate, message); o.Kind != wxnotify.NotSent {
		t.Errorf("given up before: %+v", o)
	}
}

// A brokenConn fails to write from the second request on, after some bytes.
type brokenConn struct {
	net.Conn
	writes, takes int
}

func (c *brokenConn) Write(b []byte) (int, error) {
	if c.writes++; c.writes > 1 {
		return c.takes, errors.New("gone")
	}
	return c.Conn.Write(b)
}

// On a kept connection that turns out to be dead it is the number of bytes the
// system took that tells not_sent from lost.
func TestNothingSentOnAKeptConnection(t *testing.T) {
	t.Parallel()
	for takes, want := range map[int]wxnotify.Kind{0: wxnotify.NotSent, 1: wxnotify.Lost} {
		c := answering(t, 200, string(plainOK))
		c.rt = transport(1, func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, addr)
			return &brokenConn{Conn: conn, takes: takes}, err
		})
		if o := c.post(t); o.Kind != wxnotify.Accepted {
			t.Fatalf("first: %+v", o)
		}
		if o := c.post(t); o.Kind != want {
			t.Errorf("%d bytes taken: %+v", takes, o)
		}
	}
}

// net/http would repeat a GET, and a POST whose body it can rewind, when a kept
// connection dies before the first byte of the answer.
func TestNothingIsRepeated(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(*Client) wxnotify.Kind{
		"POST": func(c *Client) wxnotify.Kind { return c.post(t).Kind },
		"GET": func(c *Client) wxnotify.Kind {
			_, _, _, err := c.Login(t.Context(), app, "code")
			var e *Error
			errors.As(err, &e)
			return e.Kind
		},
	} {
		var requests atomic.Int32
		c := New(Options{URL: raw(t, func(c net.Conn, r *bufio.Reader) {
			for readRequest(r) {
				if n := requests.Add(1); n != 1 {
					return // read, not answered
				}
				io.WriteString(c, whole)
			}
		})})
		if o := c.post(t); o.Kind != wxnotify.Accepted {
			t.Fatalf("%s: first: %+v", name, o)
		}
		if k := call(c); k != wxnotify.Lost {
			t.Errorf("%s: %s", name, k)
		}
		if n := requests.Load(); n != 2 {
			t.Errorf("%s: the server saw %d requests, want 2", name, n)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	for _, status := range []int{301, 302, 307, 308} {
		c := serving(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+"/?"+r.URL.RawQuery, status)
		})
		if o := c.post(t); o.Kind != wxnotify.Lost {
			t.Errorf("%d: %+v", status, o)
		}
		if _, _, _, err := c.Login(t.Context(), app, "code"); wxnotify.CodeOf(err) != wxnotify.UpstreamUnavailable {
			t.Errorf("%d: %v", status, err)
		}
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("%d redirects were followed", n)
	}
}

// Over TLS the connection is counted as well: a request that was read and not
// answered is lost, not unsent.
func TestOverTLS(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if requests.Add(1) > 1 {
			panic(http.ErrAbortHandler)
		}
		w.Write(plainOK)
	}))
	t.Cleanup(s.Close)
	c := New(Options{URL: s.URL})
	t.Cleanup(c.Close)
	c.rt.(*http.Transport).TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	if o := c.post(t); o.Kind != wxnotify.Accepted {
		t.Fatalf("%+v", o)
	}
	if o := c.post(t); o.Kind != wxnotify.Lost {
		t.Errorf("%+v", o)
	}
}

type failing struct{}

func (failing) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, &url.Error{Op: "Post", URL: r.URL.String(), Err: errors.New("no")}
}

func TestAForeignTransportCannotProveThatNothingWasSent(t *testing.T) {
	t.Parallel()
	if o := New(Options{Transport: failing{}}).post(t); o.Kind != wxnotify.Lost {
		t.Errorf("%+v", o)
	}
}

// Secrets of every call, in every form that an answer, an error or a proxy
// might throw back, stay inside.
func TestCanaries(t *testing.T) {
	t.Parallel()
	secrets := []string{"secret/+canary&1", "token/+canary&2", "code+canary"}
	app := wxnotify.App{ID: "wx0123456789abcdef", Secret: wxnotify.NewSecret(secrets[0])}
	classic := app
	classic.TokenMode = wxnotify.ClassicToken
	echo := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		said := r.RequestURI + " " + string(body)
		for _, name := range []string{"secret", "access_token", "js_code"} {
			v := r.URL.Query().Get(name)
			said += " " + v + " " + base64.StdEncoding.EncodeToString([]byte(v))
		}
		w.Write(encode(map[string]any{"errcode": 40001, "errmsg": said}))
	}
	clients := map[string]*Client{
		"echoes": serving(t, echo),
		"redirects": serving(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/?"+r.URL.RawQuery, http.StatusFound)
		}),
		"fails":   New(Options{Transport: failing{}}),
		"refuses": New(Options{URL: "http://127.0.0.1:1"}),
		"is broken": New(Options{URL: raw(t, func(c net.Conn, r *bufio.Reader) {
			line, _ := r.ReadString('\n')
			io.WriteString(c, line)
		})}),
	}
	for name, c := range clients {
		var said []string
		o := c.Send(t.Context(), secrets[1], wxnotify.ChannelTemplate, message)
		said = append(said, fmt.Sprintf("%+v", o))
		_, _, err := c.FetchToken(t.Context(), app, true)
		said = append(said, fmt.Sprintf("%+v %#v", err, err))
		_, _, err = c.FetchToken(t.Context(), classic, false)
		said = append(said, fmt.Sprintf("%+v %#v", err, err))
		_, _, _, err = c.Login(t.Context(), app, secrets[2])
		said = append(said, fmt.Sprintf("%+v %#v %v", err, err, errors.Unwrap(err)))
		_, err = c.Templates(t.Context(), secrets[1], wxnotify.ChannelSubscribe)
		said = append(said, fmt.Sprintf("%+v %#v", err, err))
		all := strings.Join(said, "\n")
		for _, s := range secrets {
			for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s), base64.StdEncoding.EncodeToString([]byte(s))} {
				if strings.Contains(all, form) {
					t.Errorf("%s: %q is in\n%s", name, form, all)
				}
			}
		}
	}
}
