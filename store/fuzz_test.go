package store_test

import (
	"testing"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// A cursor opens the list that made it, with its filter, and nothing else does.
func FuzzCursor(f *testing.F) {
	s := storetest.Open(f, storetest.SQLite(f), nil)
	if err := s.CreateApp(ctx, wxnotify.App{ID: planApp}); err != nil {
		f.Fatal(err)
	}
	for range 2 {
		if err := s.Audit(ctx, wxnotify.AuditEntry{Actor: "key_1", App: planApp, Action: wxnotify.AuditAppChange, Object: planApp}); err != nil {
			f.Fatal(err)
		}
	}
	_, made, err := s.Audits(ctx, wxnotify.AuditFilter{Limit: 1})
	if err != nil || made == "" {
		f.Fatalf("no cursor: %v", err)
	}
	for _, c := range []string{made, "", made + "A", made[:len(made)-1], "AAAA", "Lg", "a.b", "\xff", made + "\n"} {
		f.Add(c)
	}
	now := wxnotify.Now{Real: planTime, Virtual: planTime}
	f.Fuzz(func(t *testing.T, c string) {
		for name, list := range lists(s, now, c) {
			switch err := list(); {
			case err != nil && wxnotify.CodeOf(err) != wxnotify.CursorInvalid:
				t.Errorf("%s: %v", name, err)
			case err == nil && c != "" && (c != made || name != "audit"):
				t.Errorf("%s takes %q for its own", name, c)
			}
		}
	})
}

// lists are all that go page by page, each from this cursor.
func lists(s *store.Store, now wxnotify.Now, c string) map[string]func() error {
	return map[string]func() error{
		"audit": func() error { _, _, err := s.Audits(ctx, wxnotify.AuditFilter{Limit: 1, Cursor: c}); return err },
		"audit of somebody": func() error {
			_, _, err := s.Audits(ctx, wxnotify.AuditFilter{Actor: "key_1", Limit: 1, Cursor: c})
			return err
		},
		"messages": func() error {
			_, _, err := s.Messages(ctx, wxnotify.MessageFilter{App: planApp, Cursor: c})
			return err
		},
		"permits": func() error { _, _, err := s.Permits(ctx, wxnotify.PermitFilter{App: planApp, Cursor: c}); return err },
		"holders": func() error {
			_, _, err := s.Holders(ctx, now, wxnotify.HolderFilter{App: planApp, Cursor: c})
			return err
		},
		"notices": func() error { _, _, err := s.Notices(ctx, "whk_1", "", 1, c); return err },
	}
}
