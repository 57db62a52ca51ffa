package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify/client"
)

// serve answers with the given answers in turn, the last one for ever, and
// returns how often it was asked.
func serve(t *testing.T, answers ...http.HandlerFunc) (*client.Client, *atomic.Int64) {
	t.Helper()
	asked := new(atomic.Int64)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(asked.Add(1))
		answers[min(n, len(answers))-1](w, r)
	}))
	t.Cleanup(srv.Close)
	return client.New(srv.URL, "wxn_key"), asked
}

func refuse(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"status":%d,"code":%q,"detail":"no","request_id":"req_1"}`, status, code)
	}
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// breaks closes the connection without an answer.
func breaks(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

const accepted = `{"id":"msg_1","state":"queued","page":null,"permit":null,"send_at":"2026-01-02T03:04:05Z","meta":{}}`

func TestOnlyWhatIsSafeIsRepeated(t *testing.T) {
	t.Parallel()
	keyed := client.NewMessage{To: "oABCDEFG", IdempotencyKey: "order-1"}
	for name, c := range map[string]struct {
		first http.HandlerFunc
		call  func(*client.Client) error
		asked int64
		fails bool
	}{
		"busy, with a key":          {refuse(503, "storage_unavailable"), send(keyed), 2, false},
		"too fast, with a key":      {refuse(429, "rate_limited"), send(keyed), 2, false},
		"connection lost, with key": {breaks, send(keyed), 2, false},
		"busy, without a key":       {refuse(503, "commit_unknown"), send(client.NewMessage{To: "oABCDEFG"}), 1, true},
		"lost, without a key":       {breaks, send(client.NewMessage{To: "oABCDEFG"}), 1, true},
		"refused, with a key":       {refuse(422, "openid_invalid"), send(keyed), 1, true},
		"a fault, with a key":       {refuse(500, "internal"), send(keyed), 1, true},
		"reading":                   {refuse(503, "storage_unavailable"), read, 2, false},
		"batch, one without a key":  {refuse(503, "draining"), batch(keyed, client.NewMessage{}), 1, true},
		"batch, all with keys":      {refuse(503, "draining"), batch(keyed, keyed), 2, false},
		"resend":                    {refuse(503, "draining"), resend, 1, true},
		"permit with a code":        {refuse(503, "draining"), deposit(client.NewPermit{Code: "0123456789"}), 2, false},
		"permit without":            {refuse(503, "draining"), deposit(client.NewPermit{Source: "subscribe"}), 1, true},
		"asked to wait for an hour": {later("3600"), send(keyed), 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cl, asked := serve(t, c.first, answer(202, accepted))
			err := c.call(cl)
			if (err != nil) != c.fails || asked.Load() != c.asked {
				t.Errorf("asked %d times, want %d; error %v", asked.Load(), c.asked, err)
			}
		})
	}
}

func send(m client.NewMessage) func(*client.Client) error {
	return func(c *client.Client) error { _, err := c.Send(context.Background(), m); return err }
}

func batch(ms ...client.NewMessage) func(*client.Client) error {
	return func(c *client.Client) error { _, err := c.SendBatch(context.Background(), ms); return err }
}

func deposit(p client.NewPermit) func(*client.Client) error {
	return func(c *client.Client) error {
		_, err := c.DepositPermits(context.Background(), "", []client.NewPermit{p})
		return err
	}
}

func read(c *client.Client) error   { _, err := c.Message(context.Background(), "msg_1"); return err }
func resend(c *client.Client) error { _, err := c.Resend(context.Background(), "msg_1"); return err }

func later(seconds string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", seconds)
		refuse(429, "rate_limited")(w, r)
	}
}

func TestRepeatsEnd(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(refuse(503, "storage_unavailable"))
	t.Cleanup(srv.Close)
	start := time.Now()
	_, err := client.New(srv.URL, "", client.Tries(2)).Message(context.Background(), "msg_1")
	if p, ok := errors.AsType[*client.Problem](err); !ok || p.Code != "storage_unavailable" {
		t.Errorf("after %s: %v", time.Since(start), err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := client.New(srv.URL, "").Message(ctx, "msg_1"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestSendPutsTheKeyIntoTheHeader(t *testing.T) {
	t.Parallel()
	cl, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		_ = json.NewDecoder(r.Body).Decode(&body)
		if r.Header.Get("Idempotency-Key") != "k1" || body["idempotency_key"] != nil || body["send_at"] != nil || body["touser"] != "oABCDEFG" ||
			r.Header.Get("Authorization") != "Bearer wxn_key" || r.URL.Query().Get("wait_ms") != "1500" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Idempotent-Replayed", "true")
		answer(202, accepted)(w, r)
	})
	m, err := cl.SendAndWait(context.Background(), client.NewMessage{To: "oABCDEFG", IdempotencyKey: "k1"}, 1500*time.Millisecond)
	if err != nil || !m.Replayed || m.ID != "msg_1" || m.Page != "" || m.Permit != nil || m.SendAt.Year() != 2026 {
		t.Errorf("got %+v, %v", m, err)
	}
}

func TestListsRunThroughTheirPages(t *testing.T) {
	t.Parallel()
	cl, asked := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch q := r.URL.Query(); {
		case q.Get("app") != "wx123456" || q.Get("meta.order") != "1019" || q.Has("state") || q.Get("limit") != "2":
			w.WriteHeader(http.StatusBadRequest)
		case q.Get("cursor") == "":
			answer(200, `{"data":[{"id":"3"},{"id":"2"}],"next_cursor":"c2"}`)(w, r)
		default:
			answer(200, `{"data":[{"id":"1"}],"next_cursor":null}`)(w, r)
		}
	})
	var ids []string
	for m, err := range cl.Messages(context.Background(), client.MessageFilter{App: "wx123456", Meta: map[string]string{"order": "1019"}, PageSize: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, m.ID)
	}
	if got := strings.Join(ids, ""); got != "321" || asked.Load() != 2 {
		t.Errorf("got %s in %d requests", got, asked.Load())
	}
}

func TestListEndsWithItsError(t *testing.T) {
	t.Parallel()
	cl, _ := serve(t, answer(200, `{"data":[{"id":"2"}],"next_cursor":"c"}`), refuse(400, "cursor_invalid"))
	var n int
	var last error
	for _, err := range cl.Permits(context.Background(), client.PermitFilter{}) {
		n, last = n+1, err
	}
	if p, ok := errors.AsType[*client.Problem](last); n != 2 || !ok || p.Code != "cursor_invalid" {
		t.Errorf("%d elements, the last with %v", n, last)
	}
}

func TestProblemsSayWhatIsWrongWhere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"fields": {
			answer(422, `{"code":"field_required","detail":"x","errors":[{"field":"touser","code":"field_required","detail":"name it"},{"field":"data","code":"field_required","detail":"empty"}],"request_id":"req_9"}`),
			"field_required: touser: name it; data: empty (req_9)",
		},
		"WeChat":           {answer(502, `{"code":"upstream_refused","detail":"WeChat refused","wechat":{"errcode":40164,"errmsg":"invalid ip"}}`), "upstream_refused: WeChat refused; WeChat: 40164 invalid ip"},
		"a proxy's page":   {answer(502, `<html>bad gateway</html>`), "HTTP 502: Bad Gateway"},
		"somebody's JSON":  {answer(404, `{"error":"nope"}`), "HTTP 404: Not Found"},
		"a list of errors": {answer(400, `["no"]`), "HTTP 400: Bad Request"},
	} {
		cl, _ := serve(t, c.answer)
		_, err := cl.Message(context.Background(), "msg_1")
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}
