package wechat

import (
	"context"
	"net/url"

	"github.com/wxnotify/wxnotify"
)

const callLogin = "jscode2session"

// Login exchanges the code of wx.login. A code is good for 5 minutes and once:
// when the answer is lost the mini program has to log in again, since a second
// exchange would be answered 40163. unionid is "" unless the mini program
// belongs to an Open Platform account.
//
// The error is an *Error; to a door it is code_rejected, upstream_refused or
// upstream_unavailable.
//
// GET /sns/jscode2session (wechat-api.md 1)
func (c *Client) Login(ctx context.Context, app wxnotify.App, code string) (openid string, sessionKey wxnotify.Secret, unionid string, err error) {
	secret := app.Secret.Reveal()
	k := newCall()
	defer k.release()
	o, ok := c.exchange(ctx, k, request{
		path: "/sns/jscode2session",
		query: "appid=" + url.QueryEscape(app.ID) + "&secret=" + url.QueryEscape(secret) +
			"&js_code=" + url.QueryEscape(code) + "&grant_type=authorization_code",
	})
	if !ok {
		return "", wxnotify.Secret{}, "", failed(callLogin, o)
	}
	var a struct {
		answer
		OpenID     text `json:"openid"`
		SessionKey text `json:"session_key"`
		UnionID    text `json:"unionid"`
	}
	switch err := decode(k.buf, &a); {
	case err != nil:
		return "", wxnotify.Secret{}, "", failed(callLogin, lost("the answer is not WeChat's JSON"))
	case a.Errcode.n != 0:
		return "", wxnotify.Secret{}, "", failed(callLogin, a.refusal(TokenVerdict, secret, code))
	case !wxnotify.ValidOpenID(string(a.OpenID)):
		return "", wxnotify.Secret{}, "", failed(callLogin, lost("the answer has no openid"))
	}
	return string(a.OpenID), wxnotify.NewSecret(string(a.SessionKey)), string(a.UnionID), nil
}

// codeRejected says that an errcode of login is about the code, so that a new
// one may help.
func codeRejected(errcode int) bool {
	switch errcode {
	case 40029, 40163, 40226, 41008:
		return true
	}
	return false
}
