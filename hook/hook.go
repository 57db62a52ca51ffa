// Package hook tells customers' webhooks what happened, by Standard Webhooks 1.0.
//
// An event is written down as a notice, one for each webhook that wants to
// know, in the transaction that makes it true; this room claims notices, posts
// them and settles what came of it. So it promises: at least once, in order for
// one message, whatever dies meanwhile. A node that dies with a post under way
// leaves its claim behind; when that is over, another one posts the same notice
// under the same id, which is how receivers tell a repeat.
//
// Each webhook has a lane of its own, with few posts at a time; a webhook in
// trouble shrinks to one probe and keeps no other one waiting. What may be
// repeated, and when, is decided in the root package (Notice.After).
//
// Addresses are customers' words, so they are believed nothing: a Guard checks
// the address that a connection really goes to, redirects are not followed, and
// little is read of an answer. Everything here runs on real time.
package hook

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/pump"
)

// Store keeps notices.
type Store interface {
	// Callings returns the webhooks that are on, and when the next notice of
	// each is due.
	Callings(ctx context.Context, now time.Time) (map[string]time.Time, error)
	// ClaimPosts takes notices that are due, of each subject the first. They are
	// durably begun on return, and come again when the lease is over. full are
	// the webhooks of which there may be more.
	ClaimPosts(ctx context.Context, now time.Time, lease time.Duration, wants []wxnotify.NoticeWant) (posts []wxnotify.Post, full []string, err error)
	// SettlePosts writes outcomes where the claim still holds. off are webhooks
	// that were switched off by it, with the reason. It may be repeated.
	SettlePosts(ctx context.Context, now time.Time, outs []wxnotify.NoticeOutcome) (off map[string]string, err error)
	// SweepNotices forgets what is old, in bites, and says whether there is more.
	SweepNotices(ctx context.Context, now time.Time) (more bool, err error)
}

const (
	lease      = 30 * time.Second // twice what a post may take
	sweepEvery = 5 * time.Second
	pruneEvery = time.Minute
	batchMax   = 200
)

// A Teller posts the notices of one node.
type Teller struct {
	log   *slog.Logger
	store Store
	guard *Guard
	agent string
	loop  pump.Loop[wxnotify.Post, wxnotify.NoticeOutcome]
	lanes lanes
}

// New makes a Teller. It posts nothing until Run. agent is its User-Agent.
func New(log *slog.Logger, store Store, guard *Guard, agent string) *Teller {
	t := &Teller{log: log, store: store, guard: guard, agent: agent}
	t.loop = pump.Loop[wxnotify.Post, wxnotify.NoticeOutcome]{Log: log, Claim: t.claim, Do: t.post, Settle: t.settle, Batch: batchMax}
	t.loop.Init()
	t.lanes.byHook = map[string]*lane{}
	return t
}

// Wake makes the Teller look for notices of these webhooks now. It never blocks.
func (t *Teller) Wake(webhooks []string) {
	for _, id := range webhooks {
		t.lanes.wake(id, time.Time{})
	}
	t.loop.Wake()
}

// Run posts until ctx ends; then posts under way finish, within pump.Grace.
func (t *Teller) Run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { t.sweep(ctx) })
	t.loop.Run(ctx)
	all.Wait()
	t.guard.Close()
}

// sweep is the net under everything that is woken, and forgets what is old.
func (t *Teller) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for pruned := time.Now(); ; {
		due, err := t.store.Callings(ctx, time.Now())
		if err == nil {
			t.lanes.adopt(due)
			t.loop.Wake()
		}
		for more := time.Since(pruned) >= pruneEvery; more && err == nil; pruned = time.Now() {
			more, err = t.store.SweepNotices(ctx, time.Now())
		}
		if err != nil && ctx.Err() == nil {
			t.log.Error("webhooks cannot be looked after now", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// claim is the loop's Claim.
func (t *Teller) claim(ctx context.Context) ([]wxnotify.Post, time.Duration, error) {
	now := time.Now()
	wants := t.lanes.wants(now)
	if len(wants) == 0 {
		return nil, t.lanes.again(now), nil
	}
	posts, full, err := t.store.ClaimPosts(ctx, now, lease, wants)
	if err != nil {
		for _, w := range wants {
			t.lanes.wake(w.Webhook, now)
		}
		return nil, 0, err
	}
	t.lanes.claimed(posts, full)
	return posts, t.lanes.again(time.Now()), nil
}

// post is the loop's Do.
func (t *Teller) post(ctx context.Context, p wxnotify.Post) wxnotify.NoticeOutcome {
	began := time.Now()
	o := wxnotify.NoticeOutcome{Webhook: p.Webhook, ID: p.ID, Owner: p.Owner, Answer: t.guard.post(ctx, &p, t.agent)}
	o.Answer.At, o.Answer.Took = began, time.Since(began)
	o.State, o.Due = p.After(o.Answer, time.Now(), rand.Float64())
	t.lanes.done(p.Webhook, o, began)
	if o.State == wxnotify.NoticeFailed {
		t.log.Warn("a notice was given up; recover or resend it when its webhook works again",
			"webhook", p.Webhook, "notice", p.ID, "topic", p.Topic, "trace_id", p.Trace.ID(), "fault", o.Answer.Fault, "status", o.Answer.Status)
	}
	return o
}

// settle is the loop's Settle.
func (t *Teller) settle(ctx context.Context, outs []wxnotify.NoticeOutcome) error {
	off, err := t.store.SettlePosts(ctx, time.Now(), outs)
	if err != nil {
		return err
	}
	for id, reason := range off {
		t.log.Error("a webhook was switched off; events are kept for it for a week: put it right, switch it on again with PATCH, and recover", "webhook", id, "reason", reason)
	}
	for _, o := range outs { // what stood behind it may go
		t.lanes.wake(o.Webhook, o.Due)
	}
	return nil
}
