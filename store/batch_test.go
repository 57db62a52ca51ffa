package store_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// Accepting and claiming forty messages with two ways, each of another user,
// takes as many statements as one such message does. What SQLite does row by
// row with a prepared statement stands in its file of the hot verbs.
func TestABatchCostsAFewStatements(t *testing.T) {
	t.Parallel()
	rowwise, err := os.ReadFile("hot_sqlite.go")
	if err != nil {
		t.Fatal(err)
	}
	for name, db := range storetest.Databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, db(t), nil)
			w := store.NewWatch(s)
			if err := s.CreateApp(ctx, wxnotify.App{ID: planApp}); err != nil {
				t.Fatal(err)
			}
			twoWays(t, s, w, 0, 1) // fills caches
			one, many := twoWays(t, s, w, 1, 1), twoWays(t, s, w, 2, 40)
			carriers := 0
			for text, n := range many {
				if strings.Contains(text, "carrier") {
					carriers++
				}
				if name == "sqlite" && strings.Contains(string(rowwise), text[max(0, len(text)-40):]) {
					continue
				}
				if n > one[text] {
					t.Errorf("%d times for 40 messages and %d times for one:\n%s", n, one[text], text)
				}
			}
			if carriers != 3 {
				t.Errorf("%d statements about the ways of messages were seen, want those that write, read and take them", carriers)
			}
		})
	}
}

// twoWays accepts and claims n messages whose users have permits for the way
// that is not the messages' own yet, and returns how often each statement ran.
func twoWays(t *testing.T, s *store.Store, w *store.Watch, round, n int) map[string]int {
	t.Helper()
	now := wxnotify.Now{Real: planTime, Virtual: planTime}
	var entries []wxnotify.Entry
	var ds []wxnotify.Deposit
	for i := range n {
		m := queued(1000*round + i)
		m.To, m.Channel = fmt.Sprintf("oUser%d-%d", round, i), wxnotify.ChannelSubscribe
		entries = append(entries, wxnotify.Entry{Message: m, Other: &wxnotify.Carrier{Channel: wxnotify.ChannelTemplate, TemplateID: "C", Body: []byte(`{"c":1}`)}})
		ds = append(ds, wxnotify.Deposit{App: planApp, To: m.To, Source: wxnotify.Form, Code: "code-" + m.To})
	}
	if _, err := s.Deposit(ctx, now, ds); err != nil {
		t.Fatal(err)
	}
	w.Runs()
	if _, err := s.Accept(ctx, now, entries); err != nil {
		t.Fatal(err)
	}
	c, err := s.Claim(ctx, now, time.Minute, []wxnotify.Want{{App: planApp, N: 100}})
	if err != nil || len(c.Tries) != n {
		t.Fatalf("%d attempts for %d messages, %v", len(c.Tries), n, err)
	}
	for _, try := range c.Tries {
		if m := try.Message; m.Channel != wxnotify.ChannelTemplate || m.TemplateID != "C" || string(m.Body) != `{"c":1}` {
			t.Fatalf("goes as %s %s %s", m.Channel, m.TemplateID, m.Body)
		}
	}
	return w.Runs()
}
