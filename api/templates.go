package api

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
)

// A Template is a template of WeChat's, as it was listed or put here.
type Template struct {
	App      string            `json:"app"`
	ID       string            `json:"template_id" doc:"WeChat's."`
	Alias    *string           `json:"alias" doc:"Yours."`
	Channel  string            `json:"channel" enum:"template,subscribe"`
	Kind     *string           `json:"kind" doc:"Of a subscribe template: once or longterm."`
	Title    string            `json:"title"`
	Keywords []Keyword         `json:"keywords" doc:"Empty: not known, so values are not checked against them."`
	SyncedAt *time.Time        `json:"synced_at" doc:"When WeChat listed it last; null: put here by hand."`
	Gone     bool              `json:"gone" doc:"WeChat no longer lists it."`
	Fields   map[string]string `json:"fields" doc:"Names that data may use, and the keyword that each stands for."`
	Trim     bool              `json:"trim" doc:"Values that are too long are cut, not refused."`
}

// A Keyword is one line of a template.
type Keyword struct {
	Key  string `json:"key" doc:"Its name in data." example:"keyword1"`
	Name string `json:"name" doc:"What the card shows beside the value." example:"状态"`

	Values []string `json:"values,omitempty" doc:"Of an enum_string: all that it may say. Left out: not known."`
}

// Templates is a page of templates.
type Templates struct {
	Data []Template `json:"data"`
	Next *string    `json:"next_cursor"`
}

func showTemplate(t *wxnotify.Template) Template {
	out := Template{
		App: t.App, ID: t.ID, Alias: null(t.Alias), Channel: string(t.Channel), Kind: null(t.Kind), Title: t.Title,
		Keywords: make([]Keyword, len(t.Keywords)), SyncedAt: when(t.SyncedAt), Gone: t.Gone, Fields: t.Fields, Trim: t.Trim,
	}
	for i, k := range t.Keywords {
		out.Keywords[i] = Keyword(k)
	}
	if out.Fields == nil {
		out.Fields = map[string]string{}
	}
	return out
}

// GET /v1/templates
func (d *Door) listTemplates(c *call) (answer, error) {
	app, err := d.app(c.Context(), c.key, c.query["app"])
	if err != nil {
		return answer{}, err
	}
	all, err := d.Admin.Templates(c.Context(), app.ID)
	if err != nil {
		return answer{}, err
	}
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b wxnotify.Template) int { return strings.Compare(a.ID, b.ID) })
	part, next, err := page(c.query, all, func(t wxnotify.Template) string { return t.ID })
	if err != nil {
		return answer{}, err
	}
	out := Templates{Data: make([]Template, len(part)), Next: next}
	for i := range part {
		out.Data[i] = showTemplate(&part[i])
	}
	return ok(out)
}

// A PutTemplate is the body of PUT /v1/templates/{id}. What is left out stays
// as it is known.
type PutTemplate struct {
	App      string            `json:"app,omitempty" doc:"The appid. May be left out with a key that is bound to one app, or when only one app exists."`
	Alias    *string           `json:"alias,omitempty" doc:"A name of yours that can stand for the id; empty takes it away." pattern:"^[0-9A-Za-z_.-]{0,64}$" example:"accepted"`
	Channel  string            `json:"channel" enum:"template,subscribe"`
	Kind     string            `json:"kind,omitempty" doc:"Of a subscribe template. Default once." enum:"once,longterm"`
	Title    string            `json:"title,omitempty" maxLength:"100" example:"接单通知"`
	Keywords []Keyword         `json:"keywords,omitempty" doc:"The lines of the card in their order. Left out: values are not checked against them." maxItems:"50"`
	Fields   map[string]string `json:"fields,omitempty" doc:"Names of yours that data may use, and the keyword that each stands for. Give a classic and a subscribe template the same alias and the same names: messages then go by whichever the user has a permit for." maxProperties:"50" example:"{\"status\":\"phrase1\"}"`
	Trim     *bool             `json:"trim,omitempty" doc:"Cut values that are too long for their kind instead of refusing them. Numbers, times and the like are never cut."`
}

// PUT /v1/templates/{id}
func (d *Door) putTemplate(c *call) (answer, error) {
	id, err := c.pathID()
	if err != nil {
		return answer{}, err
	}
	raw, err := c.body(maxBody)
	if err != nil {
		return answer{}, err
	}
	var in PutTemplate
	if err := decode(raw, &in); err != nil {
		return answer{}, err
	}
	app, err := d.app(c.Context(), c.key, in.App)
	if err := firstError(err, in.check()); err != nil {
		return answer{}, err
	}
	t := wxnotify.Template{}
	if known, err := d.known(c.Context(), app.ID, id); err != nil {
		return answer{}, err
	} else if known != nil && known.ID == id {
		t = *known
	}
	t.App, t.ID = app.ID, id
	in.apply(&t)
	if err := d.audit(c, app.ID, wxnotify.AuditTemplatePut, id); err != nil {
		return answer{}, err
	}
	if err := d.Admin.PutTemplate(c.Context(), t); err != nil {
		return answer{}, err
	}
	d.templates.drop()
	return ok(showTemplate(&t))
}

// apply writes what was said over what is known.
func (in *PutTemplate) apply(t *wxnotify.Template) {
	t.Channel = wxnotify.Channel(in.Channel)
	set(&t.Alias, in.Alias)
	if in.Kind != "" {
		t.Kind = in.Kind
	}
	switch {
	case t.Channel == wxnotify.ChannelTemplate:
		t.Kind = ""
	case t.Kind == "":
		t.Kind = wxnotify.KindOnce
	}
	if in.Title != "" {
		t.Title = in.Title
	}
	set(&t.Trim, in.Trim)
	if in.Fields != nil {
		t.Fields = in.Fields
	}
	if in.Keywords != nil {
		t.Keywords = make([]wxnotify.Keyword, len(in.Keywords))
		for i, k := range in.Keywords {
			t.Keywords[i] = wxnotify.Keyword(k)
		}
	}
}

func (in *PutTemplate) check() error {
	f := faults{}
	f.check(in.Alias == nil || *in.Alias == "" || wxnotify.ValidTemplateID(*in.Alias), wxnotify.FieldInvalid, "alias", "an alias has 1 to 64 letters, digits, _, . and -")
	f.add("channel", requireOneOf("channel", in.Channel, "template", "subscribe"))
	f.check(in.Kind == "" || in.Channel == string(wxnotify.ChannelSubscribe), wxnotify.FieldInvalid, "kind", "only a subscribe template has a kind")
	f.check(in.Kind == "" || in.Kind == wxnotify.KindOnce || in.Kind == wxnotify.KindLongterm, wxnotify.FieldInvalid, "kind", "one of once, longterm")
	f.name("title", in.Title)
	f.check(len(in.Keywords) <= 50, wxnotify.OutOfRange, "keywords", "at most 50 keywords")
	f.check(len(in.Fields) <= 50, wxnotify.OutOfRange, "fields", "at most 50 fields")
	for name, key := range in.Fields {
		f.check(wxnotify.ValidTemplateID(name) && wxnotify.ValidTemplateID(key), wxnotify.FieldInvalid, "fields", "names and keywords have 1 to 64 letters, digits, _, . and -")
	}
	seen := map[string]bool{}
	for _, k := range in.Keywords {
		f.check(wxnotify.ValidTemplateID(k.Key), wxnotify.FieldInvalid, "keywords", "a key has 1 to 64 letters, digits, _, . and -")
		f.check(!seen[k.Key], wxnotify.FieldInvalid, "keywords", "a key appears twice")
		f.name("keywords", k.Name)
		seen[k.Key] = true
	}
	return f.err()
}

// template finds the template that a message names by its id or an alias; nil
// where it is not known and cannot be: then WeChat will say. What WeChat's own
// lists do not have either is template_unknown.
func (d *Door) template(ctx context.Context, app wxnotify.App, name string) (*wxnotify.Template, error) {
	if !wxnotify.ValidTemplateID(name) {
		return nil, nil // the draft's own check says it
	}
	t, err := d.known(ctx, app.ID, name)
	if t != nil || err != nil {
		return t, err
	}
	if whole := d.lists.fetch(ctx, d, app); !whole {
		return nil, nil
	}
	if t, err = d.known(ctx, app.ID, name); t != nil || err != nil {
		return t, err
	}
	return nil, wxnotify.RefuseField(wxnotify.TemplateUnknown, "template_id", "WeChat lists no such template for this app")
}

func (d *Door) known(ctx context.Context, app, name string) (*wxnotify.Template, error) {
	all, err := d.templates.get(ctx, app)
	if err != nil {
		return nil, err
	}
	var alias *wxnotify.Template
	for i := range all {
		switch t := &all[i]; {
		case t.ID == name:
			return t, nil
		case t.Alias == name && (alias == nil || alias.Gone):
			alias = t
		}
	}
	return alias, nil
}
