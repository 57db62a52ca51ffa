package api

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
)

// An AppSettings is what POST and PATCH of an app can say. What is left out
// keeps its value, or gets its default. Secrets go in and never come out.
type AppSettings struct {
	Secret      *string           `json:"secret,omitempty" doc:"The appsecret." writeOnly:"true" minLength:"1" maxLength:"128"`
	Name        *string           `json:"name,omitempty" maxLength:"100" example:"外卖"`
	Callback    *CallbackSettings `json:"callback,omitempty" doc:"How WeChat's message push for this app is checked and read."`
	Sandbox     *bool             `json:"sandbox,omitempty" doc:"The app lives in a sandbox: mock form_ids and payments reported by the mini program are taken."`
	MPPayments  *bool             `json:"mp_payments,omitempty" doc:"The mini program itself may report payments. Normally the app's own server does, after they were paid."`
	Rate        *int              `json:"rate_per_second,omitempty" doc:"Calls to WeChat a second; 0: no limit." minimum:"0" maximum:"100000"`
	MaxInFlight *int              `json:"max_in_flight,omitempty" doc:"Calls to WeChat at once. Default 256." minimum:"1" maximum:"10000"`
	DailyQuota  *int              `json:"daily_quota,omitempty" doc:"Messages a day (UTC+8); 0: WeChat's own limit." minimum:"0" maximum:"1000000000"`
	TokenMode   *string           `json:"token_mode,omitempty" doc:"How the access_token is fetched. Default stable: other programs' tokens stay good." enum:"stable,classic"`
}

// A CallbackSettings is the other side of the page where WeChat's message
// push is set up.
type CallbackSettings struct {
	Token  *string `json:"token,omitempty" writeOnly:"true" pattern:"^[0-9A-Za-z]{3,32}$"`
	AESKey *string `json:"encoding_aes_key,omitempty" writeOnly:"true" pattern:"^[0-9A-Za-z]{43}$"`
	Mode   *string `json:"mode,omitempty" doc:"safe: encrypted, the only one with full trust. Default safe." enum:"safe,plain"`
}

// A NewApp is the body of POST /v1/apps.
type NewApp struct {
	ID string `json:"appid" pattern:"^[0-9A-Za-z_-]{6,64}$" example:"wx1234567890abcdef"`
	AppSettings
}

// An App is an app as the API shows it: without its secrets.
type App struct {
	ID          string     `json:"appid"`
	Name        string     `json:"name"`
	Callback    Callback   `json:"callback"`
	Sandbox     bool       `json:"sandbox"`
	MPPayments  bool       `json:"mp_payments"`
	Rate        int        `json:"rate_per_second"`
	MaxInFlight int        `json:"max_in_flight"`
	DailyQuota  int        `json:"daily_quota"`
	TokenMode   string     `json:"token_mode" enum:"stable,classic"`
	Pauses      []Pause    `json:"pauses" doc:"What does not go out, and why."`
	CreatedAt   *time.Time `json:"created_at"`
	UpdatedAt   *time.Time `json:"updated_at"`
}

// A Callback says how callbacks are checked, without the secrets that do it.
type Callback struct {
	Configured bool   `json:"configured" doc:"Token and, in safe mode, encoding_aes_key are set."`
	Mode       string `json:"mode" enum:"safe,plain"`
}

// Apps is a page of apps, newest first.
type Apps struct {
	Data []App   `json:"data"`
	Next *string `json:"next_cursor"`
}

// showApp is a for the outside, with its pauses.
func (d *Door) showApp(c *call, a wxnotify.App) (App, error) {
	pauses, err := d.Admin.Pauses(c.Context(), a.ID)
	if err != nil {
		return App{}, err
	}
	mode := a.Callback.Mode
	if mode == "" {
		mode = modeSafe
	}
	out := App{
		ID: a.ID, Name: a.Name, Sandbox: a.Sandbox, MPPayments: a.MPPayments, Rate: a.Rate, MaxInFlight: a.MaxInFlight,
		DailyQuota: a.DailyQuota, TokenMode: string(a.TokenMode), CreatedAt: when(a.CreatedAt), UpdatedAt: when(a.UpdatedAt), Pauses: []Pause{},
		Callback: Callback{Mode: mode, Configured: !a.Callback.Token.IsZero() && (mode == modePlain || !a.Callback.AESKey.IsZero())},
	}
	for _, p := range pauses {
		out.Pauses = append(out.Pauses, Pause{Scope: p.Scope, Reason: p.Reason, Detail: null(p.Detail), Since: when(p.Since), Until: when(p.Until)})
	}
	return out, nil
}

// The modes of callbacks.
const (
	modeSafe  = "safe"
	modePlain = "plain"
)

// POST /v1/apps
func (d *Door) postApp(c *call) (answer, error) {
	raw, err := c.body(maxBody)
	if err != nil {
		return answer{}, err
	}
	var in NewApp
	if err := decode(raw, &in); err != nil {
		return answer{}, err
	}
	f := faults{}
	f.check(in.ID != "", wxnotify.FieldRequired, "appid", "name the appid")
	f.check(in.ID == "" || wxnotify.ValidAppID(in.ID), wxnotify.FieldInvalid, "appid", "an appid has 6 to 64 letters, digits, - and _")
	f.check(in.Secret != nil, wxnotify.FieldRequired, "secret", "name the appsecret")
	in.check(&f)
	if err := f.err(); err != nil {
		return answer{}, err
	}
	if c.key.App != "" && c.key.App != in.ID {
		return answer{}, wxnotify.Refuse(wxnotify.ScopeMissing, "a key that is bound to one app cannot make another")
	}
	a := wxnotify.App{
		ID: in.ID, MaxInFlight: wxnotify.DefaultInFlight, TokenMode: wxnotify.StableToken, Callback: wxnotify.Callback{Mode: modeSafe},
		CreatedAt: c.now.Real, UpdatedAt: c.now.Real,
	}
	in.apply(&a)
	if err := d.Admin.CreateApp(c.Context(), a); err != nil {
		return answer{}, err
	}
	d.forget()
	out, err := d.showApp(c, a)
	return answer{status: http.StatusCreated, body: out}, err
}

func (in *AppSettings) check(f *faults) {
	number := func(field string, n *int, low, high int) {
		f.check(n == nil || *n >= low && *n <= high, wxnotify.OutOfRange, field, "the number is out of range")
	}
	f.check(in.Secret == nil || visible(*in.Secret, 128), wxnotify.FieldInvalid, "secret", "a secret has 1 to 128 visible characters")
	if in.Name != nil {
		f.name("name", *in.Name)
	}
	number("rate_per_second", in.Rate, 0, 100_000)
	number("max_in_flight", in.MaxInFlight, 1, 10_000)
	number("daily_quota", in.DailyQuota, 0, 1_000_000_000)
	if in.TokenMode != nil {
		f.add("token_mode", requireOneOf("token_mode", *in.TokenMode, "stable", "classic"))
	}
	if cb := in.Callback; cb != nil {
		f.check(cb.Token == nil || alnum(*cb.Token, 3, 32), wxnotify.FieldInvalid, "callback.token", "3 to 32 letters and digits")
		f.check(cb.AESKey == nil || alnum(*cb.AESKey, 43, 43), wxnotify.FieldInvalid, "callback.encoding_aes_key", "43 letters and digits")
		if cb.Mode != nil {
			f.add("callback.mode", requireOneOf("callback.mode", *cb.Mode, modeSafe, modePlain))
		}
	}
}

func alnum(s string, low, high int) bool {
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	return len(s) >= low && len(s) <= high && strings.Trim(s, letters) == ""
}

func (in *AppSettings) apply(a *wxnotify.App) {
	set(&a.Name, in.Name)
	set(&a.Sandbox, in.Sandbox)
	set(&a.MPPayments, in.MPPayments)
	set(&a.Rate, in.Rate)
	set(&a.MaxInFlight, in.MaxInFlight)
	set(&a.DailyQuota, in.DailyQuota)
	if in.Secret != nil {
		a.Secret = wxnotify.NewSecret(*in.Secret)
	}
	if in.TokenMode != nil {
		a.TokenMode = wxnotify.TokenMode(*in.TokenMode)
	}
	if cb := in.Callback; cb != nil {
		set(&a.Callback.Mode, cb.Mode)
		if cb.Token != nil {
			a.Callback.Token = wxnotify.NewSecret(*cb.Token)
		}
		if cb.AESKey != nil {
			a.Callback.AESKey = wxnotify.NewSecret(*cb.AESKey)
		}
	}
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// GET /v1/apps
func (d *Door) listApps(c *call) (answer, error) {
	all, err := d.Admin.Apps(c.Context())
	if err != nil {
		return answer{}, err
	}
	all = slices.DeleteFunc(slices.Clone(all), func(a wxnotify.App) bool { return c.key.App != "" && c.key.App != a.ID })
	slices.SortFunc(all, func(a, b wxnotify.App) int {
		if n := b.CreatedAt.Compare(a.CreatedAt); n != 0 {
			return n
		}
		return strings.Compare(a.ID, b.ID)
	})
	part, next, err := page(c.query, all, func(a wxnotify.App) string { return a.ID })
	if err != nil {
		return answer{}, err
	}
	out := Apps{Data: make([]App, len(part)), Next: next}
	for i, a := range part {
		if out.Data[i], err = d.showApp(c, a); err != nil {
			return answer{}, err
		}
	}
	return ok(out)
}

// pathApp is the app that the path names, read anew.
func (d *Door) pathApp(c *call) (wxnotify.App, error) {
	id := c.r.PathValue("appid")
	if !wxnotify.ValidAppID(id) || c.key.App != "" && c.key.App != id {
		return wxnotify.App{}, refuseApp()
	}
	a, err := d.Admin.App(c.Context(), id)
	return a, absentApp(err)
}

// GET /v1/apps/{appid}
func (d *Door) getApp(c *call) (answer, error) {
	a, err := d.pathApp(c)
	if err != nil {
		return answer{}, err
	}
	out, err := d.showApp(c, a)
	return answer{status: http.StatusOK, body: out}, err
}

// PATCH /v1/apps/{appid}
func (d *Door) patchApp(c *call) (answer, error) {
	raw, err := c.body(maxBody)
	if err != nil {
		return answer{}, err
	}
	var in AppSettings
	if err := decode(raw, &in); err != nil {
		return answer{}, err
	}
	f := faults{}
	in.check(&f)
	if err := f.err(); err != nil {
		return answer{}, err
	}
	a, err := d.pathApp(c)
	if err != nil {
		return answer{}, err
	}
	in.apply(&a)
	a.UpdatedAt = c.now.Real
	if err := d.Admin.UpdateApp(c.Context(), a); err != nil {
		return answer{}, err
	}
	d.forget()
	d.Box.Wake(a.ID)
	out, err := d.showApp(c, a)
	return answer{status: http.StatusOK, body: out}, err
}

// DELETE /v1/apps/{appid}
func (d *Door) deleteApp(c *call) (answer, error) {
	a, err := d.pathApp(c)
	if err != nil {
		return answer{}, err
	}
	if err := d.Admin.DeleteApp(c.Context(), a.ID); err != nil {
		return answer{}, err
	}
	d.forget()
	d.templates.drop()
	return answer{status: http.StatusNoContent}, nil
}
