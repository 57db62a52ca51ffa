package console

import (
	"time"

	"github.com/wxnotify/wxnotify"
)

// permitsPage is the stock by day and who runs out when, and the list of
// permits, newest first; those that end on one day the oldest first.
type permitsPage struct {
	*frame
	Numbers []number
	Plots   map[string]plot // nil: a filter is on
	Permits []wxnotify.Permit
	Next    string
	Sources []wxnotify.Source
	States  []wxnotify.PermitState
	Ends    []end
	Filters []chip
	Plain   bool // nothing is filtered
}

// An end is a day in a choice of them.
type end struct{ Value, Name string }

var (
	sources      = []wxnotify.Source{wxnotify.Form, wxnotify.Payment, wxnotify.Subscribe, wxnotify.Longterm}
	permitStates = []wxnotify.PermitState{wxnotify.PermitFree, wxnotify.PermitBound, wxnotify.PermitHeld, wxnotify.PermitUsed, wxnotify.PermitDead}
)

// GET /console/permits
func (d *Door) permits(c *call) (any, error) {
	p := permitsPage{frame: c.frame, Sources: sources, States: permitStates, Ends: c.ends()}
	f := wxnotify.PermitFilter{
		App: c.App, To: c.Q("touser"), Source: wxnotify.Source(c.Q("source")), State: wxnotify.PermitState(c.Q("state")),
		TemplateID: c.Q("template_id"), Channel: wxnotify.Channel(c.Q("channel")), Limit: pageSize, Cursor: c.Q("cursor"),
	}
	if c.Q("usable") == "1" {
		f.Usable = c.Now.Virtual
	}
	f.EndsFrom, f.EndsTo, f.Lasting = c.endsOf()
	for _, name := range []string{"template_id", "channel", "usable"} {
		if v := c.Q(name); v != "" {
			p.Filters = append(p.Filters, chip{Name: c.T("filter_" + name), Value: c.chipValue(name, v), Off: c.With(name, "", "cursor", "")})
		}
	}
	p.Plain = f.To == "" && f.Source == "" && f.State == "" && f.EndsFrom.IsZero() && !f.Lasting && f.Cursor == "" && len(p.Filters) == 0
	var err error
	if p.Permits, p.Next, err = d.Reader.Permits(c.ctx(), f); err != nil || !p.Plain || len(p.Permits) == 0 {
		return p, err
	}
	held, err := d.Reader.Holding(c.ctx(), c.Now, c.App)
	p.Plots = map[string]plot{"stock": c.stockPlot(&held), "leaving": c.leavingPlot(&held)}
	for _, s := range sources {
		p.Numbers = append(p.Numbers, number{Key: "source_" + string(s), Value: c.N(held.Free(s)), Link: c.To("/permits", "state", wxnotify.PermitFree, "source", s)})
	}
	users := number{Key: "reachable_users", Value: "–", Link: c.To("/users")}
	if !held.UsersAt.IsZero() {
		users.Value = c.N(held.Users)
	}
	p.Numbers = append(p.Numbers, users)
	return p, err
}

// ends are the days of a dayPlot, for a choice.
func (c *call) ends() (all []end) {
	today := wxnotify.Day(c.Now.Virtual)
	for i := range stockDays {
		all = append(all, end{dayText(today.Add(time.Duration(i) * 24 * time.Hour)), c.endName(i)})
	}
	return append(all, end{neverEnds, c.T("ends_never")})
}

func (c *call) endName(n int) string {
	if n == 0 {
		return c.T("ends_today")
	}
	return c.T("ends_in", "n", n)
}

// usersPage lists who can be reached, and how long.
type usersPage struct {
	*frame
	Holders []wxnotify.Holder
	Next    string
	Ends    []end
	Plain   bool
}

// GET /console/users?ends=
func (d *Door) users(c *call) (any, error) {
	c.Here = "permits"
	f := wxnotify.HolderFilter{App: c.App, Limit: pageSize, Cursor: c.Q("cursor")}
	f.EndsFrom, f.EndsTo, f.Lasting = c.endsOf()
	hs, next, err := d.Reader.Holders(c.ctx(), c.Now, f)
	return usersPage{c.frame, hs, next, c.ends(), f.EndsFrom.IsZero() && !f.Lasting && f.Cursor == ""}, err
}
