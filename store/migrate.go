package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
)

//go:embed schema
var schema embed.FS

// migrate runs what is missing, forward only. The caller holds a lock.
func migrate(ctx context.Context, dialect goose.Dialect, db *sql.DB, dir string) error {
	files, err := fs.Sub(schema, "schema/"+dir)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(dialect, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// migrated says whether nothing is missing, with one look: it is the answer at
// every start but the first after an upgrade. A schema that is ahead is that of
// a newer node beside us; old columns stay for one release.
func migrated(ctx context.Context, db *sql.DB, dir string) bool {
	want, err := newest(dir)
	if err != nil {
		return false
	}
	have, err := version(ctx, db)
	return err == nil && have >= want
}

// newest is the number of the last migration of this build.
func newest(dir string) (int, error) {
	files, err := schema.ReadDir("schema/" + dir)
	if err != nil {
		return 0, err
	}
	last, _, _ := strings.Cut(files[len(files)-1].Name(), "_")
	return strconv.Atoi(last)
}

// version is the number of the last migration that the database has seen.
func version(ctx context.Context, db *sql.DB) (n int, err error) {
	err = db.QueryRowContext(ctx, `select coalesce(max(version_id), 0) from goose_db_version`).Scan(&n)
	return n, err
}

// SchemaSum is short, and another one after every change of the schema.
func SchemaSum() string {
	h := sha256.New()
	_ = fs.WalkDir(schema, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			b, _ := schema.ReadFile(name)
			fmt.Fprintln(h, name)
			h.Write(b)
		}
		return err
	})
	return hex.EncodeToString(h.Sum(nil)[:6])
}
