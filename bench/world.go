package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
)

// A world is a sandbox, a server, and a database that both of them lose at the end.
type world struct {
	ctx        context.Context
	o          Options
	data       database
	sandbox    *child
	server     *child
	api        *client.Client
	http       *http.Client
	env        []string // the server's
	key        string
	postmaster int // PostgreSQL's first process, if it is on this machine
	users      []string
	ledger     tally
}

// people is how many users there are. A user has a few permits at a time, as in life.
const people = 2000

func newWorld(ctx context.Context, o Options, name string) (_ *world, err error) {
	w := &world{ctx: ctx, o: o, key: "bench-" + random(16), http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1024}}}
	w.ledger.forms = map[string]bool{}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if w.sandbox, err = start(ctx, o.Program, "--sandbox-listen", "/sandbox/clock", nil, "sandbox"); err != nil {
		return nil, err
	}
	if name == "sqlite" {
		w.data = &sqliteFile{dir: o.Dir}
	} else {
		w.data = &postgres{at: o.Postgres}
	}
	if err := w.fresh(); err != nil {
		return nil, err
	}
	for range people {
		var u struct {
			Openid string `json:"openid"`
		}
		if err := w.phone(http.MethodPost, "users", map[string]any{"appid": sandbox.FirstAppID}, &u); err != nil {
			return nil, err
		}
		w.users = append(w.users, u.Openid)
	}
	return w, nil
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// fresh gives the server an empty database.
func (w *world) fresh() error {
	w.server.stop()
	w.server = nil
	dsn, err := w.data.make(w.ctx)
	if err != nil {
		return err
	}
	w.env = []string{
		"WXNOTIFY_DATABASE=" + dsn, "WXNOTIFY_API_KEY=" + w.key, "WXNOTIFY_MASTER_KEY=" + random(32), "WXNOTIFY_WECHAT_URL=" + w.sandbox.url,
		"WXNOTIFY_APPID=" + sandbox.FirstAppID, "WXNOTIFY_APPSECRET=" + sandbox.FirstSecret, "WXNOTIFY_LOG_LEVEL=error",
	}
	return w.restart(func() error { return nil })
}

// restart starts the server, again if there is one, with the database in
// between's hands meanwhile.
func (w *world) restart(between func() error) (err error) {
	w.server.stop()
	w.server = nil
	if err := between(); err != nil {
		return err
	}
	if w.server, err = start(w.ctx, w.o.Program, "--listen", "/readyz", w.env, "serve"); err != nil {
		return err
	}
	w.api = client.New(w.server.url, w.key, client.HTTPClient(w.http))
	w.postmaster = w.data.pid(w.ctx)
	return nil
}

func (w *world) close() {
	w.server.stop()
	w.sandbox.stop()
	if w.data != nil {
		w.data.drop()
	}
}

// phone calls the sandbox's control API.
func (w *world) phone(method, path string, body, out any) error {
	var b []byte
	if body != nil {
		var err error
		if b, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(w.ctx, method, w.sandbox.url+"/sandbox/"+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("the sandbox answers %d to %s: %s", resp.StatusCode, path, raw)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(raw, out)
}

// A form is one that a user has submitted.
type form struct{ openid, id string }

// forms lets users submit n forms, as evenly as it goes.
func (w *world) forms(n int) ([]form, error) {
	all := make([]form, 0, n)
	each := max(1, (n+people-1)/people)
	for _, u := range w.users {
		count := min(each, n-len(all))
		if count == 0 {
			break
		}
		var got struct {
			FormID  string   `json:"form_id"`
			FormIDs []string `json:"form_ids"` // of more than one
		}
		if err := w.phone(http.MethodPost, "forms", map[string]any{"appid": sandbox.FirstAppID, "openid": u, "count": count}, &got); err != nil {
			return nil, err
		}
		if count == 1 {
			got.FormIDs = []string{got.FormID}
		}
		for _, id := range got.FormIDs {
			all = append(all, form{u, id})
		}
	}
	return all, nil
}

// deposit hands forms in, as the backend of a mini program would.
func (w *world) deposit(forms []form) error {
	for len(forms) > 0 {
		n := min(1000, len(forms))
		ps := make([]client.NewPermit, n)
		for i, f := range forms[:n] {
			ps[i] = client.NewPermit{To: f.openid, Source: "form", Code: f.id}
		}
		results, err := w.api.DepositPermits(w.ctx, "", ps)
		if err != nil {
			return err
		}
		for _, r := range results {
			if r.Error != nil {
				return r.Error
			}
		}
		forms = forms[n:]
	}
	return nil
}

// pause stops sending, so that accepting is measured by itself.
func (w *world) pause() error {
	_, err := w.api.PauseApp(w.ctx, sandbox.FirstAppID, "all")
	return err
}

func (w *world) resume() error {
	_, err := w.api.ResumeApp(w.ctx, sandbox.FirstAppID, "all")
	return err
}

// inFlight says how many calls the server may make at once.
func (w *world) inFlight(n int) error {
	_, err := w.api.ChangeApp(w.ctx, sandbox.FirstAppID, client.AppSettings{MaxInFlight: &n})
	return err
}

// arrive waits until n more cards have reached phones since the last check.
func (w *world) arrive(n int) error {
	deadline := time.Now().Add(5 * time.Minute)
	for {
		var cards struct {
			Last int `json:"last_seq"`
		}
		if err := w.phone(http.MethodGet, "cards?limit=1", nil, &cards); err != nil {
			return err
		}
		if cards.Last >= w.ledger.cards+n {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d of %d messages arrived, and then none", cards.Last-w.ledger.cards, n)
		}
		select {
		case <-w.ctx.Done():
			return w.ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}
