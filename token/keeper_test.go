package token

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/store/storetest"
	"github.com/wxnotify/wxnotify/wechat"
)

// A world is one app at a sandbox, and a row that keepers share. It lives in a
// bubble of testing/synctest, where time passes when everybody waits.
type world struct {
	t      *testing.T
	wx     *sandbox.Sandbox
	client *wechat.Client
	row    *row
	app    wxnotify.App
}

func newWorld(t *testing.T, mode wxnotify.TokenMode) *world {
	wx := sandbox.New(sandbox.Options{})
	t.Cleanup(wx.Close)
	a := wx.State().Apps[0]
	return &world{
		t: t, wx: wx, row: &row{Store: storetest.Open(t, storetest.SQLite(t), nil)},
		client: wechat.New(wechat.Options{Transport: inside{wx}}),
		app:    wxnotify.App{ID: a.AppID, Secret: wxnotify.NewSecret(a.Secret), TokenMode: mode},
	}
}

func (w *world) keeper(o Options) *Keeper {
	k := New(slog.New(slog.DiscardHandler), w.row, w.client, o)
	w.t.Cleanup(k.Close)
	return k
}

// get gets a token that must be good.
func (w *world) get(k *Keeper) (string, int64) {
	w.t.Helper()
	v, gen, err := k.Get(w.t.Context(), w.app)
	if err != nil {
		w.t.Fatal(err)
	}
	return v, gen
}

// accepts asks WeChat whether it takes the token.
func (w *world) accepts(token string) bool {
	_, err := w.client.Templates(w.t.Context(), token, wxnotify.ChannelSubscribe)
	var e *wechat.Error
	if errors.As(err, &e) && e.Verdict.Do == wxnotify.NewToken {
		return false
	}
	if err != nil {
		w.t.Error(err)
	}
	return err == nil
}

// fetches counts the calls that asked for a token.
func (w *world) fetches() (n int) {
	all, _ := w.wx.Requests(0, 10_000)
	for _, r := range all {
		if strings.HasSuffix(r.Path, "token") {
			n++
		}
	}
	return n
}

func (w *world) wantFetches(n int) {
	w.t.Helper()
	if got := w.fetches(); got != n {
		w.t.Errorf("%d fetches, want %d", got, n)
	}
}

func (w *world) fault(f sandbox.Fault) (id string) {
	w.t.Helper()
	id, err := w.wx.AddFault(f)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// slow makes WeChat take a moment to give a token, so that callers meet.
func (w *world) slow() { w.fault(sandbox.Fault{Endpoint: "token", Effect: "slow", DelayMS: 50}) }

// inside serves requests without a network.
type inside struct{ h http.Handler }

func (in inside) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	defer func() {
		if recover() != nil {
			resp, err = nil, io.ErrUnexpectedEOF // the sandbox cut the connection
		}
	}()
	r = r.Clone(r.Context())
	r.RequestURI, r.RemoteAddr = r.URL.RequestURI(), "192.0.2.1:1234"
	rec := httptest.NewRecorder()
	in.h.ServeHTTP(rec, r)
	return rec.Result(), nil
}

// A row is the store, which can break.
type row struct {
	*store.Store
	away  error        // of every call; nil: it is there
	drops atomic.Int64 // calls of DropToken
	meets func()       // called once, before a lease is given
}

func (r *row) LoadToken(ctx context.Context, app string) (wxnotify.Token, error) {
	if r.away != nil {
		return wxnotify.Token{}, r.away
	}
	return r.Store.LoadToken(ctx, app)
}

func (r *row) DropToken(ctx context.Context, app string, gen int64) (bool, error) {
	if r.drops.Add(1); r.away != nil {
		return false, r.away
	}
	return r.Store.DropToken(ctx, app, gen)
}

func (r *row) LeaseRenewal(ctx context.Context, app string, now time.Time, d time.Duration) (bool, error) {
	if f := r.meets; f != nil {
		r.meets = nil
		f()
	}
	return r.Store.LeaseRenewal(ctx, app, now, d)
}

var bothModes = []wxnotify.TokenMode{wxnotify.StableToken, wxnotify.ClassicToken}

// in runs f in a bubble, once for each mode.
func in(t *testing.T, modes []wxnotify.TokenMode, f func(t *testing.T, w *world)) {
	t.Parallel()
	for _, mode := range modes {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { f(t, newWorld(t, mode)) })
		})
	}
}

func TestThousandCallersOneFetch(t *testing.T) {
	in(t, bothModes, func(t *testing.T, w *world) {
		w.slow()
		k := w.keeper(Options{})
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() {
				if v, gen := w.get(k); v == "" || gen != 1 {
					t.Errorf("generation %d", gen)
				}
			})
		}
		all.Wait()
		w.wantFetches(1)
	})
}

func TestThousandCallersOnADeadTokenOneRenewal(t *testing.T) {
	in(t, bothModes, func(t *testing.T, w *world) {
		w.slow()
		k := w.keeper(Options{})
		w.get(k)
		if err := w.wx.RevokeTokens(w.app.ID); err != nil {
			t.Fatal(err)
		}
		refused := make(chan struct{})
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() {
				_, gen := w.get(k)
				<-refused // WeChat said 40001 to each
				if err := k.Drop(t.Context(), w.app, gen); err != nil {
					t.Error(err)
				}
				if _, gen = w.get(k); gen != 2 {
					t.Errorf("generation %d", gen)
				}
			})
		}
		synctest.Wait()
		close(refused)
		all.Wait()
		w.wantFetches(2)
		if n := w.row.drops.Load(); n != 1 {
			t.Errorf("the row was told %d times", n)
		}
		if v, _ := w.get(k); !w.accepts(v) {
			t.Error("the token is dead")
		}
	})
}

func TestTwoNodesOneRenewal(t *testing.T) {
	in(t, bothModes, func(t *testing.T, w *world) {
		w.slow()
		a, b := w.keeper(Options{Node: "a"}), w.keeper(Options{Node: "b"})
		var all sync.WaitGroup
		tokens := make(chan string, 200)
		for range 100 {
			for _, k := range []*Keeper{a, b} {
				all.Go(func() { v, _ := w.get(k); tokens <- v })
			}
		}
		all.Wait()
		close(tokens)
		first := <-tokens
		for v := range tokens {
			if v != first {
				t.Fatal("two tokens")
			}
		}
		w.wantFetches(1)

		// A rival revokes; both nodes notice, one renews.
		if err := w.wx.RevokeTokens(w.app.ID); err != nil {
			t.Fatal(err)
		}
		for _, k := range []*Keeper{a, b} {
			all.Go(func() {
				if err := k.Drop(t.Context(), w.app, 1); err != nil {
					t.Error(err)
				}
				if v, gen := w.get(k); gen != 2 || !w.accepts(v) {
					t.Errorf("generation %d", gen)
				}
			})
		}
		all.Wait()
		w.wantFetches(2)
	})
}

// Another node renews between our look at the row and our lease.
func TestTheRowIsReadAgainUnderTheLease(t *testing.T) {
	in(t, bothModes, func(t *testing.T, w *world) {
		a, b := w.keeper(Options{}), w.keeper(Options{})
		w.row.meets = func() { w.get(b) }
		if _, gen := w.get(a); gen != 1 {
			t.Errorf("generation %d", gen)
		}
		w.wantFetches(1)
	})
}

func TestARestartedNodeTakesTheRow(t *testing.T) {
	in(t, bothModes, func(t *testing.T, w *world) {
		v, _ := w.get(w.keeper(Options{}))
		if again, gen := w.get(w.keeper(Options{})); again != v || gen != 1 {
			t.Errorf("generation %d", gen)
		}
		w.wantFetches(1)
	})
}

// While the token is used it is renewed ahead of its end, by one of two nodes,
// and no caller ever waits or gets a token that WeChat refuses.
func TestRenewedAhead(t *testing.T) {
	in(t, bothModes, func(t *testing.T, w *world) {
		w.slow()
		a, b := w.keeper(Options{}), w.keeper(Options{})
		w.get(a)
		w.get(b)
		for range 6 * 60 {
			time.Sleep(time.Minute)
			for _, k := range []*Keeper{a, b} {
				before := time.Now()
				v, _ := w.get(k)
				if !time.Now().Equal(before) {
					t.Fatal("a caller waited")
				}
				if !w.accepts(v) {
					t.Fatal("WeChat refuses the token")
				}
				synctest.Wait()
			}
		}
		if n := w.fetches(); n < 4 || n > 8 {
			t.Errorf("%d fetches in six hours", n)
		}
	})
}

func TestAnUnusedTokenIsNotRenewed(t *testing.T) {
	in(t, bothModes, func(t *testing.T, w *world) {
		k := w.keeper(Options{})
		w.get(k)
		time.Sleep(24 * time.Hour)
		w.wantFetches(1)
		if v, gen := w.get(k); gen != 2 || !w.accepts(v) {
			t.Errorf("generation %d", gen)
		}
		w.wantFetches(2)
	})
}

// What expires reads the virtual clock.
func TestTheVirtualClockEndsTokens(t *testing.T) {
	in(t, bothModes, func(t *testing.T, w *world) {
		var ahead atomic.Int64
		k := w.keeper(Options{Now: func() wxnotify.Now {
			now := time.Now()
			return wxnotify.Now{Real: now, Virtual: now.Add(time.Duration(ahead.Load()))}
		}})
		w.get(k)
		if _, err := w.wx.Advance(2 * time.Hour); err != nil {
			t.Fatal(err)
		}
		ahead.Store(int64(2 * time.Hour))
		if v, gen := w.get(k); gen != 2 || !w.accepts(v) {
			t.Errorf("generation %d", gen)
		}
	})
}

// Our clock ran ahead of WeChat's: in stable mode the first calls bring no
// successor yet. They make no generation, and are not many.
func TestTooEarlyForASuccessor(t *testing.T) {
	in(t, bothModes[:1], func(t *testing.T, w *world) {
		ahead := new(atomic.Int64)
		k := w.keeper(Options{Now: func() wxnotify.Now {
			now := time.Now().Add(time.Duration(ahead.Load()))
			return wxnotify.Now{Real: now, Virtual: now}
		}})
		first, _ := w.get(k)
		ahead.Store(int64(2 * time.Minute))
		time.Sleep(110 * time.Minute)
		for range 80 {
			time.Sleep(5 * time.Second)
			if v, gen := w.get(k); !w.accepts(v) || (v == first) != (gen == 1) {
				t.Fatalf("generation %d", gen)
			}
			synctest.Wait()
		}
		if _, gen := w.get(k); gen != 2 {
			t.Errorf("generation %d", gen)
		}
		if n := w.fetches(); n < 3 || n > 7 {
			t.Errorf("%d fetches", n)
		}
	})
}

// A late drop of an old generation does nothing.
func TestDropIsACompareAndSet(t *testing.T) {
	in(t, bothModes, func(t *testing.T, w *world) {
		a, b := w.keeper(Options{}), w.keeper(Options{})
		w.get(a)
		w.get(b)
		if err := w.wx.RevokeTokens(w.app.ID); err != nil {
			t.Fatal(err)
		}
		for _, k := range []*Keeper{a, b, a} {
			if err := k.Drop(t.Context(), w.app, 1); err != nil {
				t.Fatal(err)
			}
			if _, gen := w.get(k); gen != 2 {
				t.Errorf("generation %d", gen)
			}
		}
		w.wantFetches(2)
	})
}
