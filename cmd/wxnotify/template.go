package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/wxnotify/wxnotify/client"
)

type templateCmd struct {
	List templateListCmd `cmd:"" help:"List the templates that are known."`
	Sync templateSyncCmd `cmd:"" help:"Fetch the lists of templates from WeChat."`
}

type templateListCmd struct {
	Remote remote `embed:""`
	Output output `embed:""`

	App string `name:"app" placeholder:"APPID" help:"May be left out when only one app exists."`
}

// Help shows an example.
func (*templateListCmd) Help() string { return "Example:\n\n  wxnotify template list" }

// Run lists.
func (c *templateListCmd) Run(ctx context.Context) error {
	all, err := take(c.Remote.open().Templates(ctx, c.App), -1)
	if err != nil {
		return c.Remote.advise(err)
	}
	return c.Output.print(all, func(w io.Writer) {
		rows := [][]string{{"ID", "ALIAS", "CHANNEL", "TITLE", "KEYWORDS"}}
		for _, t := range all {
			var keys []string
			for _, k := range t.Keywords {
				keys = append(keys, plain(k.Key))
			}
			rows = append(rows, []string{plain(t.ID), dash(t.Alias), words(t.Channel, t.Kind), plain(t.Title), strings.Join(keys, " ")})
		}
		table(w, rows...)
	})
}

type templateSyncCmd struct {
	Remote remote `embed:""`
	Output output `embed:""`

	App string `name:"app" placeholder:"APPID" help:"May be left out when only one app exists."`
}

// Help shows an example.
func (*templateSyncCmd) Help() string {
	return "Do this after a template was added at WeChat. A template id that is not known makes the server do it, too.\n\nExample:\n\n  wxnotify template sync"
}

// Run fetches.
func (c *templateSyncCmd) Run(ctx context.Context) error {
	results, err := c.Remote.open().SyncTemplates(ctx, c.App)
	if err != nil {
		return c.Remote.advise(err)
	}
	err = c.Output.print(results, func(w io.Writer) {
		for _, r := range results {
			if r.Error == nil {
				fmt.Fprintf(w, "%s: %d %s\n", r.Channel, r.Templates, plural(r.Templates, "template"))
			}
		}
	})
	return firstFault(err, results)
}

// firstFault is what WeChat said where a list could not be had.
func firstFault(err error, results []client.SyncResult) error {
	for _, r := range results {
		if err == nil && r.Error != nil {
			err = fmt.Errorf("%s: %w", r.Channel, r.Error)
		}
	}
	return err
}
