package gateway

import (
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/wxnotify/wxnotify"
)

// queuedSuffix behind a key asks for a token whose sends are answered as soon
// as they are durable. An appid and a secret are all that every SDK lets one
// set, so it is there that a caller can say it.
const queuedSuffix = ".queued"

// GET /cgi-bin/token
func (g *Gateway) classicToken(c *call) ([]byte, error) {
	return g.giveToken(c, c.query.Get("grant_type"), c.query.Get("appid"), c.query.Get("secret"))
}

// POST /cgi-bin/stable_token
//
// force_refresh is not even read: this token cannot be stale.
func (g *Gateway) stableToken(c *call) ([]byte, error) {
	raw, err := c.body()
	if err != nil {
		return nil, err
	}
	var in struct {
		Grant  jsontext.Value `json:"grant_type"`
		App    jsontext.Value `json:"appid"`
		Secret jsontext.Value `json:"secret"`
	}
	if err := decode(raw, &in); err != nil {
		return nil, err
	}
	return g.giveToken(c, plain(in.Grant), plain(in.App), plain(in.Secret))
}

func (g *Gateway) giveToken(c *call, grant, appid, secret string) ([]byte, error) {
	if grant != "client_credential" {
		return nil, say(40002)
	}
	key, app, queued, err := g.credentials(c, appid, secret)
	if err != nil {
		return nil, err
	}
	token := g.mint.make(ticket{app: app.ID, key: key.ID, queued: queued}, c.now.Virtual)
	return []byte(`{"access_token":"` + token + `","expires_in":` + strconv.Itoa(int(expiresIn/time.Second)) + `}`), nil
}

// credentials lets a request in by appid and key. Whoever has no key does not
// learn which apps there are.
func (g *Gateway) credentials(c *call, appid, secret string) (key wxnotify.Key, app wxnotify.App, queued bool, err error) {
	switch {
	case appid == "":
		return key, app, false, say(41002)
	case secret == "":
		return key, app, false, say(41004)
	}
	secret, queued = strings.CutSuffix(secret, queuedSuffix)
	key, err = g.Gate.Key(c.Context(), secret)
	if wxnotify.CodeOf(err) == wxnotify.Unauthenticated {
		err = say(40125, "use a key of this server as the secret")
	}
	if err != nil {
		return key, app, false, err
	}
	app, err = g.Gate.App(c.Context(), key, appid)
	return key, app, queued, err
}
