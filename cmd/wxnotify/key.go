package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify/client"
)

type keyCmd struct {
	Create keyCreateCmd `cmd:"" help:"Make a key; it is shown once."`
	List   keyListCmd   `cmd:"" help:"List the keys."`
	Revoke keyRevokeCmd `cmd:"" help:"Revoke a key."`
	Rotate rotateCmd    `cmd:"" name:"rotate-master" help:"Put a new master key in the place of the old one."`
}

type keyCreateCmd struct {
	Records records `embed:""`
	Output  output  `embed:""`

	Name   string        `name:"name" placeholder:"TEXT" help:"For people."`
	Scopes []string      `name:"scopes" default:"send,permits,read" placeholder:"SCOPE" help:"What it may do: send, permits, read, token, admin. Default send,permits,read."`
	App    string        `name:"app" placeholder:"APPID" help:"Bind it to this app."`
	Lasts  time.Duration `name:"lasts" placeholder:"TIME" help:"Expires after, such as 90d. Left out, it does not."`
	Rate   int           `name:"rate" placeholder:"N" help:"Requests a second; 0: no limit."`
}

// Help shows examples.
func (*keyCreateCmd) Help() string {
	return recordsHelp + `

Examples:

  wxnotify key create --name "order service"
  wxnotify key create --name console --scopes send,permits,read,token,admin --lasts 90d`
}

// Run makes a key.
func (c *keyCreateCmd) Run(ctx context.Context) error {
	k := client.NewKey{Name: c.Name, Scopes: c.Scopes, App: c.App, RatePerSecond: c.Rate}
	if c.Lasts > 0 {
		k.ExpiresAt = time.Now().Add(c.Lasts)
	}
	return c.Records.do(ctx, true, func(api *client.Client) error {
		got, err := api.CreateKey(ctx, k)
		if err != nil {
			return err
		}
		return c.Output.print(got, func(w io.Writer) {
			fmt.Fprintf(w, "%s\nid %s. Keep it: it is not shown again.\n", got.Text, got.ID)
		})
	})
}

type keyListCmd struct {
	Records records `embed:""`
	Output  output  `embed:""`
}

// Help shows an example.
func (*keyListCmd) Help() string { return recordsHelp + "\n\nExample:\n\n  wxnotify key list" }

// Run lists.
func (c *keyListCmd) Run(ctx context.Context) error {
	return c.Records.do(ctx, false, func(api *client.Client) error {
		all, err := take(api.Keys(ctx), -1)
		if err != nil {
			return err
		}
		return c.Output.print(all, func(w io.Writer) {
			rows := [][]string{{"ID", "NAME", "SCOPES", "APP", "LAST USED", "ENDS"}}
			for i := range all {
				k := &all[i]
				rows = append(rows, []string{k.ID, dash(k.Name), strings.Join(k.Scopes, ","), dash(k.App), moment(k.LastUsedAt), ends(k)})
			}
			table(w, rows...)
		})
	})
}

func ends(k *client.Key) string {
	if !k.RevokedAt.IsZero() {
		return "revoked"
	}
	return moment(k.ExpiresAt)
}

type keyRevokeCmd struct {
	Records records `embed:""`

	ID string `arg:"" name:"id" help:"The key's id, key_…"`
}

// Help shows an example.
func (*keyRevokeCmd) Help() string {
	return recordsHelp + "\n\nExample:\n\n  wxnotify key revoke key_01kb3x5wq7f8v9n2c4d6e8g0hj"
}

// Run revokes.
func (c *keyRevokeCmd) Run(ctx context.Context) error {
	return c.Records.do(ctx, false, func(api *client.Client) error {
		if err := api.RevokeKey(ctx, c.ID); err != nil {
			return err
		}
		fmt.Printf("%s is revoked\n", plain(c.ID))
		return nil
	})
}
