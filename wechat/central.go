package wechat

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/wxnotify/wxnotify"
)

// A Central fetches access_tokens from a token server that somebody else runs:
// a GET whose answer is JSON. It stands where Client.FetchToken stands; the
// other server remains the only one that fetches from WeChat.
type Central struct {
	client      *Client
	path, query string
	names       []string // on the way to the token
}

// callCentral names the call in an Error.
const callCentral = "token_url"

// appHole is where the appid goes in the URL of a Central.
const appHole = "{appid}"

// unsaid is how long a token is taken for good when the server does not tell.
// A token that is dead before is dropped when WeChat says so.
const unsaid = 5 * time.Minute

// NewCentral reads where the tokens are: {appid} in the URL stands for the
// app, and the path leads to the token in the answer, names with dots between
// them. An expires_in beside the token counts as well, in seconds. The error
// names the field that is wrong, and holds nothing of the URL, which may have a
// key in it. A rt of nil is a transport of its own; another one decides where
// connections may go.
func NewCentral(from wxnotify.Secret, path string, rt http.RoundTripper) (*Central, error) {
	refused := wxnotify.RefuseField(wxnotify.FieldInvalid, "token_url", "want an address such as https://host/token?app=%s, without user and fragment", appHole)
	u, err := url.Parse(from.Reveal())
	if err != nil || u.User != nil || u.Fragment != "" {
		return nil, refused
	}
	base := url.URL{Scheme: u.Scheme, Host: u.Host}
	if CheckURL(base.String()) != nil {
		return nil, refused
	}
	names := strings.Split(path, ".")
	if slices.Contains(names, "") {
		return nil, wxnotify.RefuseField(wxnotify.FieldInvalid, "token_path", "want names with dots between them, such as data.access_token")
	}
	return &Central{client: New(Options{URL: base.String(), MaxConns: 4, Transport: rt}), path: u.Path, query: u.RawQuery, names: names}, nil
}

// Close gives up the idle connections.
func (c *Central) Close() { c.client.Close() }

// FetchToken asks for the token of app. force is not passed on: the other
// server knows best. The error is an *Error, never refused: what it says about
// the app is not WeChat's word.
func (c *Central) FetchToken(ctx context.Context, app wxnotify.App, _ bool) (wxnotify.Secret, time.Duration, error) {
	k := newCall()
	defer k.release()
	hole := strings.NewReplacer(appHole, url.QueryEscape(app.ID), url.QueryEscape(appHole), url.QueryEscape(app.ID))
	q := request{path: strings.ReplaceAll(c.path, appHole, app.ID), query: hole.Replace(c.query)}
	if o, ok := c.client.exchange(ctx, k, q); !ok {
		return wxnotify.Secret{}, 0, failed(callCentral, o)
	}
	token, life := c.read(k.buf)
	if token == "" {
		return wxnotify.Secret{}, 0, failed(callCentral, lost("the answer has no token at token_path"))
	}
	return wxnotify.NewSecret(token), life, nil
}

// read finds the token, and how long it is good.
func (c *Central) read(raw jsontext.Value) (token string, life time.Duration) {
	for i, name := range c.names {
		var in map[string]jsontext.Value
		if json.Unmarshal(raw, &in, lax) != nil {
			return "", 0
		}
		raw = in[name]
		if i == len(c.names)-1 {
			life = seconds(in["expires_in"])
		}
	}
	var t text
	if len(raw) == 0 || json.Unmarshal(raw, &t, lax) != nil {
		return "", 0
	}
	return string(t), life
}

func seconds(raw jsontext.Value) time.Duration {
	n, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
	if err != nil || n <= 0 || n > maxSeconds {
		return unsaid
	}
	return time.Duration(n) * time.Second
}
