package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/mattn/go-isatty"
)

// A progress is the line that tells people at a terminal how far a long task
// is. What is over within two seconds shows none, and a file or a pipe gets
// none either.
type progress struct {
	mu    sync.Mutex
	out   io.Writer // nil: nobody looks
	what  string
	unit  func(int64) string
	begun time.Time
	last  time.Time
}

const (
	patience = 2 * time.Second
	refresh  = 200 * time.Millisecond
)

// watch begins a progress; unit writes an amount.
func watch(what string, unit func(int64) string) *progress {
	p := &progress{what: what, unit: unit, begun: time.Now()}
	if isatty.IsTerminal(os.Stderr.Fd()) {
		p.out = os.Stderr
	}
	return p
}

// told is store.Told. total is 0 where nobody knows it.
func (p *progress) told(done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.out == nil || now.Sub(p.begun) < patience || now.Sub(p.last) < refresh {
		return
	}
	p.last = now
	fmt.Fprint(p.out, "\r\x1b[K", p.line(done, total, now.Sub(p.begun)))
}

// say tells of what it is now.
func (p *progress) say(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what = what
}

func (p *progress) line(done, total int64, took time.Duration) string {
	line := p.what + ": " + p.unit(done)
	if total > 0 {
		line += fmt.Sprintf(" of %s, %d%%", p.unit(total), 100*done/total)
	}
	if seconds := took.Seconds(); seconds > 0 {
		line += fmt.Sprintf(", %s/s", p.unit(int64(float64(done)/seconds)))
	}
	if 0 < done && done < total {
		left := time.Duration(float64(took) * float64(total-done) / float64(done))
		line += ", " + left.Round(time.Second).String() + " left"
	}
	return line
}

// end takes the line away.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.last.IsZero() {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
	p.out = nil
}

// size writes an amount of data.
func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d KB", (n+1023)/1024)
}
