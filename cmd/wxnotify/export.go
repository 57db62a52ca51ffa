package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify/client"
)

type exportCmd struct {
	Messages exportMessagesCmd `cmd:"" help:"Write messages to a file, newest first."`
	Permits  exportPermitsCmd  `cmd:"" help:"Write permits to a file, newest first."`
}

// An export is a file that a list is written to.
type export struct {
	File   string `arg:"" name:"file" help:"Where to; - is standard output."`
	Format string `name:"format" placeholder:"FORMAT" default:"" enum:",ndjson,csv" help:"ndjson (a JSON object on each line) or csv. Left out, by the name of FILE, else ndjson."`
	BOM    bool   `name:"bom" help:"csv: begin with the mark by which spreadsheets recognise UTF-8."`
	Force  bool   `name:"force" help:"Replace FILE if it is there."`
}

const exportHelp = `The file has its name only once it is whole. In CSV, cells that a spreadsheet would take for a formula (= + - @) get an apostrophe in front; import takes it away.`

type exportMessagesCmd struct {
	Remote remote `embed:""`
	Export export `embed:""`

	App   string    `name:"app" placeholder:"APPID" help:"Of this app."`
	To    string    `name:"to" placeholder:"OPENID" help:"To this user."`
	State string    `name:"state" placeholder:"STATE" help:"In this state, such as queued or failed."`
	Since time.Time `name:"since" placeholder:"TIME" help:"Created then or later, such as 2026-01-02T15:04:05+08:00."`
	Until time.Time `name:"until" placeholder:"TIME" help:"Created before."`
}

// Help shows examples.
func (*exportMessagesCmd) Help() string {
	return exportHelp + `
Contents are there until the retention time is over.

Examples:

  wxnotify export messages november.csv --bom --since 2026-11-01T00:00:00+08:00
  wxnotify export messages --state unknown - | jq -r .id`
}

// Run exports.
func (c *exportMessagesCmd) Run(ctx context.Context) error {
	all := c.Remote.open().Messages(ctx, client.MessageFilter{
		App: c.App, To: c.To, State: c.State, Since: c.Since, Until: c.Until, PageSize: 250,
	})
	return c.Remote.advise(write(ctx, c.Export, all, messageColumns, messageCells))
}

var messageColumns = []string{
	"id", "app", "touser", "template_id", "channel", "page", "state", "reason", "evidence", "send_at", "expires_at", "created_at", "updated_at",
	"permit", "permit_source", "msgid", "emphasis_keyword", "data", "meta",
}

func messageCells(m client.Message) ([]string, error) {
	var permit client.PermitRef
	if m.Permit != nil {
		permit = *m.Permit
	}
	data, err := cellJSON(m.Data, len(m.Data))
	if err != nil {
		return nil, err
	}
	meta, err := cellJSON(m.Meta, len(m.Meta))
	return []string{
		m.ID, m.App, m.To, m.TemplateID, m.Channel, m.Page, m.State, m.Reason, m.Evidence, cellTime(m.SendAt), cellTime(m.ExpiresAt),
		cellTime(m.CreatedAt), cellTime(m.UpdatedAt), permit.ID, permit.Source, m.MsgID, m.Emphasis, data, meta,
	}, err
}

type exportPermitsCmd struct {
	Remote remote `embed:""`
	Export export `embed:""`

	App    string `name:"app" placeholder:"APPID" help:"Of this app."`
	To     string `name:"to" placeholder:"OPENID" help:"Of this user."`
	Source string `name:"source" placeholder:"SOURCE" help:"form, payment, subscribe or longterm."`
	State  string `name:"state" placeholder:"STATE" help:"free, bound, used, held or dead."`
}

// Help shows examples.
func (*exportPermitsCmd) Help() string {
	return exportHelp + `
Form and prepay ids are secrets and are not in it: to move permits to another server, use wxnotify backup or wxnotify move.

Examples:

  wxnotify export permits stock.csv --state free
  wxnotify export permits - --format csv --source subscribe`
}

// Run exports.
func (c *exportPermitsCmd) Run(ctx context.Context) error {
	all := c.Remote.open().Permits(ctx, client.PermitFilter{App: c.App, To: c.To, Source: c.Source, State: c.State, PageSize: 250})
	return c.Remote.advise(write(ctx, c.Export, all, permitColumns, permitCells))
}

var permitColumns = []string{"id", "app", "touser", "source", "template_id", "state", "cause", "expires_at", "created_at", "message"}

func permitCells(p client.Permit) ([]string, error) {
	return []string{p.ID, p.App, p.To, p.Source, p.TemplateID, p.State, p.Cause, cellTime(p.ExpiresAt), cellTime(p.CreatedAt), p.Message}, nil
}

func cellTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

func cellJSON(v any, n int) (string, error) {
	if n == 0 {
		return "", nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}

// write puts a list into a file, which gets its name at the end.
func write[T any](ctx context.Context, x export, all iter.Seq2[T, error], columns []string, cells func(T) ([]string, error)) (err error) {
	out, finish, err := x.create()
	if err != nil {
		return err
	}
	defer func() { err = stopped(ctx, finish(err), "nothing was written") }()
	buffered := bufio.NewWriter(out)
	put := putJSON[T](buffered)
	if x.csv() {
		if put, err = putCSV(buffered, x.BOM, columns, cells); err != nil {
			return err
		}
	}
	p := watch("export", count)
	defer p.end()
	n := int64(0)
	for v, err := range all {
		if err != nil {
			return err
		}
		if err := put(v); err != nil {
			return err
		}
		n++
		p.told(n, 0)
	}
	return buffered.Flush()
}

// count writes a number of lines.
func count(n int64) string { return fmt.Sprintf("%d %s", n, plural(int(n), "line")) }

func (x export) csv() bool {
	return x.Format == "csv" || x.Format == "" && strings.EqualFold(filepath.Ext(x.File), ".csv")
}

// create opens what is written to; finish gives the file its name, or takes it
// away after an error.
func (x export) create() (out io.Writer, finish func(error) error, err error) {
	if x.File == "-" {
		return os.Stdout, func(err error) error { return err }, nil
	}
	if _, err := os.Stat(x.File); err == nil && !x.Force {
		return nil, nil, fmt.Errorf("%s is there already; choose another name, or replace it with --force", x.File)
	}
	tmp, err := os.CreateTemp(filepath.Dir(x.File), ".export-*") // mode 0600: openids are personal data
	if err != nil {
		return nil, nil, err
	}
	return tmp, func(err error) error {
		if closeErr := tmp.Close(); err == nil {
			err = closeErr
		}
		if err == nil {
			err = os.Rename(tmp.Name(), x.File)
		}
		if err != nil {
			_ = os.Remove(tmp.Name())
		}
		return err
	}, nil
}

func putJSON[T any](w io.Writer) func(T) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	return func(v T) error {
		b.Reset()
		if err := e.Encode(v); err != nil {
			return err
		}
		_, err := w.Write(bytes.ReplaceAll(b.Bytes(), []byte(noTime), []byte("null")))
		return err
	}
}

func putCSV[T any](w io.Writer, mark bool, columns []string, cells func(T) ([]string, error)) (func(T) error, error) {
	if mark {
		if _, err := io.WriteString(w, bom); err != nil {
			return nil, err
		}
	}
	c := csv.NewWriter(w)
	row := func(cells []string) error {
		if err := c.Write(cells); err != nil {
			return err
		}
		c.Flush()
		return c.Error()
	}
	return func(v T) error {
		values, err := cells(v)
		if err != nil {
			return err
		}
		for i := range values {
			values[i] = harmless(values[i])
		}
		return row(values)
	}, row(columns)
}
