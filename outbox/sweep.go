package outbox

import (
	"context"
	"time"

	"github.com/wxnotify/wxnotify"
)

// sweepLoop is the net under everything that is woken: it finds work whose
// wake-up was lost, attempts whose sender died, and what only time moves.
func (b *Box) sweepLoop(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		b.sweepOnce(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-b.sweep:
		}
	}
}

func (b *Box) sweepOnce(ctx context.Context) {
	b.refresh(ctx)
	b.count(ctx)
	b.takeOver(ctx)
	for ctx.Err() == nil {
		moved, err := b.store.Sweep(ctx, b.opt.Now(), batchMax)
		if err != nil {
			if ctx.Err() == nil {
				b.log.Error("the sweep stopped", "error", err)
			}
			return
		}
		for _, r := range moved {
			b.tell(r)
			b.lanes.wake(r.App)
		}
		if len(moved) < batchMax {
			break
		}
	}
	b.loop.Wake()
}

// count keeps the backlog's bound honest, where there is one.
func (b *Box) count(ctx context.Context) {
	if b.backlog.limit == 0 {
		return
	}
	ds, err := b.store.Depths(ctx)
	if err != nil {
		if ctx.Err() == nil {
			b.log.Error("the backlog cannot be counted", "error", err)
		}
		return
	}
	b.backlog.counted(ds)
}

// gone is the outcome of what a sender that is gone had in hand.
var gone = wxnotify.Outcome{Kind: wxnotify.Lost, Errmsg: "the sender was gone before it could say"}

// takeOver settles attempts whose sender is gone as lost: they may have arrived.
func (b *Box) takeOver(ctx context.Context) {
	for ctx.Err() == nil {
		now := b.opt.Now()
		tries, err := b.store.Lapsed(ctx, now, batchMax)
		if err != nil {
			if ctx.Err() == nil {
				b.log.Error("lapsed attempts cannot be read", "error", err)
			}
			return
		}
		batch := make([]wxnotify.Settlement, len(tries))
		for i, t := range tries {
			t.Events = b.lanes.working(t.Message.App, now.Real)
			batch[i] = settlement(t, gone, now)
		}
		if len(batch) == 0 {
			return
		}
		b.log.Warn("attempts of a sender that is gone are taken over", "attempts", len(batch))
		if err := b.settle(ctx, batch); err != nil {
			b.log.Error("lapsed attempts cannot be written", "error", err)
			return
		}
		for _, t := range tries { // their repeats are due within a second
			b.lanes.wake(t.Message.App)
		}
		if len(tries) < batchMax {
			return
		}
	}
}

// listen hears what other nodes accepted.
func (b *Box) listen(ctx context.Context) {
	waked := b.store.Waked(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case app, ok := <-waked: // nil where there is one process only
			if !ok {
				return
			}
			b.Wake(app)
		}
	}
}
