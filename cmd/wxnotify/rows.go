package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/wxnotify/wxnotify/server"
)

// A row is one line of a file to import, as fields of the API's JSON.
type row struct {
	line   int // from 1
	fields map[string]json.RawMessage
	raw    string // what it was made of: the same again is the same act
}

// A refusedLine is what is wrong with one line; the others stand.
type refusedLine struct {
	line         int
	code, reason string
}

func (r *refusedLine) Error() string { return fmt.Sprintf("line %d: %s: %s", r.line, r.code, r.reason) }

func refuseLine(line int, code, format string, args ...any) error {
	return &refusedLine{line, code, fmt.Sprintf(format, args...)}
}

// rows reads one line after the other; io.EOF ends them, and a *refusedLine
// concerns one alone.
type rows func() (row, error)

// maxLine is longer than any body that the API takes for one thing.
const maxLine = 512 << 10

// readRows finds out what a file is, unless format says it. columns name those
// of a CSV file without a heading.
func readRows(in io.Reader, format string, columns []string, known map[string]column) (rows, error) {
	r := bufio.NewReaderSize(in, 64<<10)
	if head, _ := r.Peek(len(bom)); string(head) == bom {
		_, _ = r.Discard(len(bom))
	}
	if format == "" {
		format = "csv"
		head, _ := r.Peek(512)
		if bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("{")) && columns == nil {
			format = "ndjson"
		}
	}
	if format == "ndjson" {
		return jsonRows(r), nil
	}
	return csvRows(r, columns, known)
}

func jsonRows(r *bufio.Reader) rows {
	line := 0
	return func() (row, error) {
		for {
			text, err := nextLine(r)
			if err != nil {
				return row{}, err
			}
			line++
			switch {
			case text == nil:
				return row{}, refuseLine(line, "too_long", "a line has at most %d bytes", maxLine)
			case len(bytes.TrimSpace(text)) == 0:
				continue
			case !utf8.Valid(text):
				return row{}, refuseLine(line, "invalid_utf8", "the file has to be UTF-8")
			}
			out := row{line: line, raw: string(bytes.TrimSpace(text))}
			if err := json.Unmarshal(text, &out.fields); err != nil || out.fields == nil {
				return row{}, refuseLine(line, "json_malformed", "want a JSON object on each line")
			}
			return out, nil
		}
	}
}

// nextLine reads a line; nil is one that is too long.
func nextLine(r *bufio.Reader) (text []byte, err error) {
	long := false
	for {
		part, err := r.ReadSlice('\n')
		if long = long || len(text)+len(part) > maxLine; !long {
			text = append(text, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && (!errors.Is(err, io.EOF) || len(text) == 0 && !long):
			return nil, err
		case long:
			return nil, nil
		}
		return text, nil
	}
}

// A column says what a cell becomes: the field's name, and how it is written.
type column struct {
	field string
	value func(string) (json.RawMessage, error)
}

func csvRows(r io.Reader, columns []string, known map[string]column) (rows, error) {
	c := csv.NewReader(r)
	c.FieldsPerRecord, c.ReuseRecord = -1, true
	if columns == nil {
		head, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the file is empty")
		}
		if err != nil {
			return nil, fmt.Errorf("the heading cannot be read: %w", err)
		}
		columns = slices.Clone(head)
	}
	plan, err := planOf(columns, known)
	if err != nil {
		return nil, err
	}
	return func() (row, error) {
		cells, err := c.Read()
		if wrong, ok := errors.AsType[*csv.ParseError](err); ok {
			return row{}, refuseLine(wrong.StartLine, "csv_malformed", "%v", wrong.Err)
		}
		if err != nil {
			return row{}, err
		}
		line, _ := c.FieldPos(0)
		return rowOf(line, cells, plan)
	}, nil
}

// planOf finds the columns of a heading.
func planOf(heading []string, known map[string]column) ([]column, error) {
	plan := make([]column, len(heading))
	for i, name := range heading {
		name = strings.ToLower(strings.TrimSpace(name))
		if !utf8.ValidString(name) {
			return nil, errors.New("the file is not UTF-8; save it as \"CSV UTF-8\"")
		}
		col, ok := known[name]
		if group, rest, nested := strings.Cut(strings.TrimSpace(heading[i]), "."); !ok && nested && rest != "" {
			_, ok = known[group+".*"]
			col = column{strings.TrimSpace(heading[i]), text}
		}
		if !ok {
			names := make([]string, 0, len(known))
			for n := range known {
				names = append(names, n)
			}
			slices.Sort(names)
			return nil, usage("unknown column %q%s; there are: %s. A file without a heading needs --columns", clip(plain(heading[i]), 40), didYouMean(name, names, ""), strings.Join(names, ", "))
		}
		plan[i] = col
	}
	return plan, nil
}

func rowOf(line int, cells []string, plan []column) (row, error) {
	if len(cells) != len(plan) {
		return row{}, refuseLine(line, "csv_malformed", "the line has %d cells, the heading has %d", len(cells), len(plan))
	}
	out := row{line: line, fields: map[string]json.RawMessage{}, raw: strings.Join(cells, "\x00")}
	if !utf8.ValidString(out.raw) {
		return row{}, refuseLine(line, "invalid_utf8", "the file has to be UTF-8; save it as \"CSV UTF-8\"")
	}
	for i, cell := range cells {
		if cell = harmed(strings.TrimSpace(cell)); cell == "" || plan[i].value == nil {
			continue
		}
		v, err := plan[i].value(cell)
		if err != nil {
			return row{}, refuseLine(line, "type_mismatch", "%s: %v", plan[i].field, err)
		}
		out.set(plan[i].field, v)
	}
	return out, nil
}

// set puts a value in its place; data.keyword1 is a part of data.
func (r *row) set(field string, v json.RawMessage) {
	group, name, nested := strings.Cut(field, ".")
	if !nested {
		r.fields[field] = v
		return
	}
	part := map[string]json.RawMessage{}
	_ = json.Unmarshal(r.fields[group], &part) // nothing there yet
	part[name] = v
	r.fields[group] = encoded(part)
}

func encoded(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // strings, numbers and what was JSON before
	}
	return bytes.TrimSpace(b.Bytes())
}

// The ways of writing a cell.

func text(cell string) (json.RawMessage, error) { return encoded(cell), nil }

func whole(cell string) (json.RawMessage, error) {
	n, err := strconv.Atoi(cell)
	if err != nil {
		return nil, errors.New("want a whole number")
	}
	return encoded(n), nil
}

func yesNo(cell string) (json.RawMessage, error) {
	b, err := strconv.ParseBool(strings.ToLower(cell))
	if err != nil {
		return nil, errors.New("want true or false")
	}
	return encoded(b), nil
}

func object(cell string) (json.RawMessage, error) {
	if !json.Valid([]byte(cell)) || !strings.HasPrefix(cell, "{") {
		return nil, errors.New("want a JSON object")
	}
	return json.RawMessage(cell), nil
}

// age takes seconds, or a time with units such as 12s or 3d.
func age(cell string) (json.RawMessage, error) {
	if n, err := strconv.Atoi(cell); err == nil {
		return encoded(n), nil
	}
	d, err := server.ParseDuration(cell)
	if err != nil {
		return nil, errors.New("want seconds, or a time such as 12s, 5h or 3d")
	}
	return encoded(int(d.Seconds())), nil
}
