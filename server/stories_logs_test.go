package server_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// The level that nobody has to ask for tells of each message what became of it,
// and of whom only a pseudonym: the one that an erasure leaves.
func TestEachMessageAtRestHasALine(t *testing.T) {
	story(t, func(w *world) {
		w.deposit(li, "form", w.form(li))
		want := map[string]string{}
		note := func(id, to, state, reason string) {
			person, err := w.EraseUser(w.ctx(), "", to)
			w.must(err)
			want[id] = fmt.Sprintf("INFO %s %s %s", person, state, reason)
		}
		sent, failed := w.send(order(li)), w.send(order(wang))
		later := order(li)
		later.SendAt = time.Now().Add(time.Hour)
		canceled, err := w.Send(w.ctx(), later)
		w.must(err)
		_, err = w.Cancel(w.ctx(), canceled.ID)
		w.must(err)
		waits := order(wang)
		waits.Wait, waits.ExpiresAt = true, time.Now().Add(time.Hour)
		expired, err := w.Send(w.ctx(), waits)
		w.must(err)
		w.advance(7200)
		w.until("expiry", func() bool { return w.state(expired.ID) == "expired" })
		note(sent.ID, li, "sent", `""`)
		note(failed.ID, wang, "failed", "no_permit")
		note(canceled.ID, li, "canceled", "canceled")
		note(expired.ID, wang, "expired", "deadline")
		line := regexp.MustCompile(`(?m)level=(\S+) msg="message at rest" app=` + sandbox.FirstAppID + ` message=(\S+) user=(\S+) state=(\S+) reason=(\S+)$`)
		var got map[string]string
		w.until("lines about all of them", func() bool {
			got = map[string]string{}
			for _, m := range line.FindAllSubmatch(w.logs.bytes(), -1) {
				got[string(m[2])] = fmt.Sprintf("%s %s %s %s", m[1], m[3], m[4], m[5])
			}
			return len(got) >= len(want)
		})
		if !maps.Equal(got, want) {
			w.Errorf("the log says %v, want %v", got, want)
		}
	})
}

// Whichever door a request fails at, the log has the id that its answer tells.
func TestTheLogNamesTheRequestThatFailed(t *testing.T) {
	t.Parallel()
	dsn := storetest.SQLite(t)
	w := newWorld(t, dsn)
	db, err := sql.Open("sqlite", strings.TrimPrefix(dsn, "sqlite:")+"?_pragma=busy_timeout(5000)")
	w.must(err)
	defer db.Close()
	rename := func(from, to string) {
		_, err := db.ExecContext(w.ctx(), `alter table `+from+` rename to `+to)
		w.must(err)
	}
	for _, table := range []string{"app", "console_user"} {
		rename(table, "lost_"+table)
		defer rename("lost_"+table, table)
	}
	for door, path := range map[string]string{
		"api": "/v1/apps/wx00000000000000ff", "console": "/console/login",
		"gateway":  "/cgi-bin/token?grant_type=client_credential&appid=wx00000000000000ff&secret=" + url.QueryEscape(storyKey),
		"callback": fmt.Sprintf("/wechat/wx00000000000000ff?timestamp=%d", time.Now().Unix()),
	} {
		req, err := http.NewRequestWithContext(w.ctx(), http.MethodGet, w.url+path, nil)
		w.must(err)
		req.Header.Set("Authorization", "Bearer "+storyKey)
		req.Header.Set("X-Request-ID", "the-"+door)
		resp, err := w.web.Do(req)
		w.must(err)
		resp.Body.Close()
		if id := resp.Header.Get("X-Request-ID"); id != "the-"+door {
			t.Errorf("%s: the answer to the request %q is of %q", door, "the-"+door, id)
		}
		if !bytes.Contains(w.logs.bytes(), []byte("request_id=the-"+door+" ")) {
			t.Errorf("%s: the log does not name the request (HTTP %d)", door, resp.StatusCode)
		}
	}
}
