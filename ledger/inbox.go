package ledger

import (
	"context"
	"log/slog"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/pump"
)

// EventStore keeps what WeChat pushed, and applies it.
type EventStore interface {
	// KeepEvents writes pushes down, in one transaction. It is durable on
	// return, and may be repeated.
	KeepEvents(ctx context.Context, now wxnotify.Now, ds []wxnotify.Delivery) error
	// HearEvents applies at most n events: permits come and are withdrawn,
	// messages are delivered. Fewer than n mean that nothing is left for now.
	HearEvents(ctx context.Context, now wxnotify.Now, n int) (wxnotify.Heard, error)
	// EventBell rings when there may be events to hear.
	EventBell() <-chan struct{}
	// RecallHeld looks again for events that a node did not live to look for.
	RecallHeld(ctx context.Context, now wxnotify.Now) error
	// SweepEvents forgets what is old, and is the net under RecallHeld.
	SweepEvents(ctx context.Context, now wxnotify.Now) error
}

// An Inbox takes in what WeChat tells of permits and messages. An event is
// durable before WeChat hears "success", and is applied afterwards by any node,
// once: what it changes and its leaving the inbox are one transaction.
type Inbox struct {
	log   *slog.Logger
	store EventStore
	now   func() wxnotify.Now
	on    Hooks
	keep  pump.Batcher[wxnotify.Delivery, struct{}]
}

// Hooks are told what an event brought. They must not block.
type Hooks struct {
	Seen func(app string, at time.Time) // a valid push came in; real time
	Wake func(app string)               // the app has work
	Rest func(wxnotify.Rest)            // a message came to rest, or was at rest and is now known better
}

// NewInbox makes an Inbox. It applies nothing until Run.
func NewInbox(log *slog.Logger, store EventStore, now func() wxnotify.Now, on Hooks) *Inbox {
	i := &Inbox{log: log, store: store, now: now, on: on}
	i.keep = pump.Batcher[wxnotify.Delivery, struct{}]{Max: heardAtOnce, Flush: func(ctx context.Context, ds []wxnotify.Delivery) ([]struct{}, error) {
		return make([]struct{}, len(ds)), i.store.KeepEvents(ctx, i.now(), ds)
	}}
	return i
}

const (
	heardAtOnce = 50
	hearEvery   = 5 * time.Second // the net under the bell
	forgetEvery = time.Minute
)

// Keep makes a push durable, together with whoever else arrives meanwhile.
func (i *Inbox) Keep(ctx context.Context, app, signature string, es []wxnotify.Event) error {
	if _, err := i.keep.Do(ctx, []wxnotify.Delivery{{App: app, Signature: signature, Events: es}}); err != nil {
		return err
	}
	i.on.Seen(app, i.now().Real)
	return nil
}

// Run applies events until ctx ends, beginning with those that an earlier life
// left behind.
func (i *Inbox) Run(ctx context.Context) {
	if err := i.store.RecallHeld(ctx, i.now()); err != nil && ctx.Err() == nil {
		i.log.Error("events of unsure messages cannot be read", "error", err)
	}
	net, forget := time.NewTicker(hearEvery), time.NewTicker(forgetEvery)
	defer net.Stop()
	defer forget.Stop()
	for {
		i.hear(ctx)
		select {
		case <-ctx.Done():
			return
		case <-i.store.EventBell():
		case <-net.C:
		case <-forget.C:
			if err := i.store.SweepEvents(ctx, i.now()); err != nil && ctx.Err() == nil {
				i.log.Error("old events cannot be removed", "error", err)
			}
		}
	}
}

func (i *Inbox) hear(ctx context.Context) {
	for ctx.Err() == nil {
		heard, err := i.store.HearEvents(ctx, i.now(), heardAtOnce)
		if err != nil && ctx.Err() == nil {
			i.log.Error("events cannot be applied now; they are kept", "error", err)
		}
		for _, r := range heard.Rest {
			i.on.Rest(r)
		}
		for _, app := range heard.Apps {
			i.on.Wake(app)
		}
		if err != nil || heard.Events < heardAtOnce {
			return
		}
	}
}
