package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// A list of which no index has what the filter asks for ends when it has lasted
// long enough, and its cursor goes on there: nothing is left out, nothing comes
// twice, and a page may be short or empty.
func TestAListGoesOnWhereItEnded(t *testing.T) {
	t.Parallel()
	const n = 60
	rare := func(i int) bool { return i%11 == 0 }
	code := 0
	cases := map[string]struct {
		f   wxnotify.MessageFilter
		has func(i int) bool
	}{
		"template":             {wxnotify.MessageFilter{TemplateID: "RARE"}, rare},
		"template and its end": {wxnotify.MessageFilter{TemplateID: "RARE", Rested: true, Since: planTime.Add(-time.Hour), Until: planTime.Add(time.Hour)}, rare},
		"template and state":   {wxnotify.MessageFilter{TemplateID: "RARE", State: wxnotify.Failed}, rare},
		"open and template":    {wxnotify.MessageFilter{TemplateID: "RARE", Open: true}, rare},
		"template and group":   {wxnotify.MessageFilter{TemplateID: "RARE", Group: wxnotify.GroupLost}, rare},
		"template and errcode": {wxnotify.MessageFilter{TemplateID: "RARE", Errcode: &code}, rare},
		"template and user":    {wxnotify.MessageFilter{TemplateID: "RARE", To: user(0)}, func(i int) bool { return rare(i) && i%7 == 0 }},
		"template and meta":    {wxnotify.MessageFilter{TemplateID: "RARE", Meta: map[string]string{"shop": "1"}}, func(i int) bool { return rare(i) && i%2 == 1 }},
		"delivered":            {wxnotify.MessageFilter{State: wxnotify.Delivered}, func(int) bool { return false }},
	}
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		s := storetest.Open(t, db(t), nil)
		now := wxnotify.Now{Real: planTime, Virtual: planTime}
		apps := []string{planApp, "wx0000000000000002"}
		es := make([]wxnotify.Entry, n)
		for i := range es {
			m := queued(i)
			m.App, m.ID, m.Meta = apps[i%7%2], listID(i), map[string]string{"shop": fmt.Sprint(i % 2)}
			if rare(i) {
				m.TemplateID = "RARE"
			}
			es[i].Message = m
		}
		for _, app := range apps {
			if err := s.CreateApp(ctx, wxnotify.App{ID: app}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Accept(ctx, now, es); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Claim(ctx, now, time.Minute, []wxnotify.Want{{App: apps[0], N: n}, {App: apps[1], N: n}}); err != nil {
			t.Fatal(err) // there are no permits: all of them fail
		}
		for name, c := range cases {
			var want []string
			for i := n - 1; i >= 0; i-- {
				if c.has(i) {
					want = append(want, listID(i))
				}
			}
			for _, patient := range []bool{true, false} {
				store.Stride(s, 3, map[bool]time.Duration{true: time.Hour}[patient])
				f := c.f
				f.Limit = 2
				var got []string
				short := 0
				for {
					page, next, err := s.Messages(ctx, f)
					if err != nil || len(page) > 2 {
						t.Fatalf("%s: %d, %v", name, len(page), err)
					}
					for _, m := range page {
						got = append(got, m.ID)
					}
					if f.Cursor = next; next == "" {
						break
					}
					if len(page) < 2 {
						short++
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s, patient: %v: got %v, want %v", name, patient, got, want)
				}
				if (short > 0) == patient {
					t.Errorf("%s, patient: %v: %d pages were short", name, patient, short)
				}
				k, more, err := s.CountMessages(ctx, f, n)
				if err != nil || more == patient || k > len(want) || patient && k < len(want) {
					t.Errorf("%s, patient: %v: %d are counted, more: %v, %v", name, patient, k, more, err)
				}
			}
		}
	})
}

// So does a list of permits.
func TestAListOfPermitsGoesOnWhereItEnded(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		f    wxnotify.PermitFilter
		want int
	}{
		"source":   {wxnotify.PermitFilter{Source: wxnotify.Payment}, 9},
		"state":    {wxnotify.PermitFilter{State: wxnotify.PermitHeld}, 0},
		"channel":  {wxnotify.PermitFilter{Channel: wxnotify.ChannelTemplate, State: wxnotify.PermitFree}, 36},
		"template": {wxnotify.PermitFilter{TemplateID: "T", Usable: planTime}, 1},
	}
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		s := storetest.Open(t, db(t), nil)
		now := wxnotify.Now{Real: planTime, Virtual: planTime}
		if err := s.CreateApp(ctx, wxnotify.App{ID: planApp}); err != nil {
			t.Fatal(err)
		}
		ds := []wxnotify.Deposit{{App: planApp, To: user(0), Source: wxnotify.Subscribe, TemplateID: "T", Key: "one", GivenAt: planTime}}
		for i := range 30 {
			d := wxnotify.Deposit{App: planApp, To: user(i % 7), Source: wxnotify.Form, Code: fmt.Sprintf("form-%08d", i), GivenAt: planTime}
			if i%10 == 9 {
				d.Source, d.Code = wxnotify.Payment, fmt.Sprintf("wx20%016d", i) // which is good for three messages
			}
			ds = append(ds, d)
		}
		if _, err := s.Deposit(ctx, now, ds); err != nil {
			t.Fatal(err)
		}
		all := func(f wxnotify.PermitFilter) (ids []string, short int) {
			for f.Limit = 2; ; {
				page, next, err := s.Permits(ctx, f)
				if err != nil || len(page) > 2 {
					t.Fatal(len(page), err)
				}
				for _, p := range page {
					ids = append(ids, p.ID)
				}
				if f.Cursor = next; next == "" {
					return ids, short
				}
				if len(page) < 2 {
					short++
				}
			}
		}
		for name, c := range cases {
			store.Stride(s, 3, time.Hour)
			want, whole := all(c.f)
			store.Stride(s, 3, 0)
			got, short := all(c.f)
			if !slices.Equal(got, want) || len(want) != c.want || whole > 0 || short == 0 && c.want < 30 {
				t.Errorf("%s: got %v with %d short pages, want %v", name, got, short, want)
			}
		}
	})
}

// listID is the i-th id of planTime.
func listID(i int) string {
	u := uuid.UUID{6: 0x70, 8: 0x80, 15: byte(i)}
	for k := range 6 {
		u[k] = byte(planTime.UnixMilli() >> (40 - 8*k))
	}
	return wxnotify.EncodeID(wxnotify.MessagePrefix, u)
}
