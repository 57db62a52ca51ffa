package console

import (
	"github.com/wxnotify/wxnotify"
)

// userPage is one user's account: what came in, what went out, what ran out.
type userPage struct {
	*frame
	OpenID  string
	Of      string // the app
	Stock   wxnotify.Stock
	Permits []wxnotify.Permit
	Rows    []row
	More    bool // there is more than is shown
}

// historySize is how many permits and messages a user's page shows.
const historySize = 100

// GET /console/users/{openid}?app=
func (d *Door) person(c *call) (any, error) {
	c.Here = "permits"
	p := userPage{frame: c.frame, OpenID: c.r.PathValue("openid"), Of: c.App}
	if p.Of == "" && len(c.Apps) == 1 {
		p.Of = c.Apps[0].ID
	}
	if !wxnotify.ValidOpenID(p.OpenID) {
		return nil, wxnotify.Refuse(wxnotify.NotFound, "this cannot be an openid")
	}
	var err error
	if p.Stock, err = d.Ledger.Stock(c.ctx(), p.Of, p.OpenID); err != nil {
		return nil, err
	}
	var more string
	if p.Permits, more, err = d.Reader.Permits(c.ctx(), wxnotify.PermitFilter{App: p.Of, To: p.OpenID, Limit: historySize}); err != nil {
		return nil, err
	}
	ms, more2, err := d.Reader.Messages(c.ctx(), wxnotify.MessageFilter{App: p.Of, To: p.OpenID, Limit: historySize})
	if err != nil {
		return nil, err
	}
	known, err := d.templates(c, p.Of)
	p.Rows, p.More = c.rows(ms, known), more != "" || more2 != ""
	return p, err
}
