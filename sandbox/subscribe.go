package sandbox

import (
	"slices"
	"time"
)

const (
	channelTemplate  = "template"
	channelSubscribe = "subscribe"
	kindOnce         = "once"
	kindLongterm     = "longterm"

	maxAsked = 5 // templates in one wx.requestSubscribeMessage
)

// consent is what a user has allowed for one subscribe template.
type consent struct {
	count    int  // sends that one-time acceptances gave
	standing bool // a long-term acceptance
}

// choice is a user's word for one template.
type choice struct {
	template *template
	result   string
}

func (u *user) consent(t *template) *consent {
	k := u.consents[t.id]
	if k == nil {
		k = &consent{}
		u.consents[t.id] = k
	}
	return k
}

// Subscribe is the user's answer to the sheet of wx.requestSubscribeMessage:
// accept, reject or ban for each template. An accepted one-time template is one
// send more, a refusal takes nothing back. The event goes to the app's callback;
// a ban is the platform's and has none.
func (s *Sandbox) Subscribe(appid, openid string, results map[string]string) error {
	return s.do(func(w *world, _ time.Time) error {
		u, choices, err := w.choices(appid, openid, results, "accept", "reject", "ban")
		if err != nil {
			return err
		}
		if err := askable(choices); err != nil {
			return err
		}
		for _, c := range choices {
			if c.result == "accept" {
				u.accept(c.template)
			}
		}
		w.popupEvent(w.byID[appid], u, choices, s.opt.Now())
		return nil
	})
}

func (u *user) accept(t *template) {
	k := u.consent(t)
	if t.kind == kindLongterm {
		k.standing = true
		return
	}
	k.count++
}

// askable holds the sheet to WeChat's own limits.
func askable(choices []choice) error {
	if len(choices) > maxAsked {
		return refuse(422, "%d templates in one call, WeChat's sheet takes at most %d (errCode 20003): make several calls", len(choices), maxAsked)
	}
	for _, c := range choices {
		if c.template.channel != channelSubscribe {
			return refuse(422, "template %s is a classic one, it cannot be subscribed to: submit a form or pay instead", c.template.id)
		}
		if c.template.kind != choices[0].template.kind {
			return refuse(422, "one-time and long-term templates cannot be asked for together (errCode 20002): make two calls")
		}
	}
	return nil
}

// ChangeSettings is the user in the mini program's settings. "reject" takes
// back what was granted for that template and pushes the change event; WeChat
// pushes nothing for "accept", which grants nothing either, but lets classic
// messages through again.
func (s *Sandbox) ChangeSettings(appid, openid string, results map[string]string) error {
	return s.do(func(w *world, _ time.Time) error {
		u, choices, err := w.choices(appid, openid, results, "accept", "reject")
		if err != nil {
			return err
		}
		w.withdraw(w.byID[appid], u, choices, s.opt.Now())
		return nil
	})
}

func (w *world) withdraw(a *app, u *user, choices []choice, real time.Time) {
	var rejected []choice
	for _, c := range choices {
		switch {
		case c.template.channel == channelTemplate:
			u.refused = c.result == "reject"
		case c.result == "reject":
			*u.consent(c.template) = consent{}
			rejected = append(rejected, c)
		}
	}
	w.changeEvent(a, u, rejected, real)
}

// choices looks up what results names, in the order of the app's templates.
func (w *world) choices(appid, openid string, results map[string]string, allowed ...string) (*user, []choice, error) {
	a, err := w.app(appid)
	if err != nil {
		return nil, nil, err
	}
	u, err := w.user(appid, openid)
	if err != nil {
		return nil, nil, err
	}
	if len(results) == 0 {
		return nil, nil, refuse(422, "no result given: send template_id and result, or results with a result per template")
	}
	for id, result := range results {
		if a.byTemplate[id] == nil {
			return nil, nil, refuse(404, "app %s has no template %q; GET /sandbox/state lists them", appid, id)
		}
		if !slices.Contains(allowed, result) {
			return nil, nil, refuse(422, "result %q is none of %v", result, allowed)
		}
	}
	var all []choice
	for _, t := range a.templates {
		if result, ok := results[t.id]; ok {
			all = append(all, choice{t, result})
		}
	}
	return u, all, nil
}
