package gateway

import "github.com/go-json-experiment/json"

// GET /sns/jscode2session
//
// A code is good for one exchange. When WeChat's answer is lost the code is
// lost with it: a repeat is answered 40163, and the mini program logs in again.
func (g *Gateway) login(c *call) ([]byte, error) {
	code := c.query.Get("js_code")
	switch grant := c.query.Get("grant_type"); {
	case code == "":
		return nil, say(41008)
	case grant != "authorization_code":
		return nil, say(40002)
	}
	key, app, _, err := g.credentials(c, c.query.Get("appid"), c.query.Get("secret"))
	if err != nil {
		return nil, err
	}
	if err := mayAct(key); err != nil {
		return nil, err
	}
	openid, sessionKey, unionid, err := g.WeChat.Login(c.Context(), app, code)
	if err != nil {
		return nil, err
	}
	return json.Marshal(struct {
		SessionKey string `json:"session_key"`
		OpenID     string `json:"openid"`
		UnionID    string `json:"unionid,omitzero"`
	}{sessionKey.Reveal(), openid, unionid})
}
