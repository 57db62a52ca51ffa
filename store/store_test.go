package store_test

import (
	"strings"
	"testing"

	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/store/storetest"
)

func TestASecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	dsn := storetest.SQLite(t)
	storetest.Open(t, dsn, nil)
	_, err := storetest.TryOpen(t, dsn, nil)
	if err == nil || !strings.Contains(err.Error(), "in use by another wxnotify process") {
		t.Errorf("got %v", err)
	}
}

func TestAnotherMasterKeyIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		dsn := db(t)
		s, err := storetest.TryOpen(t, dsn, nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = s.Close()
		_, err = storetest.TryOpen(t, dsn, func(o *store.Options) { o.MasterKey = make([]byte, 32) })
		if err == nil || !strings.Contains(err.Error(), "the master key does not belong") {
			t.Errorf("got %v", err)
		}
	})
}

// A database that is away when the server starts is an error, for whoever
// starts it again later, and no crash.
func TestAPostgreSQLThatIsAwayIsAnErrorAtOpen(t *testing.T) {
	t.Parallel()
	_, err := storetest.TryOpen(t, "postgres://wxnotify@127.0.0.1:1/postgres?sslmode=disable&connect_timeout=1", nil)
	if err == nil || !strings.Contains(err.Error(), "connect to the database") {
		t.Errorf("it opened, or says %v", err)
	}
}
