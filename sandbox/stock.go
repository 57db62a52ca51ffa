package sandbox

import (
	"net/http"
	"time"
)

// Stock is what one user has allowed and WeChat has not used up yet: the books
// as WeChat keeps them, which no server can ask for.
type Stock struct {
	AppID      string  `json:"appid"`
	Openid     string  `json:"openid"`
	Refused    bool    `json:"refused"` // the app's classic messages
	Permits    Permits `json:"permits"`
	NextExpiry *string `json:"next_expiry"` // of form ids and payments
}

// Permits counts the messages that may still be sent. Longterm lists templates,
// whose acceptance is not used up.
type Permits struct {
	Form      int            `json:"form"`
	Payment   int            `json:"payment"`
	Subscribe map[string]int `json:"subscribe"`
	Longterm  []string       `json:"longterm"`
}

// GET /sandbox/stock
//
// All users of an app, or one of them, in the order of GET /sandbox/state.
func getStock(s *Sandbox, r *http.Request) (any, error) {
	if err := onlyQuery(r, "appid", "openid"); err != nil {
		return nil, err
	}
	all, err := s.Stock(r.URL.Query().Get("appid"), r.URL.Query().Get("openid"))
	return struct {
		Data []Stock `json:"data"`
	}{all}, err
}

// Stock returns the stock of an app's users, or of the one with that openid.
func (s *Sandbox) Stock(appid, openid string) (out []Stock, err error) {
	err = s.do(func(w *world, now time.Time) error {
		a, err := w.app(appid)
		if err != nil {
			return err
		}
		users := a.users
		if openid != "" {
			u, err := w.user(appid, openid)
			if err != nil {
				return err
			}
			users = []*user{u}
		}
		out = w.stock(a, users, now)
		return nil
	})
	return out, err
}

func (w *world) stock(a *app, users []*user, now time.Time) []Stock {
	out := make([]Stock, len(users))
	place := map[*user]*Stock{}
	for i, u := range users {
		out[i] = Stock{AppID: a.id, Openid: u.openid, Refused: u.refused, Permits: a.consents(u)}
		place[u] = &out[i]
	}
	w.forms.sweep(now)
	for _, d := range w.forms.queue { // the first to expire come first
		f := w.forms.byID[d.id]
		s := place[f.user]
		if s == nil || f.used >= f.uses {
			continue
		}
		s.Permits.count(f)
		if s.NextExpiry == nil {
			s.NextExpiry = orNil(stamp(d.at))
		}
	}
	return out
}

func (p *Permits) count(f *form) {
	if f.uses == formUses {
		p.Form++
		return
	}
	p.Payment += f.uses - f.used
}

// consents counts the user's acceptances, in the order of the app's templates.
func (a *app) consents(u *user) Permits {
	p := Permits{Subscribe: map[string]int{}, Longterm: []string{}}
	for _, t := range a.templates {
		switch k := u.consents[t.id]; {
		case k == nil:
		case k.standing:
			p.Longterm = append(p.Longterm, t.id)
		case k.count > 0:
			p.Subscribe[t.id] = k.count
		}
	}
	return p
}
