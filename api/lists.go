package api

import (
	"context"
	"sync"
	"time"

	"github.com/wxnotify/wxnotify"
)

// How often and how long WeChat is asked for an app's lists because of a
// template that is not known.
const (
	listsEvery   = time.Minute
	listsPatient = 3 * time.Second // a post waits for this
)

// lists remembers when WeChat was asked for the templates of an app. One
// request asks, the others that need to know wait for it.
type lists struct {
	mu   sync.Mutex
	apps map[string]*listed
}

type listed struct {
	mu    sync.Mutex
	at    time.Time
	whole bool // both lists were had: what is not in them does not exist
}

func newLists() *lists { return &lists{apps: map[string]*listed{}} }

func (l *lists) app(id string) *listed {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.apps[id]
	if a == nil {
		a = &listed{}
		l.apps[id] = a
	}
	return a
}

// fetch brings in the app's lists, unless that was tried within the last
// minute, and says whether they were had whole.
func (l *lists) fetch(ctx context.Context, d *Door, app wxnotify.App) bool {
	a := l.app(app.ID)
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Since(a.at) < listsEvery && !a.at.IsZero() {
		return a.whole
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), listsPatient)
	defer cancel()
	a.whole = true
	for _, s := range d.sync(ctx, app) {
		a.whole = a.whole && s.err == nil
	}
	a.at = time.Now()
	return a.whole
}

// A synced is what became of one list.
type synced struct {
	channel wxnotify.Channel
	count   int
	gone    []string // that were there before
	err     error
}

// sync brings in both lists of the app. One may be had without the other: the
// one of template messages was withdrawn by WeChat.
func (d *Door) sync(ctx context.Context, app wxnotify.App) []synced {
	out := []synced{{channel: wxnotify.ChannelTemplate}, {channel: wxnotify.ChannelSubscribe}}
	token, _, err := d.Tokens.Get(ctx, app)
	for i := range out {
		if out[i].err = err; err == nil {
			out[i] = d.syncOne(ctx, app, token, out[i].channel)
		}
	}
	d.templates.drop()
	return out
}

// syncOne brings in one list.
func (d *Door) syncOne(ctx context.Context, app wxnotify.App, token string, ch wxnotify.Channel) (s synced) {
	s.channel = ch
	var ts []wxnotify.Template
	if ts, s.err = d.WeChat.Templates(ctx, token, ch); s.err != nil {
		return s
	}
	s.count = len(ts)
	s.gone, s.err = d.Admin.SyncTemplates(ctx, app.ID, ch, ts, d.Now().Virtual)
	return s
}

// An AppOnly is the body of an operation that needs no more than the app.
type AppOnly struct {
	App string `json:"app,omitempty" doc:"The appid. May be left out with a key that is bound to one app, or when only one app exists."`
}

// A SyncResult says what became of one of WeChat's lists.
type SyncResult struct {
	Channel   string   `json:"channel" enum:"template,subscribe"`
	Templates int      `json:"templates" doc:"How many WeChat lists."`
	Gone      []string `json:"gone" doc:"Templates that WeChat listed before and does not list any more. Messages that name them will fail."`
	Error     *Problem `json:"error,omitempty" doc:"Why the list could not be had; what was known of it stays."`
}

// SyncResults answer POST /v1/templates/sync.
type SyncResults struct {
	Results []SyncResult `json:"results"`
}

// POST /v1/templates/sync
func (d *Door) syncTemplates(c *call) (answer, error) {
	app, err := d.appOfBody(c)
	if err != nil {
		return answer{}, err
	}
	if err := d.audit(c, app.ID, wxnotify.AuditTemplateSync, app.ID); err != nil {
		return answer{}, err
	}
	out := SyncResults{}
	for _, s := range d.sync(c.Context(), app) {
		r := SyncResult{Channel: string(s.channel), Templates: s.count, Gone: append([]string{}, s.gone...)}
		if s.err != nil {
			p, _ := d.problem(c, s.err)
			r.Error = &p
		}
		out.Results = append(out.Results, r)
	}
	return ok(out)
}

// appOfBody reads a body that holds no more than the app, or none at all.
func (d *Door) appOfBody(c *call) (wxnotify.App, error) {
	in := AppOnly{}
	raw, err := c.body(maxBody)
	if err == nil && firstByte(raw) != 0 {
		err = decode(raw, &in)
	}
	if err != nil {
		return wxnotify.App{}, err
	}
	return d.app(c.Context(), c.key, in.App)
}
