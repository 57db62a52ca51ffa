package main

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNoCellIsAFormulaAndNoneIsLost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.StringOfN(rapid.RuneFrom([]rune("'=+-@\ta你")), 0, 5, -1).Draw(t, "cell")
		out := harmless(cell)
		if out != "" && strings.ContainsAny(out[:1], "=+-@\t\r") {
			t.Fatalf("%q is written %q", cell, out)
		}
		if back := harmed(out); back != cell {
			t.Fatalf("%q is written %q and read %q", cell, out, back)
		}
	})
}

func TestALineThatIsTooLongIsPassedOver(t *testing.T) {
	t.Parallel()
	next := jsonRows(bufio.NewReader(strings.NewReader(`{"a":1}` + "\n" + strings.Repeat(" ", maxLine+1) + "\n\n" + `{"b":2}`)))
	var lines []int
	for {
		r, err := next()
		var wrong *refusedLine
		switch {
		case errors.Is(err, io.EOF):
			if len(lines) != 3 || lines[0] != 1 || lines[1] != -2 || lines[2] != 4 {
				t.Errorf("got lines %v", lines)
			}
			return
		case errors.As(err, &wrong) && wrong.code == "too_long":
			lines = append(lines, -wrong.line)
		case err != nil:
			t.Fatal(err)
		default:
			lines = append(lines, r.line)
		}
	}
}
