package api

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/wechat"
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
	a := wxnotify.NewApp(in.ID)
	a.CreatedAt, a.UpdatedAt = c.now.Real, c.now.Real
	if err := in.apply(&a); err != nil {
		return answer{}, err
	}
	if err := d.audit(c, a.ID, wxnotify.AuditAppCreate, a.ID, in.named()...); err != nil {
		return answer{}, err
	}
	if err := d.Admin.CreateApp(c.Context(), a); err != nil {
		return answer{}, err
	}
	d.forget()
	out, err := d.showApp(c, a)
	return answer{status: http.StatusCreated, body: out}, err
}

// check refuses what is said and cannot be: that of an app with these settings
// and no others, and secrets that are empty.
func (in *AppSettings) check(f *faults) {
	said := func(field string, s *string) {
		f.check(s == nil || *s != "", wxnotify.FieldInvalid, field, "this is empty")
	}
	said("secret", in.Secret)
	if in.Callback != nil {
		said("callback.token", in.Callback.Token)
		said("callback.encoding_aes_key", in.Callback.AESKey)
	}
	a := wxnotify.NewApp("anyone")
	_ = in.apply(&a) // what it refuses is said when the app is known
	if r, ok := errors.AsType[*wxnotify.Refusal](a.Check()); ok {
		f.fields = append(f.fields, r.Fields...)
	}
}

// apply takes over what is said. token_url and token_path are looked at
// together: one may be there already.
func (in *AppSettings) apply(a *wxnotify.App) error {
	set(&a.Name, in.Name)
	set(&a.Sandbox, in.Sandbox)
	set(&a.MPPayments, in.MPPayments)
	set(&a.Rate, in.Rate)
	set(&a.MaxInFlight, in.MaxInFlight)
	set(&a.DailyQuota, in.DailyQuota)
	set(&a.StockLow, in.StockLow)
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
	if in.TokenURL != nil {
		a.TokenURL = wxnotify.NewSecret(*in.TokenURL)
	}
	set(&a.TokenPath, in.TokenPath)
	if a.TokenPath == "" {
		a.TokenPath = "access_token"
	}
	if a.TokenURL.IsZero() {
		return nil
	}
	_, err := wechat.NewCentral(a.TokenURL, a.TokenPath, nil)
	return err
}

// named are the names of the settings that in speaks of, for the audit log.
func (in *AppSettings) named() (names []string) {
	cb := in.Callback
	if cb == nil {
		cb = &CallbackSettings{}
	}
	for _, s := range []struct {
		name  string
		there bool
	}{
		{"secret", in.Secret != nil}, {"name", in.Name != nil}, {"sandbox", in.Sandbox != nil}, {"mp_payments", in.MPPayments != nil},
		{"rate_per_second", in.Rate != nil}, {"max_in_flight", in.MaxInFlight != nil}, {"daily_quota", in.DailyQuota != nil}, {"stock_low", in.StockLow != nil}, {"token_mode", in.TokenMode != nil},
		{"token_url", in.TokenURL != nil}, {"token_path", in.TokenPath != nil},
		{"callback.token", cb.Token != nil}, {"callback.encoding_aes_key", cb.AESKey != nil}, {"callback.mode", cb.Mode != nil},
	} {
		if s.there {
			names = append(names, s.name)
		}
	}
	return names
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
		return strings.Compare(b.ID, a.ID)
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
	if err := in.apply(&a); err != nil {
		return answer{}, err
	}
	a.UpdatedAt = c.now.Real
	if err := d.audit(c, a.ID, wxnotify.AuditAppChange, a.ID, in.named()...); err != nil {
		return answer{}, err
	}
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
	if err := d.audit(c, a.ID, wxnotify.AuditAppDelete, a.ID); err != nil {
		return answer{}, err
	}
	if err := d.Admin.DeleteApp(c.Context(), a.ID); err != nil {
		return answer{}, err
	}
	d.forget()
	d.templates.drop()
	return answer{status: http.StatusNoContent}, nil
}
