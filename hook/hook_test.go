package hook

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/store/storetest"
)

const app = "wx0000000000000001"

// A world is a store whose events go to a receiver.
type world struct {
	testing.TB
	*store.Store
	logs *logs
	made int
}

func newWorld(t *testing.T, dsn string) *world {
	t.Helper()
	w := &world{TB: t, Store: storetest.Open(t, dsn, nil), logs: &logs{}}
	w.must(w.CreateApp(t.Context(), wxnotify.App{ID: app}))
	w.run(w.Store)
	return w
}

// run tells on a store until the test ends.
func (w *world) run(s *store.Store) {
	teller := New(slog.New(slog.NewTextHandler(w.logs, nil)), s, NewGuard(ranges("127.0.0.0/8"), nil), "wxnotify/test")
	s.OnNotice(teller.Wake)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { teller.Run(ctx); close(done) }()
	w.Cleanup(func() { cancel(); <-done })
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) listen(url string) string {
	w.Helper()
	w.made++
	id := fmt.Sprint("whk_", w.made)
	w.must(w.CreateWebhook(w.Context(), wxnotify.Webhook{ID: id, URL: url, Secret: wxnotify.NewSecret(secret), CreatedAt: time.Now(), UpdatedAt: time.Now()}))
	return id
}

// tell makes one event: a user submits a form.
func (w *world) tell(user string) {
	w.Helper()
	w.made++
	t := time.Now()
	rs, err := w.Deposit(w.Context(), wxnotify.Now{Real: t, Virtual: t}, []wxnotify.Deposit{{App: app, To: user, Source: wxnotify.Form, Code: fmt.Sprintf("form-%010d", w.made)}})
	w.must(err)
	w.must(rs[0].Err)
}

func (w *world) notices(hook string, state wxnotify.NoticeState) []wxnotify.Notice {
	w.Helper()
	page, _, err := w.Notices(w.Context(), hook, state, 250, "")
	w.must(err)
	return page
}

func (w *world) until(what string, ok func() bool) {
	w.Helper()
	for end := time.Now().Add(60 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("it never came to this: %s\n%s", what, w.logs)
		}
	}
}

// A receiver notes whom it was told of.
type receiver struct {
	*httptest.Server
	mu  sync.Mutex
	got []string // users
	ids []string
}

func receive(t *testing.T, answer func(n int, w http.ResponseWriter)) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		var body struct {
			Data struct {
				To string `json:"touser"`
			} `json:"data"`
		}
		_ = json.NewDecoder(q.Body).Decode(&body)
		r.mu.Lock()
		r.got, r.ids = append(r.got, body.Data.To), append(r.ids, q.Header.Get("Webhook-Id"))
		n := len(r.got)
		r.mu.Unlock()
		answer(n, w)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) users() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

func fine(int, http.ResponseWriter) {}

type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func TestEventsArriveOnceAndTheirAnswersAreShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	r := receive(t, func(_ int, w http.ResponseWriter) { fmt.Fprint(w, "thanks") })
	hook := w.listen(r.URL)
	var want []string
	for i := range 50 {
		user := fmt.Sprintf("oUser%06d", i)
		w.tell(user)
		want = append(want, user)
	}
	w.until("all are delivered", func() bool { return len(w.notices(hook, wxnotify.NoticeDelivered)) == len(want) })
	got := r.users()
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("it was told of %v", got)
	}
	n := w.notices(hook, "")[0]
	if n.Tries != 1 || n.Answer.Status != 200 || n.Answer.Body != "thanks" || n.Answer.At.IsZero() {
		t.Errorf("%+v", n)
	}
}

func TestTheFirstRepeatComesWithinTenSecondsAndInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	var first time.Time
	repeated := make(chan time.Duration, 1)
	r := receive(t, func(n int, w http.ResponseWriter) {
		switch n {
		case 1:
			first = time.Now()
			w.WriteHeader(http.StatusInternalServerError)
		case 2:
			repeated <- time.Since(first)
		}
	})
	hook := w.listen(r.URL)
	w.tell("oAlice000001")
	w.until("it has failed once", func() bool { return w.notices(hook, "")[0].Answer.Status == 500 })
	w.tell("oAlice000001") // stands behind it
	took := <-repeated
	if took < 4*time.Second || took > 10*time.Second {
		t.Errorf("the repeat came after %v", took)
	}
	w.until("both are delivered", func() bool { return len(w.notices(hook, wxnotify.NoticeDelivered)) == 2 })
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.ids) != 3 || r.ids[0] != r.ids[1] || r.ids[1] == r.ids[2] {
		t.Errorf("the ids were %v", r.ids)
	}
}

func TestADeadWebhookDelaysNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	hang := make(chan struct{})
	mute := receive(t, func(int, http.ResponseWriter) { <-hang })
	defer close(hang)
	broken := receive(t, func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) })
	alive := receive(t, fine)
	w.listen(mute.URL)
	sick := w.listen(broken.URL)
	hook := w.listen(alive.URL)
	const events = 300
	for i := range events {
		w.tell(fmt.Sprintf("oUser%06d", i))
	}
	w.until("the third has all of them", func() bool { return len(alive.users()) == events })
	if n := len(mute.users()); n > mostAtOnce {
		t.Errorf("the mute one was told %d times at once", n)
	}
	if n := len(broken.users()); n > events/2 {
		t.Errorf("the broken one was told %d times, without a pause", n)
	}
	w.until("they are written down", func() bool { return len(w.notices(hook, wxnotify.NoticePending)) == 0 })
	if len(w.notices(sick, wxnotify.NoticeDelivered)) != 0 {
		t.Error("the broken one is said to have taken something")
	}
}

func TestGoneIsSwitchedOffLoudly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	r := receive(t, func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusGone) })
	hook := w.listen(r.URL + "/?password=tomato")
	w.tell("oAlice000001")
	w.until("it is off", func() bool {
		h, err := w.Webhook(t.Context(), hook)
		w.must(err)
		return h.Off == wxnotify.OffGone
	})
	w.until("the log says so", func() bool {
		return strings.Contains(w.logs.String(), "level=ERROR") && strings.Contains(w.logs.String(), hook)
	})
	if strings.Contains(w.logs.String(), "tomato") {
		t.Error("the log says a password")
	}
}

// Two nodes on one database share the work, and one that is gone loses none.
func TestTwoNodesPostEachEventOnce(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	w := newWorld(t, dsn)
	w.run(storetest.Open(t, dsn, func(o *store.Options) { o.Node = "other:8080" }))
	r := receive(t, fine)
	hook := w.listen(r.URL)
	const events = 200
	for i := range events {
		w.tell(fmt.Sprintf("oUser%06d", i))
	}
	w.until("all are delivered", func() bool { return len(w.notices(hook, wxnotify.NoticeDelivered)) == events })
	got := r.users()
	slices.Sort(got)
	if n := len(slices.Compact(slices.Clone(got))); n != events || len(got) != events {
		t.Errorf("%d posts of %d events", len(got), n)
	}
}
