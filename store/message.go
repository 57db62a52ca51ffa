package store

import (
	"context"

	"github.com/wxnotify/wxnotify"
)

// Message returns a message with its content and attempts, or not_found. An
// app of "" stands for every app.
func (s *Store) Message(ctx context.Context, app, id string) (m wxnotify.Message, err error) {
	err = s.look(ctx, "read a message", func(ctx context.Context) error {
		where, args := ` from queue q`+itemTables+` where q.app = $1 and q.id = $2`, []any{app, id}
		if app == "" {
			where, args = ` from app a cross join queue q`+itemTables+` where q.app = a.app and q.id = $1 limit 1`, []any{id}
		}
		ms, err := s.readMessages(ctx, where, args...)
		if err == nil && len(ms) == 0 {
			return errNoMessage
		}
		if err == nil {
			m = ms[0]
		}
		return err
	})
	return m, err
}

// readMessages reads messages whole.
func (s *Store) readMessages(ctx context.Context, where string, args ...any) ([]wxnotify.Message, error) {
	var items []*item
	if err := s.each(ctx, func(r scanner) error {
		it, err := scanItem(r)
		items = append(items, it)
		return err
	}, `select `+itemColumns+where, args...); err != nil {
		return nil, err
	}
	attempts, err := s.readAttempts(ctx, items)
	if err != nil {
		return nil, err
	}
	list := make([]wxnotify.Message, len(items))
	for i, it := range items {
		if it.m.Body, err = s.unseal("message.body", it.m.App, it.m.ID, it.body); err != nil {
			return nil, err
		}
		it.m.Attempts = attempts[it.m.App+" "+it.m.ID]
		n := len(it.m.Attempts)
		switch {
		case it.took.finished > 0:
			it.m.Attempts = []wxnotify.Attempt{it.first()}
		case it.m.State == wxnotify.Sending && (n == 0 || it.m.Attempts[n-1].Number < it.number):
			it.m.Attempts = append(it.m.Attempts, it.flying())
		}
		list[i] = it.m
	}
	return list, nil
}

// readAttempts reads the attempts of messages whose own row is not enough.
func (s *Store) readAttempts(ctx context.Context, items []*item) (map[string][]wxnotify.Attempt, error) {
	var rows [][]string
	for _, it := range items {
		if it.number > 0 && it.took.finished == 0 {
			rows = append(rows, []string{it.m.App, it.m.ID})
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	all := map[string][]wxnotify.Attempt{}
	err := s.each(ctx, func(r scanner) error {
		var app, id string
		a, err := scanAttempt(r, "", &app, &id)
		a.ID = wxnotify.AttemptID(id, a.Number)
		all[app+" "+id] = append(all[app+" "+id], a)
		return err
	}, `select t.app, t.message, `+attemptColumns+` from `+s.base.dialect().unpack("$1", "app", "id")+` u
		cross join attempt t where t.app = u.app and t.message = u.id order by t.app, t.message, t.number`, pack(rows))
	return all, err
}
