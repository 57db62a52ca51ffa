//go:build unix

package chaos

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/server"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// spared are the verbs of the store that are no kill points though the load, or
// a server by itself, uses them: none of them moves a message, a permit or a token.
var spared = map[string]string{
	"unlock":            "it reads the keys; the first start makes them",
	"create an app":     "a plain record",
	"sync templates":    "plain records",
	"create a webhook":  "a plain record",
	"audit":             "a plain record",
	"touch a key":       "a plain record",
	"fold sums":         "figures of the console",
	"prune sums":        "figures of the console",
	"tell of shortages": "no app of this load asks for it",
	"sweep notices":     "it forgets what is old",
	"sweep events":      "it forgets what is old",
	"erase a person":    "nobody is to be forgotten; the store's own suite breaks it at each statement",
}

// A verbs is which verbs of a store have been committed.
type verbs struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (v *verbs) fault(point string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if verb, ok := strings.CutSuffix(point, ".after_commit"); ok {
		v.seen[verb] = true
	}
	return nil
}

// missing are the verbs with kill points that have not been seen.
func (v *verbs) missing() (names []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for verb := range killed() {
		if !v.seen[verb] {
			names = append(names, verb)
		}
	}
	return names
}

// killed are the verbs that have kill points.
func killed() map[string]bool {
	verbs := map[string]bool{}
	for _, p := range Points {
		if verb, _, _ := strings.Cut(p, "."); verb != "call" {
			verbs[strings.ReplaceAll(verb, "_", " ")] = true
		}
	}
	return verbs
}

// The load goes past every kill point, and whatever else the store does under it
// is spared for a reason.
func TestTheKillPointsAreWhatTheStoreDoes(t *testing.T) {
	t.Parallel()
	wx := sandbox.Start(t, sandbox.Options{})
	conf := server.Config{
		Listen: "127.0.0.1:0", Database: wxnotify.NewSecret(storetest.SQLite(t)), WeChatURL: wx.URL,
		APIKey: wxnotify.NewSecret(key), MasterKey: wxnotify.NewSecret(digest("master", 32)),
		WebhookAllow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	}.Defaults()
	v := &verbs{seen: map[string]bool{}}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	s, err := server.New(ctx, slog.New(slog.DiscardHandler), conf, server.Patience(time.Minute), server.Faults(v.fault))
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})

	f := &fleet{wx: newWeChat(wx.URL), nodes: []*node{{process: &process{name: "n1"}, url: "http://" + s.Addr()}}}
	if f.ears, err = newEars(); err != nil {
		t.Fatal(err)
	}
	defer f.ears.close()
	o := Options{Source: Form}
	j, err := newJournal(filepath.Join(t.TempDir(), "journal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer j.close()
	places, err := f.settle(ctx, 2, usersPerApp)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.spoil(ctx, 1); err != nil {
		t.Fatal(err)
	}
	l := &load{opt: o, fleet: f, journal: j, places: places, tail: &tail{wx: f.wx}}
	running.Go(func() { _ = l.tail.run(ctx) }) // an error shows: nothing is resolved
	r := rand.New(rand.NewPCG(1, 1))
	for end := time.Now().Add(time.Minute); len(v.missing()) > 0; {
		if time.Now().After(end) {
			t.Fatalf("after a minute of this load these kill points were not passed: %v", v.missing())
		}
		l.batch(ctx, ctx, r)
		l.operate(ctx, r)
		l.subscribe(ctx, r)
		if slices.Contains(v.missing(), "drop a token") {
			if err := f.wx.call(ctx, "tokens/revoke", object{"appid": places[0].app}, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for verb := range v.seen {
		if reason := spared[verb]; reason == "" && !killed()[verb] {
			t.Errorf("the store does %q under this load: it is no kill point, and not spared for a reason", verb)
		}
	}
	for verb := range spared {
		if killed()[verb] {
			t.Errorf("%q is spared, and a kill point", verb)
		}
	}
}
