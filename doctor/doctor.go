// Package doctor looks at a set-up and says what is wrong with it, and what to
// do, in English or Chinese.
//
// It changes nothing. It reads the database beside the server that holds it,
// asks WeChat what costs nothing, and calls the server's own callback as WeChat
// would. It has a token without taking one from the server: the one in the
// database, and one of stable_token without force, which WeChat gives to
// everybody alike and which leaves the tokens of /cgi-bin/token alone.
package doctor

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/wxnotify/wxnotify/server"
)

// A State is what was found.
type State string

// The states. What is skipped could not be looked at; Text says why.
const (
	OK    State = "ok"
	Wrong State = "wrong"
	Skip  State = "skip"
)

// A Line is one thing that was looked at.
type Line struct {
	App   string `json:"app,omitempty"` // "" where it is of the whole
	Check string `json:"check"`         // the same word in every language
	State State  `json:"state"`
	Text  string `json:"text"`
	Do    string `json:"do,omitempty"` // what to do
}

// A Doctor looks at one set-up.
type Doctor struct {
	conf server.Config
	log  *slog.Logger
	zh   bool
	told func(Line)
	app  string // that is looked at
}

// New makes a doctor for the settings of a server, with their defaults. told
// gets each line as it is found.
func New(log *slog.Logger, conf server.Config, chinese bool, told func(Line)) *Doctor {
	return &Doctor{conf: conf, log: log, zh: chinese, told: told}
}

// Run looks at everything.
func (d *Doctor) Run(ctx context.Context) {
	if d.settings() {
		d.database(ctx)
	}
}

// A text is in both languages, as for fmt.Sprintf.
type text struct{ en, zh string }

func (d *Doctor) say(t text, args ...any) string {
	if d.zh {
		return fmt.Sprintf(t.zh, args...)
	}
	return fmt.Sprintf(t.en, args...)
}

// ok tells of what is well, with a hint where there is one.
func (d *Doctor) ok(check, what string, do ...string) {
	d.told(Line{App: d.app, Check: check, State: OK, Text: what, Do: strings.Join(do, "")})
}

func (d *Doctor) skip(check, why string) {
	d.told(Line{App: d.app, Check: check, State: Skip, Text: why})
}

// wrong tells of what is wrong, and always what to do.
func (d *Doctor) wrong(check, what, do string) {
	d.told(Line{App: d.app, Check: check, State: Wrong, Text: what, Do: do})
}

// unread is wrong where the database did not tell what it was asked.
func (d *Doctor) unread(check string, err error) {
	d.wrong(check, err.Error(), d.say(text{"see what the database's own log says", "请查看数据库自身的日志"}))
}

// settings checks the settings, and says whether the database can be opened.
func (d *Doctor) settings() bool {
	if err := d.conf.Check(); err != nil {
		d.wrong("settings", err.Error(), d.say(text{"correct this setting; docs/settings.md lists them", "请改正该配置项，参见 docs/settings.zh-CN.md"}))
		return d.conf.CheckDatabase() == nil
	}
	d.ok("settings", d.say(text{"they make sense", "配置项合法"}))
	return true
}
