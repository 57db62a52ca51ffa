package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxnotify/wxnotify"
)

var audits = map[string]func(*testing.T, Database){
	"the audit log lists its lines newest first, page by page and filtered": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		var want []wxnotify.AuditEntry
		for i := range 5 {
			e := wxnotify.AuditEntry{
				ID: fmt.Sprintf("aud_%d", i), At: Noon.Add(time.Duration(i) * time.Minute), Actor: fmt.Sprintf("key_%d", i%2),
				App: w.app, Action: wxnotify.AuditAppChange, Object: w.app, Detail: "secret name", RequestID: "req_1",
			}
			if i == 4 {
				e.App, e.Action = "", wxnotify.AuditKeyCreate
			}
			w.same(w.Audit(ctx, e), nil)
			want = append([]wxnotify.AuditEntry{e}, want...)
		}
		list := func(f wxnotify.AuditFilter) (all []wxnotify.AuditEntry) {
			for {
				page, next, err := w.Audits(ctx, f)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, page...)
				if f.Cursor = next; next == "" {
					return all
				}
			}
		}
		for name, c := range map[string]struct {
			f    wxnotify.AuditFilter
			want []wxnotify.AuditEntry
		}{
			"all, two at a time": {wxnotify.AuditFilter{Limit: 2}, want},
			"of an app":          {wxnotify.AuditFilter{App: w.app}, want[1:]},
			"of an actor":        {wxnotify.AuditFilter{Actor: "key_1", Limit: 1}, []wxnotify.AuditEntry{want[1], want[3]}},
			"of an action":       {wxnotify.AuditFilter{Action: wxnotify.AuditKeyCreate}, want[:1]},
			"of a time":          {wxnotify.AuditFilter{Since: Noon.Add(time.Minute), Until: Noon.Add(3 * time.Minute)}, want[2:4]},
			"of nothing":         {wxnotify.AuditFilter{Object: "none"}, nil},
		} {
			if d := cmp.Diff(c.want, list(c.f)); d != "" {
				t.Errorf("%s (-want +got):\n%s", name, d)
			}
		}
		_, cursor, err := w.Audits(ctx, wxnotify.AuditFilter{Limit: 1})
		w.same(err, nil)
		_, _, err = w.Audits(ctx, wxnotify.AuditFilter{Limit: 1, App: w.app, Cursor: cursor})
		w.refused(err, wxnotify.CursorInvalid)
	},
	"a line of the audit log fits every database": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.same(w.Audit(ctx, wxnotify.AuditEntry{Actor: "console:a\x00b", Action: "x.y", Detail: strings.Repeat("长", 1000) + "\xff"}), nil)
		all, _, err := w.Audits(ctx, wxnotify.AuditFilter{})
		w.same(err, nil)
		w.same([]any{len(all), all[0].Actor, len(all[0].Detail) <= 1000, strings.HasPrefix(all[0].ID, wxnotify.AuditPrefix), all[0].At.IsZero()},
			[]any{1, "console:ab", true, true, false})
	},
}
