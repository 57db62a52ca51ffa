package console

import (
	"cmp"
	"errors"
	"strconv"
	"strings"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/wechat"
)

// appsPage lists the apps, and makes them; appPage is one of them.
type appsPage struct {
	*frame
	All   []appRow
	In    wxnotify.App // as it was filled in
	Wrong string       // what is wrong about it
}

type appRow struct {
	wxnotify.App
	Pauses []wxnotify.Pause
	Token  wxnotify.Token
	Fresh  bool // the token is good
}

type appPage struct {
	*frame
	A     appRow
	Quota *quota // today's
	In    wxnotify.App
	Wrong string
}

// defaultTokenPath is where the token of a token server is unless it is said.
const defaultTokenPath = "access_token"

// GET /console/apps
func (d *Door) apps(c *call) (any, error) { return d.appsPage(c, wxnotify.NewApp(""), nil) }

func (d *Door) appsPage(c *call, in wxnotify.App, refused *wxnotify.Refusal) (any, error) {
	p := appsPage{frame: c.frame, In: in, Wrong: c.wrong(refused)}
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
	a, err := d.Admin.App(c.ctx(), c.r.PathValue("appid"))
	if err != nil {
		return nil, err
	}
	return d.appPage(c, a, a, nil)
}

func (d *Door) appPage(c *call, a, in wxnotify.App, refused *wxnotify.Refusal) (any, error) {
	c.Here, c.App, c.Path = "apps", a.ID, Root+"/apps/"+a.ID
	p := appPage{frame: c.frame, In: in, Wrong: c.wrong(refused)}
	days, err := d.days(c)
	if err != nil {
		return nil, err
	}
	if all := c.quotas(days); len(all) > 0 {
		p.Quota = &all[0]
	}
	p.A, err = d.appRow(c, a)
	return p, err
}

// POST /console/apps makes an app.
func (d *Door) createApp(c *call) (any, error) {
	a := wxnotify.NewApp(c.form("appid"))
	a.CreatedAt = d.Now().Real
	c.appForm(&a)
	err := a.Check()
	if err == nil && a.Secret.IsZero() {
		err = wxnotify.RefuseField(wxnotify.FieldRequired, "secret", "name the appsecret")
	}
	if err == nil {
		err = checkTokenURL(&a)
	}
	if err == nil {
		err = d.note(c, a.ID, wxnotify.AuditAppCreate, a.ID, "")
	}
	if err == nil {
		err = d.Admin.CreateApp(c.ctx(), a)
	}
	if refused, ok := errors.AsType[*wxnotify.Refusal](err); ok {
		return d.appsPage(c, a, refused)
	}
	if err != nil {
		return nil, err
	}
	d.sessions.Put(c.ctx(), sessionNote, c.T("note_saved"))
	goTo(c.w, c.r, Root+"/apps/"+a.ID)
	return nil, nil
}

// POST /console/apps/{appid} changes its settings. A secret that is left empty
// stays as it is.
func (d *Door) changeApp(c *call) (any, error) {
	was, err := d.Admin.App(c.ctx(), c.r.PathValue("appid"))
	if err != nil {
		return nil, err
	}
	a := was
	c.appForm(&a)
	if err = a.Check(); err == nil {
		err = checkTokenURL(&a)
	}
	if err == nil {
		err = d.note(c, a.ID, wxnotify.AuditAppChange, a.ID, strings.Join(changed(was, a), " "))
	}
	if err == nil {
		err = d.Admin.UpdateApp(c.ctx(), a)
	}
	if refused, ok := errors.AsType[*wxnotify.Refusal](err); ok {
		return d.appPage(c, was, a, refused)
	}
	if err != nil {
		return nil, err
	}
	d.Box.Wake(a.ID)
	d.sessions.Put(c.ctx(), sessionNote, c.T("note_saved"))
	goTo(c.w, c.r, Root+"/apps/"+a.ID)
	return nil, nil
}

// appForm reads the settings of an app from the form.
func (c *call) appForm(a *wxnotify.App) {
	a.UpdatedAt = c.Now.Real
	a.Name, a.TokenMode, a.Callback.Mode = c.form("name"), wxnotify.TokenMode(c.form("token_mode")), c.form("callback_mode")
	a.Sandbox, a.MPPayments = c.form("sandbox") == "1", c.form("mp_payments") == "1"
	for name, n := range map[string]*int{"rate": &a.Rate, "max_in_flight": &a.MaxInFlight, "daily_quota": &a.DailyQuota, "stock_low": &a.StockLow} {
		v, err := strconv.Atoi(c.form(name))
		if *n = v; err != nil {
			*n = -1 // Check refuses it
		}
	}
	for name, s := range map[string]*wxnotify.Secret{
		"secret": &a.Secret, "callback_token": &a.Callback.Token, "callback_key": &a.Callback.AESKey, "token_url": &a.TokenURL,
	} {
		if v := c.form(name); v != "" {
			*s = wxnotify.NewSecret(v)
		}
	}
	if c.form("token_url_off") == "1" {
		a.TokenURL = wxnotify.Secret{}
	}
	if !a.TokenURL.IsZero() {
		a.TokenPath = cmp.Or(c.form("token_path"), defaultTokenPath)
	}
}

// checkTokenURL refuses an address that no token can be had from.
func checkTokenURL(a *wxnotify.App) error {
	if a.TokenURL.IsZero() {
		return nil
	}
	_, err := wechat.NewCentral(a.TokenURL, a.TokenPath, nil)
	return err
}

// changed names the settings that differ, as the API calls them.
func changed(a, b wxnotify.App) (names []string) {
	for _, x := range []struct {
		name string
		same bool
	}{
		{"secret", a.Secret == b.Secret}, {"name", a.Name == b.Name}, {"sandbox", a.Sandbox == b.Sandbox}, {"mp_payments", a.MPPayments == b.MPPayments},
		{"rate_per_second", a.Rate == b.Rate}, {"max_in_flight", a.MaxInFlight == b.MaxInFlight}, {"daily_quota", a.DailyQuota == b.DailyQuota},
		{"stock_low", a.StockLow == b.StockLow},
		{"token_url", a.TokenURL == b.TokenURL}, {"token_path", a.TokenPath == b.TokenPath},
		{"token_mode", a.TokenMode == b.TokenMode}, {"callback.token", a.Callback.Token == b.Callback.Token},
		{"callback.encoding_aes_key", a.Callback.AESKey == b.Callback.AESKey}, {"callback.mode", a.Callback.Mode == b.Callback.Mode},
	} {
		if !x.same {
			names = append(names, x.name)
		}
	}
	return names
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
