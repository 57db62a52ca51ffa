package console

import (
	"github.com/wxnotify/wxnotify"
)

// appsPage lists the apps; appPage is one of them.
type appsPage struct {
	*frame
	All []appRow
}

type appRow struct {
	wxnotify.App
	Pauses []wxnotify.Pause
	Token  wxnotify.Token
	Fresh  bool // the token is good
}

type appPage struct {
	*frame
	A appRow
}

// GET /console/apps
func (d *Door) apps(c *call) (any, error) {
	p := appsPage{frame: c.frame}
	for _, a := range c.Apps {
		r, err := d.appRow(c, a)
		if err != nil {
			return nil, err
		}
		p.All = append(p.All, r)
	}
	return p, nil
}

func (d *Door) appRow(c *call, a wxnotify.App) (r appRow, err error) {
	r.App = a
	if r.Pauses, err = d.Admin.Pauses(c.ctx(), a.ID); err != nil {
		return r, err
	}
	r.Token, err = d.Reader.LoadToken(c.ctx(), a.ID)
	r.Fresh = !r.Token.Value.IsZero() && r.Token.ExpiresAt.After(c.Now.Virtual)
	r.Token.Value = wxnotify.Secret{} // no page has a use for it
	return r, err
}

// GET /console/apps/{appid}
func (d *Door) app(c *call) (any, error) {
	c.Here = "apps"
	a, err := d.Admin.App(c.ctx(), c.r.PathValue("appid"))
	if err != nil {
		return nil, err
	}
	r, err := d.appRow(c, a)
	return appPage{c.frame, r}, err
}

// scope is what a button of the app's page pauses or resumes.
func (d *Door) scope(c *call) (a wxnotify.App, scope string, err error) {
	a, err = d.Admin.App(c.ctx(), c.r.PathValue("appid"))
	if scope = c.form("scope"); err == nil && !wxnotify.ValidTemplateID(scope) {
		err = wxnotify.Refuse(wxnotify.FieldInvalid, "one of all, template, subscribe or a template id is meant here")
	}
	return a, scope, err
}

// POST /console/apps/{appid}/pause
func (d *Door) pauseApp(c *call) (string, error) {
	a, scope, err := d.scope(c)
	if err == nil {
		err = d.note(c, a.ID, wxnotify.AuditAppPause, a.ID, scope)
	}
	if err == nil {
		err = d.Admin.PutPause(c.ctx(), wxnotify.Pause{
			App: a.ID, Scope: scope, Reason: string(wxnotify.ReasonOperator), Detail: cut(c.form("why"), 200), Since: d.Now().Real,
		})
	}
	if err != nil {
		return "", err
	}
	d.Box.Wake(a.ID)
	return d.done(c, Root+"/apps/"+a.ID, c.T("note_paused"))
}

// POST /console/apps/{appid}/resume
func (d *Door) resumeApp(c *call) (string, error) {
	a, scope, err := d.scope(c)
	if err == nil {
		err = d.note(c, a.ID, wxnotify.AuditAppResume, a.ID, scope)
	}
	if err == nil {
		_, err = d.Admin.Resume(c.ctx(), a.ID, scope)
	}
	if err != nil {
		return "", err
	}
	d.Box.Wake(a.ID)
	return d.done(c, Root+"/apps/"+a.ID, c.T("note_resumed"))
}

// cut shortens a text of an operator's to n characters.
func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}
