package api

import (
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/wxnotify/wxnotify"
)

// An upload is one request's items on their way into the ledger.
type upload struct {
	d      *Door
	c      *call
	app    wxnotify.App
	out    []MiniResult
	ds     []wxnotify.Deposit
	places []int // of the deposits among the items
}

// read decodes the items. One that names an openid spoils the whole request,
// before anything of it is kept.
func (u *upload) read(items [][]byte) error {
	for i, raw := range items {
		var p MiniPermit
		err := decode(raw, &p)
		if err != nil {
			err = openIDNotAllowed(err)
			if wxnotify.CodeOf(err) == wxnotify.OpenIDNotAllowed {
				return err
			}
		}
		if u.out[i].ID = p.ID; err != nil {
			u.out[i].ID = itemID(raw)
		}
		var dep wxnotify.Deposit
		if err == nil {
			dep, err = u.check(&p)
		}
		switch {
		case err != nil && !ofItem(err):
			return err
		case err != nil:
			u.fail(i, err)
			continue
		}
		u.ds, u.places = append(u.ds, dep), append(u.places, i)
	}
	return nil
}

// itemID finds the id of an item that cannot be decoded, so that the client
// knows which one to forget.
func itemID(raw []byte) string {
	var p struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(raw, &p) != nil || !visible(p.ID, maxID) {
		return ""
	}
	return p.ID
}

// maxID is how long a caller's own id may be.
const maxID = 128

func (u *upload) fail(i int, err error) {
	u.out[i].Error = u.d.itemProblem(u.c, err, "permits", i)
}

// check makes a deposit of an item.
func (u *upload) check(p *MiniPermit) (dep wxnotify.Deposit, err error) {
	f := faults{}
	f.check(visible(p.ID, maxID), wxnotify.FieldRequired, "id", "an id has 1 to 128 visible characters")
	f.add("source", requireOneOf("source", p.Source, "form", "payment", "subscribe"))
	f.check(p.Age == nil || *p.Age >= 0 && *p.Age <= maxAge, wxnotify.OutOfRange, "age_seconds", "seconds since the user acted, 0 or more")
	source := wxnotify.Source(p.Source)
	if source == wxnotify.Subscribe {
		f.check(p.Code == "", wxnotify.FieldInvalid, "code", "a subscription has no code")
		f.template("template_id", p.TemplateID)
		f.add("result", requireOneOf("result", p.Result, "accept", "reject", "ban", "filter"))
	} else {
		f.check(p.TemplateID == "", wxnotify.FieldInvalid, "template_id", "a form or payment is good for every template")
		f.check(p.Result == "", wxnotify.FieldInvalid, "result", "only a subscription has a result")
		f.check(source != wxnotify.Payment || u.app.MPPayments || u.app.Sandbox, wxnotify.PaymentNotAllowed, "source",
			"payments of this app are reported by its own server")
		f.code("code", p.Code, u.app.Sandbox)
	}
	if err := f.err(); err != nil {
		return dep, err
	}
	s := u.c.session
	dep = wxnotify.Deposit{
		App: s.App, To: s.To, Source: source, Code: p.Code, Count: 1, Result: p.Result, GivenAt: u.c.now.Virtual,
		Key: "mp/" + s.To + "/" + p.ID, // nobody can take the ids of another user, nor a backend's
	}
	if p.Age != nil {
		dep.GivenAt = dep.GivenAt.Add(-time.Duration(*p.Age) * time.Second)
	}
	if source == wxnotify.Subscribe {
		err = u.d.agreed(u.c.Context(), u.app, &dep, p.TemplateID)
	}
	return dep, err
}

// deposit hands in what is left. A user has only so many live form_ids: the
// rest is refused, so that nobody can fill the ledger by tapping.
func (u *upload) deposit() error {
	s := u.c.session
	if slices.ContainsFunc(u.ds, func(d wxnotify.Deposit) bool { return d.Source == wxnotify.Form }) {
		stock, err := u.d.Ledger.Stock(u.c.Context(), s.App, s.To)
		if err != nil {
			return err
		}
		u.cut(maxLive - stock.Permits[wxnotify.Form])
	}
	done, err := u.d.deposit(u.c, s.App, u.ds)
	if err != nil {
		return err
	}
	for k, r := range done {
		if r.Err != nil {
			u.fail(u.places[k], r.Err)
			continue
		}
		u.out[u.places[k]].Created = &r.Created
	}
	return nil
}

// cut refuses the forms beyond room.
func (u *upload) cut(room int) {
	ds, places := u.ds[:0], u.places[:0]
	for k, dep := range u.ds {
		if dep.Source == wxnotify.Form {
			if room--; room < 0 {
				u.fail(u.places[k], wxnotify.Refuse(wxnotify.TooManyPermits, "at most %d live form_ids are kept of one user", maxLive))
				continue
			}
		}
		ds, places = append(ds, dep), append(places, u.places[k])
	}
	u.ds, u.places = ds, places
}
