package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wxnotify/wxnotify"
)

// breaking is a Box that breaks.
type breaking struct {
	stubs
	how func() error
}

func (b *breaking) Accept(context.Context, []wxnotify.Entry) ([]wxnotify.Receipt, error) {
	return nil, b.how()
}

func TestFaultsAreLoggedOnceAndSayNothingOutside(t *testing.T) {
	t.Parallel()
	const inside = "dial tcp 10.1.2.3:5432 as postgres"
	for name, c := range map[string]struct {
		how    func() error
		code   wxnotify.Code
		logged int
	}{
		"a fault":           {func() error { return errors.New(inside) }, wxnotify.Internal, 1},
		"a panic":           {func() error { panic(inside) }, wxnotify.Internal, 1},
		"an unknown code":   {func() error { return wxnotify.Refuse("made_up", inside) }, wxnotify.Internal, 1},
		"the database away": {func() error { return wxnotify.Refuse(wxnotify.StorageUnavailable, "the database does not answer") }, wxnotify.StorageUnavailable, 1},
		"the disk full":     {func() error { return wxnotify.Refuse(wxnotify.StorageFull, "the disk is full") }, wxnotify.StorageFull, 1},
		"commit unknown":    {func() error { return wxnotify.Refuse(wxnotify.CommitUnknown, "the database was lost") }, wxnotify.CommitUnknown, 1},
		"too many in stock": {func() error { return wxnotify.Refuse(wxnotify.BacklogFull, "too many") }, wxnotify.BacklogFull, 0},
		"something to mend": {func() error { return wxnotify.RefuseField(wxnotify.PermitConflict, "form_id", "taken") }, wxnotify.PermitConflict, 0},
	} {
		for _, path := range []string{"/v1/messages", "/v1/messages/batch"} {
			var log bytes.Buffer
			d := benchDoor()
			d.log, d.Box = slog.New(slog.NewTextHandler(&log, nil)), &breaking{how: c.how}
			body := benchMessage(1)
			if strings.HasSuffix(path, "batch") {
				body = `{"messages":[` + body + `,{}]}`
			}
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
			r.Header.Set("Authorization", "Bearer "+benchKey)
			w := httptest.NewRecorder()
			d.ServeHTTP(w, r)
			var p Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Code != c.code || w.Code != wxnotify.Codes[c.code].Status {
				t.Errorf("%s: got %d %s, want %s", name, w.Code, w.Body, c.code)
			}
			if strings.Contains(w.Body.String(), "10.1.2.3") {
				t.Errorf("%s: the inside is outside: %s", name, w.Body)
			}
			if n := strings.Count(log.String(), "request_id="); n != c.logged {
				t.Errorf("%s: logged %d times: %s", name, n, &log)
			}
			if wantRetry := w.Code == 503 || w.Code == 429; (w.Header().Get("Retry-After") != "") != wantRetry {
				t.Errorf("%s: Retry-After is %q", name, w.Header().Get("Retry-After"))
			}
		}
	}
}

func TestADrainingDoorTakesNoNewWork(t *testing.T) {
	t.Parallel()
	d, stop := benchDoor(), make(chan struct{})
	d.Stop = stop
	if code := serveBench(d, "/v1/messages", []byte(benchMessage(1))); code != http.StatusAccepted {
		t.Fatalf("got %d before", code)
	}
	close(stop)
	if code := serveBench(d, "/v1/messages", []byte(benchMessage(1))); code != http.StatusServiceUnavailable {
		t.Errorf("got %d", code)
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/healthz", nil))
	if w.Code != http.StatusOK {
		t.Errorf("alive answers %d", w.Code)
	}
}

func TestACacheForgetsAtOnce(t *testing.T) {
	t.Parallel()
	n := 0
	var c *cache[string, int]
	c = newCache(func(context.Context, string) (int, error) {
		if n++; n == 2 {
			c.drop() // somebody changes the record while it is being read
		}
		return n, nil
	})
	for i, want := range []int{1, 1} {
		if got, _ := c.get(t.Context(), "a"); got != want {
			t.Errorf("read %d: got %d", i, got)
		}
	}
	c.drop()
	if got, _ := c.get(t.Context(), "a"); got != 2 {
		t.Errorf("got %d after a drop", got)
	}
	if got, _ := c.get(t.Context(), "a"); got != 3 {
		t.Errorf("got %d: what was read before a change was kept", got)
	}
	for i := range maxCached + 10 {
		_, _ = c.get(t.Context(), strings.Repeat("x", i%100)+string(rune(i)))
	}
	if len(c.held) > maxCached {
		t.Errorf("holds %d", len(c.held))
	}
}

// The door's own cost is bounded by what it allocates for a message.
func TestAMessageCostsLittle(t *testing.T) {
	d, body := benchDoor(), benchBatch(100)
	per := testing.AllocsPerRun(20, func() { serveBench(d, "/v1/messages/batch", body) }) / 100
	if per > 45 {
		t.Errorf("%.0f allocations a message", per)
	}
}
