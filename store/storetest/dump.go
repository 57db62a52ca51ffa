package storetest

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver sqlite
)

// raw opens the database past the store.
func raw(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	driver, path := "pgx", dsn
	if p, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		driver, path = "sqlite", p+"?_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, path)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// tables are those of ours.
func tables(t testing.TB, db *sql.DB, dsn string) []string {
	t.Helper()
	q := `select tablename from pg_tables where schemaname = 'public' and tablename <> 'goose_db_version' order by tablename`
	if strings.HasPrefix(dsn, "sqlite:") {
		q = `select name from sqlite_master where type = 'table' and name not like 'sqlite_%' and name <> 'goose_db_version' order by name`
	}
	rows, err := db.Query(q)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var n string
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
		names = append(names, n)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return names
}

// dump is everything that is in the database, a line for each row.
func dump(t testing.TB, dsn string) []string {
	t.Helper()
	db := raw(t, dsn)
	defer db.Close()
	return dumpTables(t, db, tables(t, db, dsn))
}

func dumpTables(t testing.TB, db *sql.DB, names []string) []string {
	t.Helper()
	var lines []string
	for _, name := range names {
		rows, err := db.Query("select * from " + name)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, dumpRows(t, name, rows)...)
	}
	slices.Sort(lines)
	return lines
}

func dumpRows(t testing.TB, name string, rows *sql.Rows) (lines []string) {
	t.Helper()
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		b.WriteString(name)
		for i, v := range values {
			fmt.Fprintf(&b, " %s=%s", columns[i], plain(*v.(*any)))
		}
		lines = append(lines, b.String())
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

func plain(v any) string {
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return fmt.Sprint(v)
}
