package store_test

import (
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"

	"github.com/wxnotify/wxnotify/store/storetest"
)

func TestBothSchemasHaveTheSameTablesColumnsAndIndexes(t *testing.T) {
	t.Parallel()
	names := func(dir string) (out []string) {
		files, err := os.ReadDir("schema/" + dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			out = append(out, f.Name())
		}
		return out
	}
	if d := cmp.Diff(names("sqlite"), names("postgres")); d != "" {
		t.Errorf("migrations (-sqlite +postgres):\n%s", d)
	}
	lite := described(t, "sqlite", strings.TrimPrefix(migratedBy(t, storetest.SQLite), "sqlite:"),
		`select m.name || '.' || c.name from sqlite_master m join pragma_table_info(m.name) c where m.type = 'table' and m.name not like 'sqlite_%'`,
		`select 'index ' || tbl_name || '.' || name from sqlite_master where type = 'index' and sql is not null`)
	post := described(t, "pgx", migratedBy(t, storetest.Postgres),
		`select table_name || '.' || column_name from information_schema.columns where table_schema = 'public'`,
		`select 'index ' || tablename || '.' || indexname from pg_indexes where schemaname = 'public' and indexname not like '%_pkey' and indexname not like '%_key'`)
	if d := cmp.Diff(lite, post); d != "" {
		t.Errorf("tables (-sqlite +postgres):\n%s", d)
	}
	if len(lite) < 100 {
		t.Errorf("only %d names were found", len(lite))
	}
}

func migratedBy(t *testing.T, db storetest.Database) string {
	t.Helper()
	dsn := db(t)
	s, err := storetest.TryOpen(t, dsn, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dsn
}

func described(t *testing.T, driver, dsn string, queries ...string) (names []string) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, q := range queries {
		rows, err := db.Query(q)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var n string
			if err := rows.Scan(&n); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(n, "goose_db_version") {
				names = append(names, fmt.Sprint(n))
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(names)
	return names
}
