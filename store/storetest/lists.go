package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
)

// all walks through a list in pages of n.
func (w *world) all(f wxnotify.MessageFilter, n int) (ids []string) {
	w.Helper()
	f.Limit = n
	for {
		page, next, err := w.Messages(ctx, f)
		if err != nil {
			w.Fatal(err)
		}
		for _, m := range page {
			ids = append(ids, m.ID)
		}
		if next == "" {
			return ids
		}
		f.Cursor = next
	}
}

// counted counts what a list holds, and checks that it is known whether that is
// all.
func (w *world) counted(f wxnotify.MessageFilter, most int) int {
	w.Helper()
	n, more, err := w.CountMessages(ctx, f, most)
	if err != nil || more != (n == most) {
		w.Errorf("%d are counted, more: %v, %v", n, more, err)
	}
	return n
}

var lists = map[string]func(*testing.T, Database){
	"lists are newest first, page by page, and filters hold": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.makeApp("wx0000000000000002")
		w.deposit(w.form(form(1)))
		var ids []string
		add := func(id string) { ids = append([]string{id}, ids...); w.pass(time.Second) }
		for i := range 7 {
			add(w.send(func(e *wxnotify.Entry) { e.Message.Meta = map[string]string{"order": fmt.Sprint(i % 2), "shop": "1"} }))
		}
		add(w.send(to(bob), wait))
		add(w.send(subscribe))
		add(w.send(func(e *wxnotify.Entry) { e.Message.SendAt = Noon.Add(time.Hour) }))
		add(w.send(of("wx0000000000000002")))
		w.settle(w.claim(20).Tries[0], ok)
		here := ids[1:]
		pick := func(is ...int) (out []string) {
			for _, i := range is {
				out = append(out, ids[i])
			}
			return out
		}
		for name, c := range map[string]struct {
			f    wxnotify.MessageFilter
			want []string
		}{
			"all":       {wxnotify.MessageFilter{}, ids},
			"app":       {wxnotify.MessageFilter{App: w.app}, here},
			"user":      {wxnotify.MessageFilter{App: w.app, To: bob}, pick(3)},
			"sent":      {wxnotify.MessageFilter{State: wxnotify.Sent}, pick(10)},
			"failed":    {wxnotify.MessageFilter{State: wxnotify.Failed}, pick(2, 4, 5, 6, 7, 8, 9)},
			"reason":    {wxnotify.MessageFilter{App: w.app, Reason: wxnotify.ReasonNoPermit}, pick(2, 4, 5, 6, 7, 8, 9)},
			"waiting":   {wxnotify.MessageFilter{State: wxnotify.Waiting}, pick(3)},
			"scheduled": {wxnotify.MessageFilter{App: w.app, State: wxnotify.Scheduled}, pick(1)},
			"queued":    {wxnotify.MessageFilter{State: wxnotify.Queued}, pick(0)},
			"channel":   {wxnotify.MessageFilter{App: w.app, Channel: wxnotify.ChannelSubscribe}, pick(2)},
			"template":  {wxnotify.MessageFilter{TemplateID: prompt}, pick(2)},
			"meta":      {wxnotify.MessageFilter{App: w.app, Meta: map[string]string{"order": "1"}}, pick(5, 7, 9)},
			"two metas": {wxnotify.MessageFilter{Meta: map[string]string{"order": "0", "shop": "1"}}, pick(4, 6, 8, 10)},
			"no meta":   {wxnotify.MessageFilter{Meta: map[string]string{"order": "0", "shop": "2"}}, nil},
			"mixed":     {wxnotify.MessageFilter{To: alice, State: wxnotify.Failed, Meta: map[string]string{"shop": "1"}, Since: Noon.Add(2 * time.Second)}, pick(4, 5, 6, 7, 8)},
			"since":     {wxnotify.MessageFilter{App: w.app, Since: Noon.Add(8 * time.Second)}, pick(1, 2)},
			"until":     {wxnotify.MessageFilter{App: w.app, Until: Noon.Add(2 * time.Second)}, pick(9, 10)},
		} {
			for _, n := range []int{1, 2, 3, 250} {
				if got := w.all(c.f, n); !slices.Equal(got, c.want) {
					t.Errorf("%s, %d a page: got %v, want %v", name, n, got, c.want)
				}
			}
		}
	},
	"what the sums count can be listed": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)), w.form(form(2)), w.form(form(3)))
		lost := w.send(to(bob))
		early, late := w.send(), w.send(wait)
		w.pass(90 * time.Second)
		claim := w.claim(10)
		w.settle(claim.Tries[0], busy)
		w.settle(claim.Tries[1], ok)
		w.pass(3 * time.Minute)
		w.settle(w.claim1(), ok)
		w.send() // and nothing becomes of it
		sums := w.series(wxnotify.SeriesFilter{From: Noon, To: Noon.Add(time.Hour), Step: time.Minute})
		minutes := 0
		for _, p := range sums {
			in := wxnotify.MessageFilter{Since: p.At, Until: p.At.Add(time.Minute)}
			rested := in
			rested.Rested = true
			all := int64(0)
			for e, n := range p.Ended {
				f := rested
				f.State, f.Reason = e.State, e.Reason
				w.same(int64(len(w.all(f, 1))), n)
				all += n
			}
			w.same(int64(len(w.all(rested, 2))), all)
			for g := range wxnotify.Groups {
				f := rested
				f.Group = g
				w.same(int64(len(w.all(f, 2))), p.Of(g))
			}
			for said, n := range p.Answers {
				f := in
				f.Answers = []string{said}
				w.same(int64(len(w.all(f, 2))), n)
				minutes++
			}
		}
		w.same(minutes, 3) // busy, taken, taken
		w.same(w.all(wxnotify.MessageFilter{Group: wxnotify.GroupTaken}, 1), []string{late, early})
		w.same(w.all(wxnotify.MessageFilter{Rested: true, Since: Noon, Until: Noon.Add(time.Hour)}, 1), []string{late, early, lost})
		w.same(len(w.all(wxnotify.MessageFilter{Answers: []string{"lost"}, Since: Noon, Until: Noon.Add(time.Hour)}, 1)), 0)
		w.same(w.all(wxnotify.MessageFilter{Answers: []string{"lost", "45011", "0"}, Since: Noon, Until: Noon.Add(time.Hour)}, 1), []string{late, early})
		w.same(len(w.all(wxnotify.MessageFilter{Group: wxnotify.GroupMoving}, 1)), 1)
	},
	"a list by what became of messages goes back as far as it has to": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		day := 24 * time.Hour
		far := func(days int) func(*wxnotify.Entry) {
			return func(e *wxnotify.Entry) {
				e.Message.SendAt = w.now.Virtual.Add(time.Duration(days) * day)
				e.Message.ExpiresAt = e.Message.SendAt.Add(wxnotify.Lasts)
			}
		}
		refused, oldest, never := w.send(far(29)), w.send(far(29)), w.send(far(200))
		w.pass(20 * day)
		old := w.send(far(9))
		w.pass(8 * day)
		gone := w.send(to(bob)) // it has no permit
		w.pass(time.Hour)
		w.claim(10)
		w.pass(day - time.Hour)
		w.deposit(w.form(form(1)), w.form(form(2)), w.form(form(3)), w.form(form(4)))
		fresh := w.send()
		w.pass(time.Second)
		claim := w.claim(10)
		w.same(len(claim.Tries), 4)
		for _, try := range claim.Tries {
			if try.Message.ID == refused {
				w.settle(try, badPage)
			} else {
				w.settle(try, ok)
			}
		}
		end := w.now.Virtual
		w.pass(3 * day)
		in := wxnotify.MessageFilter{App: w.app, Since: end.Add(-time.Minute), Until: end.Add(time.Minute)}
		for name, c := range map[string]struct {
			change func(*wxnotify.MessageFilter)
			want   []string
		}{
			"at rest":    {func(f *wxnotify.MessageFilter) { f.Rested = true }, []string{fresh, old, oldest, refused}},
			"taken":      {func(f *wxnotify.MessageFilter) { f.Rested, f.Group = true, wxnotify.GroupTaken }, []string{fresh, old, oldest}},
			"missed":     {func(f *wxnotify.MessageFilter) { f.Rested, f.Group = true, wxnotify.GroupMissed }, []string{refused}},
			"failed":     {func(f *wxnotify.MessageFilter) { f.Rested, f.State = true, wxnotify.Failed }, []string{refused}},
			"lost":       {func(f *wxnotify.MessageFilter) { f.Rested, f.Group = true, wxnotify.GroupLost }, nil},
			"answered":   {func(f *wxnotify.MessageFilter) { f.Answers = []string{"0"} }, []string{fresh, old, oldest}},
			"refused":    {func(f *wxnotify.MessageFilter) { f.Answers = []string{"41030", "40003"} }, []string{refused}},
			"any answer": {func(f *wxnotify.MessageFilter) { f.Answers = []string{"0", "41030", "lost"} }, []string{fresh, old, oldest, refused}},
			"under way":  {func(f *wxnotify.MessageFilter) { f.UnderWay = end }, []string{fresh, old, never, oldest, refused}},
			"then":       {func(f *wxnotify.MessageFilter) { f.UnderWay = end.Add(-day) }, []string{gone, old, never, oldest, refused}},
			"afterwards": {func(f *wxnotify.MessageFilter) { f.UnderWay = end.Add(day) }, []string{never}},
			"of alice":   {func(f *wxnotify.MessageFilter) { f.Rested, f.To = true, alice }, []string{fresh, old, oldest, refused}},
		} {
			f := in
			c.change(&f)
			for _, n := range []int{1, 2, 250} {
				if got := w.all(f, n); !slices.Equal(got, c.want) {
					t.Errorf("%s, %d a page: got %v, want %v", name, n, got, c.want)
				}
			}
			w.same(w.counted(f, 100), len(c.want))
		}
	},
	"permits and their holders are listed by the day of their end": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.makeApp("wx0000000000000002")
		day := func(n int) time.Time { return wxnotify.Day(Noon).Add(time.Duration(n) * 24 * time.Hour) }
		w.deposit(w.form(form(1)), wxnotify.Deposit{To: bob, Source: wxnotify.Form, Code: form(2), GivenAt: Noon.Add(-48 * time.Hour)},
			wxnotify.Deposit{Source: wxnotify.Payment, Code: prepay, GivenAt: Noon.Add(-24 * time.Hour)},
			wxnotify.Deposit{To: "oUserWhoSubscribed", Source: wxnotify.Subscribe, TemplateID: prompt, GivenAt: Noon})
		permits := func(n int) (out []string) {
			f := wxnotify.PermitFilter{EndsFrom: day(n), EndsTo: day(n + 1), Limit: 2}
			for {
				page, next, err := w.Permits(ctx, f)
				w.same(err, nil)
				for _, p := range page {
					out = append(out, p.To+" "+string(p.Source))
				}
				if f.Cursor = next; next == "" {
					return out
				}
			}
		}
		w.same(permits(7), []string{alice + " form"})
		w.same(permits(6), []string{alice + " payment", alice + " payment", alice + " payment"})
		w.same(permits(5), []string{bob + " form"})
		w.same(len(permits(4)), 0)
		lasting, _, err := w.Permits(ctx, wxnotify.PermitFilter{Lasting: true})
		w.same(err, nil)
		w.same(len(lasting), 1)
		holders := func(f wxnotify.HolderFilter) (out []string) {
			f.Limit = 1
			for {
				page, next, err := w.Holders(ctx, w.now, f)
				w.same(err, nil)
				for _, h := range page {
					out = append(out, fmt.Sprint(h.To, " ", h.N, " ", h.Ends.IsZero()))
				}
				if f.Cursor = next; next == "" {
					return out
				}
			}
		}
		all := holders(wxnotify.HolderFilter{})
		w.same(len(all), 3)
		w.same(holders(wxnotify.HolderFilter{App: w.app, EndsFrom: day(7), EndsTo: day(8)}), []string{alice + " 4 false"})
		w.same(holders(wxnotify.HolderFilter{EndsFrom: day(5), EndsTo: day(6)}), []string{bob + " 1 false"})
		w.same(holders(wxnotify.HolderFilter{Lasting: true}), []string{"oUserWhoSubscribed 1 true"})
		w.same(len(holders(wxnotify.HolderFilter{App: "wx0000000000000002"})), 0)
		h, err := w.Holding(ctx, w.now, "")
		w.same(err, nil)
		w.same(h.Leaving, []wxnotify.Leaving{{Ends: day(5), Users: 1}, {Ends: day(7), Users: 1}, {Users: 1}})
	},
	"a list carries content and attempts": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)))
		id := w.send()
		w.settle(w.claim1(), busy)
		w.claim1()
		page, _, err := w.Messages(ctx, wxnotify.MessageFilter{App: w.app})
		w.same(err, nil)
		w.same(page[0], w.message(id))
		w.same(len(page[0].Attempts), 2)
	},
	"pages stay in place while messages come in": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		var want []string
		for range 5 {
			want = append([]string{w.send()}, want...)
		}
		page, next, err := w.Messages(ctx, wxnotify.MessageFilter{App: w.app, Limit: 2})
		w.same(err, nil)
		got := []string{page[0].ID, page[1].ID}
		w.send()
		page, _, err = w.Messages(ctx, wxnotify.MessageFilter{App: w.app, Limit: 3, Cursor: next})
		w.same(err, nil)
		for _, m := range page {
			got = append(got, m.ID)
		}
		w.same(got, want)
	},
	"a cursor that is altered, or of another list, is refused": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.send()
		w.send()
		w.deposit(w.form(form(1)), w.form(form(2)))
		_, next, err := w.Messages(ctx, wxnotify.MessageFilter{App: w.app, Limit: 1})
		w.same(err, nil)
		_, permits, err := w.Permits(ctx, wxnotify.PermitFilter{App: w.app, Limit: 1})
		w.same(err, nil)
		altered := []byte(next)
		altered[10] ^= 1
		for name, f := range map[string]wxnotify.MessageFilter{
			"altered":        {App: w.app, Cursor: string(altered)},
			"longer":         {App: w.app, Cursor: next + "A"},
			"nonsense":       {App: w.app, Cursor: "%%%"},
			"another filter": {App: w.app, To: alice, Cursor: next},
			"another list":   {App: w.app, Cursor: permits},
		} {
			if _, _, err := w.Messages(ctx, f); wxnotify.CodeOf(err) != wxnotify.CursorInvalid {
				t.Errorf("%s: got %v", name, err)
			}
		}
		_, _, err = w.Permits(ctx, wxnotify.PermitFilter{App: w.app, Cursor: next})
		w.refused(err, wxnotify.CursorInvalid)
	},
	"permits are listed without their codes": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.deposit(w.form(form(1)))
		w.pass(time.Second)
		w.deposit(wxnotify.Deposit{Source: wxnotify.Payment, Code: prepay, GivenAt: Noon}, wxnotify.Deposit{To: bob, Source: wxnotify.Subscribe, TemplateID: prompt, GivenAt: Noon})
		id := w.send()
		try := w.claim1()
		count := func(f wxnotify.PermitFilter) (n int) {
			f.Limit = 2
			for {
				page, next, err := w.Permits(ctx, f)
				w.same(err, nil)
				n += len(page)
				if next == "" {
					return n
				}
				f.Cursor = next
			}
		}
		w.same(count(wxnotify.PermitFilter{}), 5)
		w.same(count(wxnotify.PermitFilter{App: w.app, To: alice}), 4)
		w.same(count(wxnotify.PermitFilter{App: w.app, Source: wxnotify.Payment}), 3)
		w.same(count(wxnotify.PermitFilter{App: w.app, To: alice, State: wxnotify.PermitFree}), 3)
		w.same(count(wxnotify.PermitFilter{Channel: wxnotify.ChannelSubscribe}), 1)
		w.same(count(wxnotify.PermitFilter{Channel: wxnotify.ChannelTemplate, State: wxnotify.PermitFree}), 3)
		w.same(count(wxnotify.PermitFilter{TemplateID: prompt}), 1)
		w.same(count(wxnotify.PermitFilter{State: wxnotify.PermitFree, Usable: Noon}), 4)
		w.same(count(wxnotify.PermitFilter{State: wxnotify.PermitFree, Usable: Noon.Add(7*24*time.Hour - wxnotify.Margin)}), 1)
		page, _, err := w.Permits(ctx, wxnotify.PermitFilter{App: w.app, State: wxnotify.PermitBound})
		w.same(err, nil)
		want := try.Permit
		want.Code, want.Message = "", id
		w.same(page, []wxnotify.Permit{want})
	},
}
