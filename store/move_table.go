package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"golang.org/x/sync/errgroup"
)

// A table is what a move knows of one: its columns, and how far it came.
type table struct {
	name    string
	columns []string
	key     []string // of the primary key, in its order
	last    []any    // the key of the last row that was copied
	rows    int64
	done    bool
}

// movable are the types of columns that are the same thing in both databases.
var movable = []string{"text", "blob", "bytea", "integer", "bigint", "smallint", "real", "double precision"}

// tablesOf reads the schema: all tables but goose's and the note.
func tablesOf(ctx context.Context, b base) (all []*table, err error) {
	err = from(ctx, b.read())(func(r scanner) error {
		var name, column, kind string
		var place int
		if err := r.Scan(&name, &column, &kind, &place); err != nil {
			return err
		}
		if name == "goose_db_version" || name == noteTable {
			return nil
		}
		if !slices.Contains(movable, strings.ToLower(kind)) {
			return fmt.Errorf("column %s.%s is of type %s, which move does not know", name, column, kind)
		}
		if len(all) == 0 || all[len(all)-1].name != name {
			all = append(all, &table{name: name})
		}
		t := all[len(all)-1]
		t.columns = append(t.columns, column)
		if place > 0 {
			t.key = append(t.key, column)
		}
		return nil
	}, b.dialect().columns)
	for _, t := range all {
		if len(t.key) == 0 {
			return nil, fmt.Errorf("table %s has no primary key", t.name)
		}
	}
	return all, err
}

func countRows(ctx context.Context, b base, table string) (n int64, err error) {
	err = b.read().QueryRowContext(ctx, `select count(*) from `+table).Scan(&n)
	return n, err
}

// moveBite is how many rows are copied at once.
const moveBite = 2000

// page reads the next rows after last.
func (t *table) page(ctx context.Context, b base, last []any) (rows [][]any, next []any, err error) {
	var where string
	if last != nil {
		places := make([]string, len(t.key))
		for i := range places {
			places[i] = fmt.Sprintf("$%d", i+1)
		}
		where = fmt.Sprintf(" where (%s) > (%s)", list(t.key), strings.Join(places, ", "))
	}
	text := fmt.Sprintf("select %s from %s%s order by %s limit %d", list(t.columns), t.name, where, list(t.key), moveBite)
	err = from(ctx, b.read())(func(r scanner) error {
		row := make([]any, len(t.columns))
		dest := make([]any, len(row))
		for i := range row {
			dest[i] = &row[i]
		}
		if err := r.Scan(dest...); err != nil {
			return err
		}
		rows = append(rows, row)
		return nil
	}, text, last...)
	if err != nil || len(rows) == 0 {
		return nil, last, err
	}
	for _, k := range t.key {
		next = append(next, rows[len(rows)-1][slices.Index(t.columns, k)])
	}
	return rows, next, nil
}

// list writes names of columns, some of which are words of SQL.
func list(columns []string) string { return `"` + strings.Join(columns, `", "`) + `"` }

// copyTable copies what is left of a table.
func (m *Move) copyTable(ctx context.Context, t *table) error {
	for !t.done {
		rows, next, err := t.page(ctx, m.from, t.last)
		if err != nil {
			return err
		}
		if t.name == "keyring" {
			if err := m.rewrap(t, rows); err != nil {
				return err
			}
		}
		t.last, t.done = next, len(rows) < moveBite
		t.rows += int64(len(rows))
		if err := m.put(ctx, t, rows); err != nil {
			return err
		}
		m.moved += int64(len(rows))
		m.tell("copy", m.moved)
	}
	return nil
}

func (m *Move) tell(what string, done int64) {
	if m.Told != nil {
		m.Told(what, done, m.total)
	}
}

// rewrap seals the keys with the target's master key.
func (m *Move) rewrap(t *table, rows [][]any) error {
	if string(m.Master) == string(m.ToMaster) {
		return nil
	}
	old, err := masterSeal(m.Master)
	if err != nil {
		return err
	}
	fresh, err := masterSeal(m.ToMaster)
	if err != nil {
		return err
	}
	id, purpose, wrapped := slices.Index(t.columns, "id"), slices.Index(t.columns, "purpose"), slices.Index(t.columns, "wrapped")
	for _, r := range rows {
		name := r[id].(string) + r[purpose].(string)
		k, err := openWith(old, r[wrapped].([]byte), name)
		if err != nil {
			return err
		}
		r[wrapped] = sealWith(fresh, nil, k, name)
	}
	return nil
}

// put writes a bite and the note of it in one transaction.
func (m *Move) put(ctx context.Context, t *table, rows [][]any) error {
	note := `update ` + noteTable + ` set last = $1, rows = $2, done = $3 where name = $4`
	args := []any{t.before(), t.rows, int64(flag(t.done)), t.name}
	if b, ok := m.to.(*post); ok {
		return b.copyIn(ctx, t, rows, note, args)
	}
	places := make([]string, len(t.columns))
	for i := range places {
		places[i] = fmt.Sprintf("$%d", i+1)
	}
	insert := fmt.Sprintf("insert into %s (%s) values (%s)", t.name, list(t.columns), strings.Join(places, ", "))
	return writes(ctx, m.to, func(tx txn) error {
		for _, r := range rows {
			if _, err := tx.exec(ctx, insert, r); err != nil {
				return err
			}
		}
		_, err := tx.exec(ctx, note, args)
		return err
	})
}

// copyIn is put by PostgreSQL's COPY.
func (b *post) copyIn(ctx context.Context, t *table, rows [][]any, note string, args []any) error {
	conn, err := b.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(driver any) error {
		return pgx.BeginFunc(ctx, driver.(*stdlib.Conn).Conn(), func(tx pgx.Tx) error {
			if _, err := tx.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, pgx.CopyFromRows(rows)); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, note, args...)
			return err
		})
	})
}

// compare reads both sides of every table and wants them equal.
func (m *Move) compare(ctx context.Context) (all []MovedTable, err error) {
	if err := opensWith(ctx, m.to.read(), m.ToMaster); err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	done := int64(0)
	for _, t := range m.plan {
		var a, b checksum
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { return a.read(ctx, m.from, t, m, func(n int64) { m.tell("compare", done+n) }) })
		g.Go(func() error { return b.read(ctx, m.to, t, m, nil) })
		if err := g.Wait(); err != nil {
			return nil, fmt.Errorf("compare table %s: %w", t.name, err)
		}
		if a != b {
			return nil, fmt.Errorf("table %s has %d rows in the source and %d in the target, or other ones: the source was in use since the move began; run it again with --restart", t.name, a.rows, b.rows)
		}
		done += a.rows
		all = append(all, MovedTable{t.name, a.rows, fmt.Sprintf("%016x%016x", a.high, a.low)})
	}
	return all, nil
}

// A checksum is one of rows in any order: databases sort differently.
type checksum struct {
	rows      int64
	high, low uint64
}

func (c *checksum) read(ctx context.Context, b base, t *table, m *Move, told func(int64)) error {
	var last []any
	for {
		rows, next, err := t.page(ctx, b, last)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if t.name == "pause" && r[slices.Index(t.columns, "scope")] == "all" && m.halted[r[slices.Index(t.columns, "app")].(string)] {
				continue // the source has the move's own, whatever the target has
			}
			if t.name == "keyring" && string(m.Master) != string(m.ToMaster) {
				r[slices.Index(t.columns, "wrapped")] = nil // sealed anew, and it opened
			}
			if err := c.add(r); err != nil {
				return err
			}
		}
		if last = next; told != nil {
			told(c.rows)
		}
		if len(rows) < moveBite {
			return nil
		}
	}
}

var errValue = errors.New("a value of a kind that move does not know")

func (c *checksum) add(row []any) error {
	h := sha256.New()
	for _, v := range row {
		var kind byte
		var content []byte
		switch v := v.(type) {
		case nil:
		case string:
			kind, content = 't', []byte(v)
		case []byte:
			kind, content = 'b', v
		case int64:
			kind, content = 'i', binary.BigEndian.AppendUint64(nil, uint64(v))
		case float64:
			kind, content = 'f', binary.BigEndian.AppendUint64(nil, math.Float64bits(v))
		default:
			return errValue
		}
		h.Write([]byte{kind})
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(content))))
		h.Write(content)
	}
	sum := h.Sum(nil)
	c.rows++
	c.high += binary.BigEndian.Uint64(sum)
	c.low += binary.BigEndian.Uint64(sum[8:])
	return nil
}
