package api

import (
	"net/http"
	"time"

	"github.com/wxnotify/wxnotify"
)

// A Pause is a part of an app's sending that stands still.
type Pause struct {
	Scope  string     `json:"scope" doc:"all, a channel (template, subscribe), a source of permits (form, payment) or a template id."`
	Reason string     `json:"reason" doc:"operator, or what WeChat said: quota, channel_retired, …"`
	Detail *string    `json:"detail" doc:"WeChat's words, with what to do."`
	Since  *time.Time `json:"since"`
	Until  *time.Time `json:"until" doc:"Null: until somebody resumes it."`
}

// A PauseScope is the body of pause and resume.
type PauseScope struct {
	Scope string `json:"scope" doc:"all, template, subscribe or a template id." example:"all"`
}

// POST /v1/apps/{appid}/pause
func (d *Door) pauseApp(c *call) (answer, error) {
	a, scope, err := d.pauseScope(c)
	if err != nil {
		return answer{}, err
	}
	p := wxnotify.Pause{App: a.ID, Scope: scope, Reason: string(wxnotify.ReasonOperator), Since: c.now.Real}
	if err := d.audit(c, a.ID, wxnotify.AuditAppPause, a.ID, scope); err != nil {
		return answer{}, err
	}
	if err := d.Admin.PutPause(c.Context(), p); err != nil {
		return answer{}, err
	}
	d.Box.Wake(a.ID) // so that it looks at its pauses
	out, err := d.showApp(c, a)
	return answer{status: http.StatusOK, body: out}, err
}

// POST /v1/apps/{appid}/resume
//
// What is not paused stays so: asking twice is no fault.
func (d *Door) resumeApp(c *call) (answer, error) {
	a, scope, err := d.pauseScope(c)
	if err != nil {
		return answer{}, err
	}
	if err := d.audit(c, a.ID, wxnotify.AuditAppResume, a.ID, scope); err != nil {
		return answer{}, err
	}
	if _, err := d.Admin.Resume(c.Context(), a.ID, scope); err != nil {
		return answer{}, err
	}
	d.Box.Wake(a.ID)
	out, err := d.showApp(c, a)
	return answer{status: http.StatusOK, body: out}, err
}

func (d *Door) pauseScope(c *call) (a wxnotify.App, scope string, err error) {
	raw, err := c.body(maxBody)
	if err != nil {
		return a, "", err
	}
	var in PauseScope
	if err := decode(raw, &in); err != nil {
		return a, "", err
	}
	switch {
	case in.Scope == "":
		return a, "", wxnotify.RefuseField(wxnotify.FieldRequired, "scope", "one of all, template, subscribe or a template id is needed here")
	case !wxnotify.ValidTemplateID(in.Scope):
		return a, "", wxnotify.RefuseField(wxnotify.FieldInvalid, "scope", "one of all, template, subscribe or a template id is meant here")
	}
	if a, err = d.pathApp(c); err != nil {
		return a, "", err
	}
	t, err := d.known(c.Context(), a.ID, in.Scope)
	if t != nil {
		return a, t.ID, err
	}
	return a, in.Scope, err
}
