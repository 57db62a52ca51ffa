package sandbox

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	tokenLife       = 7200 * time.Second
	tokenOverlap    = 300 * time.Second // how long an old token lives beside the new one
	forcePause      = 30 * time.Second  // forced refreshes closer than this do nothing
	forcesPerDay    = 20
	stablePerMinute = 10_000
)

// token is one access token. It is alive before the earlier of ends and cut.
type token struct {
	value string
	app   *app
	ends  time.Time
	cut   time.Time // zero: no other fetch has replaced it
}

func (t *token) alive(now time.Time) bool {
	return now.Before(t.ends) && (t.cut.IsZero() || now.Before(t.cut))
}

// kill ends t at the given time unless it ends before.
func (t *token) kill(at time.Time) {
	if t.cut.IsZero() || at.Before(t.cut) {
		t.cut = at
	}
}

type forced struct {
	last time.Time
	day  tally
}

// admit checks the access_token of a call.
func (w *world) admit(c *call) bool {
	switch t := c.token; {
	case c.access == "":
		c.refuse(41001)
	case t == nil && !looksLikeToken(c.access):
		c.refuse(40014)
	case t == nil:
		c.refuseToken(40001)
	case t.alive(c.now):
		return true
	case !c.now.Before(t.ends):
		c.refuse(42001)
	default:
		c.refuseToken(40001)
	}
	return false
}

// refuseToken is refuse for the codes whose text changed with the stable token.
func (c *call) refuseToken(code int) { c.refuseText(code, wireText(code)+c.betterToken()) }

func looksLikeToken(s string) bool {
	if len(s) < 64 || len(s) > 512 {
		return false
	}
	for _, b := range []byte(s) {
		if b != '-' && b != '_' && !isAlnum(b) {
			return false
		}
	}
	return true
}

func isAlnum(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}

// issue makes a token and forgets those that have been dead for a day.
func (w *world) issue(a *app, now time.Time) *token {
	for len(a.issued) > 0 && a.issued[0].ends.Add(24*time.Hour).Before(now) {
		delete(w.tokens, a.issued[0].value)
		a.issued = a.issued[1:]
	}
	t := &token{value: newToken(), app: a, ends: now.Add(tokenLife)}
	w.tokens[t.value] = t
	a.issued = append(a.issued, t)
	return t
}

// GET /cgi-bin/token
//
// Every fetch replaces the token before, which lives on for five minutes. The
// one before that is dead at once: there are never more than two.
func (w *world) classicToken(c *call) {
	a := w.credentials(c)
	if a == nil {
		return
	}
	if !a.spend("token", c.now) {
		c.refuseToken(45009)
		return
	}
	c.effect = true
	c.answerToken(w.rotate(a, c.now), c.now)
}

func (w *world) rotate(a *app, now time.Time) *token {
	t := w.issue(a, now)
	if n := len(a.classic); n > 0 {
		for _, old := range a.classic[:n-1] {
			old.kill(now)
		}
		a.classic[n-1].kill(now.Add(tokenOverlap))
		a.classic = a.classic[n-1:]
	}
	a.classic = append(a.classic, t)
	return t
}

// POST /cgi-bin/stable_token
//
// The same token for everybody until its last five minutes, then its successor,
// and both are good for those five minutes. force_refresh kills at once.
func (w *world) stableToken(c *call) {
	a := w.credentials(c)
	if a == nil {
		return
	}
	if a.stableMinute.add(c.now.Unix()/60) > stablePerMinute {
		c.refuse(45011)
		return
	}
	if !a.spend("stable_token", c.now) {
		c.refuseToken(45009)
		return
	}
	if c.login.force {
		w.forceStable(c, a)
		return
	}
	t := a.newestStable(c.now)
	if t == nil || t.ends.Sub(c.now) <= tokenOverlap {
		t = w.issue(a, c.now)
		a.stable = append(a.stable, t)
		c.effect = true
	}
	c.answerToken(t, c.now)
}

func (w *world) forceStable(c *call, a *app) {
	if t := a.newestStable(c.now); t != nil && c.now.Sub(a.forced.last) < forcePause {
		c.answerToken(t, c.now)
		return
	}
	if a.forced.day.in(quotaDay(c.now)) >= forcesPerDay {
		c.refuseToken(45009)
		return
	}
	a.forced.day.add(quotaDay(c.now))
	a.forced.last = c.now
	for _, t := range a.stable {
		t.kill(c.now)
	}
	t := w.issue(a, c.now)
	a.stable = append(a.stable[:0], t)
	c.effect = true
	c.answerToken(t, c.now)
}

// newestStable is the token that a normal call would return, or nil. Dead ones
// are dropped on the way.
func (a *app) newestStable(now time.Time) *token {
	kept := a.stable[:0]
	for _, t := range a.stable {
		if t.alive(now) {
			kept = append(kept, t)
		}
	}
	a.stable = kept
	if len(kept) == 0 {
		return nil
	}
	return kept[len(kept)-1]
}

func (c *call) answerToken(t *token, now time.Time) {
	c.answer(struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
	}{t.value, int64(t.ends.Sub(now) / time.Second)})
}

// revokeTokens is a rival who fetched: every token of the app is dead.
func (a *app) revokeTokens(now time.Time) {
	for _, t := range a.issued {
		t.kill(now)
	}
	a.classic, a.stable = nil, nil
}

// credential is what a call brings instead of a token.
type credential struct {
	appid, secret, grant, code string
	force                      bool
}

func readQueryLogin(c *call) {
	q := c.query()
	c.login = credential{appid: q.Get("appid"), secret: q.Get("secret"), grant: q.Get("grant_type"), code: q.Get("js_code")}
}

func readBodyLogin(c *call) {
	c.badJSON = !eachMember(c.body, func(name string, d *jsontext.Decoder) error {
		switch name {
		case "appid":
			return readText(d, &c.login.appid)
		case "secret", "appsecret":
			return readText(d, &c.login.secret)
		case "grant_type":
			return readText(d, &c.login.grant)
		case "force_refresh":
			var s string
			err := readText(d, &s)
			c.login.force = s == "true" || s == "1"
			return err
		}
		return d.SkipValue()
	})
}

// credentials checks appid, secret and grant_type; nil means refused.
func (w *world) credentials(c *call) *app {
	l := c.login
	switch {
	case l.grant != "client_credential":
		c.refuse(40002)
	case l.appid == "":
		c.refuse(41002)
	case l.secret == "":
		c.refuse(41004)
	case c.app == nil:
		c.refuse(40013)
	case l.secret != c.app.secret:
		c.refuse(40125)
	default:
		return c.app
	}
	return nil
}
