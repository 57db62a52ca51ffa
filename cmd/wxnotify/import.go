package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/wxnotify/wxnotify/client"
)

type importCmd struct {
	Messages importMessagesCmd `cmd:"" help:"Send the messages of a file."`
	Permits  importPermitsCmd  `cmd:"" help:"Hand in the permits of a file."`
}

// A source is a file that is imported.
type source struct {
	File    string   `arg:"" name:"file" help:"What to read: NDJSON or CSV, UTF-8; - is standard input."`
	Format  string   `name:"format" placeholder:"FORMAT" default:"" enum:",ndjson,csv" help:"ndjson or csv. Left out, by the file's beginning."`
	Columns []string `name:"columns" placeholder:"NAMES" help:"csv without a heading: what its columns are, with commas between them."`
	App     string   `name:"app" placeholder:"APPID" help:"For lines that name none. May be left out when only one app exists."`
	Refused string   `name:"refused" placeholder:"REPORT" help:"Where the refused lines are listed. Left out, FILE.refused.csv; for standard input, standard error."`
}

const importHelp = `It may be interrupted and repeated: what was taken is known and is not taken twice. A line that occurs twice in the file counts twice.
A refused line does not stop the others: its number, a code and the reason stand in FILE.refused.csv, and the exit code is 1.`

type importPermitsCmd struct {
	Remote remote `embed:""`
	Source source `embed:""`
	Output output `embed:""`
}

// Help shows examples.
func (*importPermitsCmd) Help() string {
	return importHelp + `

CSV has a heading with the columns openid, form_id or prepay_id, and where needed source, template_id, count, age (seconds, or 3d), id, app.
Without a source, a form_id is a submitted form, a prepay_id a payment, and a template_id alone an accepted subscription.
NDJSON has the fields of POST /v1/permits, and app.

Examples:

  wxnotify import permits form-ids.csv --app wx1234567890abcdef
  wxnotify import permits old.csv --columns openid,form_id,age
  mysql -BNe 'select …' | tr '\t' , | wxnotify import permits - --columns openid,form_id`
}

// Run imports.
func (c *importPermitsCmd) Run(ctx context.Context) error {
	api := c.Remote.open()
	return c.Remote.advise(c.Source.run(ctx, c.Output, "permit", intake{
		known: permitFields, shape: shapePermit,
		send: func(ctx context.Context, app string, all []json.RawMessage) ([]*client.Problem, int, error) {
			results, err := api.DepositPermitsJSON(ctx, app, all)
			wrong, known := make([]*client.Problem, len(results)), 0
			for i, r := range results {
				if wrong[i] = r.Error; r.Error == nil && r.Created == 0 {
					known++
				}
			}
			return wrong, known, err
		},
	}))
}

type importMessagesCmd struct {
	Remote remote `embed:""`
	Source source `embed:""`
	Output output `embed:""`
}

// Help shows examples.
func (*importMessagesCmd) Help() string {
	return importHelp + `

Each line is a message that is sent. CSV has a heading with the columns touser, template_id, a column data.NAME for each keyword, and where needed
page, form_id, send_at, expires_at, wait, meta.NAME, idempotency_key and the other fields of POST /v1/messages. NDJSON has those fields.
Of what wxnotify export messages wrote, the messages are taken that this server does not have and that were not at rest.

Examples:

  wxnotify import messages today.csv --app wx1234567890abcdef
  wxnotify import messages --refused wrong.csv - <today.ndjson`
}

// Run imports.
func (c *importMessagesCmd) Run(ctx context.Context) error {
	api := c.Remote.open()
	return c.Remote.advise(c.Source.run(ctx, c.Output, "message", intake{
		known: messageFields, shape: shapeMessage,
		have: func(ctx context.Context, id string) (bool, error) {
			_, err := api.Message(ctx, id)
			if p, told := errors.AsType[*client.Problem](err); told && p.Status == http.StatusNotFound {
				return false, nil
			}
			return err == nil, err
		},
		send: func(ctx context.Context, _ string, all []json.RawMessage) ([]*client.Problem, int, error) {
			results, err := api.SendBatchJSON(ctx, all)
			wrong := make([]*client.Problem, len(results))
			for i, r := range results {
				wrong[i] = r.Error
			}
			return wrong, 0, err
		},
	}))
}
