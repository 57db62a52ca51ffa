package sandbox_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify/sandbox"
)

// listener reads a stream of server-sent events.
type listener struct {
	t    *testing.T
	resp *http.Response
	sc   *bufio.Scanner
	last string
}

func (w *world) listen(last string) *listener {
	w.t.Helper()
	req, err := http.NewRequest(http.MethodGet, w.url+"/sandbox/stream", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		w.t.Fatalf("stream: %v %v", resp, err)
	}
	l := &listener{t: w.t, resp: resp, sc: bufio.NewScanner(resp.Body)}
	w.t.Cleanup(l.close)
	l.read() // the id to begin with
	return l
}

func (l *listener) close() { _ = l.resp.Body.Close() }

// read returns the next event; only the first one has no name.
func (l *listener) read() (name string, data map[string]any) {
	l.t.Helper()
	timeout := time.AfterFunc(10*time.Second, l.close)
	defer timeout.Stop()
	for l.sc.Scan() {
		switch field, text, _ := strings.Cut(l.sc.Text(), ": "); field {
		case "event":
			name = text
		case "id":
			l.last = text
		case "data":
			if err := json.Unmarshal([]byte(text), &data); err != nil {
				l.t.Fatal(err)
			}
		case "":
			if l.sc.Text() == "" {
				return name, data
			}
		}
	}
	l.t.Fatalf("the stream ended: %v", l.sc.Err())
	return "", nil
}

// expect reads events and compares them with "name seq".
func (l *listener) expect(want ...string) {
	l.t.Helper()
	for i, w := range want {
		name, data := l.read()
		got := name
		if seq, ok := data["seq"]; ok {
			got = fmt.Sprintf("%s %v", name, seq)
		}
		if got != w {
			l.t.Errorf("event %d: got %q, want %q", i+1, got, w)
		}
	}
}

func TestStreamTellsWhatHappens(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.token() // before anybody listens
	l := w.listen("")
	w.call("POST", templateSend+token, order(sandbox.MockForm))
	l.expect("request 2", "card 1")
	w.advance(60)
	if name, data := l.read(); name != "clock" || data["offset_seconds"] != float64(60) {
		t.Errorf("got %s %v", name, data)
	}
	w.subscribe(sandbox.OnceTemplate, "accept")
	name, data := l.read()
	if event, _ := data["event"].(map[string]any); name != "event" || event["Event"] != "subscribe_msg_popup_event" || data["deliveries"] != float64(0) {
		t.Errorf("got %s %v", name, data)
	}
}

func TestStreamResumes(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.token()
	l := w.listen("")
	send := func() { w.call("POST", templateSend+token, order(sandbox.MockForm)) }
	send()
	l.expect("request 2", "card 1")
	l.close()
	send()
	w.advance(1)
	send()
	again := w.listen(l.last)
	again.expect("clock", "request 3", "request 4", "card 2", "card 3")
	send()
	again.expect("request 5", "card 4")
}

func TestStreamResumesBetweenTwoEventsOfOneLook(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.token()
	l := w.listen("")
	begin := l.last
	l.close()
	w.call("POST", templateSend+token, order(sandbox.MockForm))
	first := w.listen(begin)
	first.expect("request 2")
	middle := first.last
	first.close()
	w.listen(middle).expect("card 1")
}

func TestStreamTellsOfAReset(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.call("POST", templateSend+w.token(), order(sandbox.MockForm))
	l := w.listen("")
	w.must("POST", "/sandbox/reset", nil)
	l.expect("reset", "clock")
	w.call("POST", templateSend+w.token(), order(sandbox.MockForm))
	l.expect("request 1", "request 2", "card 1")
}

func TestStreamRefusesForeignIDs(t *testing.T) {
	t.Parallel()
	w := start(t)
	for _, id := range []string{"x", "1.2.3", "1.2.3.4.-5", "1.2.3.4.99999999999999999999"} {
		req, _ := http.NewRequest(http.MethodGet, w.url+"/sandbox/stream", nil)
		req.Header.Set("Last-Event-ID", id)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %d", id, resp.StatusCode)
		}
	}
}
