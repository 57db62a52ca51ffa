package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// many is the table that takes more than one bite.
const many = "idem"

func rowsOf(table string) int {
	if table == many {
		return 4100
	}
	return 7
}

func raw(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	driver, path := "pgx", dsn
	if p, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		driver, path = "sqlite", p
	}
	db, err := sql.Open(driver, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Columns of every table, with a value for row i.
type maker map[string]map[string]func(i int) any

// schemaOf reads the tables and what may stand in them, in a way of its own.
func schemaOf(t *testing.T, dsn string) maker {
	t.Helper()
	q := `select c.relname, a.attname, format_type(a.atttypid, null), not a.attnotnull from pg_class c join pg_attribute a on a.attrelid = c.oid
		where c.relkind = 'r' and a.attnum > 0 and c.relnamespace = 'public'::regnamespace`
	if strings.HasPrefix(dsn, "sqlite:") {
		q = `select m.name, c.name, c.type, c."notnull" = 0 from sqlite_master m join pragma_table_info(m.name) c where m.type = 'table' and m.name not like 'sqlite_%'`
	}
	rows, err := raw(t, dsn).Query(q)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := maker{}
	for rows.Next() {
		var table, column, kind string
		var null bool
		if err := rows.Scan(&table, &column, &kind, &null); err != nil {
			t.Fatal(err)
		}
		if table == "goose_db_version" || table == "keyring" {
			continue
		}
		if all[table] == nil {
			all[table] = map[string]func(int) any{}
		}
		all[table][column] = func(i int) any { return value(strings.ToLower(kind), column, i, null) }
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if len(all) < 15 {
		t.Fatalf("only %d tables were found", len(all))
	}
	return all
}

func value(kind, column string, i int, null bool) any {
	switch {
	case null && i%3 == 1:
		return nil
	case kind == "text":
		return fmt.Sprintf("%s 张'\"\\ %d", column, i)
	case kind == "blob", kind == "bytea":
		return []byte{0, byte(i), byte(i >> 8), 255}
	case kind == "smallint":
		return int64(i)
	default: // sorts in other ways as text than as a number
		return int64(i) - 3
	}
}

// fill puts rows into every table.
func fill(t *testing.T, dsn string, all maker) {
	t.Helper()
	tx, err := raw(t, dsn).Begin()
	if err != nil {
		t.Fatal(err)
	}
	for table, columns := range all {
		names := slices.Sorted(maps.Keys(columns))
		places := make([]string, len(names))
		for i := range places {
			places[i] = fmt.Sprintf("$%d", i+1)
		}
		insert := fmt.Sprintf(`insert into %s ("%s") values (%s)`, table, strings.Join(names, `", "`), strings.Join(places, ", "))
		for i := range rowsOf(table) {
			args := make([]any, len(names))
			for k, n := range names {
				args[k] = columns[n](i)
			}
			if _, err := tx.Exec(insert, args...); err != nil {
				t.Fatalf("%s: %v", table, err)
			}
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// dump is all rows of all tables.
func dump(t *testing.T, dsn string, all maker) (out []string) {
	t.Helper()
	db := raw(t, dsn)
	for table, columns := range all {
		names := slices.Sorted(maps.Keys(columns))
		rows, err := db.Query(fmt.Sprintf(`select "%s" from %s`, strings.Join(names, `", "`), table))
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			values, dest := make([]any, len(names)), make([]any, len(names))
			for i := range values {
				dest[i] = &values[i]
			}
			if err := rows.Scan(dest...); err != nil {
				t.Fatal(err)
			}
			out = append(out, fmt.Sprintf("%s %#v", table, values))
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(out)
	return out
}

// A filled source, an empty target, and what the source held.
func ready(t *testing.T, source, target string) (m store.Move, all maker, want []string) {
	t.Helper()
	from := migratedBy(t, storetest.Databases[source])
	all = schemaOf(t, from)
	if _, err := raw(t, from).Exec(`delete from node`); err != nil {
		t.Fatal(err)
	}
	fill(t, from, all)
	want = dump(t, from, all)
	return store.Move{From: from, To: storetest.Databases[target](t), Master: storetest.MasterKey}, all, want
}

var ways = [][2]string{{"sqlite", "postgres"}, {"postgres", "sqlite"}, {"sqlite", "sqlite"}}

// Whatever a migration adds comes along: all tables and columns are filled, and
// compared without the help of what moved them.
func TestAMoveBringsEverything(t *testing.T) {
	t.Parallel()
	for _, way := range ways {
		t.Run(way[0]+" to "+way[1], func(t *testing.T) {
			t.Parallel()
			m, all, want := ready(t, way[0], way[1])
			fresh := make([]byte, 32)
			m.ToMaster = fresh
			moved, err := m.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, dump(t, m.To, all)); d != "" {
				t.Errorf("source and target (-source +target):\n%.2000s", d)
			}
			for _, x := range moved {
				if x.Name != "keyring" && x.Rows != int64(rowsOf(x.Name)) {
					t.Errorf("%s: %d rows were moved", x.Name, x.Rows)
				}
			}
			if len(moved) != len(all)+1 {
				t.Errorf("%d of %d tables were moved", len(moved), len(all)+1)
			}
			var paused int
			if err := raw(t, m.From).QueryRow(`select count(*) from pause where scope = 'all' and reason = 'operator'`).Scan(&paused); err != nil || paused != rowsOf("app") {
				t.Errorf("%d apps of the source are paused, %v", paused, err)
			}
			storetest.Open(t, m.To, func(o *store.Options) { o.MasterKey = fresh })
		})
	}
}

// A move that ends in the middle, at whichever of its steps, goes on where it
// was. Until it is done no server starts on the target.
func TestAMoveGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	both := ways[:2]
	if testing.Short() {
		both = ways[:1]
	}
	for _, way := range both {
		t.Run(way[0]+" to "+way[1], func(t *testing.T) {
			t.Parallel()
			m, all, want := ready(t, way[0], way[1])
			pause := way[1] == "sqlite"
			if !pause { // what was paused in the source stays so in the target, for its own reason
				if _, err := raw(t, m.From).Exec(`insert into pause select app, 'all', 'quota', '', 1, 2, 3 from app`); err != nil {
					t.Fatal(err)
				}
				want = dump(t, m.From, all)
			}
			steps := map[string]int{}
			for run := 1; ; run++ {
				ctx, stop := context.WithCancel(t.Context())
				step, last := 0, ""
				again := store.Move{From: m.From, To: m.To, Master: m.Master, Pause: pause, Told: func(what string, done, total int64) {
					if step++; step == run {
						last = what
						stop()
					}
					if what == "copy" && run > 1 && step == 1 && done <= 7 {
						t.Errorf("it began anew: %d of %d", done, total)
					}
				}}
				_, err := again.Run(ctx)
				stop()
				if err == nil {
					break
				}
				if last == "" {
					t.Fatalf("run %d, after %v: %v", run, steps, err)
				}
				steps[last]++
				_, err = storetest.TryOpen(t, m.To, nil)
				if err == nil || !strings.Contains(err.Error(), "a move into this database is not finished") {
					t.Errorf("a server on half a database: %v", err)
				}
			}
			if steps["copy"] < 3 || steps["compare"] < len(all)/2 || steps["finish"] != 1 {
				t.Errorf("it was interrupted at %v", steps)
			}
			if pause {
				r, err := raw(t, m.To).Exec(`delete from pause where scope = 'all' and detail = 'moved from another database'`)
				if err != nil {
					t.Fatal(err)
				}
				if n, err := r.RowsAffected(); err != nil || n != int64(rowsOf("app")) {
					t.Errorf("%d apps of the target are paused, %v", n, err)
				}
			}
			if d := cmp.Diff(want, dump(t, m.To, all)); d != "" {
				t.Errorf("source and target (-source +target):\n%.2000s", d)
			}
			storetest.Open(t, m.To, nil)
		})
	}
}

func TestWhatMoveRefuses(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		from := migratedBy(t, db)
		run := func(m store.Move) error {
			_, err := m.Run(t.Context())
			return err
		}
		wants := func(err error, want string) {
			t.Helper()
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
		}
		wants(run(store.Move{From: from, To: storetest.SQLite(t), Master: make([]byte, 32)}), "the master key does not belong")
		wants(run(store.Move{From: from, To: migratedBy(t, storetest.SQLite), Master: storetest.MasterKey}), "the target is not empty")
		wants(run(store.Move{From: storetest.SQLite(t), To: from, Master: storetest.MasterKey}), "there is no database")
		storetest.Open(t, from, nil)
		err := run(store.Move{From: from, To: storetest.SQLite(t), Master: storetest.MasterKey})
		if err == nil || !strings.Contains(err.Error(), "in use by another wxnotify process") && !strings.Contains(err.Error(), "runs on the source") {
			t.Errorf("beside a server: %v", err)
		}
	})
}

// A source that was in use between two halves of a move is found out.
func TestASourceThatChangedIsFoundOut(t *testing.T) {
	t.Parallel()
	m, all, _ := ready(t, "sqlite", "sqlite")
	ctx, stop := context.WithCancel(t.Context())
	m.Told = func(_ string, done, _ int64) {
		if done > 20 {
			stop()
		}
	}
	if _, err := m.Run(ctx); err == nil {
		t.Fatal("it was not interrupted")
	}
	if _, err := raw(t, m.From).Exec(`update app set name = 'changed'`); err != nil {
		t.Fatal(err)
	}
	again := store.Move{From: m.From, To: m.To, Master: m.Master}
	if _, err := again.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "table app has 7 rows in the source and 7 in the target, or other ones") {
		t.Fatalf("got %v", err)
	}
	want := dump(t, m.From, all)
	anew := store.Move{From: m.From, To: m.To, Master: m.Master, Restart: true}
	if _, err := anew.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, dump(t, m.To, all)); d != "" {
		t.Errorf("source and target (-source +target):\n%.2000s", d)
	}
}
