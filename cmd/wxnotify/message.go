package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/wxnotify/wxnotify/client"
)

type messageCmd struct {
	List   messageListCmd   `cmd:"" help:"List messages, newest first."`
	Show   messageShowCmd   `cmd:"" help:"Show a message with its attempts."`
	Cancel messageCancelCmd `cmd:"" help:"Cancel a message that is not on its way yet."`
	Resend messageResendCmd `cmd:"" help:"Send the content of an old message anew."`
}

type messageListCmd struct {
	Remote remote `embed:""`
	Output output `embed:""`

	App      string            `name:"app" placeholder:"APPID" help:"Of this app."`
	To       string            `name:"to" placeholder:"OPENID" help:"To this user."`
	State    string            `name:"state" placeholder:"STATE" help:"scheduled, waiting, queued, sending, unsure, sent, delivered, failed, expired, canceled, unknown."`
	Template string            `name:"template" placeholder:"ID" help:"Of this template."`
	Reason   string            `name:"reason" placeholder:"REASON" help:"Failed for this reason, such as no_permit."`
	Channel  string            `name:"channel" placeholder:"NAME" help:"template or subscribe."`
	Meta     map[string]string `name:"meta" mapsep:"none" placeholder:"KEY=VALUE" help:"With this of your own data; may be repeated."`
	Since    time.Time         `name:"since" placeholder:"TIME" help:"Created then or later, such as 2026-01-02T15:04:05+08:00."`
	Until    time.Time         `name:"until" placeholder:"TIME" help:"Created before."`
	Limit    int               `name:"limit" default:"20" placeholder:"N" help:"At most so many. Default 20."`
}

// Help shows examples.
func (*messageListCmd) Help() string {
	return `Examples:

  wxnotify message list
  wxnotify message list --state failed --reason no_permit --limit 100
  wxnotify message list --meta order=1019 --json`
}

// Run lists.
func (c *messageListCmd) Run(ctx context.Context) error {
	all, err := take(c.Remote.open().Messages(ctx, client.MessageFilter{
		App: c.App, To: c.To, State: c.State, TemplateID: c.Template, Reason: c.Reason, Channel: c.Channel,
		Meta: c.Meta, Since: c.Since, Until: c.Until, PageSize: pageSize(c.Limit),
	}), c.Limit)
	if err != nil {
		return c.Remote.advise(err)
	}
	return c.Output.print(all, func(w io.Writer) {
		rows := [][]string{{"CREATED", "ID", "STATE", "USER"}}
		for _, m := range all {
			rows = append(rows, []string{m.CreatedAt.Local().Format("01-02 15:04:05"), m.ID, words(m.State, m.Reason), plain(m.To)})
		}
		table(w, rows...)
	})
}

// words puts a state and its reason together.
func words(state, reason string) string {
	if reason == "" {
		return state
	}
	return state + " " + reason
}

type messageShowCmd struct {
	Remote remote `embed:""`
	Output output `embed:""`

	ID string `arg:"" name:"id" help:"The message's id, msg_…"`
}

// Help shows an example.
func (*messageShowCmd) Help() string {
	return "Example:\n\n  wxnotify message show msg_01kb3x5wq7f8v9n2c4d6e8g0hj"
}

// Run shows.
func (c *messageShowCmd) Run(ctx context.Context) error {
	m, err := c.Remote.open().Message(ctx, c.ID)
	if err != nil {
		return c.Remote.advise(err)
	}
	return c.Output.print(m, func(w io.Writer) { showMessage(w, &m) })
}

func showMessage(w io.Writer, m *client.Message) {
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%-10s %s\n", name, plain(value))
		}
	}
	field("id", m.ID)
	field("state", words(m.State, m.Reason))
	field("evidence", m.Evidence)
	field("app", m.App)
	field("to", m.To)
	field("template", m.TemplateID)
	field("page", m.Page)
	field("created", moment(m.CreatedAt))
	if m.SendAt.After(m.CreatedAt) {
		field("send at", moment(m.SendAt))
	}
	field("expires", moment(m.ExpiresAt))
	if m.Permit != nil {
		field("permit", m.Permit.ID+" ("+m.Permit.Source+")")
	}
	field("msgid", m.MsgID)
	for _, k := range slices.Sorted(maps.Keys(m.Data)) {
		field(k, m.Data[k].Value)
	}
	for _, k := range slices.Sorted(maps.Keys(m.Meta)) {
		field("meta", k+"="+m.Meta[k])
	}
	for i := range m.Attempts {
		field("attempt "+strconv.Itoa(m.Attempts[i].Number), tell(&m.Attempts[i]))
	}
}

// tell is an attempt in words.
func tell(a *client.Attempt) string {
	s := a.StartedAt.Local().Format("15:04:05.000") + "  "
	if a.Outcome == "" {
		return s + "in flight"
	}
	s += a.Outcome
	if a.Errcode != nil {
		s += " " + strconv.Itoa(*a.Errcode) + " " + a.Errmsg
	}
	return s + fmt.Sprintf("  %d ms", a.FinishedAt.Sub(a.StartedAt).Milliseconds())
}

type messageCancelCmd struct {
	Remote remote `embed:""`
	Output output `embed:""`

	ID string `arg:"" name:"id" help:"The message's id, msg_…"`
}

// Help shows an example.
func (*messageCancelCmd) Help() string {
	return "Example:\n\n  wxnotify message cancel msg_01kb3x5wq7f8v9n2c4d6e8g0hj"
}

// Run cancels.
func (c *messageCancelCmd) Run(ctx context.Context) error {
	m, err := c.Remote.open().Cancel(ctx, c.ID)
	if err != nil {
		return c.Remote.advise(err)
	}
	return c.Output.print(m, func(w io.Writer) { fmt.Fprintln(w, outcome(&m)) })
}

type messageResendCmd struct {
	Remote remote `embed:""`
	Output output `embed:""`

	ID string `arg:"" name:"id" help:"The old message's id, msg_…"`
}

// Help shows an example.
func (*messageResendCmd) Help() string {
	return "Each call makes a new message.\n\nExample:\n\n  wxnotify message resend msg_01kb3x5wq7f8v9n2c4d6e8g0hj"
}

// Run sends anew.
func (c *messageResendCmd) Run(ctx context.Context) error {
	m, err := c.Remote.open().Resend(ctx, c.ID)
	if err != nil {
		return c.Remote.advise(err)
	}
	return c.Output.print(m, func(w io.Writer) { fmt.Fprintln(w, outcome(&m)) })
}
