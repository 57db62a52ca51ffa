package wechat

import (
	"context"
	"net/url"
	"time"

	"github.com/wxnotify/wxnotify"
)

// FetchToken fetches an access_token of app and says for how long WeChat calls
// it good. force kills the token before it at once, in stable mode only, and
// WeChat does it 20 times a day, not within 30 s of the last time.
//
// The error is an *Error whose verdict is that of a token endpoint. Nothing is
// repeated: token.Keeper decides that.
//
// POST /cgi-bin/stable_token (wechat-api.md 2.2), GET /cgi-bin/token (2.1)
func (c *Client) FetchToken(ctx context.Context, app wxnotify.App, force bool) (wxnotify.Secret, time.Duration, error) {
	name, q := stableRequest(app, force)
	if app.TokenMode == wxnotify.ClassicToken {
		name, q = classicRequest(app)
	}
	k := newCall()
	defer k.release()
	if o, ok := c.exchange(ctx, k, q); !ok {
		return wxnotify.Secret{}, 0, failed(name, o)
	}
	var a struct {
		answer
		Token   text    `json:"access_token"`
		Seconds integer `json:"expires_in"`
	}
	switch err := decode(k.buf, &a); {
	case err != nil:
		return wxnotify.Secret{}, 0, failed(name, lost("the answer is not WeChat's JSON"))
	case a.Errcode.n != 0:
		return wxnotify.Secret{}, 0, failed(name, a.refusal(TokenVerdict, app.Secret.Reveal()))
	case a.Token == "" || a.Seconds.n <= 0 || a.Seconds.n > maxSeconds:
		return wxnotify.Secret{}, 0, failed(name, lost("the answer has no access_token, or none that is good for some time"))
	}
	return wxnotify.NewSecret(string(a.Token)), time.Duration(a.Seconds.n) * time.Second, nil
}

// maxSeconds bounds expires_in: more than a day is not believed.
const maxSeconds = 24 * 60 * 60

func classicRequest(app wxnotify.App) (string, request) {
	return "token", request{
		path: "/cgi-bin/token",
		query: "grant_type=client_credential&appid=" + url.QueryEscape(app.ID) +
			"&secret=" + url.QueryEscape(app.Secret.Reveal()),
	}
}

func stableRequest(app wxnotify.App, force bool) (string, request) {
	return "stable_token", request{path: "/cgi-bin/stable_token", body: encode(struct {
		Grant  string `json:"grant_type"`
		AppID  string `json:"appid"`
		Secret string `json:"secret"`
		Force  bool   `json:"force_refresh,omitzero"`
	}{"client_credential", app.ID, app.Secret.Reveal(), force})}
}
