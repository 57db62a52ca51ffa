package sandbox

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify/wechat"
)

// State is all there is to know before the first call.
type State struct {
	Apps      []App      `json:"apps"`
	Users     []User     `json:"users"`
	Templates []Template `json:"templates"`
	Clock     Clock      `json:"clock"`
	Quotas    []Quota    `json:"quotas"`
	Faults    []Fault    `json:"faults"`
}

// App is one mini program. Era is classic or today.
type App struct {
	AppID    string    `json:"appid"`
	Secret   string    `json:"secret"`
	Era      string    `json:"era"`
	Callback *Callback `json:"callback"`
}

// User is one person as one app sees them.
type User struct {
	AppID    string `json:"appid"`
	Openid   string `json:"openid"`
	Nickname string `json:"nickname"`
}

// Template is one entry of an app's templates. Channel is template or
// subscribe; Kind is once or longterm for the latter, else nil.
type Template struct {
	AppID      string    `json:"appid"`
	TemplateID string    `json:"template_id"`
	Channel    string    `json:"channel"`
	Kind       *string   `json:"kind"`
	Title      string    `json:"title"`
	Keywords   []Keyword `json:"keywords"`
}

// Keyword is one line of a template: its key in data, and its name on the card.
type Keyword struct {
	Key    string   `json:"key"`
	Name   string   `json:"name"`
	Values []string `json:"values,omitzero"` // of an enum_string: all that it may say; none: anything
}

// State returns the state of the world.
func (s *Sandbox) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	var out State
	for _, a := range s.w.apps {
		out.Apps = append(out.Apps, a.show())
		for _, u := range a.users {
			out.Users = append(out.Users, User{a.id, u.openid, u.nickname})
		}
		for _, t := range a.templates {
			out.Templates = append(out.Templates, t.show(a))
		}
		out.Quotas = append(out.Quotas, a.showQuotas(now)...)
	}
	out.Clock = s.w.clock(now)
	out.Faults = s.w.showFaults()
	return out
}

func (a *app) show() App {
	out := App{a.id, a.secret, a.era, nil}
	if a.callback != nil {
		cb := *a.callback
		out.Callback = &cb
	}
	return out
}

func (t *template) show(a *app) Template {
	return Template{a.id, t.id, t.channel, orNil(t.kind), t.title, cloneKeywords(t.keywords)}
}

var (
	appidForm  = regexp.MustCompile(`^wx[0-9a-f]{16}$`)
	openidForm = regexp.MustCompile(`^[0-9A-Za-z_-]{6,64}$`)
)

// PutApp adds an app, or updates the one with that appid: what is empty stays as
// it was.
func (s *Sandbox) PutApp(a App) (out App, err error) {
	if !appidForm.MatchString(a.AppID) {
		return out, refuse(422, "appid must be wx and 16 lower-case hex digits")
	}
	if a.Era != "" && a.Era != eraClassic && a.Era != eraToday {
		return out, refuse(422, "era %q is neither classic nor today", a.Era)
	}
	if err := a.Callback.complete(); err != nil {
		return out, err
	}
	err = s.do(func(w *world, _ time.Time) error {
		known := w.byID[a.AppID]
		if known == nil {
			if a.Secret == "" {
				return refuse(422, "secret is missing for the new app %s", a.AppID)
			}
			known = w.addApp(a.AppID, a.Secret)
		}
		known.update(a)
		out = known.show()
		return nil
	})
	return out, err
}

func (a *app) update(to App) {
	if to.Secret != "" {
		a.secret = to.Secret
	}
	if to.Era != "" {
		a.era = to.Era
	}
	if to.Callback != nil {
		a.callback = to.Callback
	}
	if to.Callback != nil && to.Callback.URL == "" {
		a.callback = nil
	}
}

// complete fills in WeChat's defaults (XML; plain unless there is a key) and
// says what is wrong. An empty url takes the callback away.
func (cb *Callback) complete() error {
	if cb == nil || cb.URL == "" {
		return nil
	}
	if cb.Format == "" {
		cb.Format = formatXML
	}
	if cb.Mode == "" {
		cb.Mode = modePlain
		if cb.EncodingAESKey != "" {
			cb.Mode = modeSafe
		}
	}
	switch {
	case !strings.HasPrefix(cb.URL, "http://") && !strings.HasPrefix(cb.URL, "https://"):
		return refuse(422, "callback.url must begin with http:// or https://")
	case cb.Format != formatXML && cb.Format != formatJSON:
		return refuse(422, "callback.format %q is neither xml nor json", cb.Format)
	case cb.Mode != modePlain && cb.Mode != modeSafe:
		return refuse(422, "callback.mode %q is neither plain nor safe", cb.Mode)
	}
	if _, err := wechat.DecodeKey(cb.EncodingAESKey); err != nil && cb.Mode == modeSafe {
		return refuse(422, "callback.encoding_aes_key must be 43 letters and digits for the mode safe")
	}
	return nil
}

// AddUser adds a user, with a new openid unless one is given; a known one gets
// the nickname.
func (s *Sandbox) AddUser(u User) (out User, err error) {
	if u.Openid != "" && !openidForm.MatchString(u.Openid) {
		return out, refuse(422, "openid must be 6 to 64 letters, digits, - or _")
	}
	err = s.do(func(w *world, _ time.Time) error {
		a, err := w.app(u.AppID)
		if err != nil {
			return err
		}
		if u.Openid == "" {
			u.Openid = newOpenid()
		}
		if u.Nickname == "" {
			u.Nickname = "用户" + strconv.Itoa(len(a.users)+1)
		}
		if known := a.byOpenid[u.Openid]; known != nil {
			known.nickname = u.Nickname
		} else {
			a.addUser(u.Openid, u.Nickname)
		}
		out = u
		return nil
	})
	return out, err
}

// AddTemplate adds a template with a new id.
func (s *Sandbox) AddTemplate(t Template) (out Template, err error) {
	fresh, err := t.check()
	if err != nil {
		return out, err
	}
	err = s.do(func(w *world, _ time.Time) error {
		a, err := w.app(t.AppID)
		if err != nil {
			return err
		}
		a.addTemplate(fresh)
		out = fresh.show(a)
		return nil
	})
	return out, err
}

func (t Template) check() (*template, error) {
	kind := ""
	if t.Kind != nil {
		kind = *t.Kind
	}
	if t.Channel == channelSubscribe && kind == "" {
		kind = kindOnce
	}
	switch {
	case t.Channel != channelTemplate && t.Channel != channelSubscribe:
		return nil, refuse(422, "channel %q is neither template nor subscribe", t.Channel)
	case t.Channel == channelTemplate && kind != "":
		return nil, refuse(422, "kind is only for the channel subscribe; leave it out")
	case t.Channel == channelSubscribe && kind != kindOnce && kind != kindLongterm:
		return nil, refuse(422, "kind %q is neither once nor longterm", kind)
	case t.Title == "":
		return nil, refuse(422, "title is missing")
	case len(t.Keywords) == 0:
		return nil, refuse(422, "keywords is empty: a template needs at least one")
	}
	for i, k := range t.Keywords {
		if t.Channel == channelTemplate && k.Key != "keyword"+strconv.Itoa(i+1) {
			return nil, refuse(422, "keywords/%d/key must be keyword%d: classic keywords are numbered in order", i, i+1)
		}
		if _, ok := kinds[kindOf(k.Key)]; t.Channel == channelSubscribe && !ok {
			return nil, refuse(422, "keywords/%d/key %q must be a kind and a number, such as thing1 or time2", i, k.Key)
		}
		if len(k.Values) > 0 && kindOf(k.Key) != "enum_string" {
			return nil, refuse(422, "keywords/%d/values is only for an enum_string; leave it out", i)
		}
		if n := slices.IndexFunc(k.Values, func(v string) bool { return !fits(k.Key, v) }); n >= 0 {
			return nil, refuse(422, "keywords/%d/values/%d is empty or has a control character", i, n)
		}
	}
	return &template{id: newTemplateID(), channel: t.Channel, kind: kind, title: t.Title, keywords: cloneKeywords(t.Keywords)}, nil
}

// cloneKeywords are the same keywords, which nobody else can change.
func cloneKeywords(ks []Keyword) []Keyword {
	out := slices.Clone(ks)
	for i := range out {
		out[i].Values = slices.Clone(out[i].Values)
	}
	return out
}

func (w *world) app(appid string) (*app, error) {
	if a := w.byID[appid]; a != nil {
		return a, nil
	}
	return nil, refuse(404, "there is no app %q; GET /sandbox/state lists them, POST /sandbox/apps adds one", appid)
}

func (w *world) user(appid, openid string) (*user, error) {
	a, err := w.app(appid)
	if err != nil {
		return nil, err
	}
	if u := a.byOpenid[openid]; u != nil {
		return u, nil
	}
	return nil, refuse(404, "app %s has no user %q; GET /sandbox/state lists them, POST /sandbox/users adds one", appid, openid)
}

// RevokeTokens is a rival who fetched a token somewhere else: every token of the
// app is dead, and the next fetch gives a new one.
func (s *Sandbox) RevokeTokens(appid string) error {
	return s.do(func(w *world, now time.Time) error {
		a, err := w.app(appid)
		if err == nil {
			a.revokeTokens(now)
		}
		return err
	})
}
