package outbox

import (
	"context"

	"github.com/wxnotify/wxnotify"
)

// Accept makes entries durable, all in one transaction, and wakes their apps.
// Refusals of single entries are in the receipts; an error concerns them all,
// and then none was accepted (but commit_unknown: ask again with the same key).
//
// An app of which too much is under way is refused with backlog_full.
func (b *Box) Accept(ctx context.Context, entries []wxnotify.Entry) ([]wxnotify.Receipt, error) {
	full := b.backlog.add(entries)
	if full == nil {
		return b.take(ctx, entries)
	}
	room, at, receipts := withRoom(entries, full)
	if len(room) == 0 {
		return receipts, nil
	}
	taken, err := b.take(ctx, room)
	if err != nil {
		return nil, err
	}
	for i, r := range taken {
		receipts[at[i]] = r
	}
	return receipts, nil
}

func (b *Box) take(ctx context.Context, entries []wxnotify.Entry) ([]wxnotify.Receipt, error) {
	receipts, err := b.accept.Do(ctx, entries)
	if err != nil {
		return nil, err
	}
	woken := ""
	for i, e := range entries {
		if app := e.Message.App; app != woken && receipts[i].Err == nil && !receipts[i].State.AtRest() {
			woken = app
			b.Wake(app)
			b.store.Notify(app)
		}
	}
	return receipts, nil
}

// write is the flush of the group commit.
func (b *Box) write(ctx context.Context, entries []wxnotify.Entry) ([]wxnotify.Receipt, error) {
	receipts, err := b.store.Accept(ctx, b.opt.Now(), entries)
	if err != nil {
		return nil, err
	}
	for i, r := range receipts {
		if r.Err == nil && !r.Replayed && r.State.AtRest() {
			m := &entries[i].Message
			b.tell(wxnotify.Rest{App: m.App, ID: r.ID, To: m.To, State: r.State, Trace: m.Trace})
		}
	}
	return receipts, nil
}
