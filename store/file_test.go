//go:build !windows

package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wxnotify/wxnotify/store/storetest"
)

// A closed database can be copied: everything is in one file, and nobody else
// on the machine may read it.
func TestAClosedDatabaseIsOnePrivateFile(t *testing.T) {
	t.Parallel()
	dsn := storetest.SQLite(t)
	s, err := storetest.TryOpen(t, dsn, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := strings.TrimPrefix(dsn, "sqlite:")
	left, err := filepath.Glob(path + "-*")
	if err != nil || left != nil {
		t.Errorf("left beside the database: %v, %v", left, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 || info.Size() < 16<<10 {
		t.Errorf("the file has mode %v and %d bytes", info.Mode(), info.Size())
	}
}
