package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// A NewPermit is one act of a user by which he gives leave to be written to.
type NewPermit struct {
	ID         string `json:"id,omitempty"`          // yours for the act; a known one creates nothing
	To         string `json:"touser"`                // openid
	Source     string `json:"source"`                // form, payment, subscribe, longterm
	Code       string `json:"code,omitempty"`        // form_id or prepay_id
	TemplateID string `json:"template_id,omitempty"` // of a subscription
	Count      int    `json:"count,omitempty"`       // of a subscription; 0: 1
	AgeSeconds int    `json:"age_seconds,omitempty"` // how long ago the user acted
}

// A PermitResult is what became of one permit that was handed in.
type PermitResult struct {
	Index   int      `json:"index"`
	Created int      `json:"created"` // messages that it allows and that were not known
	Error   *Problem `json:"error"`
}

// DepositPermits hands in 1 to 1000 permits of one app; app may be empty as in
// NewMessage. A fault of one is in its result; the others stand. It may be
// repeated as long as each has a code or an ID of yours.
func (c *Client) DepositPermits(ctx context.Context, app string, ps []NewPermit) ([]PermitResult, error) {
	safe := true
	for _, p := range ps {
		safe = safe && (p.Code != "" || p.ID != "")
	}
	body := map[string]any{"permits": ps}
	if app != "" {
		body["app"] = app
	}
	var out struct {
		Results []PermitResult `json:"results"`
	}
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/v1/permits", body: body, out: &out, safe: safe})
	return out.Results, err
}

// A Permit is the right to send one message.
type Permit struct {
	ID         string    `json:"id"`
	App        string    `json:"app"`
	To         string    `json:"touser"`
	Source     string    `json:"source"`
	TemplateID string    `json:"template_id"`
	State      string    `json:"state"` // free, bound, used, held, dead
	Cause      string    `json:"cause"` // why it is dead
	ExpiresAt  time.Time `json:"expires_at"`
	CreatedAt  time.Time `json:"created_at"`
	Message    string    `json:"message"`
}

// A PermitFilter says which permits to list; what is left empty matches all.
type PermitFilter struct {
	App, To, Source, State string

	PageSize int // how many are fetched at once, 1–250; 0: 50
}

// Permits lists permits, newest first, fetching page after page as they are read.
func (c *Client) Permits(ctx context.Context, f PermitFilter) iter.Seq2[Permit, error] {
	return list[Permit](ctx, c, "/v1/permits", url.Values{
		"app": {f.App}, "touser": {f.To}, "source": {f.Source}, "state": {f.State}, "limit": {size(f.PageSize)},
	})
}

// DeletePermit takes a permit away that no message holds; app may be empty.
func (c *Client) DeletePermit(ctx context.Context, app, id string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: "/v1/permits/" + url.PathEscape(id), query: appQuery(app), safe: true})
	return err
}

func appQuery(app string) url.Values {
	if app == "" {
		return nil
	}
	return url.Values{"app": {app}}
}

// EraseUser lets a person be forgotten; app may be empty. It returns what
// stands in place of the openid from then on.
func (c *Client) EraseUser(ctx context.Context, app, openid string) (pseudonym string, err error) {
	var out struct {
		Pseudonym string `json:"pseudonym"`
	}
	_, err = c.do(ctx, call{method: http.MethodDelete, path: "/v1/users/" + url.PathEscape(openid), query: appQuery(app), out: &out, safe: true})
	return out.Pseudonym, err
}

// A User is what one user has given and has not been used.
type User struct {
	To        string `json:"touser"`
	Reachable bool   `json:"reachable"` // whether any message can go out now
	Permits   struct {
		Form      int            `json:"form"`
		Payment   int            `json:"payment"`
		Subscribe map[string]int `json:"subscribe"` // by template id
		Longterm  []string       `json:"longterm"`  // template ids
	} `json:"permits"`
	Reserved   int               `json:"reserved"`
	Held       int               `json:"held"`
	NextExpiry time.Time         `json:"next_expiry"` // zero: none
	Said       map[string]string `json:"said"`        // by template id: accept, reject, ban or filter, the last answer
}

// User says whether a user can be reached; app may be empty.
func (c *Client) User(ctx context.Context, app, openid string) (u User, err error) {
	return u, c.get(ctx, "/v1/users/"+url.PathEscape(openid), appQuery(app), &u)
}
