package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
)

var consoles = map[string]func(*testing.T, Database){
	"what failed is open, grouped by cause, until somebody saw to it": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		var none []string
		for range 3 {
			none = append(none, w.send(to(bob))) // no permit
		}
		w.deposit(w.form(form(1)), w.form(form(2)))
		bad := w.send()
		w.settle(w.claim(20).Tries[0], refusal(47003, wxnotify.Verdict{Do: wxnotify.Fail, Reason: wxnotify.ReasonData}))
		groups := must(w.Causes(ctx, "", 100))
		w.same(len(groups), 2)
		w.same(groups[0].Reason, wxnotify.ReasonNoPermit)
		w.same([]int{groups[0].Messages, groups[0].Users}, []int{3, 1})
		w.same(groups[1].Reason, wxnotify.ReasonData)
		w.same([]int{groups[1].Messages, groups[1].Errcode}, []int{1, 47003})
		w.same(groups[1].First, bad)
		w.same(must(w.CountOpen(ctx, w.app, 100)), 4)
		w.same(must(w.CountOpen(ctx, w.app, 2)), 2)
		slices.Reverse(none)
		open := wxnotify.MessageFilter{State: wxnotify.Failed, Open: true, Reason: wxnotify.ReasonNoPermit}
		w.same(w.all(open, 2), none)
		code := 47003
		w.same(w.all(wxnotify.MessageFilter{Errcode: &code}, 2), []string{bad})
		code = 0
		w.same(w.all(wxnotify.MessageFilter{Errcode: &code, Open: true}, 2), none)
		w.same(len(w.all(wxnotify.MessageFilter{Open: true}, 3)), 4)

		w.same(must(w.IsOpen(ctx, w.app, none[0])), true)
		w.same(must(w.Handle(ctx, w.app, none[:2], false)), 2)
		w.same(must(w.IsOpen(ctx, w.app, none[0])), false)
		w.same(must(w.Handle(ctx, w.app, none[:2], false)), 0)
		w.same(w.all(open, 5), none[2:])
		w.same(must(w.Handle(ctx, w.app, none[:1], true)), 1)
		w.same(must(w.CountOpen(ctx, "", 100)), 3)
		w.same(len(must(w.Causes(ctx, "wx0000000000000009", 100))), 0)
	},
	"a count stops where it is told to": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		for range 5 {
			w.send(wait, to(bob))
		}
		for most, want := range map[int]int{3: 3, 5: 5, 100: 5} {
			w.same(w.counted(wxnotify.MessageFilter{To: bob}, most), want)
			w.same(w.counted(wxnotify.MessageFilter{App: w.app, State: wxnotify.Queued}, most), want)
		}
		w.same(w.counted(wxnotify.MessageFilter{To: alice}, 10), 0)
	},
	"names of meta are told, each once": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		for _, name := range []string{"order", "shop", "order", "订单"} {
			w.send(func(e *wxnotify.Entry) { e.Message.Meta = map[string]string{name: "1"} })
		}
		names := must(w.MetaNames(ctx, "", 10))
		slices.Sort(names)
		w.same(names, []string{"order", "shop", "订单"})
		w.same(len(must(w.MetaNames(ctx, w.app, 2))), 2)
	},
	"users of the console, and their sessions": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		u := wxnotify.ConsoleUser{Name: "ann", Role: wxnotify.Operator, Password: wxnotify.NewSecret("hash"), CreatedAt: Noon}
		w.same(w.PutConsoleUser(ctx, u), nil)
		w.same(must(w.ConsoleUser(ctx, "ann")), u)
		u.Role, u.SeenAt = wxnotify.Viewer, Noon.Add(time.Hour)
		w.same(w.PutConsoleUser(ctx, u), nil)
		w.same(must(w.ConsoleUsers(ctx)), []wxnotify.ConsoleUser{u})
		w.same(w.DeleteConsoleUser(ctx, "ann"), nil)
		w.refused(w.DeleteConsoleUser(ctx, "ann"), wxnotify.NotFound)
		_, err := w.ConsoleUser(ctx, "ann")
		w.refused(err, wxnotify.NotFound)

		w.same(w.PutConsoleSession(ctx, "h", []byte("1"), Noon, Noon.Add(time.Hour)), nil)
		w.same(w.PutConsoleSession(ctx, "h", []byte("2"), Noon, Noon.Add(time.Hour)), nil)
		data, found, err := w.ConsoleSession(ctx, "h", Noon)
		w.same([]any{string(data), found, err}, []any{"2", true, error(nil)})
		_, found, err = w.ConsoleSession(ctx, "h", Noon.Add(time.Hour))
		w.same([]any{found, err}, []any{false, error(nil)})
		w.same(w.DeleteConsoleSession(ctx, "h"), nil)
		w.same(w.DeleteConsoleSession(ctx, "h"), nil)
	},
	"a link into the console is good once, and for its time": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		hash, other := wxnotify.KeyHash("a"), wxnotify.KeyHash("b")
		u := wxnotify.ConsoleUser{Name: "ann", Role: wxnotify.Admin, CreatedAt: Noon}
		w.same(w.CreateConsoleLink(ctx, hash, "setup", Noon, Noon.Add(time.Hour)), nil)
		w.same(w.CreateConsoleLink(ctx, other, "setup", Noon, Noon.Add(2*time.Hour)), nil)
		w.same(must(w.HasConsoleLink(ctx, hash, "setup", Noon)), true)
		w.same(must(w.HasConsoleLink(ctx, hash, "enter", Noon)), false)
		w.same(must(w.UseConsoleLink(ctx, hash, "setup", Noon.Add(time.Hour), &u)), false)
		w.same(len(must(w.ConsoleUsers(ctx))), 0)
		w.same(must(w.UseConsoleLink(ctx, hash, "setup", Noon, &u)), true)
		w.same(must(w.ConsoleUsers(ctx)), []wxnotify.ConsoleUser{u})
		w.same(must(w.HasConsoleLink(ctx, other, "setup", Noon)), false)
		w.same(w.CreateConsoleLink(ctx, hash, "enter", Noon, Noon.Add(time.Hour)), nil)
		w.same(must(w.UseConsoleLink(ctx, hash, "enter", Noon, nil)), true)
		w.same(must(w.UseConsoleLink(ctx, hash, "enter", Noon, nil)), false)
	},
}
