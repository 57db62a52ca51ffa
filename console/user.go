package console

import (
	"slices"
	"time"

	"github.com/wxnotify/wxnotify"
)

// userPage is one user's account: what came in, what went out, what ran out,
// and how much was left each time.
type userPage struct {
	*frame
	OpenID  string
	Of      string // the app
	Stock   wxnotify.Stock
	Entries []entry
	Whole   bool // all permits are here, so there is a balance
	Rows    []row
	More    bool // there are more messages than are shown
}

// An entry is one line of the account. Of one act in it there is one line.
type entry struct {
	At       time.Time // zero: nobody knows when
	sort     time.Time
	What     string // in, used, bound, held, dead
	Source   wxnotify.Source
	Template string
	Cause    wxnotify.Cause
	N        int // how many came or went; 0: a permit that is not used up
	Balance  int // free permits afterwards
	Message  string
	Ends     time.Time // of what came in; zero: never
}

// historySize is how many messages a user's page shows, permitsRead how many
// permits it reads.
const (
	historySize = 100
	permitsRead = 250
)

// GET /console/users/{openid}?app=
func (d *Door) person(c *call) (any, error) {
	c.Here = "permits"
	p := userPage{frame: c.frame}
	var err error
	if p.Of, p.OpenID, err = c.whose(); err != nil {
		return nil, err
	}
	if p.Stock, err = d.Ledger.Stock(c.ctx(), p.Of, p.OpenID); err != nil {
		return nil, err
	}
	permits, more, err := d.Reader.Permits(c.ctx(), wxnotify.PermitFilter{App: p.Of, To: p.OpenID, Limit: permitsRead})
	if err != nil {
		return nil, err
	}
	ms, moreMessages, err := d.Reader.Messages(c.ctx(), wxnotify.MessageFilter{App: p.Of, To: p.OpenID, Limit: historySize})
	if err != nil {
		return nil, err
	}
	known, err := d.templates(c, p.Of)
	p.Whole, p.Entries = more == "", account(permits, ms)
	p.Rows, p.More = c.rows(ms, known), moreMessages != ""
	return p, err
}

// whose is the user that the path names, and the app.
func (c *call) whose() (app, openid string, err error) {
	openid, app = c.r.PathValue("openid"), c.App
	if app == "" && len(c.Apps) == 1 {
		app = c.Apps[0].ID
	}
	if !wxnotify.ValidOpenID(openid) {
		err = wxnotify.Refuse(wxnotify.NotFound, "this cannot be an openid")
	}
	return app, openid, err
}

// account writes permits as a double entry: each came in, and those that are
// not free went out. The newest line is the first. When a permit was spent or
// died stands in the attempt that did it, or is its deadline.
func account(permits []wxnotify.Permit, ms []wxnotify.Message) (lines []entry) {
	when := map[string]time.Time{} // by permit, of the last attempt with it
	for i := range ms {
		for _, a := range ms[i].Attempts {
			if at := a.FinishedAt; at.After(when[a.Permit]) {
				when[a.Permit] = at
			}
		}
	}
	for i := range permits {
		p := &permits[i]
		in := entry{At: p.GivenAt, sort: p.GivenAt, What: "in", Source: p.Source, Template: p.TemplateID, N: 1, Ends: p.ExpiresAt}
		if p.Source.Standing() {
			in.N = 0
		}
		if k := slices.IndexFunc(lines, in.sameAct); k >= 0 && in.N > 0 {
			lines[k].N++
		} else {
			lines = append(lines, in)
		}
		if p.State == wxnotify.PermitFree {
			continue
		}
		out := entry{At: when[p.ID], What: string(p.State), Source: p.Source, Template: p.TemplateID, Cause: p.Cause, N: -in.N, Message: p.Message}
		if p.Cause == wxnotify.CauseExpired {
			out.At = p.ExpiresAt
		}
		if out.sort = out.At; out.At.IsZero() {
			out.sort = p.GivenAt.Add(time.Millisecond)
		}
		lines = append(lines, out)
	}
	slices.SortStableFunc(lines, func(a, b entry) int {
		if n := a.sort.Compare(b.sort); n != 0 {
			return n
		}
		return b.N - a.N // what came in at the same moment came first
	})
	left := 0
	for i := range lines {
		left += lines[i].N
		lines[i].Balance = left
	}
	slices.Reverse(lines)
	return lines
}

// sameAct says whether two permits came in by one act of the user's.
func (e entry) sameAct(o entry) bool {
	return o.What == "in" && o.N > 0 && o.Source == e.Source && o.Template == e.Template && o.At.Equal(e.At)
}

// POST /console/users/{openid}/erase?app=
func (d *Door) erasePerson(c *call) (string, error) {
	app, openid, err := c.whose()
	if err != nil {
		return "", err
	}
	if c.form("openid") != openid {
		return "", wxnotify.Refuse(wxnotify.FieldInvalid, "the openid was not written again")
	}
	pseudonym := d.Admin.Pseudonym(app, openid)
	if err := d.note(c, app, wxnotify.AuditUserErase, pseudonym, ""); err != nil {
		return "", err
	}
	if _, err := d.Box.Erase(c.ctx(), app, openid); err != nil {
		return "", err
	}
	return d.done(c, Root+"/users/"+pseudonym+"?app="+app, c.T("note_erased"))
}
