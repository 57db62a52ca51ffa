package wechat

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// sample is what the placeholders of the transcripts stand for here.
var sample = map[string]string{
	"appid": "wx0123456789abcdef", "secret": "secret-canary-6f1e", "token": "token-canary_77aa", "new_token": "new-token-canary_88bb",
	"expires_in": "7200", "js_code": "081Kq4Ga1ceqmz0", "openid": "oABCDEFGHIJKLMNOPQRSTUVWXYZ0", "session_key": "tiihtNczf5v6AKRyjwEUhQ==",
	"unionid": "oUnion0123456789", "form_id": "1508392837549", "template_id": "AT0002mU6SfVVBPVTHF6pR1Fw1vJNHOOVpq9NSvrsp8",
	"ip": "203.0.113.7", "hint": "q39oqA06484105", "rid": "5fab84d2-1b2c3d4e-5f607182", "msgid": "1988810812324364291",
}

var placeholder = regexp.MustCompile(`\{\{([a-z_]+)\}\}`)

func fill(t testing.TB, s string) string {
	t.Helper()
	return placeholder.ReplaceAllStringFunc(s, func(p string) string {
		v, ok := sample[p[2:len(p)-2]]
		if !ok {
			t.Errorf("nothing is known of %s", p)
		}
		return v
	})
}

// A transcript is what testdata/README.md says.
type transcript struct {
	name      string
	exchanges []exchanged
}

type exchanged struct {
	method, target string
	header         http.Header
	body           string
	status         int
	answerHeader   http.Header
	answer         string
}

func transcripts(t testing.TB) map[string]transcript {
	t.Helper()
	files, err := filepath.Glob("testdata/*.http")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts: ", err)
	}
	all := make(map[string]transcript)
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(f), ".http")
		all[name] = parse(t, name, fill(t, string(b)))
	}
	return all
}

func parse(t testing.TB, name, s string) transcript {
	t.Helper()
	parts := strings.Split(strings.TrimSuffix(s, "\n"), "\n###\n")
	if len(parts)%2 != 0 {
		t.Fatalf("%s: a request without an answer", name)
	}
	tr := transcript{name: name}
	for i := 0; i < len(parts); i += 2 {
		var e exchanged
		head, body := split(parts[i])
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		e.method, e.target, e.header, e.body = r.Method, r.RequestURI, r.Header, body
		head, e.answer = split(parts[i+1])
		a, err := http.ReadResponse(bufio.NewReader(strings.NewReader(head)), r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		a.Body.Close()
		e.status, e.answerHeader = a.StatusCode, a.Header
		tr.exchanges = append(tr.exchanges, e)
	}
	return tr
}

func split(part string) (head, body string) {
	head, body, _ = strings.Cut(part, "\n\n")
	return strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n", body
}

// A replay plays WeChat's part of a transcript, and holds the caller to its own.
type replay struct {
	t    testing.TB
	mu   sync.Mutex
	left []exchanged
}

func (tr transcript) serve(t testing.TB) *Client {
	t.Helper()
	p := &replay{t: t, left: tr.exchanges}
	s := httptest.NewServer(p)
	c := New(Options{URL: s.URL})
	t.Cleanup(func() {
		c.Close()
		s.Close()
		if len(p.left) > 0 {
			t.Errorf("%s: %d exchanges were not asked for", tr.name, len(p.left))
		}
	})
	return c
}

func (p *replay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.left) == 0 {
		p.t.Errorf("one request too many: %s %s", r.Method, r.URL.Path)
		return
	}
	e := p.left[0]
	p.left = p.left[1:]
	body, err := io.ReadAll(r.Body)
	if err != nil {
		p.t.Error(err)
	}
	if r.Method != e.method || r.RequestURI != e.target || string(body) != e.body {
		p.t.Errorf("got  %s %s\n%s\nwant %s %s\n%s", r.Method, r.RequestURI, body, e.method, e.target, e.body)
	}
	for name := range r.Header {
		switch name {
		case "User-Agent", "Content-Length":
		default:
			if r.Header.Get(name) != e.header.Get(name) {
				p.t.Errorf("header %s: got %q, want %q", name, r.Header.Get(name), e.header.Get(name))
			}
		}
	}
	for name := range e.header {
		if r.Header.Get(name) == "" {
			p.t.Errorf("header %s is missing", name)
		}
	}
	for name, v := range e.answerHeader {
		w.Header()[name] = v
	}
	w.WriteHeader(e.status)
	io.WriteString(w, e.answer)
}
