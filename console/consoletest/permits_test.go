package consoletest

import (
	"fmt"
	"testing"

	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
)

// Who can still be reached, how long, and what became of what they gave; and a
// person who wants to be forgotten.
func TestWhoCanBeReached(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.midnight() // so that no day ends meanwhile
	w.furnish()
	b := w.open(look{path: "/console/permits?lang=en"})
	for number, want := range map[string]string{"source_form": "3", "source_payment": "2", "source_subscribe": "1", "source_longterm": "1", "reachable_users": "3"} {
		b.shows("#n-"+number+" > b", want)
	}
	b.until("both plots are drawn", `document.querySelectorAll('[data-plot] canvas').length === 2`)

	// From the bar of what ends in a week to the permits in it.
	b.over("#plot-stock", "(7 + .6) / 9", .95)
	b.shows("#plot-stock .tip", "form_id3")
	b.press()
	b.at("/console/permits?state=free")
	b.until("three forms", `document.querySelectorAll('#main tbody tr').length === 3 && location.search.includes('source=form')`)

	// And from the users who never run out to the one there is.
	b.to("/console/permits")
	b.over("#plot-leaving", "(8 + .6) / 9", .95)
	b.press()
	b.at("/console/users?ends=never")
	b.until("who subscribed", `document.querySelectorAll('#main tbody tr').length === 2`)
	b.to("/console/users?ends=")
	b.until("all three", `document.querySelectorAll('#main tbody tr').length === 3`)

	// An account: four came in by one act each, two went out, two are left.
	b.click(fmt.Sprintf(`#main a[href^="/console/users/%s"]`, li))
	b.at("/console/users/" + li)
	sums := eval[[]int](b, `[...document.querySelectorAll('#account tbody tr')].reduce(([n, plus, minus], r) => [n + 1, plus + (+r.cells[3].textContent), minus + (+r.cells[4].textContent)], [0, 0, 0])`)
	if len(sums) != 3 || sums[1] != 4 || sums[2] != -2 {
		t.Errorf("the account has %v lines, in and out", sums)
	}
	b.shows("#account tbody tr td:nth-child(6)", "2")
	b.click("#account tbody a")
	b.at("/console/messages/msg_")

	b.to("/console/users/" + li + "?app=" + sandbox.FirstAppID)
	b.fill("[name=openid]", li)
	b.click(".btn.danger")
	b.shows("#ask[open]", "cannot be undone")
	b.click("#ask .p")
	b.at("/console/users/erased_")
	b.shows(".ban.ok", "24 hours")
	w.until("nobody of that name", func() bool {
		stock, err := w.User(w.Context(), "", li)
		w.must(err)
		return !stock.Reachable && w.of(li) == 0
	})
}

// of counts a user's messages.
func (w *world) of(openid string) (n int) {
	w.Helper()
	for _, err := range w.Messages(w.Context(), client.MessageFilter{To: openid}) {
		w.must(err)
		n++
	}
	return n
}
