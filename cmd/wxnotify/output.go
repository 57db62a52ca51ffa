package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/width"
)

// output is how a command prints: for people, or as JSON.
type output struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// print writes v as JSON if that was asked for; else it calls human.
func (o output) print(v any, human func(w io.Writer)) error {
	if !o.JSON {
		human(os.Stdout)
		return nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := os.Stdout.Write(bytes.ReplaceAll(b.Bytes(), []byte(noTime), []byte("null")))
	return err
}

// noTime is how the zero time is written, which stands for none.
const noTime = `"0001-01-01T00:00:00Z"`

// table writes rows with their columns aligned; the first row is the heading.
// A table of nothing but its heading says that there is nothing.
func table(w io.Writer, rows ...[]string) {
	if len(rows) == 1 {
		fmt.Fprintln(w, "none")
		return
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], columns(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", widths[i]-columns(cell)+2))
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// columns is how wide a terminal shows s: Chinese characters take two columns.
func columns(s string) int {
	n := 0
	for _, r := range s {
		switch k := width.LookupRune(r).Kind(); {
		case unicode.Is(unicode.Mn, r):
		case k == width.EastAsianWide, k == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

// plain makes text from outside safe for a terminal: what is not printable
// becomes a question mark.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

// clip shortens s to n columns at most.
func clip(s string, n int) string {
	if columns(s) <= n {
		return s
	}
	var b strings.Builder
	used := 0
	for _, r := range s {
		if used += columns(string(r)); used > n-1 {
			break
		}
		b.WriteRune(r)
	}
	return b.String() + "…"
}

// moment writes a time as people read it, "-" where there is none.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// dash stands for an empty cell.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return plain(s)
}
