package main

import (
	"regexp"
	"strings"
)

// A spreadsheet takes a cell that begins with one of these for a formula, and
// would run what a stranger put into a message. Such a cell gets an apostrophe
// in front, which spreadsheets do not show; import takes it away again. Cells
// that had apostrophes before get one more, so that nothing is lost.
var formula = regexp.MustCompile("^'*[=+\\-@\t\r]")

func harmless(cell string) string {
	if formula.MatchString(cell) {
		return "'" + cell
	}
	return cell
}

func harmed(cell string) string {
	if strings.HasPrefix(cell, "'") && formula.MatchString(cell) {
		return cell[1:]
	}
	return cell
}

// bom is how spreadsheets begin a file that is UTF-8, and want it to begin.
const bom = "\ufeff"
