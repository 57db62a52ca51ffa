package store

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/wxnotify/wxnotify"
)

// Audit writes a line of the audit log; it is durable on return. Ask for it
// before the change that it tells of: where it fails the change is not made.
func (s *Store) Audit(ctx context.Context, e wxnotify.AuditEntry) error {
	return s.do(ctx, "audit", doorLimit, func(w *work) error { return w.audit(e) })
}

func (w *work) audit(e wxnotify.AuditEntry) error {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	if e.ID == "" {
		e.ID = wxnotify.EncodeID(wxnotify.AuditPrefix, uuid.Must(uuid.NewV7()))
	}
	_, err := w.exec(`insert into audit (`+auditColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		e.ID, ms(e.At), clean(e.Actor), e.App, e.Action, clean(e.Object), clean(e.Detail), clean(e.RequestID))
	return err
}

const auditColumns = `id, at, actor, app, action, object, detail, request_id`

// Audits returns a page of the audit log, newest first, and the cursor of the
// next one. Lines are never deleted.
func (s *Store) Audits(ctx context.Context, f wxnotify.AuditFilter) ([]wxnotify.AuditEntry, string, error) {
	sum := s.hashed("audit", f.App, f.Actor, f.Action, f.Object, fmt.Sprint(ms(f.Since)), fmt.Sprint(ms(f.Until)))
	before, err := s.openCursor(f.Cursor, sum)
	if err != nil {
		return nil, "", err
	}
	var q where
	q.add(` from audit where 1 = 1`)
	for _, c := range []struct{ column, value string }{
		{"app", f.App}, {"actor", f.Actor}, {"action", f.Action}, {"object", f.Object},
	} {
		if c.value != "" {
			q.and(c.column+` = ?`, c.value)
		}
	}
	if before != "" {
		q.and(`id < ?`, before)
	}
	if !f.Since.IsZero() {
		q.and(`at >= ?`, ms(f.Since))
	}
	if !f.Until.IsZero() {
		q.and(`at < ?`, ms(f.Until))
	}
	q.add(` order by id desc limit ?`, cmp.Or(f.Limit, 50)+1)
	var page []wxnotify.AuditEntry
	err = s.look(ctx, "list the audit log", func(ctx context.Context) error {
		return s.each(ctx, func(r scanner) error {
			var e wxnotify.AuditEntry
			var when int64
			err := r.Scan(&e.ID, &when, &e.Actor, &e.App, &e.Action, &e.Object, &e.Detail, &e.RequestID)
			e.At = at(when)
			page = append(page, e)
			return err
		}, `select `+auditColumns+q.b.String(), q.args...)
	})
	if err != nil {
		return nil, "", err
	}
	page, next := cut(s, page, f.Limit, sum, func(e wxnotify.AuditEntry) string { return e.ID })
	return page, next, nil
}
