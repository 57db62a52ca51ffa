package storetest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/store"
)

// Noon is when the tests begin, on both clocks.
var Noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// A world is an open store with an app, and a clock that stands still.
type world struct {
	testing.TB
	*store.Store
	dsn string
	now wxnotify.Now
	app string
}

const (
	theApp  = "wx0000000000000001"
	alice   = "oAlice0000000000000000000001"
	bob     = "oBob000000000000000000000002"
	classic = "TEMPLATE_CLASSIC"
	prompt  = "TEMPLATE_PROMPT"
	lease   = 30 * time.Second
)

var ctx = context.Background()

func newWorld(t testing.TB, db Database) *world {
	t.Helper()
	return worldAt(t, db(t), nil)
}

// worldAt opens one more store on a database.
func worldAt(t testing.TB, dsn string, change func(*store.Options)) *world {
	t.Helper()
	w := &world{TB: t, dsn: dsn, now: wxnotify.Now{Real: Noon, Virtual: Noon}, app: theApp}
	w.Store = Open(t, dsn, change)
	w.makeApp(theApp)
	return w
}

func (w *world) makeApp(id string) {
	w.Helper()
	err := w.CreateApp(ctx, wxnotify.App{ID: id, Name: "shop", Secret: wxnotify.NewSecret("app-secret"), TokenMode: wxnotify.StableToken, MaxInFlight: 256, CreatedAt: Noon, UpdatedAt: Noon})
	if err != nil && wxnotify.CodeOf(err) != wxnotify.AppExists {
		w.Fatal(err)
	}
}

// pass moves both clocks.
func (w *world) pass(d time.Duration) {
	w.now.Real, w.now.Virtual = w.now.Real.Add(d), w.now.Virtual.Add(d)
}

// jump moves the virtual clock alone.
func (w *world) jump(d time.Duration) { w.now.Virtual = w.now.Virtual.Add(d) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("%v (%s)", err, caller()))
	}
	return v
}

// id is one that a message of now gets: it grows with the real clock, and in
// the order in which ids are made.
func (w *world) id() string {
	var u uuid.UUID
	binary.BigEndian.PutUint64(u[:], uint64(w.now.Real.UnixMilli())<<16|0x7000)
	binary.BigEndian.PutUint64(u[8:], 1<<63|made.Add(1))
	return wxnotify.EncodeID(wxnotify.MessagePrefix, u)
}

var made atomic.Uint64

func caller() string {
	_, file, line, _ := runtime.Caller(2)
	return fmt.Sprintf("%s:%d", filepath.Base(file), line)
}

// draft is a message to alice that goes out at once.
func (w *world) draft(change ...func(*wxnotify.Entry)) wxnotify.Entry {
	now := w.now.Virtual
	e := wxnotify.Entry{Message: wxnotify.Message{
		ID: w.id(), App: w.app, To: alice, TemplateID: classic,
		Channel: wxnotify.ChannelTemplate, Body: []byte(`{"touser":"x","data":{"keyword1":{"value":"已接单"}}}`), OnUnsure: wxnotify.Hold,
		SendAt: now, ExpiresAt: now.Add(wxnotify.Lasts), CreatedAt: now, UpdatedAt: now, State: wxnotify.Queued,
	}}
	for _, f := range change {
		f(&e)
	}
	if e.Message.SendAt.After(now) {
		e.Message.State = wxnotify.Scheduled
	}
	return e
}

func to(openid string) func(*wxnotify.Entry) {
	return func(e *wxnotify.Entry) { e.Message.To = openid }
}
func wait(e *wxnotify.Entry)   { e.Message.Wait = true }
func resend(e *wxnotify.Entry) { e.Message.OnUnsure = wxnotify.Resend }
func subscribe(e *wxnotify.Entry) {
	e.Message.Channel, e.Message.TemplateID = wxnotify.ChannelSubscribe, prompt
}
func formID(code string) func(*wxnotify.Entry) {
	return func(e *wxnotify.Entry) { e.FormID, e.Message.Fixed = code, true }
}
func key(k, content string) func(*wxnotify.Entry) {
	return func(e *wxnotify.Entry) { e.Key = k; copy(e.Fingerprint[:], content) }
}
func of(app string) func(*wxnotify.Entry) {
	return func(e *wxnotify.Entry) { e.Message.App = app }
}

// accept takes entries in, all of which have to be taken.
func (w *world) accept(es ...wxnotify.Entry) []string {
	w.Helper()
	rs, err := w.Accept(ctx, w.now, es)
	if err != nil {
		w.Fatal(err)
	}
	ids := make([]string, len(rs))
	for i, r := range rs {
		if r.Err != nil {
			w.Fatalf("entry %d: %v", i, r.Err)
		}
		ids[i] = r.ID
	}
	return ids
}

// send is accept for one message to alice.
func (w *world) send(change ...func(*wxnotify.Entry)) string {
	w.Helper()
	return w.accept(w.draft(change...))[0]
}

// deposit hands permits in, all of which have to be new.
func (w *world) deposit(ds ...wxnotify.Deposit) {
	w.Helper()
	for i := range ds {
		ds[i].App = w.app
		if ds[i].To == "" {
			ds[i].To = alice
		}
	}
	rs, err := w.Deposit(ctx, w.now, ds)
	if err != nil {
		w.Fatal(err)
	}
	for i, r := range rs {
		if r.Err != nil || r.Created == 0 && (ds[i].Result == "" || ds[i].Result == "accept") {
			w.Fatalf("deposit %d: %+v", i, r)
		}
	}
}

// form makes a form permit of alice's.
func (w *world) form(code string) wxnotify.Deposit {
	return wxnotify.Deposit{To: alice, Source: wxnotify.Form, Code: code, GivenAt: w.now.Virtual}
}

func (w *world) claim(n int) wxnotify.Claim {
	w.Helper()
	return w.claimOf(wxnotify.Want{App: w.app, N: n})
}

func (w *world) claimOf(wants ...wxnotify.Want) wxnotify.Claim {
	w.Helper()
	c, err := w.Claim(ctx, w.now, lease, wants)
	if err != nil {
		w.Fatal(err)
	}
	return c
}

// claim1 claims what has to be exactly one attempt.
func (w *world) claim1() wxnotify.Try {
	w.Helper()
	c := w.claim(10)
	if len(c.Tries) != 1 {
		w.Fatalf("%d attempts, want 1; came to rest: %+v", len(c.Tries), c.Rest)
	}
	return c.Tries[0]
}

// The outcomes of calls.
var (
	ok      = wxnotify.Outcome{Kind: wxnotify.Accepted, Said: true, Errmsg: "ok"}
	lost    = wxnotify.Outcome{Kind: wxnotify.Lost, Errmsg: "timeout"}
	notSent = wxnotify.Outcome{Kind: wxnotify.NotSent}
	busy    = refusal(45011, wxnotify.Verdict{Do: wxnotify.SlowDown})
	invalid = refusal(41028, wxnotify.Verdict{Do: wxnotify.NextPermit, Cause: wxnotify.CauseInvalid})
	spent   = refusal(41029, wxnotify.Verdict{Do: wxnotify.NextPermit, Cause: wxnotify.CauseSpent})
	none    = refusal(43101, wxnotify.Verdict{Do: wxnotify.CloseBooks, Cause: wxnotify.CauseRefused})
	badPage = refusal(41030, wxnotify.Verdict{Do: wxnotify.Fail, Reason: wxnotify.ReasonPage})
	quota   = refusal(45009, wxnotify.Verdict{Do: wxnotify.Halt, Part: wxnotify.PartChannel, For: wxnotify.UntilMidnight})
	retired = refusal(41032, wxnotify.Verdict{Do: wxnotify.Halt, Part: wxnotify.PartSource})
	frozen  = refusal(40243, wxnotify.Verdict{Do: wxnotify.Halt, Part: wxnotify.PartAll})
)

func refusal(code int, v wxnotify.Verdict) wxnotify.Outcome {
	return wxnotify.Outcome{Kind: wxnotify.Refused, Errcode: code, Errmsg: fmt.Sprint("errcode ", code), Said: true, Verdict: v, RID: "66c69111-0a1b2c3d-4e5f6071"}
}

// settlement is what the outbox makes of an outcome, without jitter.
func (w *world) settlement(t wxnotify.Try, o wxnotify.Outcome) wxnotify.Settlement {
	step := wxnotify.Next(t, o, w.now.Virtual)
	s := wxnotify.Settlement{Try: t, Outcome: o, Step: step, At: w.now.Real, Due: w.now.Real.Add(step.Wait)}
	if step.Hold > 0 {
		s.Hold = w.now.Virtual.Add(step.Hold)
	}
	return s
}

// settle writes one outcome, which has to be on time.
func (w *world) settle(t wxnotify.Try, o wxnotify.Outcome) {
	w.Helper()
	missed, err := w.Settle(ctx, w.now, []wxnotify.Settlement{w.settlement(t, o)})
	if err != nil || len(missed) > 0 {
		w.Fatalf("missed %v, %v", missed, err)
	}
}

func (w *world) sweep() []wxnotify.Rest {
	w.Helper()
	rests, err := w.Sweep(ctx, w.now, 500)
	if err != nil {
		w.Fatal(err)
	}
	return rests
}

func (w *world) message(id string) wxnotify.Message {
	w.Helper()
	m, err := w.Message(ctx, "", id)
	if err != nil {
		w.Fatal(err)
	}
	return m
}

// is compares what a message came to, written state/reason or state.
func (w *world) is(id, want string) {
	w.Helper()
	m := w.message(id)
	got := string(m.State)
	if m.Reason != "" {
		got += "/" + string(m.Reason)
	}
	if got != want {
		w.Errorf("the message is %s, want %s", got, want)
	}
}

// permits are a user's, oldest first, written state or dead(cause).
func (w *world) permits(openid string) []string {
	w.Helper()
	ps, _, err := w.Permits(ctx, wxnotify.PermitFilter{App: w.app, To: openid, Limit: 250})
	if err != nil {
		w.Fatal(err)
	}
	slices.Reverse(ps)
	var out []string
	for _, p := range ps {
		s := string(p.State)
		if p.Cause != "" {
			s += "(" + string(p.Cause) + ")"
		}
		out = append(out, s)
	}
	return out
}

func (w *world) have(openid string, want ...string) {
	w.Helper()
	w.same(w.permits(openid), want)
}

// outcomes are those of a message's attempts, in order.
func (w *world) outcomes(id string) string {
	w.Helper()
	var out []string
	for _, a := range w.message(id).Attempts {
		out = append(out, string(a.Outcome))
	}
	return strings.Join(out, " ")
}

func (w *world) same(got, want any) {
	w.Helper()
	if d := cmp.Diff(want, got, secrets); d != "" {
		w.Errorf("not as wanted (-want +got):\n%s", d)
	}
}

func (w *world) refused(err error, want wxnotify.Code) {
	w.Helper()
	if got := wxnotify.CodeOf(err); got != want {
		w.Errorf("got %v, want %s", err, want)
	}
}

var secrets = cmp.Comparer(func(a, b wxnotify.Secret) bool { return a == b })

// codes of attempts, in the order of the claim.
func codes(c wxnotify.Claim) []string {
	var out []string
	for _, t := range c.Tries {
		out = append(out, t.Permit.Code)
	}
	return out
}

func form(i int) string { return fmt.Sprintf("form-%010d", i) }

const prepay = "wx201711231456030000000001"

var errTest = errors.New("broken by the test")
