package sandbox_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxnotify/wxnotify/sandbox"
)

// The sandbox works without a network and without a goroutine of its own, so
// that loops can be tested with it inside synctest.
func TestHandlerInsideABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := sandbox.New(sandbox.Options{})
		defer s.Close()
		post := func(target string, body any) map[string]any {
			b, _ := json.Marshal(body)
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, target, bytes.NewReader(b)))
			out := map[string]any{}
			if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
				t.Fatalf("%s: %v", w.Body, err)
			}
			return out
		}
		token := post("/cgi-bin/stable_token", map[string]string{"grant_type": "client_credential", "appid": sandbox.FirstAppID, "secret": sandbox.FirstSecret})["access_token"].(string)
		if _, err := s.AddFault(sandbox.Fault{Endpoint: "template/send", Effect: "slow", DelayMS: 60_000}); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if got := post(templateSend+token, order(sandbox.MockForm)); got["errcode"] != 0.0 || time.Since(begin) != time.Minute {
			t.Errorf("got %v after %v, want ok after a minute of the bubble", got, time.Since(begin))
		}
		time.Sleep(2 * time.Hour) // real time moves the world as well
		if got := post(templateSend+token, order(sandbox.MockForm)); got["errcode"] != 42001.0 {
			t.Errorf("two hours later: %v, want an expired token", got)
		}
	})
}

func TestDropWithoutAConnectionAborts(t *testing.T) {
	t.Parallel()
	for _, effect := range []string{"drop_request", "drop_response", "reset"} {
		s := sandbox.New(sandbox.Options{})
		defer s.Close()
		if _, err := s.AddFault(sandbox.Fault{Endpoint: "*", Effect: effect}); err != nil {
			t.Fatal(err)
		}
		func() {
			defer func() {
				if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
					t.Errorf("%s: got %v, want http.ErrAbortHandler", effect, err)
				}
			}()
			s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/cgi-bin/token", nil))
		}()
	}
}

func TestHooksSeeRequestsAndCards(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var paths, titles []string
	w := startWith(t, sandbox.Options{
		OnRequest: func(r sandbox.Request) { mu.Lock(); defer mu.Unlock(); paths = append(paths, r.Path) },
		OnCard:    func(c sandbox.Card) { mu.Lock(); defer mu.Unlock(); titles = append(titles, c.Title) },
	})
	w.call("POST", templateSend+w.token(), order(sandbox.MockForm))
	mu.Lock()
	defer mu.Unlock()
	if len(paths) != 2 || paths[0] != "/cgi-bin/token" || len(titles) != 1 || titles[0] != "接单通知" {
		t.Errorf("paths %v, titles %v", paths, titles)
	}
}

func TestManyCallersAtOnce(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.token()
	form := w.must("POST", "/sandbox/payments", person(sandbox.FirstUser)).text("prepay_id")
	var wg sync.WaitGroup
	answers := make(chan string, 20)
	for range 20 {
		wg.Go(func() { answers <- w.call("POST", templateSend+token, order(form)).code() })
	}
	wg.Wait()
	close(answers)
	count := map[string]int{}
	for a := range answers {
		count[a]++
	}
	if count["0"] != 3 || count["41029"] != 17 {
		t.Errorf("answers %v, want 3 sent and 17 used up", count)
	}
	for i, c := range w.cards() {
		if c.Seq != uint64(i+1) {
			t.Errorf("card %d has the number %d", i+1, c.Seq)
		}
	}
}
