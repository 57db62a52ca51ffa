package consoletest

import (
	"context"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/server"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// long is what `make test-long` sets: everything, with all pictures.
var long = os.Getenv("WXNOTIFY_LONG") == "1"

func needLong(t *testing.T) {
	t.Helper()
	if !long {
		t.Skip("runs with WXNOTIFY_LONG=1")
	}
}

// A world is a server with its sandbox, and the client that a backend would use.
type world struct {
	*testing.T
	*client.Client
	sandbox *sandbox.Server
	server  *server.Server
	url     string
}

const (
	storyKey = "a key that only stories know"
	li       = sandbox.FirstUser
	zhang    = sandbox.SecondUser
	wang     = sandbox.ThirdUser
	password = "correct horse battery"
)

func start(t *testing.T) *world {
	t.Helper()
	return startOn(t, storetest.SQLite(t))
}

// startOn starts a server on a database of the test's.
func startOn(t *testing.T, dsn string, change ...func(*server.Config)) *world {
	t.Helper()
	w := &world{T: t, sandbox: sandbox.Start(t, sandbox.Options{})}
	conf := server.Config{
		Listen: "127.0.0.1:0", Database: wxnotify.NewSecret(dsn), WeChatURL: w.sandbox.URL, ClockURL: w.sandbox.URL,
		APIKey: wxnotify.NewSecret(storyKey), AppID: sandbox.FirstAppID, AppSecret: wxnotify.NewSecret(sandbox.FirstSecret), Node: "node-1",
		WebhookAllow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		MasterKey:    wxnotify.NewSecret(hex.EncodeToString(storetest.MasterKey)),
	}.Defaults()
	for _, f := range change {
		f(&conf)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s, err := server.New(ctx, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})), conf)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	w.server, w.url = s, "http://"+s.Addr()
	w.Client = client.New(w.url, storyKey)
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// setup is a fresh link that makes the first user.
func (w *world) setup() string {
	w.Helper()
	link, err := w.server.SetupLink(w.Context())
	w.must(err)
	if link == "" {
		w.Fatal("no link for the first user")
	}
	return w.url + link
}

// A visitor is somebody with a browser that runs no scripts.
type visitor struct {
	*world
	http *http.Client
}

func (w *world) visitor() *visitor {
	w.Helper()
	jar, err := cookiejar.New(nil)
	w.must(err)
	return &visitor{w, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// admin is the first user, logged in.
func (w *world) admin() *visitor {
	w.Helper()
	v := w.visitor()
	_, token, _ := strings.Cut(w.setup(), "token=")
	if status, _, to := v.post("/console/setup", "token", token, "name", "admin", "password", password, "again", password); status != http.StatusSeeOther || to != "/console/" {
		w.Fatalf("setup: %d %s", status, to)
	}
	return v
}

func (v *visitor) get(path string) (status int, body, to string) {
	v.Helper()
	req, err := http.NewRequest(http.MethodGet, v.url+path, nil)
	v.must(err)
	return v.send(req)
}

func (v *visitor) post(path string, pairs ...string) (status int, body, to string) {
	v.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	req, err := http.NewRequest(http.MethodPost, v.url+path, strings.NewReader(form.Encode()))
	v.must(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return v.send(req)
}

func (v *visitor) send(req *http.Request) (status int, body, to string) {
	v.Helper()
	req.Header.Set("Accept-Language", "en")
	resp, err := v.http.Do(req)
	v.must(err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	v.must(err)
	return resp.StatusCode, string(b), resp.Header.Get("Location")
}

// until waits for something that has to happen soon.
func (w *world) until(what string, ok func() bool) {
	w.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("still no %s after 30 seconds", what)
		}
	}
}

// order is the message of the article that wxnotify began with.
func order(to string) client.NewMessage {
	const ink = "#173177"
	return client.NewMessage{
		To: to, TemplateID: sandbox.ClassicTemplate, Page: "pages/order/detail?id=1019", Emphasis: "keyword1.DATA",
		Data: client.Data{
			"keyword1": {Value: "已接单", Color: ink}, "keyword2": {Value: "2017年10月19日 12:31", Color: ink}, "keyword3": {Value: "张一山"},
			"keyword4": {Value: "136xxxx1720"}, "keyword5": {Value: "请手机保持通畅"},
		},
		Meta: map[string]string{"order": "1019"},
	}
}

// form lets a user submit a form, and hands the permit in.
func (w *world) form(openid string, n int) {
	w.Helper()
	f, err := w.sandbox.SubmitForm(sandbox.FirstAppID, openid, n)
	w.must(err)
	ids := f.FormIDs
	if len(ids) == 0 {
		ids = []string{f.FormID}
	}
	for _, id := range ids {
		_, err := w.DepositPermits(w.Context(), "", []client.NewPermit{{To: openid, Source: "form", Code: id}})
		w.must(err)
	}
}

// fault makes the sandbox break the next sends, until the func that it returns.
func (w *world) fault(f sandbox.Fault) (mend func()) {
	w.Helper()
	id, err := w.sandbox.AddFault(f)
	w.must(err)
	return func() { w.must(w.sandbox.RemoveFaults(id)) }
}

// sent posts a message and waits until it is at rest.
func (w *world) sent(m client.NewMessage) client.Message {
	w.Helper()
	out, err := w.SendAndWait(w.Context(), m, 20*time.Second)
	w.must(err)
	return out
}
