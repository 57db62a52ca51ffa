package api

import (
	"context"
	"net/http"
	"time"

	"github.com/wxnotify/wxnotify"
)

// A NewPermit is one act of a user, reported by a backend.
type NewPermit struct {
	ID         string `json:"id,omitempty" doc:"Your own id for the act; a known one creates nothing." maxLength:"128"`
	To         string `json:"touser" doc:"The user's openid." pattern:"^[0-9A-Za-z_-]{6,64}$"`
	Source     string `json:"source" doc:"What the user did." enum:"form,payment,subscribe,longterm"`
	Code       string `json:"code,omitempty" doc:"form: the formId; payment: the prepay_id, without prepay_id= in front." pattern:"^[0-9A-Za-z_-]{10,128}$"`
	TemplateID string `json:"template_id,omitempty" doc:"subscribe and longterm: the template that the user agreed to, by its id or an alias."`
	Count      *int   `json:"count,omitempty" doc:"subscribe: how many acceptances. Default 1." minimum:"1" maximum:"100"`
	Age        *int   `json:"age_seconds,omitempty" doc:"How long ago the user acted. Default 0." minimum:"0"`
}

// NewPermits is the body of POST /v1/permits.
type NewPermits struct {
	App     string      `json:"app,omitempty" doc:"The appid. May be left out with a key that is bound to one app, or when only one app exists."`
	Permits []NewPermit `json:"permits" minItems:"1" maxItems:"1000"`
}

// A PermitResult says what became of one permit that was handed in.
type PermitResult struct {
	Index   int      `json:"index" doc:"Its place in the request, from 0."`
	Created *int     `json:"created,omitempty" doc:"Messages that it allows and that were not known: a payment brings 3. 0: known already."`
	Error   *Problem `json:"error,omitempty" doc:"Why it was refused; the others stand."`
}

// PermitResults answer POST /v1/permits, in the order of the request.
type PermitResults struct {
	Results []PermitResult `json:"results"`
}

// POST /v1/permits
func (d *Door) postPermits(c *call) (answer, error) {
	raw, err := c.body(maxBatchBody)
	if err != nil {
		return answer{}, err
	}
	head, items, err := split(raw, "permits", maxBatch)
	if err != nil {
		return answer{}, err
	}
	var in NewPermits
	if err := decode(head, &in); err != nil {
		return answer{}, err
	}
	app, err := d.app(c.Context(), c.key, in.App)
	if err != nil {
		return answer{}, err
	}
	out := make([]PermitResult, len(items))
	var ds []wxnotify.Deposit
	var places []int
	for i, item := range items {
		out[i].Index = i
		var p NewPermit
		err := decode(item, &p)
		if err == nil {
			err = p.check(app)
		}
		dep := p.deposit(app.ID, c.now.Virtual)
		if err == nil && wxnotify.Rules[dep.Source].Template {
			err = d.agreed(c.Context(), app, &dep, p.TemplateID)
		}
		switch {
		case err != nil && !ofItem(err):
			return answer{}, err
		case err != nil:
			out[i].Error = d.itemProblem(c, err, "permits", i)
			continue
		}
		ds, places = append(ds, dep), append(places, i)
	}
	done, err := d.deposit(c, app.ID, ds)
	if err != nil {
		return answer{}, err
	}
	for k, r := range done {
		i := places[k]
		if r.Err != nil {
			out[i].Error = d.itemProblem(c, r.Err, "permits", i)
			continue
		}
		out[i].Created = &r.Created
	}
	return ok(PermitResults{out})
}

// deposit hands in what is left of a list after its faults.
func (d *Door) deposit(c *call, app string, ds []wxnotify.Deposit) ([]wxnotify.Deposited, error) {
	if len(ds) == 0 {
		return nil, nil
	}
	return d.Ledger.Deposit(c.Context(), c.now, app, ds)
}

// maxCount is how many acceptances of a subscription one item may bring.
const maxCount = 100

// check refuses what makes no sense, before the ledger sees it.
func (p *NewPermit) check(app wxnotify.App) error {
	f := faults{}
	f.check(p.ID == "" || visible(p.ID, maxID), wxnotify.FieldInvalid, "id", "an id has 1 to 128 visible characters")
	f.openid("touser", p.To)
	f.add("source", requireOneOf("source", p.Source, "form", "payment", "subscribe", "longterm"))
	f.check(p.Age == nil || *p.Age >= 0 && *p.Age <= maxAge, wxnotify.OutOfRange, "age_seconds", "seconds since the user acted, 0 or more")
	f.check(p.Count == nil || *p.Count >= 1 && *p.Count <= maxCount, wxnotify.OutOfRange, "count", "1 to 100")
	rule := wxnotify.Rules[wxnotify.Source(p.Source)]
	f.check(p.Count == nil || p.Source == string(wxnotify.Subscribe), wxnotify.FieldInvalid, "count", "only a subscription has a count")
	switch {
	case rule.Code:
		f.code("code", p.Code, app.Sandbox)
		f.check(p.TemplateID == "", wxnotify.FieldInvalid, "template_id", "a form or payment is good for every template")
	case rule.Template:
		f.check(p.Code == "", wxnotify.FieldInvalid, "code", "a subscription has no code")
		f.template("template_id", p.TemplateID)
	}
	return f.err()
}

// agreed finds the template of a subscription by its id or an alias, and what
// an acceptance of it gives. Of two templates of one name it is the one that
// users are asked about.
func (d *Door) agreed(ctx context.Context, app wxnotify.App, dep *wxnotify.Deposit, name string) error {
	t, _, err := d.ways(ctx, app, &wxnotify.Draft{TemplateID: name, Channel: wxnotify.ChannelSubscribe})
	if err != nil {
		return err
	}
	dep.TemplateID = name
	if t == nil {
		return nil
	}
	dep.TemplateID = t.ID
	switch {
	case t.Channel != wxnotify.ChannelSubscribe:
		return wxnotify.RefuseField(wxnotify.ChannelInvalid, "template_id", "this is not a subscribe template")
	case t.Kind == wxnotify.KindLongterm:
		dep.Source = wxnotify.Longterm
	}
	return nil
}

// maxAge bounds age_seconds; what is older than a permit lasts is
// permit_expired, which says more.
const maxAge = 1 << 31

func (p *NewPermit) deposit(app string, now time.Time) wxnotify.Deposit {
	d := wxnotify.Deposit{
		App: app, To: p.To, Source: wxnotify.Source(p.Source), Code: p.Code, Count: 1, GivenAt: now,
	}
	if p.ID != "" {
		d.Key = "v1/" + p.ID // the mini program's own ids live apart: nobody can take a backend's
	}
	if p.Count != nil {
		d.Count = *p.Count
	}
	if p.Age != nil {
		d.GivenAt = now.Add(-time.Duration(*p.Age) * time.Second)
	}
	return d
}

// A Permit is the right to send one message.
type Permit struct {
	ID         string     `json:"id"`
	App        string     `json:"app"`
	To         string     `json:"touser"`
	Source     string     `json:"source" enum:"form,payment,subscribe,longterm"`
	TemplateID *string    `json:"template_id" doc:"Of a subscription."`
	State      string     `json:"state" enum:"free,bound,used,held,dead" doc:"bound: to a message that is to go out; held: its message's answer is missing."`
	Cause      *string    `json:"cause" doc:"Why it is dead: expired, invalid, spent, blocked, refused, withdrawn, unresolved, deleted, erased."`
	ExpiresAt  *time.Time `json:"expires_at" doc:"Null: no deadline is known."`
	CreatedAt  *time.Time `json:"created_at" doc:"When the user acted."`
	Message    *string    `json:"message" doc:"The message that it is bound to, was used for or is held by."`
}

// Permits is a page of permits, newest first.
type Permits struct {
	Data []Permit `json:"data"`
	Next *string  `json:"next_cursor" doc:"For the next page; null on the last. A page before it may be shorter than the limit, even empty."`
}

// GET /v1/permits
func (d *Door) listPermits(c *call) (answer, error) {
	f := wxnotify.PermitFilter{To: c.query["touser"], Cursor: c.query["cursor"]}
	var err error
	if f.App, err = d.appFilter(c); err != nil {
		return answer{}, err
	}
	source, err1 := c.query.oneOf("source", "form", "payment", "subscribe", "longterm")
	state, err2 := c.query.oneOf("state", "free", "bound", "used", "held", "dead")
	limit, err3 := c.query.limit()
	if err := firstError(err1, err2, err3, checkOpenID("touser", f.To)); err != nil {
		return answer{}, err
	}
	f.Source, f.State, f.Limit = wxnotify.Source(source), wxnotify.PermitState(state), limit
	ps, next, err := d.Reader.Permits(c.Context(), f)
	if err != nil {
		return answer{}, err
	}
	out := Permits{Data: make([]Permit, len(ps)), Next: null(next)}
	for i, p := range ps {
		out.Data[i] = Permit{
			ID: p.ID, App: p.App, To: p.To, Source: string(p.Source), TemplateID: null(p.TemplateID), State: string(p.State), Cause: null(p.Cause),
			ExpiresAt: when(p.ExpiresAt), CreatedAt: when(p.GivenAt), Message: null(p.Message),
		}
	}
	return ok(out)
}

// DELETE /v1/permits/{id}
func (d *Door) deletePermit(c *call) (answer, error) {
	id, err := c.pathID()
	if err != nil {
		return answer{}, err
	}
	app, err := d.app(c.Context(), c.key, c.query["app"])
	if err != nil {
		return answer{}, err
	}
	if err := d.Ledger.Delete(c.Context(), app.ID, id); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}
