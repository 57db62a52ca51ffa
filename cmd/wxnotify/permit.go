package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/wxnotify/wxnotify/client"
)

type permitCmd struct {
	Add  permitAddCmd  `cmd:"" help:"Hand in what a user gave."`
	List permitListCmd `cmd:"" help:"List permits, newest first."`
}

type permitAddCmd struct {
	Remote remote `embed:""`
	Output output `embed:""`

	To        string        `name:"to" required:"" placeholder:"OPENID" help:"The user."`
	App       string        `name:"app" placeholder:"APPID" help:"May be left out when only one app exists."`
	Form      string        `name:"form" xor:"source" placeholder:"FORM_ID" help:"A submitted form: one message in 7 days."`
	Payment   string        `name:"payment" xor:"source" placeholder:"PREPAY_ID" help:"A paid order: three messages in 7 days."`
	Subscribe string        `name:"subscribe" xor:"source" placeholder:"TEMPLATE" help:"An accepted one-time subscription: one message of this template."`
	Longterm  string        `name:"longterm" xor:"source" placeholder:"TEMPLATE" help:"An accepted long-term subscription: any number of messages of this template."`
	Count     int           `name:"count" placeholder:"N" help:"With --subscribe: how often it was accepted."`
	ID        string        `name:"id" placeholder:"ID" help:"Your own id for the act; a known one creates nothing."`
	Age       time.Duration `name:"age" placeholder:"TIME" help:"How long ago the user acted, such as 12s or 2d."`
}

// Help shows examples.
func (*permitAddCmd) Help() string {
	return `Examples:

  wxnotify permit add --to OPENID --form FORM_ID
  wxnotify permit add --to OPENID --payment PREPAY_ID --age 30s
  wxnotify permit add --to OPENID --subscribe TEMPLATE --count 2`
}

// Run hands in.
func (c *permitAddCmd) Run(ctx context.Context) error {
	p := client.NewPermit{To: c.To, ID: c.ID, Count: c.Count, AgeSeconds: int(c.Age / time.Second)}
	switch {
	case c.Form != "":
		p.Source, p.Code = "form", c.Form
	case c.Payment != "":
		p.Source, p.Code = "payment", c.Payment
	case c.Subscribe != "":
		p.Source, p.TemplateID = "subscribe", c.Subscribe
	case c.Longterm != "":
		p.Source, p.TemplateID = "longterm", c.Longterm
	default:
		return usage("say what the user did: --form, --payment, --subscribe or --longterm")
	}
	results, err := c.Remote.open().DepositPermits(ctx, c.App, []client.NewPermit{p})
	if err != nil {
		return c.Remote.advise(err)
	}
	if len(results) != 1 {
		return fmt.Errorf("the server answered %d results for one permit", len(results))
	}
	if results[0].Error != nil {
		return results[0].Error
	}
	return c.Output.print(results[0], func(w io.Writer) {
		switch n := results[0].Created; {
		case n == 0:
			fmt.Fprintln(w, "known already, nothing was added")
		case p.Source == "longterm":
			fmt.Fprintln(w, "added: messages of this template may go out")
		default:
			fmt.Fprintf(w, "added: %d more %s may go out\n", n, plural(n, "message"))
		}
	})
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

type permitListCmd struct {
	Remote remote `embed:""`
	Output output `embed:""`

	App    string `name:"app" placeholder:"APPID" help:"Of this app."`
	To     string `name:"to" placeholder:"OPENID" help:"Of this user."`
	Source string `name:"source" placeholder:"SOURCE" help:"form, payment, subscribe or longterm."`
	State  string `name:"state" placeholder:"STATE" help:"free, bound, used, held or dead."`
	Limit  int    `name:"limit" default:"20" placeholder:"N" help:"At most so many. Default 20."`
}

// Help shows examples.
func (*permitListCmd) Help() string {
	return `Examples:

  wxnotify permit list --to OPENID
  wxnotify permit list --state free --limit 100`
}

// Run lists.
func (c *permitListCmd) Run(ctx context.Context) error {
	f := client.PermitFilter{App: c.App, To: c.To, Source: c.Source, State: c.State, PageSize: pageSize(c.Limit)}
	all, err := take(c.Remote.open().Permits(ctx, f), c.Limit)
	if err != nil {
		return c.Remote.advise(err)
	}
	return c.Output.print(all, func(w io.Writer) {
		rows := [][]string{{"EXPIRES", "ID", "SOURCE", "STATE", "USER"}}
		for _, p := range all {
			ends := "-"
			if !p.ExpiresAt.IsZero() {
				ends = p.ExpiresAt.Local().Format("01-02 15:04")
			}
			rows = append(rows, []string{ends, p.ID, p.Source, words(p.State, p.Cause), plain(p.To)})
		}
		table(w, rows...)
	})
}
