package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// takeUp makes the note in an empty target, or reads it where a move was
// interrupted.
func (m *Move) takeUp(ctx context.Context) error {
	half, err := unfinished(ctx, m.to)
	if err != nil {
		return err
	}
	id, err := identity(ctx, m.from)
	if err != nil {
		return err
	}
	if !half {
		if err := m.wantEmpty(ctx); err != nil {
			return err
		}
		return m.makeNote(ctx, id, false)
	}
	if m.Restart {
		return m.makeNote(ctx, id, true)
	}
	return m.readNote(ctx, id)
}

// identity tells databases apart: the id of the key of its hashes, which is
// made once and stays.
func identity(ctx context.Context, b base) (id string, err error) {
	err = b.read().QueryRowContext(ctx, `select coalesce(min(id), '') from keyring where purpose = 'hash'`).Scan(&id)
	if err == nil && id == "" {
		err = errors.New("there is nothing to move: no server was ever started on the source")
	}
	return id, err
}

func (m *Move) wantEmpty(ctx context.Context) error {
	for _, t := range m.plan {
		n, err := countRows(ctx, m.to, t.name)
		if err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("the target is not empty: table %s has %d rows; name a new database", t.name, n)
		}
	}
	return nil
}

// makeNote begins: nothing is copied yet. anew empties what an earlier run
// left.
func (m *Move) makeNote(ctx context.Context, id string, anew bool) error {
	return writes(ctx, m.to, func(tx txn) error {
		texts := []string{`create table ` + noteTable + ` (source text not null, name text not null primary key, last text not null, rows bigint not null, done bigint not null)`}
		if anew {
			texts = append([]string{`drop table ` + noteTable}, texts...)
			for _, t := range m.plan {
				texts = append(texts, `delete from `+t.name)
			}
		}
		for _, text := range texts {
			if _, err := tx.exec(ctx, text, nil); err != nil {
				return err
			}
		}
		for _, t := range m.plan {
			if _, err := tx.exec(ctx, `insert into `+noteTable+` (source, name, last, rows, done) values ($1, $2, '', 0, 0)`, []any{id, t.name}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (m *Move) readNote(ctx context.Context, id string) error {
	byName := map[string]*table{}
	for _, t := range m.plan {
		byName[t.name] = t
	}
	seen := 0
	err := from(ctx, m.to.read())(func(r scanner) error {
		var source, name, last string
		var rows, done int64
		if err := r.Scan(&source, &name, &last, &rows, &done); err != nil {
			return err
		}
		t := byName[name]
		if t == nil {
			return fmt.Errorf("the unfinished move in the target knows a table %s that is not in the source", name)
		}
		if source != id {
			return errors.New("the target holds an unfinished move from another database; name a new database, or begin anew with --restart")
		}
		seen++
		t.rows, t.done = rows, done == 1
		m.moved += rows
		return t.after(last)
	}, `select source, name, last, rows, done from `+noteTable)
	if err == nil && seen != len(m.plan) {
		err = errors.New("the unfinished move in the target is of another version of wxnotify; begin anew with --restart")
	}
	return err
}

// A key is a value of a primary key as the note keeps it.
type key struct {
	Text  *string `json:"t,omitempty"`
	Int   *int64  `json:"i,omitempty"`
	Bytes []byte  `json:"b,omitempty"`
}

// before writes how far a table was copied.
func (t *table) before() string {
	if t.last == nil {
		return ""
	}
	keys := make([]key, len(t.last))
	for i, v := range t.last {
		switch v := v.(type) {
		case string:
			keys[i].Text = &v
		case int64:
			keys[i].Int = &v
		case []byte:
			keys[i].Bytes = v
		}
	}
	b, err := json.Marshal(keys)
	if err != nil {
		panic(err) // texts and numbers
	}
	return string(b)
}

// after reads it.
func (t *table) after(text string) error {
	t.last = nil
	if text == "" {
		return nil
	}
	var keys []key
	if err := json.Unmarshal([]byte(text), &keys); err != nil || len(keys) != len(t.key) {
		return errors.New("the note of the unfinished move cannot be read; begin anew with --restart")
	}
	for _, k := range keys {
		switch {
		case k.Text != nil:
			t.last = append(t.last, *k.Text)
		case k.Int != nil:
			t.last = append(t.last, *k.Int)
		default:
			t.last = append(t.last, k.Bytes)
		}
	}
	return nil
}
