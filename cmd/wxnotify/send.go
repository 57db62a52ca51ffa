package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/wxnotify/wxnotify/client"
)

type sendCmd struct {
	Remote remote `embed:""`
	Output output `embed:""`

	To       string            `name:"to" required:"" placeholder:"OPENID" help:"The user."`
	Template string            `name:"template" required:"" placeholder:"ID" help:"WeChat's template id, or an alias of yours."`
	Data     []string          `arg:"" optional:"" name:"data" help:"The card's values, as KEY=VALUE."`
	Color    map[string]string `name:"color" mapsep:"none" placeholder:"KEY=#RRGGBB" help:"Colour of a value; may be repeated."`
	Emphasis string            `name:"emphasis" placeholder:"KEY" help:"The keyword that is shown large."`
	Page     string            `name:"page" placeholder:"PATH" help:"Page of the mini program that the card opens."`
	FormID   string            `name:"form-id" placeholder:"CODE" help:"Send with exactly this code. Left out, the permit that expires first."`
	App      string            `name:"app" placeholder:"APPID" help:"May be left out when only one app exists."`
	Channel  string            `name:"channel" placeholder:"NAME" help:"template or subscribe. Left out, it follows from the template."`
	Wait     bool              `name:"wait" help:"Wait for a permit when none is at hand; else the message fails."`
	SendAt   time.Time         `name:"send-at" placeholder:"TIME" help:"Not before: RFC 3339, such as 2026-01-02T15:04:05+08:00."`
	Expires  time.Time         `name:"expires-at" placeholder:"TIME" help:"Give up after. Default 7 days."`
	OnUnsure string            `name:"on-unsure" placeholder:"WHAT" help:"hold or resend: what to do when an answer is lost and a repeat could deliver twice."`
	Meta     map[string]string `name:"meta" mapsep:"none" placeholder:"KEY=VALUE" help:"Your own data, comes back everywhere; may be repeated."`
	Once     string            `name:"idempotency-key" placeholder:"KEY" help:"One key, one message, however often this is called."`
	Patience time.Duration     `name:"patience" default:"5s" placeholder:"TIME" help:"How long to wait for the outcome, at most 30s; 0s: not at all."`
}

// Help shows examples.
func (*sendCmd) Help() string {
	return `It waits up to --patience for the outcome. The exit code is 1 if the message failed.

Examples:

  wxnotify send --to OPENID --template TEMPLATE keyword1=已接单 keyword2=12:31 --page "pages/order/detail?id=1019"
  wxnotify send --to OPENID --template accepted thing1=已接单 --wait --meta order=1019 --idempotency-key order-1019`
}

// Run sends.
func (c *sendCmd) Run(ctx context.Context) error {
	m, err := c.message()
	if err != nil {
		return err
	}
	got, err := c.Remote.open().SendAndWait(ctx, m, c.Patience)
	if err != nil {
		return c.Remote.advise(err)
	}
	if err := c.Output.print(got, func(w io.Writer) { fmt.Fprintln(w, outcome(&got)) }); err != nil {
		return err
	}
	switch got.State {
	case "failed", "expired", "canceled", "unknown":
		return fmt.Errorf("the message is %s (%s)", got.State, got.Reason)
	}
	return nil
}

func (c *sendCmd) message() (client.NewMessage, error) {
	values, err := pairs("data", c.Data)
	if err != nil {
		return client.NewMessage{}, err
	}
	data := client.Data{}
	for k, v := range values {
		data[k] = client.Value{Value: v, Color: c.Color[k]}
	}
	for k := range c.Color {
		if _, ok := data[k]; !ok {
			return client.NewMessage{}, usage("--color: there is no value for %s", k)
		}
	}
	m := client.NewMessage{
		App: c.App, To: c.To, TemplateID: c.Template, Page: c.Page, Data: data, FormID: c.FormID, Channel: c.Channel, Wait: c.Wait,
		SendAt: c.SendAt, ExpiresAt: c.Expires, OnUnsure: c.OnUnsure, Meta: c.Meta, IdempotencyKey: c.Once,
	}
	if c.Emphasis != "" {
		m.Emphasis = c.Emphasis + ".DATA"
	}
	return m, nil
}

// outcome is a message in one line.
func outcome(m *client.Message) string {
	s := m.ID + "  " + m.State
	if m.Reason != "" {
		s += " " + m.Reason
	}
	if m.Permit != nil {
		s += "  with a " + m.Permit.Source + " permit"
	}
	if m.Evidence != "" {
		s += "  evidence: " + m.Evidence
	}
	if m.Replayed {
		s += "  (the message of an earlier call)"
	}
	return s
}
