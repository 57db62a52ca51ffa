package api

import (
	"context"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/wechat"
)

// A Library is WeChat's management of an account's templates. What it answers
// wraps the refusal that stands for it here.
type Library interface {
	Library(ctx context.Context, token string, ch wxnotify.Channel, offset int) (page []wechat.LibraryEntry, total int, err error)
	LibraryKeywords(ctx context.Context, token string, ch wxnotify.Channel, id string) ([]wechat.LibraryKeyword, error)
	AddTemplate(ctx context.Context, token string, ch wxnotify.Channel, id string, keywords []int, scene string) (string, error)
	DeleteTemplate(ctx context.Context, token string, ch wxnotify.Channel, id string) error
}

// A LibraryEntry is a template of WeChat's library.
type LibraryEntry struct {
	ID       string           `json:"library_id" example:"AT0002"`
	Channel  string           `json:"channel" enum:"template,subscribe"`
	Title    string           `json:"title"`
	Kind     *string          `json:"kind" doc:"Of a subscribe template: once or longterm."`
	Keywords []LibraryKeyword `json:"keywords,omitempty" doc:"Only where one entry is read."`
}

// A LibraryKeyword is one that may be chosen.
type LibraryKeyword struct {
	ID      int     `json:"id" doc:"For keywords of POST /v1/templates."`
	Name    string  `json:"name"`
	Example string  `json:"example"`
	Kind    *string `json:"kind" doc:"Of its values, in a subscribe template: thing, time, …"`
}

// A LibraryList is a page of the library.
type LibraryList struct {
	Data  []LibraryEntry `json:"data"`
	Total int            `json:"total" doc:"Entries in the library; with q: among those looked through."`
	Next  *int           `json:"next_offset" doc:"Null on the last page, and with q."`
}

var paramChannel = param{name: "channel", doc: "Whose library.", enum: []string{"template", "subscribe"}}

// maxLookThrough is how many pages of the library a search reads.
const maxLookThrough = 50

// GET /v1/templates/library
func (d *Door) listLibrary(c *call) (answer, error) {
	app, ch, err := d.libraryOf(c)
	offset, err2 := c.query.number("offset", 0, 1_000_000, 0)
	if err := firstError(err, err2); err != nil {
		return answer{}, err
	}
	token, _, err := d.Tokens.Get(c.Context(), app)
	if err != nil {
		return answer{}, err
	}
	out := LibraryList{Data: []LibraryEntry{}}
	q := strings.ToLower(c.query["q"])
	for range maxLookThrough {
		part, total, err := d.Library.Library(c.Context(), token, ch, offset)
		if err != nil {
			return answer{}, err
		}
		for _, e := range part {
			if q == "" || strings.Contains(strings.ToLower(e.Title), q) {
				out.Data = append(out.Data, LibraryEntry{ID: e.ID, Channel: string(ch), Title: e.Title, Kind: null(e.Kind)})
			}
		}
		offset += len(part)
		out.Total = total
		more := len(part) == wechat.LibraryPage(ch)
		if q == "" && more {
			out.Next = &offset
		}
		if q == "" || !more {
			break
		}
	}
	return ok(out)
}

// GET /v1/templates/library/{id}
func (d *Door) getLibrary(c *call) (answer, error) {
	id, err := c.pathID()
	if err != nil {
		return answer{}, err
	}
	app, ch, err := d.libraryOf(c)
	if err != nil {
		return answer{}, err
	}
	token, _, err := d.Tokens.Get(c.Context(), app)
	if err != nil {
		return answer{}, err
	}
	keywords, err := d.Library.LibraryKeywords(c.Context(), token, ch, id)
	if err != nil {
		return answer{}, err
	}
	out := LibraryEntry{ID: id, Channel: string(ch)}
	for _, k := range keywords {
		out.Keywords = append(out.Keywords, LibraryKeyword{ID: k.ID, Name: k.Name, Example: k.Example, Kind: null(k.Rule)})
	}
	return ok(out)
}

func (d *Door) libraryOf(c *call) (app wxnotify.App, ch wxnotify.Channel, err error) {
	word, err := c.query.oneOf("channel", "template", "subscribe")
	if err == nil && word == "" {
		err = wxnotify.RefuseField(wxnotify.FieldRequired, "channel", "template or subscribe is needed here")
	}
	if err != nil {
		return app, "", err
	}
	app, err = d.app(c.Context(), c.key, c.query["app"])
	return app, wxnotify.Channel(word), err
}

// An AddTemplate is the body of POST /v1/templates.
type AddTemplate struct {
	App       string  `json:"app,omitempty" doc:"The appid. May be left out with a key that is bound to one app, or when only one app exists."`
	Channel   string  `json:"channel" enum:"template,subscribe"`
	LibraryID string  `json:"library_id" doc:"An entry of GET /v1/templates/library." maxLength:"64" example:"AT0002"`
	Keywords  []int   `json:"keywords" doc:"Ids of the entry's keywords, in the order of the card: 1 to 10 of a classic template, 2 to 5 of a subscribe template." maxItems:"10"`
	Scene     string  `json:"scene,omitempty" doc:"Subscribe: what the message is for, at most 15 characters." maxLength:"15"`
	Alias     *string `json:"alias,omitempty" doc:"A name of yours that can stand for the id." pattern:"^[0-9A-Za-z_.-]{0,64}$"`
}

// POST /v1/templates
func (d *Door) postTemplate(c *call) (answer, error) {
	raw, err := c.body(maxBody)
	if err != nil {
		return answer{}, err
	}
	var in AddTemplate
	if err := decode(raw, &in); err != nil {
		return answer{}, err
	}
	app, err := d.app(c.Context(), c.key, in.App)
	if err := firstError(err, in.check()); err != nil {
		return answer{}, err
	}
	token, _, err := d.Tokens.Get(c.Context(), app)
	if err != nil {
		return answer{}, err
	}
	if err := d.audit(c, app.ID, wxnotify.AuditTemplateAdd, in.LibraryID, in.Channel); err != nil {
		return answer{}, err
	}
	ch := wxnotify.Channel(in.Channel)
	id, err := d.Library.AddTemplate(c.Context(), token, ch, in.LibraryID, in.Keywords, in.Scene)
	if err != nil {
		return answer{}, err
	}
	// It exists from here on; what its list says of it can also be had later.
	if s := d.syncOne(c.Context(), app, token, ch); s.err != nil {
		d.log.Warn("a new template's keywords are not known yet", "request_id", c.id, "app", app.ID, "template", id, "error", s.err)
	}
	d.templates.drop()
	t, err := d.known(c.Context(), app.ID, id)
	if err != nil {
		return answer{}, err
	}
	made := wxnotify.Template{App: app.ID, ID: id, Channel: ch}
	if t != nil {
		made = *t
	}
	set(&made.Alias, in.Alias)
	if err := d.Admin.PutTemplate(c.Context(), made); err != nil {
		return answer{}, err
	}
	d.templates.drop()
	return answer{status: http.StatusCreated, body: showTemplate(&made)}, nil
}

func (in *AddTemplate) check() error {
	f := faults{}
	f.add("channel", requireOneOf("channel", in.Channel, "template", "subscribe"))
	f.check(wxnotify.ValidTemplateID(in.LibraryID), wxnotify.FieldInvalid, "library_id", "name an entry of the library")
	low, high := 1, 10
	if in.Channel == string(wxnotify.ChannelSubscribe) {
		low, high = 2, 5
	}
	f.check(len(in.Keywords) >= low && len(in.Keywords) <= high, wxnotify.OutOfRange, "keywords", "1 to 10 keywords of a classic template, 2 to 5 of a subscribe template")
	f.check(in.Scene == "" || in.Channel == string(wxnotify.ChannelSubscribe), wxnotify.FieldInvalid, "scene", "only a subscribe template has a scene")
	f.check(utf8.RuneCountInString(in.Scene) <= 15, wxnotify.ValueTooLong, "scene", "at most 15 characters")
	f.name("scene", in.Scene)
	f.check(in.Alias == nil || *in.Alias == "" || wxnotify.ValidTemplateID(*in.Alias), wxnotify.FieldInvalid, "alias", "an alias has 1 to 64 letters, digits, _, . and -")
	return f.err()
}

// DELETE /v1/templates/{id}
func (d *Door) deleteTemplate(c *call) (answer, error) {
	id, err := c.pathID()
	if err != nil {
		return answer{}, err
	}
	app, err := d.app(c.Context(), c.key, c.query["app"])
	if err != nil {
		return answer{}, err
	}
	t, err := d.known(c.Context(), app.ID, id)
	if err == nil && (t == nil || t.ID != id) { // an alias may stand for two
		err = wxnotify.Refuse(wxnotify.NotFound, "there is no such template")
	}
	if err != nil {
		return answer{}, err
	}
	token, _, err := d.Tokens.Get(c.Context(), app)
	if err != nil {
		return answer{}, err
	}
	if err := d.audit(c, app.ID, wxnotify.AuditTemplateDelete, id); err != nil {
		return answer{}, err
	}
	if err := d.Library.DeleteTemplate(c.Context(), token, t.Channel, id); err != nil {
		return answer{}, err
	}
	gone := *t
	gone.Gone = true
	if err := d.Admin.PutTemplate(c.Context(), gone); err != nil {
		return answer{}, err
	}
	d.templates.drop()
	return answer{status: http.StatusNoContent}, nil
}

// watchEvery is how often the lists of all apps are looked at unasked. After a
// look in which one of them could not be had the next comes after watchAgain,
// and then after twice as long each time.
const (
	watchEvery = 6 * time.Hour
	watchAgain = 5 * time.Second
)

// Watch fetches the lists of all apps, now and again every few hours until ctx
// ends, so that a template that disappeared at WeChat is noticed before a
// message needs it, and that long-term ones are known when users agree to them.
func (d *Door) Watch(ctx context.Context) {
	for again := watchAgain; ; {
		wait := watchEvery
		if d.watch(ctx) {
			again = watchAgain
		} else {
			wait, again = again, min(2*again, watchEvery)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// watch fetches the lists of all apps, and says whether it got them all.
func (d *Door) watch(ctx context.Context) (whole bool) {
	apps, err := d.Admin.Apps(ctx)
	whole = err == nil
	if err != nil && ctx.Err() == nil {
		d.log.Error("templates cannot be looked at", "error", err)
	}
	for _, app := range apps {
		for _, s := range d.sync(ctx, app) {
			if s.err != nil && ctx.Err() == nil {
				d.log.Warn("a list of templates cannot be had", "app", app.ID, "channel", s.channel, "error", s.err)
				whole = false
			}
		}
	}
	return whole
}

// Know fetches the app's lists if a template is not known, at most once a
// minute: what a user agreed to is told apart by the template's kind.
func (d *Door) Know(ctx context.Context, app wxnotify.App, template string) {
	if _, err := d.template(ctx, app, template); err != nil && !ofItem(err) {
		d.log.Warn("a template that a user answered about cannot be looked up", "app", app.ID, "template", template, "error", err)
	}
}
