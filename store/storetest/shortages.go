package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
)

var shortages = map[string]func(*testing.T, Database){
	"a shortage is told once, until it is over": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		hook := w.listen(wxnotify.StockLow)
		stock := func(n int) {
			a := must(w.App(ctx, w.app))
			a.StockLow = n
			w.same(w.UpdateApp(ctx, a), nil)
		}
		made := 0
		forms := func(n int) {
			for range n {
				made++
				w.deposit(w.form(form(made)))
			}
		}
		told := func(want ...string) {
			w.Helper()
			w.pass(time.Minute)
			w.sweep()
			all, _, err := w.Notices(ctx, hook, "", 250, "")
			w.same(err, nil)
			var got []string
			for _, n := range slices.Backward(all) {
				got = append(got, string(n.Data))
			}
			w.same(got, want)
		}
		low := func(template string, free, threshold int) string {
			return fmt.Sprintf(`{"app":%q,"template_id":%s,"free":%d,"stock_low":%d}`, w.app, template, free, threshold)
		}
		const ofForms, ofPrompt = "null", `"` + prompt + `"`
		forms(3)
		told() // nobody asked
		stock(20)
		first := low(ofForms, 3, 20)
		told(first)
		told(first) // of what there never was nothing is told
		forms(18)   // 21: not a tenth above 20
		told(first)
		w.send()
		w.send()
		w.same(len(w.claim(2).Tries), 2) // 19, and no news
		told(first)
		forms(4) // 23: over
		told(first)
		w.deposit(wxnotify.Deposit{Source: wxnotify.Longterm, TemplateID: "LONG", GivenAt: w.now.Virtual}) // not used up
		told(first)
		w.report(acceptance("a", w.now.Virtual)) // another kind
		second := low(ofPrompt, 1, 20)
		told(first, second)
		w.jump(8 * 24 * time.Hour) // all forms have ended
		third := low(ofForms, 0, 20)
		told(first, second, third)
		stock(0) // nobody wants to know, and then again
		told(first, second, third)
		forms(1)
		stock(5)
		told(first, second, third, low(ofForms, 1, 5), low(ofPrompt, 1, 5))
		w.same(w.DeleteApp(ctx, w.app), nil)
		w.makeApp(w.app)
		stock(1)
		w.same(must(w.App(ctx, w.app)).StockLow, 1)
	},
}
