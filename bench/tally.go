package bench

import (
	"fmt"
	"net/http"
)

// A tally holds the cards against what was sent. Messages are numbered; the
// number is the text of keyword1.
type tally struct {
	next  int             // the next message's number
	cards int             // the last card that was looked at
	forms map[string]bool // used
}

// numbers takes n numbers.
func (t *tally) numbers(n int) (first int) {
	first = t.next
	t.next += n
	return first
}

// check reads the cards that came since the last check: each of n messages
// from first on once, and every form_id a new one.
func (w *world) check(first, n int) error {
	t := &w.ledger
	seen := make([]bool, n)
	for left := n; left > 0; {
		var page struct {
			Data []struct {
				Seq    int    `json:"seq"`
				FormID string `json:"form_id"`
				Rows   []struct {
					Value string `json:"value"`
				} `json:"rows"`
			} `json:"data"`
		}
		if err := w.phone(http.MethodGet, fmt.Sprintf("cards?after=%d&limit=%d", t.cards, min(left, 10_000)), nil, &page); err != nil {
			return err
		}
		if len(page.Data) == 0 {
			return fmt.Errorf("%d of %d messages did not arrive", left, n)
		}
		for _, c := range page.Data {
			var number int
			if _, err := fmt.Sscanf(c.Rows[0].Value, "#%d", &number); err != nil || number < first || number >= first+n {
				return fmt.Errorf("a card that was not sent: %q", c.Rows[0].Value)
			}
			if seen[number-first] {
				return fmt.Errorf("message #%d arrived twice", number)
			}
			if t.forms[c.FormID] {
				return fmt.Errorf("a form_id was used twice")
			}
			seen[number-first], t.forms[c.FormID] = true, true
			t.cards = c.Seq
			left--
		}
	}
	return nil
}
