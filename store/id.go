package store

import (
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/wxnotify/wxnotify"
)

// permitIDs makes ids that grow, and that tell on the virtual clock when a
// permit was handed in: UUIDv7, with a counter behind the milliseconds.
type permitIDs struct {
	mu   sync.Mutex
	last uint64 // milliseconds and 12 bits of counter
}

func (g *permitIDs) next(now wxnotify.Now) string { return g.id(wxnotify.PermitPrefix, now.Virtual) }

func (g *permitIDs) id(prefix string, t time.Time) string {
	g.mu.Lock()
	g.last = max(g.last+1, uint64(t.UnixMilli())<<12)
	n := g.last
	g.mu.Unlock()
	u := uuid.New()
	stamp(&u, n)
	return wxnotify.EncodeID(prefix, u)
}

// idAt sorts before every id that is made at t or later, and after all that
// were made in an earlier millisecond.
func idAt(prefix string, t time.Time) string {
	var u uuid.UUID
	stamp(&u, uint64(t.UnixMilli())<<12)
	u[6] = 0
	return wxnotify.EncodeID(prefix, u)
}

// stamp writes 48 bits of milliseconds and 12 of a counter, around the version.
func stamp(u *uuid.UUID, n uint64) {
	for i := range 6 {
		u[i] = byte(n >> (52 - 8*i))
	}
	u[6] = 0x70 | byte(n>>8)&0x0f
	u[7] = byte(n)
}
