package console

import (
	"fmt"
	"testing"
)

// Whoever is held back cannot wash that away by trying with ever other names,
// nor take the tries of others.
func TestTheThrottleIsNotWashedAway(t *testing.T) {
	t.Parallel()
	tries := newThrottle()
	allowed := func(address string, n int, name func(int) string) (m int) {
		for i := range n {
			if tries.take(address, name(i)) {
				m++
			}
		}
		return m
	}
	other := func(i int) string { return fmt.Sprint("user", i) }
	if n := allowed("203.0.113.9", 3*triesOfAddress, other); n < triesOfAddress || n > triesOfAddress+1 {
		t.Errorf("an address has %d tries, not %d", n, triesOfAddress)
	}
	if n := allowed("203.0.113.9", 25_000, other); n > 1 {
		t.Errorf("after 25,000 names it has %d more", n)
	}
	ann := func(int) string { return "ann" }
	if n := allowed("203.0.113.9", 100, ann); n > 1 {
		t.Errorf("it tries ann %d times", n)
	}
	if n := allowed("203.0.113.10", 1, ann); n != 1 {
		t.Error("ann is locked out by somebody who was held back")
	}
	n := 0
	for i := range 10 * triesOfName { // from as many addresses
		n += allowed(fmt.Sprint("198.51.100.", i), 1, ann)
	}
	if n > triesOfName {
		t.Errorf("a name has %d tries, not %d", n, triesOfName)
	}
}
