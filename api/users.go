package api

import (
	"net/http"
	"time"

	"github.com/wxnotify/wxnotify"
)

// A User is what one user has given and has not been used.
type User struct {
	To         string            `json:"touser" doc:"The openid."`
	Reachable  bool              `json:"reachable" doc:"Whether any message can go out to the user now."`
	Permits    UserPermits       `json:"permits" doc:"Free permits that can be used now, their deadline at least 10 minutes away."`
	Reserved   int               `json:"reserved" doc:"Bound to messages that are to go out."`
	Held       int               `json:"held" doc:"Their message's answer is missing."`
	NextExpiry *time.Time        `json:"next_expiry" doc:"When the first of the free ones ends; null when none does."`
	Said       map[string]string `json:"said" doc:"By template id, the last answer to its sheet: accept, reject (the user refused, or turned it off later), ban (the platform banned the template), filter (another of the same title was asked for with it)."`
}

// UserPermits counts a user's free permits.
type UserPermits struct {
	Form      int            `json:"form"`
	Payment   int            `json:"payment"`
	Subscribe map[string]int `json:"subscribe" doc:"By template id."`
	Longterm  []string       `json:"longterm" doc:"Template ids."`
}

// GET /v1/users/{openid}
func (d *Door) getUser(c *call) (answer, error) {
	openid := c.r.PathValue("openid")
	app, err := d.app(c.Context(), c.key, c.query["app"])
	if err := firstError(checkOpenID("openid", openid), err); err != nil {
		return answer{}, err
	}
	return d.stock(c, app.ID, openid)
}

// An Erased answers DELETE /v1/users/{openid}.
type Erased struct {
	Pseudonym string `json:"pseudonym" doc:"What stands in place of the openid from now on, in messages and permits."`
}

// DELETE /v1/users/{openid}
//
// Whether there is anything of that person is not said.
func (d *Door) eraseUser(c *call) (answer, error) {
	openid := c.r.PathValue("openid")
	app, err := d.app(c.Context(), c.key, c.query["app"])
	if err := firstError(checkOpenID("openid", openid), err); err != nil {
		return answer{}, err
	}
	if err := d.audit(c, app.ID, wxnotify.AuditUserErase, d.Admin.Pseudonym(app.ID, openid)); err != nil {
		return answer{}, err
	}
	pseudonym, err := d.Box.Erase(c.Context(), app.ID, openid)
	return answer{status: http.StatusAccepted, body: Erased{pseudonym}}, err
}

func (d *Door) stock(c *call, app, openid string) (answer, error) {
	s, err := d.Ledger.Stock(c.Context(), app, openid)
	if err != nil {
		return answer{}, err
	}
	return ok(User{
		To: openid, Reachable: s.Reachable(),
		Permits: UserPermits{
			Form: s.Permits[wxnotify.Form], Payment: s.Permits[wxnotify.Payment], Subscribe: s.Subscribe, Longterm: s.Longterm,
		},
		Reserved: s.Reserved, Held: s.Held, NextExpiry: when(s.NextExpiry), Said: s.Said,
	})
}
