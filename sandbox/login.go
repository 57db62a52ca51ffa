package sandbox

import "time"

const (
	codeLife = 5 * time.Minute

	// MockCode is what the DevTools give for a login code. Here it logs in the
	// app's first user, any number of times.
	MockCode = "the code is a mock one"

	loginsPerMinute = 100
)

type code struct {
	app  *app
	user *user
	used bool
}

// GET /sns/jscode2session
func (w *world) jscode2session(c *call) {
	c.header = textType // as it comes from WeChat
	l := c.login
	switch {
	case l.appid == "":
		c.refuse(41002)
	case l.secret == "":
		c.refuse(41004)
	case l.code == "":
		c.refuse(41008)
	case l.grant != "authorization_code":
		c.refuse(40002)
	case c.app == nil:
		c.refuse(40013)
	case l.secret != c.app.secret:
		c.refuse(40125)
	default:
		w.exchange(c)
	}
}

// exchange turns a code into a session. A code is spent by its first exchange;
// one that is refused for the rate stays good.
func (w *world) exchange(c *call) {
	var u *user
	k, known := w.codes.get(c.login.code, c.now)
	switch {
	case c.login.code == MockCode && len(c.app.users) > 0:
		u = c.app.users[0]
	case !known || k.app != c.app:
		c.refuse(40029)
		return
	case k.used:
		c.refuse(40163)
		return
	default:
		u = k.user
	}
	if u.logins.add(c.now.Unix()/60) > loginsPerMinute {
		c.refuse(45011)
		return
	}
	if known {
		k.used = true
	}
	c.effect = true
	c.answerSession(u)
}

func (c *call) answerSession(u *user) {
	v := struct {
		SessionKey string `json:"session_key"`
		ExpiresIn  int    `json:"expires_in,omitzero"`
		Openid     string `json:"openid"`
	}{SessionKey: newSessionKey(), Openid: u.openid}
	if c.app.era == eraClassic {
		v.ExpiresIn = 7200
	}
	c.answer(v)
}

// Login is a user who opens the mini program: the code that wx.login gives.
func (s *Sandbox) Login(appid, openid string) (string, error) {
	id := newCode()
	err := s.do(func(w *world, now time.Time) error {
		a, err := w.app(appid)
		if err != nil {
			return err
		}
		u, err := w.user(appid, openid)
		if err != nil {
			return err
		}
		w.codes.put(id, &code{app: a, user: u}, now.Add(codeLife), now)
		return nil
	})
	return id, err
}
