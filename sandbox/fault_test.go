package sandbox_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify/sandbox"
)

func (w *world) fault(f map[string]any) string {
	w.t.Helper()
	return w.must("POST", "/sandbox/faults", f).text("id")
}

// lastRequest is the newest line of the request log.
func (w *world) lastRequest() sandbox.Request {
	w.t.Helper()
	all, _ := w.Requests(0, 10_000)
	return all[len(all)-1]
}

func TestEffectsOfFaults(t *testing.T) {
	t.Parallel()
	for effect, c := range map[string]struct {
		fault  map[string]any
		status int    // 0: no answer
		answer string // a part of it
		acts   bool
	}{
		"errcode":       {map[string]any{"errcode": 45009}, 200, `{"errcode":45009,"errmsg":"reach max api daily quota limit hint: [`, false},
		"drop_request":  {nil, 0, "", false},
		"drop_response": {nil, 0, "", true},
		"reset":         {nil, 0, "", false},
		"status":        {map[string]any{"status": 502}, 502, "502 Bad Gateway", false},
		"slow":          {map[string]any{"delay_ms": 1}, 200, `{"errcode":0,"errmsg":"ok"}`, true},
		"malformed":     {nil, 200, `{"errcode":0,`, true},
		"redirect":      {nil, 302, "302 Found", false},
	} {
		t.Run(effect, func(t *testing.T) {
			t.Parallel()
			w := start(t)
			token, form := w.token(), w.form(sandbox.FirstUser)
			w.fault(with(c.fault, map[string]any{"endpoint": "template/send", "effect": effect, "times": 1}))
			status, body, err := w.once("POST", templateSend+token, order(form))
			if status != c.status || !strings.Contains(body, c.answer) || (err != nil) != (c.status == 0) {
				t.Errorf("got %d %q %v, want %d with %q", status, body, err, c.status, c.answer)
			}
			if effect == "reset" && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("got %v, want a reset connection", err)
			}
			r := w.lastRequest()
			if r.Effect != c.acts || r.Answered != (c.status != 0) || r.Fault == nil || *r.Fault != effect {
				t.Errorf("log: effect %v, answered %v, fault %v", r.Effect, r.Answered, r.Fault)
			}
			if got := len(w.cards()); (got == 1) != c.acts {
				t.Errorf("%d cards, acts is %v", got, c.acts)
			}
			again, want := w.call("POST", templateSend+token, order(form)), 0
			if c.acts {
				want = 41029
			}
			expect(t, "the same again", again, want, "")
		})
	}
}

// once makes a call on a connection of its own and follows no redirect.
func (w *world) once(method, path string, body any) (status int, answer string, err error) {
	w.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequest(method, w.url+path, reader(w.t, body))
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

func TestWhomAFaultHits(t *testing.T) {
	t.Parallel()
	second := map[string]any{"touser": sandbox.SecondUser}
	for name, c := range map[string]struct {
		fault map[string]any
		hits  bool
	}{
		"everything":           {map[string]any{"endpoint": "*"}, true},
		"the tail of the path": {map[string]any{"endpoint": "send"}, true},
		"another endpoint":     {map[string]any{"endpoint": "subscribe/send"}, false},
		"the app":              {map[string]any{"endpoint": "*", "appid": sandbox.FirstAppID}, true},
		"another app":          {map[string]any{"endpoint": "*", "appid": "wx00000000000000aa"}, false},
		"the user":             {map[string]any{"endpoint": "*", "openid": sandbox.SecondUser}, true},
		"another user":         {map[string]any{"endpoint": "*", "openid": sandbox.FirstUser}, false},
		"the template":         {map[string]any{"endpoint": "*", "template_id": sandbox.ClassicTemplate}, true},
		"another template":     {map[string]any{"endpoint": "*", "template_id": sandbox.OnceTemplate}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t)
			token := w.token()
			w.fault(with(c.fault, map[string]any{"effect": "errcode", "errcode": -1}))
			want := 0
			if c.hits {
				want = -1
			}
			expect(t, name, w.call("POST", templateSend+token, with(order(sandbox.MockForm), second)), want, "")
		})
	}
}

func TestFaultOnALoginKnowsTheUser(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.fault(map[string]any{"endpoint": "jscode2session", "openid": sandbox.SecondUser, "effect": "errcode", "errcode": 40226})
	expect(t, "their login", w.exchange(w.login(sandbox.SecondUser)), 40226, "code blocked")
	if got := w.exchange(w.login(sandbox.FirstUser)); got["openid"] == nil {
		t.Errorf("another's login: %v", got)
	}
}

func TestTokenFaultHitsBothWaysToFetch(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.fault(map[string]any{"endpoint": "token", "effect": "errcode", "errcode": 40164})
	expect(t, "classic", w.call("GET", "/cgi-bin/token?appid="+sandbox.FirstAppID, nil), 40164, "invalid ip 127.0.0.1, not in whitelist hint: [")
	expect(t, "stable", w.stable(false), 40164, "invalid ip 127.0.0.1, not in whitelist hint: [")
}

func TestHowOftenAFaultHits(t *testing.T) {
	t.Parallel()
	now := &realTime{now: noon}
	w := startWith(t, sandbox.Options{Now: now.Now})
	token := w.token()
	hits := func(f map[string]any, calls int) (pattern string) {
		id := w.fault(with(f, map[string]any{"endpoint": "template/send", "effect": "errcode", "errcode": -1}))
		for range calls {
			if w.call("POST", templateSend+token, order(sandbox.MockForm)).code() == "0" {
				pattern += "."
			} else {
				pattern += "x"
			}
		}
		for _, f := range w.Faults() {
			if f.ID == id && f.Hits != strings.Count(pattern, "x") {
				t.Errorf("hits %d, seen %s", f.Hits, pattern)
			}
		}
		w.must("DELETE", "/sandbox/faults/"+id, nil)
		return pattern
	}
	if got := hits(nil, 3); got != "xxx" {
		t.Errorf("without a limit: %s", got)
	}
	if got := hits(map[string]any{"times": 2}, 4); got != "xx.." {
		t.Errorf("times 2: %s", got)
	}
	if got := hits(map[string]any{"above_per_second": 2}, 4); got != "..xx" {
		t.Errorf("above 2 per second: %s", got)
	}
	half := map[string]any{"probability": 0.5, "seed": 7}
	first := hits(half, 40)
	if n := strings.Count(first, "x"); n < 8 || n > 32 {
		t.Errorf("probability 0.5: %s", first)
	}
	if second := hits(half, 40); second != first {
		t.Errorf("the same seed: %s and %s", first, second)
	}
}

func TestRateIsCountedPerRealSecond(t *testing.T) {
	t.Parallel()
	now := &realTime{now: noon}
	w := startWith(t, sandbox.Options{Now: now.Now})
	token := w.token()
	w.fault(map[string]any{"endpoint": "template/send", "effect": "errcode", "errcode": 45011, "above_per_second": 1})
	send := func() reply { return w.call("POST", templateSend+token, order(sandbox.MockForm)) }
	expect(t, "first", send(), 0, "ok")
	expect(t, "second", send(), 45011, "api minute-quota reach limit")
	now.move(time.Second)
	expect(t, "a second later", send(), 0, "ok")
}

func (r *realTime) move(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

func TestFirstFaultThatHitsCounts(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.fault(map[string]any{"endpoint": "token", "effect": "errcode", "errcode": 40164, "times": 1})
	w.fault(map[string]any{"endpoint": "*", "effect": "errcode", "errcode": -1})
	expect(t, "first", w.stable(false), 40164, "")
	expect(t, "second", w.stable(false), -1, "system error")
	w.must("DELETE", "/sandbox/faults", nil)
	if got := w.stable(false); got["access_token"] == nil {
		t.Errorf("after deleting all: %v", got)
	}
}

func TestSlowCallActsThoughNobodyWaits(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.token()
	w.fault(map[string]any{"endpoint": "template/send", "effect": "slow", "delay_ms": 200, "times": 1})
	client := &http.Client{Timeout: 20 * time.Millisecond}
	_, err := client.Post(w.url+templateSend+token, "application/json", reader(t, order(sandbox.MockForm)))
	var timeout *url.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Fatalf("got %v, want a timeout", err)
	}
	got := w.call("GET", "/sandbox/cards?wait_ms=10000", nil)
	if got.text("last_seq") != "1" {
		t.Fatalf("no card came: %v", got)
	}
	if r := w.lastRequest(); !r.Effect || r.Answered {
		t.Errorf("log: effect %v, answered %v, want an unanswered effect", r.Effect, r.Answered)
	}
}

func TestOneSubscribeSendPerUserAtATime(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.token()
	w.subscribe(sandbox.OnceTemplate, "accept")
	w.fault(map[string]any{"endpoint": "subscribe/send", "effect": "slow", "delay_ms": 500})
	first := make(chan reply, 1)
	go func() { first <- w.call("POST", subscribeSend+token, accepted()) }()
	deadline := time.Now().Add(10 * time.Second)
	for w.Faults()[0].Hits == 0 && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	expect(t, "meanwhile", w.call("POST", subscribeSend+token, accepted()), 43108, "Cannot make concurrent calls to the same OpenID")
	expect(t, "the first", <-first, 0, "ok")
}

func TestWrongFaultsAreRefused(t *testing.T) {
	t.Parallel()
	w := start(t)
	for name, f := range map[string]map[string]any{
		"no endpoint":         {"endpoint": nil},
		"unknown effect":      {"effect": "explode"},
		"no errcode":          {"errcode": nil},
		"status without one":  {"effect": "status"},
		"status 200":          {"effect": "status", "status": 200},
		"slow without delay":  {"effect": "slow"},
		"negative delay":      {"delay_ms": -1},
		"probability above 1": {"probability": 1.5},
		"two ways to count":   {"times": 1, "probability": 0.5},
		"negative times":      {"times": -1},
		"an id":               {"id": "flt_1"},
		"an unknown field":    {"colour": "red"},
	} {
		status, body := w.do("POST", "/sandbox/faults", with(map[string]any{"endpoint": "*", "effect": "errcode", "errcode": -1}, f))
		if status < 400 || status > 499 || !strings.Contains(string(body), `"error":"`) {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	if n := len(w.Faults()); n != 0 {
		t.Errorf("%d faults were made", n)
	}
	if status, _ := w.do("DELETE", "/sandbox/faults/flt_9", nil); status != 404 {
		t.Errorf("deleting none: %d", status)
	}
}
