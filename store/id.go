package store

import (
	"time"

	"github.com/google/uuid"

	"github.com/wxnotify/wxnotify"
)

// newPermitID is a UUIDv7 of virtual time, as all else that expires, so that
// the ids of permits tell when they were handed in.
func newPermitID(now wxnotify.Now) string {
	u := uuid.Must(uuid.NewV7())
	stamp(&u, now.Virtual)
	return wxnotify.EncodeID(wxnotify.PermitPrefix, u)
}

// idAt sorts before every id that is made at t or later, and after all that
// were made in an earlier millisecond.
func idAt(prefix string, t time.Time) string {
	var u uuid.UUID
	stamp(&u, t)
	return wxnotify.EncodeID(prefix, u)
}

func stamp(u *uuid.UUID, t time.Time) {
	ms := t.UnixMilli()
	for i := range 6 {
		u[i] = byte(ms >> (40 - 8*i))
	}
}
