package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/wxnotify/wxnotify/doctor"
	"github.com/wxnotify/wxnotify/server"
)

type doctorCmd struct {
	Config server.Config `embed:""`

	JSON bool   `name:"json" help:"Print JSON."`
	Lang string `name:"lang" placeholder:"LANG" default:"" enum:",en,zh" help:"en or zh; left out, as LANG says."`
}

// Help shows examples.
func (*doctorCmd) Help() string {
	return `It takes the settings of serve, changes nothing, and may run beside the server, on the machine of the server: WeChat looks at the address that calls.
Each line says ok, wrong or skip, and below it what to do. The exit code is 1 if anything is wrong.

Examples:

  wxnotify doctor --config /etc/wxnotify/wxnotify.toml
  wxnotify doctor --database sqlite:/var/lib/wxnotify/wxnotify.db --public-url https://notify.example.com --lang zh
  wxnotify doctor --json | jq '.[] | select(.state == "wrong")'`
}

// Run looks.
func (c *doctorCmd) Run(ctx context.Context) error {
	zh := c.Lang == "zh" || c.Lang == "" && chinese()
	found, wrong := []doctor.Line{}, 0
	app := ""
	doctor.New(newLogger(quiet(c.Config.LogLevel)), c.Config.Defaults(), zh, func(l doctor.Line) {
		if l.State == doctor.Wrong {
			wrong++
		}
		if c.JSON {
			found = append(found, l)
			return
		}
		if l.App != app {
			app = l.App
			fmt.Printf("\n%s\n", plain(app))
		}
		show(l, zh)
	}).Run(ctx)
	if c.JSON {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		if err := e.Encode(found); err != nil {
			return err
		}
	}
	switch {
	case ctx.Err() != nil:
		return errors.New("stopped")
	case wrong > 0:
		return fmt.Errorf("%d %s wrong", wrong, map[bool]string{true: "thing is", false: "things are"}[wrong == 1])
	}
	return nil
}

// show prints a line for people.
func show(l doctor.Line, zh bool) {
	words := map[doctor.State]string{doctor.OK: "ok", doctor.Wrong: "wrong", doctor.Skip: "skip"}
	if zh {
		words = map[doctor.State]string{doctor.OK: "正常", doctor.Wrong: "错误", doctor.Skip: "跳过"}
	}
	word := words[l.State]
	fmt.Printf("%s%s%-19s %s\n", word, strings.Repeat(" ", 7-columns(word)), l.Check, plain(l.Text))
	if l.Do != "" {
		fmt.Printf("%27s→ %s\n", "", plain(l.Do))
	}
}

// chinese says whether the surroundings speak Chinese.
func chinese() bool {
	return strings.HasPrefix(cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG")), "zh")
}
