package api

import (
	"errors"
	"slices"
	"strings"

	"github.com/wxnotify/wxnotify"
)

// enterMini lets a mini program in by its session.
func (d *Door) enterMini(c *call) error {
	token := bearer(c.r.Header)
	if !visible(token, 255) {
		return refuseSession()
	}
	s, err := d.Admin.SessionByHash(c.Context(), wxnotify.KeyHash(token), c.now.Virtual)
	switch {
	case wxnotify.CodeOf(err) == wxnotify.NotFound, err == nil && !c.now.Virtual.Before(s.ExpiresAt):
		return refuseSession()
	case err != nil:
		return err
	}
	c.session = s
	return d.flood.app(s.App)
}

func refuseSession() error {
	return wxnotify.Refuse(wxnotify.Unauthenticated, "the session is missing, unknown or over: log in again")
}

// A MiniPermit is one act of the user, reported by the mini program.
type MiniPermit struct {
	ID         string `json:"id" doc:"Made by the client; a known one creates nothing." maxLength:"128"`
	Source     string `json:"source" enum:"form,payment,subscribe"`
	Code       string `json:"code,omitempty" doc:"form: e.detail.formId; payment: the prepay_id."`
	TemplateID string `json:"template_id,omitempty" doc:"subscribe: the template that was asked for, by id or alias."`
	Result     string `json:"result,omitempty" doc:"subscribe: what the user answered. A reject explains a later failure; it does not withdraw what was granted." enum:"accept,reject,ban,filter"`
	Age        *int   `json:"age_seconds,omitempty" doc:"How long ago the user acted; the phone's clock is not asked." minimum:"0"`
}

// MiniPermits is the body of POST /mp/v1/permits.
type MiniPermits struct {
	Permits []MiniPermit `json:"permits" minItems:"1" maxItems:"50"`
}

// A MiniResult says what became of one item. An error is final: the client
// forgets the item.
type MiniResult struct {
	ID      string   `json:"id"`
	Created *int     `json:"created,omitempty" doc:"Messages that it allows and that were not known; 0: known already."`
	Error   *Problem `json:"error,omitempty"`
}

// MiniResults answer POST /mp/v1/permits, in the order of the request.
type MiniResults struct {
	Results []MiniResult `json:"results"`
}

// maxUpload is how many items one upload of a mini program may bring.
const maxUpload = 50

// POST /mp/v1/permits
func (d *Door) uploadPermits(c *call) (answer, error) {
	s := c.session
	if err := d.flood.upload(s.App, s.To); err != nil {
		return answer{}, err
	}
	raw, err := c.body(maxBody)
	if err != nil {
		return answer{}, err
	}
	head, items, err := split(raw, "permits", maxUpload)
	if err == nil {
		err = decode(head, &MiniPermits{})
	}
	if err != nil {
		return answer{}, openIDNotAllowed(err)
	}
	app, err := d.app(c.Context(), wxnotify.Key{}, s.App)
	if err != nil {
		return answer{}, err
	}
	u := upload{d: d, c: c, app: app, out: make([]MiniResult, len(items))}
	if err := u.read(items); err != nil {
		return answer{}, err
	}
	turn := d.flood.turn(s.App, s.To)
	turn.Lock()
	defer turn.Unlock()
	if err := u.deposit(); err != nil {
		return answer{}, err
	}
	return ok(MiniResults{u.out})
}

// GET /mp/v1/me
func (d *Door) me(c *call) (answer, error) {
	return d.stock(c, c.session.App, c.session.To)
}

// openIDNames are the names under which a client might say who it is. It is
// not asked: the session says so.
var openIDNames = []string{"openid", "open_id", "openId", "touser", "to", "unionid"}

// openIDNotAllowed tells an unknown field from an openid.
func openIDNotAllowed(err error) error {
	r, ok := errors.AsType[*wxnotify.Refusal](err)
	if !ok || r.Code != wxnotify.UnknownField {
		return err
	}
	field := r.Fields[0].Field
	if name := field[strings.LastIndexByte(field, '.')+1:]; slices.Contains(openIDNames, name) {
		return wxnotify.RefuseField(wxnotify.OpenIDNotAllowed, field, "the openid comes from the session")
	}
	return err
}
