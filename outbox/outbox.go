// Package outbox carries a message from "accepted" to WeChat's answer.
//
// Accept makes a batch durable, together with whoever else arrives meanwhile.
// A claim then binds a permit and writes the attempt in one transaction, before
// the call is made. A sender that dies leaves that row behind: whoever comes
// next knows that the message may have arrived, and with which permit. The call
// runs; wxnotify.Next decides what its outcome means; a settle writes it down,
// with the permit's fate, in one transaction per batch. A late answer is
// evidence, whoever brings it; it is written to its own attempt.
//
// Each app has a lane of its own: how many calls run at once, how fast, and
// when to look for work again. A lane in trouble shrinks to one probe, and no
// other lane notices. While it is quick, it claims a little ahead, so that no
// slot waits for a transaction; what it has in hand when its node dies may have
// been sent for all that anybody knows, so only permits that make a repeat
// harmless are claimed ahead.
package outbox

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/pump"
)

// Store keeps messages, attempts and permits.
type Store interface {
	// Accept writes entries in one transaction. It is durable on return. A
	// refusal that concerns one entry is in its receipt.
	Accept(ctx context.Context, now wxnotify.Now, entries []wxnotify.Entry) ([]wxnotify.Receipt, error)
	// Claim binds permits and writes attempts, committed on return: only then
	// may the calls be made, and only while the lease lasts.
	Claim(ctx context.Context, now wxnotify.Now, lease time.Duration, wants []wxnotify.Want) (wxnotify.Claim, error)
	// Settle writes outcomes where the lease still holds; missed are the
	// indexes where it does not: those are evidence.
	Settle(ctx context.Context, now wxnotify.Now, batch []wxnotify.Settlement) (missed []int, err error)
	// Evidence applies an outcome to any attempt, by what its message's
	// attempts say now: wxnotify.Decide. It may be repeated.
	Evidence(ctx context.Context, now wxnotify.Now, app, attempt string, o wxnotify.Outcome) (wxnotify.Rest, error)
	// Lapsed returns attempts whose sender is gone.
	Lapsed(ctx context.Context, now wxnotify.Now, n int) ([]wxnotify.Try, error)
	// Sweep moves on what only time moves, at most n rows; fewer than n come
	// back when all is done.
	Sweep(ctx context.Context, now wxnotify.Now, n int) ([]wxnotify.Rest, error)
	Cancel(ctx context.Context, now wxnotify.Now, app, id string) (wxnotify.Rest, error)
	// Erase takes note that a person is to be forgotten; Sweep does it.
	Erase(ctx context.Context, now wxnotify.Now, app, openid string) (pseudonym string, err error)
	Resolve(ctx context.Context, now wxnotify.Now, app, id string, sent bool) (wxnotify.Rest, error)
	Message(ctx context.Context, app, id string) (wxnotify.Message, error)
	Apps(ctx context.Context) ([]wxnotify.App, error)
	// Depths says how much of each app is not at rest. It may be of a while ago.
	Depths(ctx context.Context) ([]wxnotify.Depth, error)
	// Notify tells other nodes that an app has work; Waked is where they hear it.
	Notify(app string)
	Waked(ctx context.Context) <-chan string
}

// Tokens gives access tokens. An error may have an Outcome that says what
// WeChat's refusal means for the app.
type Tokens interface {
	Get(ctx context.Context, app wxnotify.App) (value string, gen int64, err error)
	Drop(ctx context.Context, app wxnotify.App, gen int64) error
}

// Sender makes the call. It never fails: what goes wrong is an outcome.
type Sender interface {
	Send(ctx context.Context, token string, ch wxnotify.Channel, body []byte) wxnotify.Outcome
}

// Options of a Box. All have defaults.
type Options struct {
	Now    func() wxnotify.Now // both clocks
	OnRest func(wxnotify.Rest) // told of each message that came to rest; must not block
	OnCall func(CallReport)    // told of each call; must not block

	Backlog int // messages of one app under way, at most; 0: no limit
}

// A CallReport is one call to WeChat, for logs and metrics.
type CallReport struct {
	App     string
	Channel wxnotify.Channel
	Outcome wxnotify.Outcome
	Took    time.Duration
}

// The times of an attempt (reliability.md 3), all real.
const (
	lease      = 30 * time.Second // of a claim
	startsIn   = 15 * time.Second // from before the claim to the start of the call, or it is not made
	callLasts  = 10 * time.Second
	sweepEvery = 5 * time.Second
	batchMax   = 500
)

// A Box is the outbox of one node.
type Box struct {
	log    *slog.Logger
	store  Store
	tokens Tokens
	sender Sender
	opt    Options

	accept pump.Batcher[wxnotify.Entry, wxnotify.Receipt]
	loop   pump.Loop[job, wxnotify.Settlement]
	lanes  lanes

	backlog backlog
	rest    waiters
	sweep   chan struct{} // sweep now
}

// New makes a Box. It sends nothing until Run.
func New(log *slog.Logger, store Store, tokens Tokens, sender Sender, opt Options) *Box {
	if opt.Now == nil {
		opt.Now = func() wxnotify.Now { t := time.Now(); return wxnotify.Now{Real: t, Virtual: t} }
	}
	b := &Box{log: log, store: store, tokens: tokens, sender: sender, opt: opt, sweep: make(chan struct{}, 1)}
	b.backlog.limit = opt.Backlog
	b.accept = pump.Batcher[wxnotify.Entry, wxnotify.Receipt]{Flush: b.write, Max: batchMax, Alone: isFault}
	b.loop = pump.Loop[job, wxnotify.Settlement]{Log: log, Claim: b.claim, Do: b.call, Settle: b.settle, Batch: batchMax}
	b.loop.Init()
	b.lanes.init()
	b.rest.init()
	return b
}

// Run sends until ctx ends; then calls in flight finish, within pump.Grace.
func (b *Box) Run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { b.sweepLoop(ctx) })
	all.Go(func() { b.listen(ctx) })
	b.loop.Run(ctx)
	all.Wait()
}

// Wake makes the box look for work of app now: something came in, or may go.
func (b *Box) Wake(app string) {
	if !b.lanes.wake(app) { // a new app: the sweep reads them anew
		b.Tick()
		return
	}
	b.loop.Wake()
}

// Tick makes the box look at everything that time moves: the virtual clock jumped.
func (b *Box) Tick() {
	select {
	case b.sweep <- struct{}{}:
	default:
	}
}

// NewID makes the id of a message.
func NewID() string { return wxnotify.EncodeID(wxnotify.MessagePrefix, uuid.Must(uuid.NewV7())) }

func isFault(err error) bool { return wxnotify.CodeOf(err) == "" }
