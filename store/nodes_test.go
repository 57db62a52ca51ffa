package store_test

import (
	"context"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/store/storetest"
)

func named(node string) func(*store.Options) {
	return func(o *store.Options) { o.Node = node }
}

func TestASecondHolderOfANameGetsASuffix(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	first, err := storetest.TryOpen(t, dsn, named("a/b:8080"))
	if err != nil {
		t.Fatal(err)
	}
	second := storetest.Open(t, dsn, named("a/b:8080"))
	if first.Node() != "a_b:8080" || second.Node() != "a_b:8080-2" || first.Boot() == second.Boot() {
		t.Errorf("got %s %s and %s %s", first.Node(), first.Boot(), second.Node(), second.Boot())
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	until(t, "the name is free again", func() bool {
		third, err := storetest.TryOpen(t, dsn, named("a/b:8080"))
		if err != nil {
			t.Fatal(err)
		}
		defer third.Close()
		return third.Node() == "a_b:8080"
	})
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not come to this: %s", what)
		}
	}
}

// A node's leases are its own: another node that starts does not void them.
func TestAnotherNodesLeasesStand(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	a := storetest.Open(t, dsn, named("a"))
	now := wxnotify.Now{Real: planTime, Virtual: planTime}
	if err := a.CreateApp(ctx, wxnotify.App{ID: planApp}); err != nil {
		t.Fatal(err)
	}
	e := wxnotify.Entry{Message: queued(1), FormID: "form-00000001"}
	e.Message.Fixed = true
	if _, err := a.Accept(ctx, now, []wxnotify.Entry{e}); err != nil {
		t.Fatal(err)
	}
	if c, err := a.Claim(ctx, now, time.Minute, []wxnotify.Want{{App: planApp, N: 1}}); err != nil || len(c.Tries) != 1 {
		t.Fatal(c, err)
	}
	b := storetest.Open(t, dsn, named("b"))
	if tries, err := b.Lapsed(ctx, now, 10); err != nil || len(tries) != 0 {
		t.Errorf("got %v, %v", tries, err)
	}
	now.Real = now.Real.Add(time.Minute)
	if tries, err := b.Lapsed(ctx, now, 10); err != nil || len(tries) != 1 || tries[0].Attempt.Node != "a" {
		t.Errorf("got %+v, %v", tries, err)
	}
}

func TestNodesWakeEachOther(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	a, b := storetest.Open(t, dsn, named("a")), storetest.Open(t, dsn, named("b"))
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	heard, own := b.Waked(ctx), a.Waked(ctx)
	var got string
	until(t, "b hears of the app", func() bool {
		a.Notify(planApp)
		select {
		case got = <-heard:
			return true
		default:
			return false
		}
	})
	if got != planApp {
		t.Errorf("got %q", got)
	}
	select {
	case app := <-own:
		t.Errorf("a heard itself about %q", app)
	default:
	}
	cancel()
	until(t, "the channel is closed", func() bool {
		select {
		case _, open := <-heard:
			return !open
		default:
			return false
		}
	})
	if lite := storetest.Open(t, storetest.SQLite(t), nil); lite.Waked(ctx) != nil {
		t.Error("SQLite has no other nodes to hear")
	}
}

// A wire is the way to PostgreSQL, and can be cut.
type wire struct {
	net.Listener
	to    string
	mu    sync.Mutex
	cut   bool
	conns []net.Conn
}

func newWire(t *testing.T, dsn string) (*wire, string) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{Listener: l, to: u.Host}
	go w.serve()
	t.Cleanup(func() { l.Close(); w.sever(true) })
	u.Host = l.Addr().String()
	return w, u.String()
}

func (w *wire) serve() {
	for {
		c, err := w.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", w.to)
		w.mu.Lock()
		if err != nil || w.cut {
			c.Close()
		} else {
			w.conns = append(w.conns, c, far)
			go func() { _, _ = io.Copy(far, c); far.Close() }()
			go func() { _, _ = io.Copy(c, far); c.Close() }()
		}
		w.mu.Unlock()
	}
}

// sever ends all connections, and lets no new one through until it is mended.
func (w *wire) sever(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	for _, c := range w.conns {
		c.Close()
	}
	w.conns = nil
}

func TestADatabaseThatIsAwayIsSaidToBeAndComesBack(t *testing.T) {
	t.Parallel()
	w, dsn := newWire(t, storetest.Postgres(t))
	s := storetest.Open(t, dsn, func(o *store.Options) { o.Patience = 10 * time.Second })
	now := wxnotify.Now{Real: planTime, Virtual: planTime}
	if err := s.CreateApp(ctx, wxnotify.App{ID: planApp}); err != nil {
		t.Fatal(err)
	}
	w.sever(true)
	for name, call := range map[string]func() error{
		"ping":   func() error { return s.Ping(ctx) },
		"apps":   func() error { _, err := s.Apps(ctx); return err },
		"accept": func() error { _, err := s.Accept(ctx, now, []wxnotify.Entry{{Message: queued(1)}}); return err },
		"claim": func() error {
			_, err := s.Claim(ctx, now, time.Minute, []wxnotify.Want{{App: planApp, N: 1}})
			return err
		},
	} {
		if err := call(); wxnotify.CodeOf(err) != wxnotify.StorageUnavailable {
			t.Errorf("%s: got %v", name, err)
		}
	}
	w.sever(false)
	until(t, "the database is back", func() bool { return s.Ping(ctx) == nil })
	if _, err := s.Accept(ctx, now, []wxnotify.Entry{{Message: queued(1)}}); err != nil {
		t.Error(err)
	}
	if _, err := s.Message(ctx, planApp, queued(1).ID); err != nil {
		t.Error(err)
	}
}

// A node that had to take another name is known by it: a move, which looks for
// running nodes, finds it, and the sweep of another node leaves it there,
// however long ago it was started.
func TestANameThatWasTakenAnewIsWrittenDown(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	w, through := newWire(t, dsn)
	a := storetest.Open(t, through, named("a"))
	w.sever(true)
	var thief *store.Store
	until(t, "somebody else has its name", func() bool {
		s, err := storetest.TryOpen(t, dsn, named("a"))
		if err != nil {
			t.Fatal(err)
		}
		if s.Node() == "a" {
			thief = s
			return true
		}
		return s.Close() != nil
	})
	w.sever(false)
	db := raw(t, dsn)
	until(t, "it has another name", func() bool {
		var n int
		return a.Node() == "a-2" && db.QueryRow(`select count(*) from node where name = 'a-2' and boot = $1`, a.Boot()).Scan(&n) == nil && n == 1
	})
	if _, err := db.Exec(`update node set started_at = 0 where name = 'a-2'`); err != nil {
		t.Fatal(err)
	}
	if _, err := thief.Sweep(ctx, wxnotify.Now{Real: planTime, Virtual: planTime}, 10); err != nil {
		t.Fatal(err)
	}
	if err := thief.Close(); err != nil {
		t.Fatal(err)
	}
	m := store.Move{From: dsn, To: storetest.SQLite(t), Master: storetest.MasterKey}
	if _, err := m.Run(ctx); err == nil || !strings.Contains(err.Error(), "node a-2 runs on the source") {
		t.Errorf("beside the node: %v", err)
	}
}

func TestAFullDiskIsSaidToBe(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.SQLite(t), nil)
	store.Fill(t, s)
	now := wxnotify.Now{Real: planTime, Virtual: planTime}
	var err error
	n := 0
	for ; err == nil && n < 1000; n++ {
		m := queued(n)
		m.Body = make([]byte, 8000)
		_, err = s.Accept(ctx, now, []wxnotify.Entry{{Message: m}})
	}
	if wxnotify.CodeOf(err) != wxnotify.StorageFull {
		t.Fatalf("got %v", err)
	}
	if _, err := s.Message(ctx, planApp, queued(n-2).ID); err != nil {
		t.Errorf("reading does not go on: %v", err)
	}
	if _, err := s.Message(ctx, planApp, queued(n-1).ID); wxnotify.CodeOf(err) != wxnotify.NotFound {
		t.Errorf("half of it is there: %v", err)
	}
}

// Leases and deadlines are compared on the clocks of several machines.
func TestANodeWhoseClockDiffersFromTheDatabasesDoesNotStart(t *testing.T) {
	t.Parallel()
	for ahead, starts := range map[string]bool{"1 second": true, "-1 second": true, "1 minute": false, "-1 minute": false} {
		t.Run(ahead, func(t *testing.T) {
			t.Parallel()
			dsn := storetest.Postgres(t)
			// Whoever finds this schema first finds another clock.
			if _, err := raw(t, dsn).Exec(`drop schema if exists elsewhere cascade; create schema elsewhere;
				create function elsewhere.clock_timestamp() returns timestamptz language sql as $$ select pg_catalog.clock_timestamp() + interval '` + ahead + `' $$`); err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(dsn)
			if err != nil {
				t.Fatal(err)
			}
			q := u.Query()
			q.Set("search_path", "public,elsewhere,pg_catalog")
			u.RawQuery = q.Encode()
			s, err := storetest.TryOpen(t, u.String(), nil)
			if err == nil {
				_ = s.Close()
			}
			if starts && err != nil || !starts && (err == nil || !strings.Contains(err.Error(), "at most 2s is allowed")) {
				t.Errorf("a database that is ahead by %s: %v", ahead, err)
			}
		})
	}
}

// A server is started again on a disk that is full: it opens, what a dead life
// left under way waits for its lease, and is free at once when there is room.
func TestAFullDiskKeepsNobodyFromStarting(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		dsn := db(t)
		s, err := storetest.TryOpen(t, dsn, nil)
		if err != nil {
			t.Fatal(err)
		}
		now := wxnotify.Now{Real: planTime, Virtual: planTime}
		if err := s.CreateApp(ctx, wxnotify.App{ID: planApp, Secret: wxnotify.NewSecret("before")}); err != nil {
			t.Fatal(err)
		}
		e := wxnotify.Entry{Message: queued(1), FormID: "form-00000001"}
		e.Message.Fixed = true
		if _, err := s.Accept(ctx, now, []wxnotify.Entry{e}); err != nil {
			t.Fatal(err)
		}
		if c, err := s.Claim(ctx, now, time.Minute, []wxnotify.Want{{App: planApp, N: 1}}); err != nil || len(c.Tries) != 1 {
			t.Fatal(c, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		// The key that seals is due to be replaced.
		if _, err := raw(t, dsn).Exec(`update keyring set created_at = 0 where purpose = 'seal'`); err != nil {
			t.Fatal(err)
		}

		var full atomic.Bool
		full.Store(true)
		noRoom := func(o *store.Options) {
			o.Fault = func(point string) error {
				if full.Load() && strings.HasSuffix(point, ".before_commit") && !strings.HasPrefix(point, "lapsed") { // which only reads
					return wxnotify.Refuse(wxnotify.StorageFull, "the disk is full")
				}
				return nil
			}
		}
		var again *store.Store
		until(t, "the server is back under its name", func() bool {
			again = storetest.Open(t, dsn, noRoom)
			if again.Node() == s.Node() {
				return true
			}
			_ = again.Close()
			return false
		})
		if a, err := again.App(ctx, planApp); err != nil || a.Secret.Reveal() != "before" {
			t.Errorf("what is there cannot be read: %v", err)
		}
		if tries, err := again.Lapsed(ctx, now, 10); err != nil || len(tries) != 0 {
			t.Errorf("on a full disk: %v, %v", tries, err)
		}
		full.Store(false)
		if tries, err := again.Lapsed(ctx, now, 10); err != nil || len(tries) != 1 {
			t.Errorf("with room again: %v, %v", tries, err)
		}
		if err := again.CreateApp(ctx, wxnotify.App{ID: "wx-after", Secret: wxnotify.NewSecret("after")}); err != nil {
			t.Fatal(err)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
		// What was sealed meanwhile was sealed with a key that is there.
		if a, err := storetest.Open(t, dsn, nil).App(ctx, "wx-after"); err != nil || a.Secret.Reveal() != "after" {
			t.Errorf("what was sealed on a full disk does not open: %v", err)
		}
	})
}

func TestACallersDeadlineIsHeeded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		s := storetest.Open(t, db(t), nil)
		gone, cancel := context.WithCancel(ctx)
		cancel()
		_, err := s.Accept(gone, wxnotify.Now{Real: planTime, Virtual: planTime}, []wxnotify.Entry{{Message: queued(1)}})
		if err == nil || wxnotify.CodeOf(err) != "" {
			t.Errorf("got %v", err)
		}
	})
}

// Who revokes a key is told at once, and other nodes by notice; whoever revokes
// straight on the database tells them too.
func TestNodesHearOfRevokedKeys(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	here, there, shell := storetest.Open(t, dsn, named("here")), storetest.Open(t, dsn, named("there")), storetest.Open(t, dsn, named("shell"))
	var heardHere, heardThere atomic.Int32
	here.OnRevoke(func() { heardHere.Add(1) })
	there.OnRevoke(func() { heardThere.Add(1) })
	waked := there.Waked(t.Context())
	if err := here.CreateKey(ctx, wxnotify.Key{ID: "key_1"}, [32]byte{1}); err != nil {
		t.Fatal(err)
	}
	revoke := func(s *store.Store) {
		if err := s.RevokeKey(ctx, "key_1"); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the other node listens", func() bool {
		revoke(here)
		return heardThere.Load() > 0
	})
	if heardHere.Load() == 0 {
		t.Error("the node that revoked was not told")
	}
	before := heardThere.Load()
	revoke(shell)
	until(t, "word of the shell", func() bool { return heardThere.Load() > before })
	select {
	case app := <-waked:
		t.Errorf("a key woke the app %q", app)
	default:
	}
}

func TestSQLiteTellsOfARevokedKey(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.SQLite(t), nil)
	n := 0
	s.OnRevoke(func() { n++ })
	if err := s.CreateKey(ctx, wxnotify.Key{ID: "key_1"}, [32]byte{1}); err != nil {
		t.Fatal(err)
	}
	if err := s.RevokeKey(ctx, "key_1"); err != nil || n != 1 {
		t.Errorf("told %d times, %v", n, err)
	}
}
