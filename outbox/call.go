package outbox

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"time"

	"github.com/wxnotify/wxnotify"
)

// A job is a claimed attempt, and when the claim began: from then the lease is
// counted, since the database's commit may have taken its time.
type job struct {
	try   wxnotify.Try
	since time.Time // with its monotonic reading
}

// claim is the loop's Claim.
func (b *Box) claim(ctx context.Context) ([]job, time.Duration, error) {
	now := b.opt.Now()
	wants := b.lanes.wants(now.Real)
	if len(wants) == 0 {
		return nil, b.lanes.again(now.Real), nil
	}
	since := time.Now()
	c, err := b.store.Claim(ctx, now, lease, wants)
	if err != nil {
		for _, w := range wants {
			b.lanes.wake(w.App)
		}
		return nil, 0, fmt.Errorf("claim: %w", err)
	}
	b.lanes.claimed(wants, c)
	jobs := make([]job, len(c.Tries))
	for i, t := range c.Tries {
		jobs[i] = job{t, since}
	}
	for _, r := range c.Rest {
		b.tell(r)
	}
	return jobs, b.lanes.again(b.opt.Now().Real), nil
}

// call is the loop's Do: one attempt, from its turn to Next.
func (b *Box) call(ctx context.Context, j job) (s wxnotify.Settlement) {
	app := j.try.Message.App
	if !b.lanes.enter(ctx, app, j.since.Add(startsIn)) {
		s = settlement(j.try, wxnotify.Outcome{Kind: wxnotify.NotSent, Errmsg: "its turn did not come"}, b.opt.Now())
		b.lanes.left(app, s.Due)
		return s
	}
	began := time.Now()
	o := b.attempt(ctx, j)
	s = settlement(j.try, o, b.opt.Now())
	b.lanes.done(s, began, s.At)
	return s
}

// settlement is what an outcome means.
func settlement(t wxnotify.Try, o wxnotify.Outcome, now wxnotify.Now) wxnotify.Settlement {
	step := wxnotify.Next(t, o, now.Virtual)
	s := wxnotify.Settlement{Try: t, Outcome: o, Step: step, At: now.Real, Due: due(step, now.Real)}
	if step.Hold > 0 {
		s.Hold = now.Virtual.Add(step.Hold)
	}
	return s
}

// due spreads what is to be tried again: full jitter.
func due(s wxnotify.Step, now time.Time) time.Time {
	switch {
	case s.State.AtRest():
		return time.Time{}
	case s.Spread <= 0:
		return now.Add(s.Wait)
	}
	return now.Add(s.Wait + rand.N(s.Spread))
}

// turn waits for the start that the app's rate gave to this call. It is false
// when that is too late, or the node stops.
func (b *Box) turn(ctx context.Context, j job) bool {
	wait := j.try.Start.Sub(b.opt.Now().Real)
	if wait <= 0 {
		return true
	}
	if wait > time.Until(j.since.Add(startsIn)) {
		return false
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// attempt makes the call, or says why nothing left us. A panic of ours costs
// this message an attempt and nobody else anything.
func (b *Box) attempt(ctx context.Context, j job) (o wxnotify.Outcome) {
	begun := false
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		b.log.Error("a panic while sending", "message", j.try.Message.ID, "trace_id", j.try.Message.Trace.ID(), "panic", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
		if o = (wxnotify.Outcome{Kind: wxnotify.Refused, Verdict: wxnotify.Verdict{Do: wxnotify.Fail, Reason: wxnotify.ReasonInternal}}); begun {
			o = wxnotify.Outcome{Kind: wxnotify.Lost}
		}
	}()
	app := b.lanes.app(j.try.Message.App)
	if !b.turn(ctx, j) {
		return wxnotify.Outcome{Kind: wxnotify.NotSent, Errmsg: "the app's rate left no room in time"}
	}
	body := wxnotify.Splice(j.try.Message.Body, j.try.Permit.Code)
	for again := false; ; again = true {
		token, gen, err := b.tokens.Get(ctx, app)
		if err != nil {
			return tokenOutcome(err)
		}
		if time.Since(j.since) > startsIn {
			return wxnotify.Outcome{Kind: wxnotify.NotSent, Errmsg: "the lease was too old to start"}
		}
		begun = true
		o = b.send(ctx, app.ID, token, j.try.Message.Channel, body)
		if o.Kind != wxnotify.Refused || o.Verdict.Do != wxnotify.NewToken {
			return o
		}
		// WeChat looks at the token first: nothing was delivered. One renewal,
		// one repeat; what fails twice waits in the queue.
		if err := b.tokens.Drop(ctx, app, gen); err != nil {
			return tokenOutcome(err)
		}
		if again {
			return o
		}
	}
}

func (b *Box) send(ctx context.Context, app, token string, ch wxnotify.Channel, body []byte) wxnotify.Outcome {
	ctx, cancel := context.WithTimeout(ctx, callLasts)
	defer cancel()
	began := time.Now()
	o := b.sender.Send(ctx, token, ch, body)
	if b.opt.OnCall != nil {
		b.opt.OnCall(CallReport{App: app, Channel: ch, Outcome: o, Took: time.Since(began)})
	}
	return o
}

// tokenOutcome says what it means that there is no token: nothing left us, and
// WeChat's refusal may concern the whole app.
func tokenOutcome(err error) wxnotify.Outcome {
	o := wxnotify.Outcome{Kind: wxnotify.NotSent, Errmsg: "no access_token: " + err.Error()}
	var said interface{ Outcome() wxnotify.Outcome }
	if errors.As(err, &said) {
		w := said.Outcome()
		o.Errcode, o.Said, o.RID, o.Verdict = w.Errcode, w.Said, w.RID, w.Verdict
		if w.Errmsg != "" {
			o.Errmsg = w.Errmsg
		}
	}
	return o
}

// settle is the loop's Settle. It may be repeated: what is written already is
// then evidence that changes nothing.
//
// Where one result spoils it for the others they are written one by one. The
// one that cannot be written at all is left: when its lease lapses, its message
// is looked at anew.
func (b *Box) settle(ctx context.Context, batch []wxnotify.Settlement) error {
	err := b.settleAll(ctx, batch)
	if err == nil || !isFault(err) || ctx.Err() != nil {
		return err
	}
	b.log.Error("results cannot be written together; now one by one", "results", len(batch), "error", err)
	for i := range batch {
		switch err := b.settleAll(ctx, batch[i:i+1]); {
		case err == nil:
		case !isFault(err) || ctx.Err() != nil:
			return err
		default:
			b.log.Error("a result cannot be written", "attempt", batch[i].Try.Attempt.ID, "error", err)
		}
	}
	return nil
}

// settleAll writes results in one transaction. A repeat of a lost attempt is
// always written as evidence, one by one: what it means depends on whether the
// lost one is still unresolved, and its own answer may have come meanwhile.
func (b *Box) settleAll(ctx context.Context, batch []wxnotify.Settlement) error {
	now := b.opt.Now()
	plain := batch
	var late []wxnotify.Settlement
	if slices.ContainsFunc(batch, unresolved) {
		plain = slices.DeleteFunc(slices.Clone(batch), unresolved)
		late = slices.DeleteFunc(slices.Clone(batch), func(s wxnotify.Settlement) bool { return !unresolved(s) })
	}
	missed, err := b.store.Settle(ctx, now, plain)
	if err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	slices.Sort(missed)
	for i := range plain {
		if len(missed) > 0 && missed[0] == i {
			late, missed = append(late, plain[i]), missed[1:]
			continue
		}
		r := plain[i].Try.Message.Rest()
		r.State, r.Reason = plain[i].Step.State, plain[i].Step.Reason
		b.tell(r)
	}
	for _, s := range late {
		if err := b.evidence(ctx, now, s); err != nil {
			return err
		}
	}
	return nil
}

func unresolved(s wxnotify.Settlement) bool { return s.Try.Unresolved }

// evidence writes an outcome with fresh eyes. What the store cannot take at all
// is logged; while it is away the caller comes back.
func (b *Box) evidence(ctx context.Context, now wxnotify.Now, s wxnotify.Settlement) error {
	r, err := b.store.Evidence(ctx, now, s.Try.Message.App, s.Try.Attempt.ID, s.Outcome)
	switch wxnotify.CodeOf(err) {
	case wxnotify.StorageUnavailable, wxnotify.StorageFull, wxnotify.CommitUnknown:
		return fmt.Errorf("evidence: %w", err)
	}
	if err != nil {
		b.log.Error("an outcome cannot be written", "attempt", s.Try.Attempt.ID, "outcome", s.Outcome.Kind, "error", err)
		return nil
	}
	b.tell(r)
	b.Wake(r.App)
	return nil
}
