package api

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/wxnotify/wxnotify"
)

// A Login is the body of POST /mp/v1/login.
type Login struct {
	App  string `json:"app" doc:"The appid of the mini program." example:"wx1234567890abcdef"`
	Code string `json:"code" doc:"What wx.login gave; good for one login within 5 minutes." maxLength:"128"`
}

// A LoggedIn is the answer to a login.
type LoggedIn struct {
	Session   string            `json:"session" doc:"Send it as Authorization: Bearer. Older sessions of the user live on until they expire."`
	ExpiresIn int               `json:"expires_in" doc:"Seconds." example:"604800"`
	OpenID    string            `json:"openid"`
	Sandbox   bool              `json:"sandbox" doc:"The app is a sandbox app: mock form_ids are taken."`
	Templates []SessionTemplate `json:"templates" doc:"What the user can be asked to subscribe to, and what the aliases mean."`
	Limits    SessionLimits     `json:"limits"`
}

// A SessionTemplate is a template as a mini program needs to know it.
type SessionTemplate struct {
	Alias      *string `json:"alias"`
	TemplateID string  `json:"template_id"`
	Channel    string  `json:"channel" enum:"template,subscribe"`
	Kind       *string `json:"kind" doc:"once, longterm, or null."`
}

// SessionLimits are WeChat's own limits towards a mini program.
type SessionLimits struct {
	SubscribeIDs int `json:"subscribe_ids" doc:"How many templates one wx.requestSubscribeMessage takes."`
}

// subscribeIDs is how many ids wx.requestSubscribeMessage takes in one call
// (wechat-api.md 11.3: the newest page says 5).
const subscribeIDs = 5

// codeLasts is how long a used login code is remembered: WeChat forgets it
// after 5 minutes.
const codeLasts = 10 * time.Minute

// POST /mp/v1/login
//
// The code is marked as used before WeChat is asked: of two requests with one
// code only the first gets a session. When WeChat's answer is lost the code
// is lost with it, and the client logs in again.
func (d *Door) login(c *call) (answer, error) {
	raw, err := c.body(maxBody)
	if err != nil {
		return answer{}, err
	}
	var in Login
	if err := decode(raw, &in); err != nil {
		return answer{}, err
	}
	f := faults{}
	f.check(in.App != "", wxnotify.FieldRequired, "app", "name the appid")
	f.check(visible(in.Code, 128) || in.Code == wxnotify.MockLoginCode, wxnotify.FieldRequired, "code", "send the code that wx.login gave")
	if err := f.err(); err != nil {
		return answer{}, err
	}
	app, err := d.app(c.Context(), wxnotify.Key{}, in.App)
	if err != nil {
		return answer{}, err
	}
	if err := d.flood.app(app.ID); err != nil {
		return answer{}, err
	}
	s, err := d.exchange(c, app, in.Code)
	if err != nil {
		return answer{}, err
	}
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails
	token := base64.RawURLEncoding.EncodeToString(random[:])
	if err := d.Admin.CreateSession(c.Context(), wxnotify.KeyHash(token), s); err != nil {
		return answer{}, err
	}
	return d.loggedIn(c, app, s, token)
}

// exchange makes a session of a login code.
func (d *Door) exchange(c *call, app wxnotify.App, code string) (s wxnotify.Session, err error) {
	now := c.now.Virtual
	if err := d.useCode(c, app, code); err != nil {
		return s, err
	}
	openid, key, _, err := d.WeChat.Login(c.Context(), app, code)
	if err != nil {
		return s, err
	}
	return wxnotify.Session{App: app.ID, To: openid, SessionKey: key, ExpiresAt: now.Add(wxnotify.SessionLasts)}, nil
}

// useCode marks a code as used, or refuses one that was. The code of DevTools
// is always the same: only a sandbox app takes it, and takes it always.
func (d *Door) useCode(c *call, app wxnotify.App, code string) error {
	now := c.now.Virtual
	if code == wxnotify.MockLoginCode {
		if app.Sandbox {
			return nil
		}
		return wxnotify.Refuse(wxnotify.CodeRejected, "this is what DevTools give in place of a code")
	}
	first, err := d.Admin.UseLoginCode(c.Context(), app.ID, wxnotify.KeyHash(code), now, now.Add(codeLasts))
	if err == nil && !first {
		err = wxnotify.Refuse(wxnotify.CodeRejected, "this code was used already")
	}
	return err
}

func (d *Door) loggedIn(c *call, app wxnotify.App, s wxnotify.Session, token string) (answer, error) {
	ts, err := d.templates.get(c.Context(), app.ID)
	if err != nil {
		return answer{}, err
	}
	out := LoggedIn{
		Session: token, ExpiresIn: int(wxnotify.SessionLasts / time.Second), OpenID: s.To, Sandbox: app.Sandbox,
		Templates: []SessionTemplate{}, Limits: SessionLimits{subscribeIDs},
	}
	for _, t := range ts {
		if !t.Gone {
			out.Templates = append(out.Templates, SessionTemplate{null(t.Alias), t.ID, string(t.Channel), null(t.Kind)})
		}
	}
	return answer{status: http.StatusOK, body: out}, nil
}
