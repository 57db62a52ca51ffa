package store

import (
	"context"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
)

const webhookColumns = `id, app, url, topics, secret, old_secret, old_until, off, off_at, failing_since, created_at, updated_at`

func (s *Store) scanWebhook(r scanner) (h wxnotify.Webhook, err error) {
	var url, secret, old []byte
	var topics string
	var oldUntil, offAt, failing, created, updated int64
	if err := r.Scan(&h.ID, &h.App, &url, &topics, &secret, &old, &oldUntil, &h.Off, &offAt, &failing, &created, &updated); err != nil {
		return h, err
	}
	h.Topics = topicsOf(topics)
	h.OldUntil, h.OffAt, h.FailingSince, h.CreatedAt, h.UpdatedAt = at(oldUntil), at(offAt), at(failing), at(created), at(updated)
	plain, err := s.unsealSecret("webhook.url", h.ID, url)
	if err != nil {
		return h, err
	}
	h.URL = plain.Reveal()
	if h.Secret, err = s.unsealSecret("webhook.secret", h.ID, secret); err != nil {
		return h, err
	}
	h.OldSecret, err = s.unsealSecret("webhook.old_secret", h.ID, old)
	return h, err
}

func topicsOf(column string) (topics []wxnotify.Topic) {
	for t := range strings.FieldsSeq(column) {
		topics = append(topics, wxnotify.Topic(t))
	}
	return topics
}

func topicsText(topics []wxnotify.Topic) string {
	words := make([]string, len(topics))
	for i, t := range topics {
		words[i] = string(t)
	}
	return strings.Join(words, " ")
}

// sealURL: an address may hold a password, in its path or its query.
func (s *Store) sealURL(h *wxnotify.Webhook) []byte {
	return s.sealSecret("webhook.url", h.ID, wxnotify.NewSecret(h.URL))
}

// CreateWebhook keeps a webhook. Other nodes write events down for it within a
// second.
func (s *Store) CreateWebhook(ctx context.Context, h wxnotify.Webhook) error {
	defer s.ears.drop()
	return s.do(ctx, "create a webhook", doorLimit, func(w *work) error {
		_, err := w.exec(`insert into webhook (`+webhookColumns+`, hold) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0)`,
			h.ID, h.App, s.sealURL(&h), topicsText(h.Topics), s.sealSecret("webhook.secret", h.ID, h.Secret),
			s.sealSecret("webhook.old_secret", h.ID, h.OldSecret), ms(h.OldUntil), h.Off, ms(h.OffAt), ms(h.FailingSince), ms(h.CreatedAt), ms(h.UpdatedAt))
		return err
	})
}

// Webhooks returns all webhooks, the newest first.
func (s *Store) Webhooks(ctx context.Context) (hs []wxnotify.Webhook, err error) {
	err = s.look(ctx, "read webhooks", func(ctx context.Context) error {
		return s.each(ctx, func(r scanner) error {
			h, err := s.scanWebhook(r)
			hs = append(hs, h)
			return err
		}, `select `+webhookColumns+` from webhook order by id desc`)
	})
	return hs, err
}

// Webhook returns one, or not_found.
func (s *Store) Webhook(ctx context.Context, id string) (h wxnotify.Webhook, err error) {
	err = s.look(ctx, "read a webhook", func(ctx context.Context) error {
		found := false
		err := s.each(ctx, func(r scanner) (err error) {
			found = true
			h, err = s.scanWebhook(r)
			return err
		}, `select `+webhookColumns+` from webhook where id = $1`, id)
		if err == nil && !found {
			return errNoWebhook
		}
		return err
	})
	return h, err
}

var errNoWebhook = wxnotify.Refuse(wxnotify.NotFound, "there is no such webhook")

// UpdateWebhook writes address, topics, secrets and whether it is off. One that
// is on begins with a clean record.
func (s *Store) UpdateWebhook(ctx context.Context, h wxnotify.Webhook) error {
	err := s.do(ctx, "update a webhook", doorLimit, func(w *work) error {
		n, err := w.exec(`update webhook set url = $1, topics = $2, secret = $3, old_secret = $4, old_until = $5, off = $6, off_at = $7,
			failing_since = case when off <> '' then 0 else failing_since end, hold = 0, updated_at = $8 where id = $9`,
			s.sealURL(&h), topicsText(h.Topics), s.sealSecret("webhook.secret", h.ID, h.Secret), s.sealSecret("webhook.old_secret", h.ID, h.OldSecret),
			ms(h.OldUntil), h.Off, ms(h.OffAt), ms(h.UpdatedAt), h.ID)
		if err == nil && n == 0 {
			return errNoWebhook
		}
		return err
	})
	s.ears.drop()
	if err == nil {
		s.called([]string{h.ID})
	}
	return err
}

// DeleteWebhook forgets a webhook at once, and what is on its way to it with
// the next sweeps.
func (s *Store) DeleteWebhook(ctx context.Context, id string) error {
	defer s.ears.drop()
	return s.do(ctx, "delete a webhook", doorLimit, func(w *work) error {
		n, err := w.exec(`delete from webhook where id = $1`, id)
		if err == nil && n == 0 {
			return errNoWebhook
		}
		return err
	})
}

// Notices returns a page of what went, goes or is to go to a webhook, the
// newest first, and the cursor of the next one. A state of "" is every state.
func (s *Store) Notices(ctx context.Context, webhook string, state wxnotify.NoticeState, limit int, cursor string) (page []wxnotify.Notice, next string, err error) {
	sum := s.hashed("notices", webhook, string(state))
	before, err := s.openCursor(cursor, sum)
	if err != nil {
		return nil, "", err
	}
	var q where
	q.add(` where webhook = ?`, webhook)
	if before != "" {
		q.and(`id < ?`, before)
	}
	if state != "" {
		q.and(`state = '` + string(state) + `'`) // literal: the indexes are by it
	}
	q.add(` order by id desc limit ?`, limit+1)
	err = s.look(ctx, "list notices", func(ctx context.Context) error {
		return s.each(ctx, func(r scanner) error {
			n, err := scanNotice(r)
			page = append(page, n)
			return err
		}, `select `+noticeColumns+` from notice`+q.b.String(), q.args...)
	})
	if err != nil {
		return nil, "", err
	}
	page, next = cut(s, page, limit, sum, func(n wxnotify.Notice) string { return n.ID })
	return page, next, nil
}

const noticeColumns = `webhook, id, app, topic, data, state, due, tries, tried_at, took, status, fault, detail, answer, created_at, trace`

func scanNotice(r scanner, more ...any) (n wxnotify.Notice, err error) {
	var due, tried, took, created int64
	a := &n.Answer
	err = r.Scan(append([]any{&n.Webhook, &n.ID, &n.App, &n.Topic, &n.Data, &n.State, &due, &n.Tries, &tried, &took,
		&a.Status, &a.Fault, &a.Detail, &a.Body, &created, &n.Trace}, more...)...)
	n.Due, a.At, a.Took, n.CreatedAt = at(due), at(tried), time.Duration(took)*time.Millisecond, at(created)
	return n, err
}

// ResendNotice lets a notice be posted again at once, whatever became of it, or
// answers not_found. An attempt that is under way then counts no more: who asks
// may have its post already, and wants another one.
func (s *Store) ResendNotice(ctx context.Context, webhook, id string) (n wxnotify.Notice, err error) {
	err = s.do(ctx, "send a notice again", doorLimit, func(w *work) error {
		if _, err := w.exec(`update notice set state = 'pending', owner = '', due = $1, tries = 0 where webhook = $2 and id = $3`,
			nowMS(), webhook, id); err != nil {
			return err
		}
		found := false
		err := w.each(func(r scanner) (err error) {
			found = true
			n, err = scanNotice(r)
			return err
		}, `select `+noticeColumns+` from notice where webhook = $1 and id = $2`, webhook, id)
		if err == nil && !found {
			return wxnotify.Refuse(wxnotify.NotFound, "there is no such delivery")
		}
		return err
	})
	if err == nil {
		s.called([]string{webhook})
	}
	return n, err
}

// RecoverNotices lets what failed since a time be posted again, in bites. It
// says how many they were, and whether there may be more: ask again.
func (s *Store) RecoverNotices(ctx context.Context, webhook string, since time.Time) (n int, more bool, err error) {
	for range recoverBites {
		k := 0
		err = s.do(ctx, "recover notices", doorLimit, func(w *work) error {
			m, err := w.exec(`update notice set state = 'pending', due = $1, tries = 0 where webhook = $2 and id in (
				select id from notice where webhook = $3 and state = 'failed' and id >= $4 order by id limit $5)`,
				nowMS(), webhook, webhook, idAt(wxnotify.NoticePrefix, since), bite)
			k = int(m)
			return err
		})
		n += k
		if err != nil || k < bite {
			s.called([]string{webhook})
			return n, false, err
		}
	}
	s.called([]string{webhook})
	return n, true, nil
}

// recoverBites bounds what one call recovers.
const recoverBites = 20
