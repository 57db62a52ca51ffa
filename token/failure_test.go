package token

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/sandbox"
)

var stable, classic = bothModes[:1], bothModes[1:]

func (w *world) failure(k *Keeper) wxnotify.Outcome {
	w.t.Helper()
	_, _, err := k.Get(w.t.Context(), w.app)
	var f Failure
	if !errors.As(err, &f) {
		w.t.Fatalf("%v is no failure", err)
	}
	if strings.Contains(fmt.Sprintf("%+v %#v", err, err), w.app.Secret.Reveal()) {
		w.t.Errorf("the secret is in %v", err)
	}
	return f.Outcome()
}

// Stable mode hands out the token that a call was refused with: one forced
// refresh, and within 30 s no other.
func TestADeadTokenAgainIsForced(t *testing.T) {
	in(t, stable, func(t *testing.T, w *world) {
		k := w.keeper(Options{})
		old, gen := w.get(k)
		if err := k.Drop(t.Context(), w.app, gen); err != nil { // though nobody revoked it
			t.Fatal(err)
		}
		v, gen := w.get(k)
		if v == old || !w.accepts(v) || w.accepts(old) {
			t.Errorf("generation %d was not forced", gen)
		}
		w.wantFetches(3)

		if err := k.Drop(t.Context(), w.app, gen); err != nil {
			t.Fatal(err)
		}
		if o := w.failure(k); o.Kind != wxnotify.NotSent {
			t.Errorf("%+v", o)
		}
		w.wantFetches(4)
		time.Sleep(forceAgain)
		if _, gen := w.get(k); gen != 3 {
			t.Errorf("generation %d", gen)
		}
		w.wantFetches(6)
	})
}

// The hash of the dead value is in the row: another node, that never saw the
// token, is not fooled by it either.
func TestADeadTokenAgainIsForcedByAnotherNode(t *testing.T) {
	in(t, stable, func(t *testing.T, w *world) {
		a := w.keeper(Options{})
		old, gen := w.get(a)
		if err := a.Drop(t.Context(), w.app, gen); err != nil {
			t.Fatal(err)
		}
		if v, _ := w.get(w.keeper(Options{})); v == old || !w.accepts(v) {
			t.Error("the dead token was taken")
		}
		w.wantFetches(3)
	})
}

func TestForcesADayAreCounted(t *testing.T) {
	t.Parallel()
	var h hold
	day := time.Date(2026, 1, 2, 0, 0, 0, 0, time.FixedZone("", 8*60*60))
	for i := range forcesADay {
		if wait := h.mayForce(day.Add(time.Duration(i) * forceAgain)); wait != 0 {
			t.Fatalf("force %d has to wait %v", i, wait)
		}
	}
	if wait := h.mayForce(day.Add(12 * time.Hour)); wait != 15*time.Minute {
		t.Errorf("one too many has to wait %v", wait)
	}
	if wait := h.mayForce(day.Add(24*time.Hour - time.Minute)); wait != time.Minute {
		t.Errorf("a minute before midnight it has to wait %v", wait)
	}
	if wait := h.mayForce(day.Add(24 * time.Hour)); wait != 0 {
		t.Errorf("on the next day it has to wait %v", wait)
	}
}

// A failure costs one call, however many ask, and says what WeChat said.
func TestFailuresAreRemembered(t *testing.T) {
	in(t, bothModes, func(t *testing.T, w *world) {
		w.fault(sandbox.Fault{Endpoint: "token", Effect: "errcode", Errcode: 40164})
		k := w.keeper(Options{})
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() {
				o := w.failure(k)
				if o.Errcode != 40164 || o.Verdict.Do != wxnotify.Halt || o.Verdict.Part != wxnotify.PartAll || !strings.Contains(o.Errmsg, "invalid ip 192.0.2.1") {
					t.Errorf("%+v", o)
				}
			})
		}
		all.Wait()
		w.wantFetches(1)

		// Backoff: in an hour about one call a minute, though somebody asks all the time.
		for range 720 {
			time.Sleep(5 * time.Second)
			w.failure(k)
		}
		if n := w.fetches(); n < 50 || n > 150 {
			t.Errorf("%d fetches in an hour", n)
		}

		// The operator corrects the secret: it is tried at once.
		if err := w.wx.RemoveFaults(""); err != nil {
			t.Fatal(err)
		}
		w.failure(k)
		if _, err := w.wx.PutApp(sandbox.App{AppID: w.app.ID, Secret: "0123456789abcdef0123456789abcdef"}); err != nil {
			t.Fatal(err)
		}
		w.app.Secret = wxnotify.NewSecret("0123456789abcdef0123456789abcdef")
		w.get(k)
	})
}

func TestFailuresByKind(t *testing.T) {
	in(t, bothModes, func(t *testing.T, w *world) {
		for _, c := range []struct {
			fault sandbox.Fault
			kind  wxnotify.Kind
			do    wxnotify.Action
		}{
			{sandbox.Fault{Effect: "errcode", Errcode: -1}, wxnotify.Lost, ""},
			{sandbox.Fault{Effect: "errcode", Errcode: 45011}, wxnotify.Refused, wxnotify.SlowDown},
			{sandbox.Fault{Effect: "errcode", Errcode: 40125}, wxnotify.Refused, wxnotify.Halt},
			{sandbox.Fault{Effect: "errcode", Errcode: 45009}, wxnotify.Refused, wxnotify.Halt},
			{sandbox.Fault{Effect: "errcode", Errcode: 40001}, wxnotify.Refused, wxnotify.Halt},
			{sandbox.Fault{Effect: "drop_response"}, wxnotify.Lost, ""},
			{sandbox.Fault{Effect: "malformed"}, wxnotify.Lost, ""},
			{sandbox.Fault{Effect: "status", Status: 502}, wxnotify.Lost, ""},
		} {
			c.fault.Endpoint = "token"
			w.fault(c.fault)
			k := w.keeper(Options{})
			if o := w.failure(k); o.Kind != c.kind || o.Verdict.Do != c.do || o.Errmsg == "" {
				t.Errorf("%s %d: %+v", c.fault.Effect, c.fault.Errcode, o)
			}
			if err := w.wx.RemoveFaults(""); err != nil {
				t.Fatal(err)
			}
			time.Sleep(leaseFor) // the next keeper stands for another node
		}
		w.get(w.keeper(Options{}))
	})
}

// A token that is still good serves while its renewal fails.
func TestARenewalAheadMayFail(t *testing.T) {
	in(t, bothModes, func(t *testing.T, w *world) {
		k := w.keeper(Options{})
		v, _ := w.get(k)
		w.fault(sandbox.Fault{Endpoint: "token", Effect: "errcode", Errcode: -1})
		end := time.Now().Add(7200*time.Second - spare)
		for time.Now().Add(5 * time.Second).Before(end) {
			time.Sleep(5 * time.Second)
			if again, _ := w.get(k); again != v {
				t.Fatal("another token")
			}
		}
		time.Sleep(10 * time.Second)
		if o := w.failure(k); o.Kind != wxnotify.Lost {
			t.Errorf("%+v", o)
		}
	})
}

// When the day's fetches of classic mode are used up, the stable token helps.
func TestClassicQuotaGone(t *testing.T) {
	in(t, classic, func(t *testing.T, w *world) {
		none := 0
		if _, err := w.wx.SetQuota(w.app.ID, "token", &none, nil); err != nil {
			t.Fatal(err)
		}
		if v, _ := w.get(w.keeper(Options{})); !w.accepts(v) {
			t.Error("the token is dead")
		}
		w.wantFetches(2)
	})
}

// A rival who kills every token at once: it is told once, and the keeper goes
// on slowly.
func TestContention(t *testing.T) {
	in(t, bothModes, func(t *testing.T, w *world) {
		var alarms []string
		k := w.keeper(Options{OnContention: func(app string) { alarms = append(alarms, app) }})
		rival := func() error {
			_, gen, err := k.Get(t.Context(), w.app)
			if err != nil {
				return err
			}
			if err := w.wx.RevokeTokens(w.app.ID); err != nil {
				t.Fatal(err)
			}
			return k.Drop(t.Context(), w.app, gen)
		}
		for i := range maxDrops {
			if err := rival(); err != nil || len(alarms) != 0 {
				t.Fatalf("drop %d: %v, alarms %q", i, err, alarms)
			}
			time.Sleep(time.Second)
		}
		if err := rival(); err != nil || len(alarms) != 1 || alarms[0] != w.app.ID {
			t.Fatalf("one drop too many: %v, alarms %q", err, alarms)
		}
		before := w.fetches()
		for range 300 {
			time.Sleep(time.Second)
			rival()
		}
		if n := w.fetches() - before; n < 4 || n > 5 {
			t.Errorf("%d fetches in five minutes of contention", n)
		}
		if len(alarms) != 1 {
			t.Errorf("alarms %q", alarms)
		}
		time.Sleep(contentionIn) // the rival gives up
		for range 3 {
			if err := rival(); err != nil {
				t.Error(err)
			}
		}
	})
}

// A renewer that dies under its lease: others wait, and go on when it is over.
func TestALapsedLease(t *testing.T) {
	in(t, bothModes, func(t *testing.T, w *world) {
		if ok, err := w.row.LeaseRenewal(t.Context(), w.app.ID, time.Now(), leaseFor); !ok || err != nil {
			t.Fatal(ok, err)
		}
		k := w.keeper(Options{})
		began := time.Now()
		if o := w.failure(k); o.Kind != wxnotify.NotSent || time.Since(began) > 2*patience {
			t.Errorf("after %v: %+v", time.Since(began), o)
		}
		w.wantFetches(0)
		time.Sleep(time.Until(began.Add(leaseFor)))
		w.get(k)
		w.wantFetches(1)
	})
}

// The store is away: what is in memory serves, what is not is a fault.
func TestStoreAway(t *testing.T) {
	in(t, bothModes, func(t *testing.T, w *world) {
		k := w.keeper(Options{})
		v, gen := w.get(k)
		w.row.away = wxnotify.Refuse(wxnotify.StorageUnavailable, "away")
		if again, _ := w.get(k); again != v {
			t.Error("another token")
		}
		if err := k.Drop(t.Context(), w.app, gen); wxnotify.CodeOf(err) != wxnotify.StorageUnavailable {
			t.Errorf("drop: %v", err)
		}
		if _, _, err := k.Get(t.Context(), w.app); wxnotify.CodeOf(err) != wxnotify.StorageUnavailable {
			t.Errorf("get: %v", err)
		}
		w.row.away = nil
		time.Sleep(time.Second)
		if again, gen := w.get(k); again == v || gen != 2 {
			t.Errorf("generation %d, or the dropped token again", gen)
		}
	})
}

// A caller may go; the renewal goes on for the others.
func TestACallerGivesUp(t *testing.T) {
	in(t, bothModes, func(t *testing.T, w *world) {
		w.fault(sandbox.Fault{Endpoint: "token", Effect: "slow", DelayMS: 2000, Times: 1})
		k := w.keeper(Options{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := k.Get(ctx, w.app); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		w.get(k)
		w.wantFetches(1)
	})
}

func TestClosed(t *testing.T) {
	in(t, stable, func(t *testing.T, w *world) {
		k := w.keeper(Options{})
		k.Close()
		if o := w.failure(k); o.Kind != wxnotify.NotSent {
			t.Errorf("%+v", o)
		}
		w.wantFetches(0)
	})
}

// A node that stops in the middle of a renewal leaves the right to renew to the next.
func TestAStoppedRenewalIsTakenUpAtOnce(t *testing.T) {
	in(t, bothModes, func(t *testing.T, w *world) {
		w.fault(sandbox.Fault{Endpoint: "token", Effect: "slow", DelayMS: 2000, Times: 1})
		k := w.keeper(Options{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := k.Get(ctx, w.app); err == nil {
			t.Error("a token was there before WeChat gave it")
		}
		k.Close()
		began := time.Now()
		w.get(w.keeper(Options{}))
		if took := time.Since(began); took > time.Second {
			t.Errorf("the next node waited for %v", took)
		}
	})
}
