package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// A dialect is what differs between the databases inside of statements.
type dialect struct {
	name string
	lock string // after a select: the rows stay as they are until the commit
	skip string // the same, without waiting for rows that others hold
	// The same of the rows of table q alone.
	lockQ, skipQ string
	// unpack makes a table of a parameter that pack wrote, all its columns text.
	unpack func(place string, columns ...string) string
	kind   func(error) kind // of an error of the driver
	// hasTable says whether there is a table of a name; columns lists all
	// columns: table, name, type, place in the primary key (0: none), in the
	// order of the tables' names, and within a table of that place.
	hasTable, columns string
	hot               hot
}

// pack writes rows for unpack. Few and small: the hot verbs have ways of their own.
func pack(rows [][]string) string {
	b, err := json.Marshal(rows)
	if err != nil {
		panic(err) // strings always can be
	}
	return string(b)
}

// unpackWith makes a select that takes rows apart: from is the table of them,
// and item the expression that gives the n-th column.
func unpackWith(from, item string) func(string, ...string) string {
	return func(place string, columns ...string) string {
		var b strings.Builder
		for i, c := range columns {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, item+" as %s", i, c)
		}
		return "(select " + b.String() + " from " + fmt.Sprintf(from, place) + ")"
	}
}

// far stands in a column for "no deadline": it sorts after everything else.
const far = 253402300799000

// ms is a time in a column. The zero time is 0.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// end is a deadline in a column. The zero time is far.
func end(t time.Time) int64 {
	if t.IsZero() {
		return far
	}
	return t.UnixMilli()
}

// at is ms and end backwards.
func at(ms int64) time.Time {
	if ms == 0 || ms >= far {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
