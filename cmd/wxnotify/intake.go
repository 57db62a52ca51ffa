package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wxnotify/wxnotify/client"
)

// An intake imports the rows of one kind.
type intake struct {
	known map[string]column
	// shape makes a row what the API takes, and finds its app. id stands for
	// the line where it brings none of its own.
	shape func(r *row, id string, now time.Time) (app string, err error)
	// send hands in what belongs to one app. A problem is nil where the row was
	// taken; known counts those that were taken before.
	send func(ctx context.Context, app string, all []json.RawMessage) (wrong []*client.Problem, known int, err error)

	// have says whether the server has the message with this id; nil: nobody asks.
	have func(ctx context.Context, id string) (bool, error)

	app    string // of lines that name none
	seen   map[[16]byte]int
	batch  []row
	of     string // the batch's app
	bytes  int
	tally  tally
	report *refusals
}

// A tally is what became of the lines.
type tally struct {
	Lines   int    `json:"lines"`
	Taken   int    `json:"taken"`
	Known   int    `json:"known"` // of those that were taken: before this run
	Refused int    `json:"refused"`
	Report  string `json:"report,omitempty"`
}

// Bounds of one request.
const (
	batchRows  = 500
	batchBytes = 4 << 20
)

// run imports a file and says what became of it.
func (s source) run(ctx context.Context, o output, what string, in intake) error {
	file, total, err := s.open()
	if err != nil {
		return err
	}
	defer file.Close()
	place := &counter{from: file}
	next, err := readRows(place, s.Format, s.Columns, in.known)
	if err != nil {
		return err
	}
	in.app, in.seen, in.report = s.App, map[[16]byte]int{}, s.refuses()
	p := watch("import", size)
	err = in.all(ctx, next, func() { p.told(place.n.Load(), total) })
	p.end()
	if closeErr := in.report.close(); err == nil {
		err = closeErr
	}
	if in.tally.Refused > 0 {
		in.tally.Report = in.report.name
	}
	if err != nil {
		return in.halted(ctx, err)
	}
	if err := o.print(in.tally, func(w io.Writer) { in.tally.show(w, what) }); err != nil {
		return err
	}
	if n := in.tally.Refused; n > 0 {
		return fmt.Errorf("%s of %d refused%s", count(int64(n)), in.tally.Lines, in.report.where())
	}
	return nil
}

func (t *tally) show(w io.Writer, what string) {
	fmt.Fprintf(w, "%s: %d %s taken", count(int64(t.Lines)), t.Taken, plural(t.Taken, what))
	if t.Known > 0 {
		fmt.Fprintf(w, ", %d of them known already", t.Known)
	}
	fmt.Fprintln(w)
}

// halted says how to go on.
func (in *intake) halted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = errors.New("stopped")
	}
	return fmt.Errorf("%w; %d of the first %d lines were taken. Run the same command again to go on: nothing is taken twice", err, in.tally.Taken, in.tally.Lines)
}

// all takes every row.
func (in *intake) all(ctx context.Context, next rows, told func()) error {
	for {
		r, err := next()
		var wrong *refusedLine
		switch {
		case errors.Is(err, io.EOF):
			return in.flush(ctx)
		case errors.As(err, &wrong):
			in.tally.Lines++
			err = in.refuse(wrong)
		case err == nil:
			in.tally.Lines++
			err = in.add(ctx, r)
		}
		if err != nil {
			return err
		}
		told()
	}
}

// add puts a row into the batch, which goes when it is full.
func (in *intake) add(ctx context.Context, r row) error {
	if id := r.str("id"); id != "" && in.have != nil {
		known, err := in.have(ctx, id)
		if known {
			in.tally.Taken++
			in.tally.Known++
		}
		if known || err != nil {
			return err
		}
	}
	app, err := in.shape(&r, in.id(r.raw), time.Now())
	if wrong := (*refusedLine)(nil); errors.As(err, &wrong) {
		return in.refuse(wrong)
	}
	if app == "" {
		app = in.app
	}
	r.raw = string(in.finish(&r, app))
	if len(in.batch) == batchRows || in.bytes+len(r.raw) > batchBytes || app != in.of {
		if err := in.flush(ctx); err != nil {
			return err
		}
	}
	in.of = app
	in.batch = append(in.batch, r)
	in.bytes += len(r.raw)
	return nil
}

// finish writes a row as it is sent. Messages name their app themselves.
func (in *intake) finish(r *row, app string) json.RawMessage {
	if _, own := r.fields["idempotency_key"]; own && app != "" {
		r.fields["app"] = encoded(app)
	}
	return encoded(r.fields)
}

// id stands for a line: the same in every run of the same file, and another
// one when the line occurs again.
func (in *intake) id(raw string) string {
	full := sha256.Sum256([]byte(raw))
	sum := [16]byte(full[:16])
	in.seen[sum]++
	return "import-" + base64.RawURLEncoding.EncodeToString(sum[:]) + "-" + strconv.Itoa(in.seen[sum])
}

// flush sends the batch.
func (in *intake) flush(ctx context.Context) error {
	batch := in.batch
	in.batch, in.bytes = nil, 0
	return in.hand(ctx, batch)
}

// hand sends rows. A request that is refused as a whole is tried in halves,
// until the row is found that is to blame.
func (in *intake) hand(ctx context.Context, batch []row) error {
	if len(batch) == 0 {
		return nil
	}
	all := make([]json.RawMessage, len(batch))
	for i := range batch {
		all[i] = json.RawMessage(batch[i].raw)
	}
	wrong, known, err := in.send(ctx, in.of, all)
	p, told := errors.AsType[*client.Problem](err)
	switch {
	case told && blames(p) && len(batch) > 1:
		half := len(batch) / 2
		if err := in.hand(ctx, batch[:half]); err != nil {
			return err
		}
		return in.hand(ctx, batch[half:])
	case told && blames(p):
		wrong = []*client.Problem{p}
	case err != nil:
		return err
	case len(wrong) != len(batch):
		return fmt.Errorf("the server answered %d results for %d lines", len(wrong), len(batch))
	}
	in.tally.Known += known
	for i, p := range wrong {
		if err := in.settle(batch[i].line, p); err != nil {
			return err
		}
	}
	return nil
}

// blames says whether a request was refused for what is in it, not for who
// asks or for the moment.
func blames(p *client.Problem) bool {
	return slices.Contains([]int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity}, p.Status) && p.Code != "app_required"
}

func (in *intake) settle(line int, p *client.Problem) error {
	switch {
	case p == nil:
		in.tally.Taken++
		return nil
	case p.Status == http.StatusTooManyRequests || p.Status >= http.StatusInternalServerError:
		return p // of the moment: the line is as good as before
	}
	if len(p.Errors) == 0 {
		return in.refuse(&refusedLine{line, p.Code, p.Detail})
	}
	reasons := make([]string, len(p.Errors))
	for i, e := range p.Errors {
		reasons[i] = e.Detail
		if field := ofLine(e.Field); field != "" {
			reasons[i] = field + ": " + e.Detail
		}
	}
	return in.refuse(&refusedLine{line, p.Code, strings.Join(reasons, "; ")})
}

// ofLine takes the place in the request off a field's path: permits[3].touser.
func ofLine(field string) string {
	if _, rest, inside := strings.Cut(field, "]"); inside {
		return strings.TrimPrefix(rest, ".")
	}
	return field
}

func (in *intake) refuse(r *refusedLine) error {
	in.tally.Refused++
	return in.report.add(r)
}

// Refusals list the lines that were refused. The file is made with the first of them.
type refusals struct {
	name string // "": standard error
	file *os.File
	csv  *csv.Writer
}

func (s source) refuses() *refusals {
	switch {
	case s.Refused != "":
		return &refusals{name: s.Refused}
	case s.File == "-":
		return &refusals{}
	}
	return &refusals{name: s.File + ".refused.csv"}
}

func (r *refusals) add(l *refusedLine) error {
	if r.name == "" {
		fmt.Fprintln(os.Stderr, l)
		return nil
	}
	if r.file == nil {
		f, err := os.OpenFile(r.name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		r.file, r.csv = f, csv.NewWriter(f)
		if err := r.csv.Write([]string{"line", "code", "reason"}); err != nil {
			return err
		}
	}
	return r.csv.Write([]string{strconv.Itoa(l.line), l.code, harmless(l.reason)})
}

func (r *refusals) close() error {
	if r.file == nil {
		return nil
	}
	r.csv.Flush()
	return errors.Join(r.csv.Error(), r.file.Close())
}

func (r *refusals) where() string {
	if r.name == "" {
		return ""
	}
	return ", see " + r.name
}

// open opens the file and tells how long it is, 0 where nobody knows.
func (s source) open() (io.ReadCloser, int64, error) {
	if s.File == "-" {
		return os.Stdin, 0, nil
	}
	f, err := os.Open(s.File)
	if err != nil {
		return nil, 0, err
	}
	st, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	return f, st.Size(), nil
}

// A counter knows how far it was read.
type counter struct {
	from io.Reader
	n    atomic.Int64
}

// Read is io.Reader's.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n.Add(int64(n))
	return n, err
}
