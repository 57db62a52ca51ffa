package store_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// Tables that name a person. Erasure has to go through each of them: see
// erase.go, and the store's contract, which looks for the openid everywhere.
var naming = []string{"erasure", "event", "message", "notice", "permit", "queue", "session", "word"}

// Columns of bytes that are sealed and stay for years are sealed anew by a new
// master key (see rotate.go); these go by themselves, or are no seals.
var passing = []string{
	"carrier.body", "console_session.data", "erasure.openid", "idem.fingerprint", "keyring.wrapped", "message.body", "permit.code",
	"session.session_key", "token.dead",
}

func TestNoTableIsForgottenByErasureAndRotation(t *testing.T) {
	t.Parallel()
	names := described(t, "sqlite", strings.TrimPrefix(migratedBy(t, storetest.SQLite), "sqlite:"),
		`select m.name || '.' || c.name || ' ' || lower(c.type) from sqlite_master m join pragma_table_info(m.name) c where m.type = 'table' and m.name not like 'sqlite_%'`)
	lasting, found := store.Lasting(), 0
	for _, n := range names {
		column, kind, _ := strings.Cut(n, " ")
		table, name, _ := strings.Cut(column, ".")
		if name == "openid" && !slices.Contains(naming, table) {
			t.Errorf("%s names persons: erase.go has to go through it, and this list has to know it", table)
		}
		if kind == "blob" && !slices.Contains(passing, column) && !slices.Contains(lasting, column) {
			t.Errorf("%s holds bytes: either rotate.go seals it anew, or this list says why not", column)
		}
		if slices.Contains(lasting, column) {
			found++
		}
	}
	if found != len(lasting) {
		t.Errorf("rotate.go names columns that are not there: %v", lasting)
	}
}
