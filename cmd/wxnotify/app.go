package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/client"
)

type appCmd struct {
	Add    appAddCmd    `cmd:"" help:"Register a mini program."`
	List   appListCmd   `cmd:"" help:"List the apps, with what is paused."`
	Pause  appPauseCmd  `cmd:"" help:"Stop an app's sending, or a part of it."`
	Resume appResumeCmd `cmd:"" help:"Let an app's sending go on."`
}

type appAddCmd struct {
	Records records `embed:""`
	Output  output  `embed:""`

	AppID      string          `arg:"" name:"appid" help:"The mini program's appid."`
	Secret     wxnotify.Secret `name:"secret" placeholder:"SECRET" help:"Its appsecret; better with --secret-file FILE."`
	Name       string          `name:"name" placeholder:"TEXT" help:"What people call it."`
	Sandbox    bool            `name:"sandbox" help:"It lives in a sandbox: mock form_ids and payments that the mini program reports are taken."`
	MPPayments bool            `name:"mp-payments" help:"The mini program itself may report payments."`
	Rate       int             `name:"rate" placeholder:"N" help:"Calls to WeChat a second; 0: no limit."`
	InFlight   int             `name:"max-in-flight" placeholder:"N" default:"256" help:"Calls to WeChat at once. Default 256."`
	DailyQuota int             `name:"daily-quota" placeholder:"N" help:"Messages a day; 0: WeChat's own limit."`
	StockLow   int             `name:"stock-low" placeholder:"N" help:"Be told by the webhook event stock.low when fewer permits of one kind are free; 0: never."`
	TokenMode  string          `name:"token-mode" placeholder:"MODE" default:"stable" enum:"stable,classic" help:"stable or classic: how the access_token is fetched. Default stable."`
	TokenURL   wxnotify.Secret `name:"app-token-url" placeholder:"URL" help:"Take its access_tokens from this token server of yours instead of WeChat; {appid} in it stands for the app. Better with --app-token-url-file FILE."`
	TokenPath  string          `name:"app-token-path" placeholder:"PATH" help:"Where the token is in the answer of --app-token-url, such as data.access_token. Default access_token."`
}

// Help shows examples.
func (*appAddCmd) Help() string {
	return recordsHelp + `

Examples:

  wxnotify app add wx1234567890abcdef --secret-file secret.txt --name 外卖
  wxnotify app add wx1234567890abcdef --secret-file secret.txt --server https://notify.example.com --key-file key.txt`
}

// Run registers.
func (c *appAddCmd) Run(ctx context.Context) error {
	if c.Secret.IsZero() {
		return usage("give the appsecret with --secret-file or --secret")
	}
	secret := c.Secret.Reveal()
	a := client.NewApp{ID: c.AppID, AppSettings: client.AppSettings{
		Secret: &secret, Sandbox: &c.Sandbox, MPPayments: &c.MPPayments, RatePerSecond: &c.Rate,
		MaxInFlight: &c.InFlight, DailyQuota: &c.DailyQuota, StockLow: &c.StockLow, TokenMode: &c.TokenMode,
	}}
	if c.Name != "" {
		a.Name = &c.Name
	}
	if from := c.TokenURL.Reveal(); from != "" {
		a.TokenURL, a.TokenPath = &from, &c.TokenPath
	}
	return c.Records.do(ctx, true, func(api *client.Client) error {
		got, err := api.CreateApp(ctx, a)
		if err != nil {
			return err
		}
		return c.Output.print(got, func(w io.Writer) { fmt.Fprintf(w, "%s is registered\n", plain(got.ID)) })
	})
}

type appListCmd struct {
	Records records `embed:""`
	Output  output  `embed:""`
}

// Help shows an example.
func (*appListCmd) Help() string { return recordsHelp + "\n\nExample:\n\n  wxnotify app list" }

// Run lists.
func (c *appListCmd) Run(ctx context.Context) error {
	return c.Records.do(ctx, false, func(api *client.Client) error {
		all, err := take(api.Apps(ctx), -1)
		if err != nil {
			return err
		}
		return c.Output.print(all, func(w io.Writer) {
			rows := [][]string{{"APPID", "NAME", "RATE", "IN FLIGHT", "PAUSED"}}
			for i := range all {
				a := &all[i]
				rows = append(rows, []string{plain(a.ID), dash(a.Name), number(a.RatePerSecond), number(a.MaxInFlight), paused(a)})
			}
			table(w, rows...)
		})
	})
}

func number(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}

func paused(a *client.App) string {
	var all []string
	for _, p := range a.Pauses {
		all = append(all, p.Scope+" ("+p.Reason+")")
	}
	return dash(strings.Join(all, ", "))
}

type appPauseCmd struct {
	Records records `embed:""`
	Output  output  `embed:""`

	AppID string `arg:"" name:"appid" help:"The app."`
	Scope string `name:"scope" default:"all" placeholder:"WHAT" help:"all, template, subscribe or a template id. Default all."`
}

// Help shows examples.
func (*appPauseCmd) Help() string {
	return `Messages are still accepted, and wait. ` + recordsHelp + `

Examples:

  wxnotify app pause wx1234567890abcdef
  wxnotify app pause wx1234567890abcdef --scope template`
}

// Run pauses.
func (c *appPauseCmd) Run(ctx context.Context) error {
	return c.Records.do(ctx, false, func(api *client.Client) error {
		a, err := api.PauseApp(ctx, c.AppID, c.Scope)
		if err != nil {
			return err
		}
		return c.Output.print(a, func(w io.Writer) { fmt.Fprintf(w, "%s: paused: %s\n", plain(a.ID), paused(&a)) })
	})
}

type appResumeCmd struct {
	Records records `embed:""`
	Output  output  `embed:""`

	AppID string `arg:"" name:"appid" help:"The app."`
	Scope string `name:"scope" default:"all" placeholder:"WHAT" help:"What was paused. Default all."`
}

// Help shows an example.
func (*appResumeCmd) Help() string {
	return "It also ends pauses that WeChat's answers brought about. " + recordsHelp + "\n\nExample:\n\n  wxnotify app resume wx1234567890abcdef"
}

// Run resumes.
func (c *appResumeCmd) Run(ctx context.Context) error {
	return c.Records.do(ctx, false, func(api *client.Client) error {
		a, err := api.ResumeApp(ctx, c.AppID, c.Scope)
		if err != nil {
			return err
		}
		return c.Output.print(a, func(w io.Writer) { fmt.Fprintf(w, "%s: paused: %s\n", plain(a.ID), paused(&a)) })
	})
}
