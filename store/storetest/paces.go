package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
)

// The rate of an app is kept by all who claim, together.
var paces = map[string]func(*testing.T, Database){
	"starts are evenly spread, and given out a little ahead": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.forms(120)
		var starts []time.Time
		claim := func(n int) (got int) {
			t.Helper()
			c := w.claimOf(wxnotify.Want{App: w.app, N: n, Rate: 10})
			for _, try := range c.Tries {
				starts = append(starts, try.Start)
			}
			if len(c.Tries) == 0 && !c.Paced[w.app].After(w.now.Real) {
				t.Errorf("nothing was claimed, and it is to be asked again %v", c.Paced[w.app].Sub(w.now.Real))
			}
			return len(c.Tries)
		}
		w.same([]int{claim(7), claim(100), claim(100)}, []int{7, 43, 0})
		w.pass(time.Second)
		w.same([]int{claim(100), claim(100)}, []int{10, 0})
		w.pass(time.Minute) // what nobody used does not pile up
		w.same([]int{claim(100), claim(100)}, []int{50, 0})
		for i := 1; i < len(starts); i++ {
			if d := starts[i].Sub(starts[i-1]); d < 100*time.Millisecond {
				t.Errorf("start %d is %v after the one before", i, d)
			}
		}
		w.same(starts[0], Noon.Local())
	},
	"another app's rate, and none at all, are another matter": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.forms(20)
		c := w.claimOf(wxnotify.Want{App: w.app, N: 5, Rate: 1}, wxnotify.Want{App: "wx0000000000000009", N: 5, Rate: 1})
		w.same(len(c.Tries), 5)
		c = w.claimOf(wxnotify.Want{App: w.app, N: 5})
		w.same([]any{len(c.Tries), c.Tries[0].Start.IsZero()}, []any{5, true})
	},
	"nodes that claim at once keep it together": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		w.forms(60)
		nodes := w.nodes(t, db)
		found := make(chan []time.Time)
		for _, n := range nodes {
			go func() {
				var mine []time.Time
				for range 60 {
					c, err := n.Claim(ctx, w.now, lease, []wxnotify.Want{{App: w.app, N: 4, Rate: 5}})
					if err != nil {
						t.Error(err)
					}
					for _, try := range c.Tries {
						mine = append(mine, try.Start)
					}
				}
				found <- mine
			}()
		}
		var all []time.Time
		for range nodes {
			all = append(all, <-found...)
		}
		slices.SortFunc(all, time.Time.Compare)
		w.same(len(all), 25) // five seconds of five
		for i := 1; i < len(all); i++ {
			if d := all[i].Sub(all[i-1]); d < 200*time.Millisecond {
				t.Errorf("two calls start within %v", d)
			}
		}
	},
}

// forms sends so many messages, each with a permit.
func (w *world) forms(n int) {
	w.Helper()
	for i := range n {
		w.deposit(w.form(form(i)))
		w.send()
	}
}
