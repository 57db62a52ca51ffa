package bench

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// A bar says on one line what is being measured and how far it is.
type bar struct {
	w     io.Writer // nil: none
	n, of int
	began time.Time
}

func newBar(w io.Writer, of int) *bar { return &bar{w: w, of: of, began: time.Now()} }

const barWidth = 24

// step begins the next of the parts.
func (b *bar) step(what string) {
	if b.w == nil {
		return
	}
	done := barWidth * b.n / max(b.of, 1)
	fmt.Fprintf(b.w, "\r\x1b[K[%s%s] %3.0f s  %s", strings.Repeat("█", done), strings.Repeat("·", barWidth-done), time.Since(b.began).Seconds(), what)
	b.n++
}

// clear leaves an empty line.
func (b *bar) clear() {
	if b.w != nil {
		fmt.Fprint(b.w, "\r\x1b[K")
	}
}
