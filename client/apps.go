package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// AppSettings are what can be said of an app. Nil leaves a setting as it is, or
// at its default.
type AppSettings struct {
	Secret        *string           `json:"secret,omitempty"` // the appsecret; goes in and never comes out
	Name          *string           `json:"name,omitempty"`
	Callback      *CallbackSettings `json:"callback,omitempty"`
	Sandbox       *bool             `json:"sandbox,omitempty"`
	MPPayments    *bool             `json:"mp_payments,omitempty"`
	RatePerSecond *int              `json:"rate_per_second,omitempty"`
	MaxInFlight   *int              `json:"max_in_flight,omitempty"`
	DailyQuota    *int              `json:"daily_quota,omitempty"`
	StockLow      *int              `json:"stock_low,omitempty"`  // permits of one kind below which the webhook event stock.low is told; 0: never
	TokenMode     *string           `json:"token_mode,omitempty"` // stable or classic
	TokenURL      *string           `json:"token_url,omitempty"`  // of a token server of yours, instead of WeChat; goes in and never comes out
	TokenPath     *string           `json:"token_path,omitempty"` // where the token is in its answer; default access_token
}

// CallbackSettings say how WeChat's message push is checked and read.
type CallbackSettings struct {
	Token          *string `json:"token,omitempty"`
	EncodingAESKey *string `json:"encoding_aes_key,omitempty"`
	Mode           *string `json:"mode,omitempty"` // safe or plain
}

// A NewApp is a mini program to be registered. Secret is needed.
type NewApp struct {
	ID string `json:"appid"`
	AppSettings
}

// An App is a mini program that the server sends for.
type App struct {
	ID       string `json:"appid"`
	Name     string `json:"name"`
	Callback struct {
		Configured bool      `json:"configured"`
		Mode       string    `json:"mode"`
		SeenAt     time.Time `json:"seen_at"` // of the last valid push, to within an hour; zero: none yet
	} `json:"callback"`
	Drift struct {
		Closed int64     `json:"closed"` // "nothing left" although permits were in stock
		Spent  int64     `json:"spent"`  // "already used" on the first use of a code
		At     time.Time `json:"at"`     // of the last one; zero: never
	} `json:"drift"` // how often WeChat contradicted the books
	Sandbox       bool      `json:"sandbox"`
	MPPayments    bool      `json:"mp_payments"`
	RatePerSecond int       `json:"rate_per_second"`
	MaxInFlight   int       `json:"max_in_flight"`
	DailyQuota    int       `json:"daily_quota"`
	StockLow      int       `json:"stock_low"`
	TokenMode     string    `json:"token_mode"`
	TokenPath     string    `json:"token_path"` // "": no token_url is set
	Pauses        []Pause   `json:"pauses"`
	CreatedAt     time.Time `json:"created_at"`
	UpdatedAt     time.Time `json:"updated_at"`
}

// A Pause is a part of an app's sending that stands still.
type Pause struct {
	Scope  string    `json:"scope"` // all, template, subscribe, form, payment or a template id
	Reason string    `json:"reason"`
	Detail string    `json:"detail"`
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until"` // zero: until somebody resumes it
}

// CreateApp registers an app: app_exists where it is known.
func (c *Client) CreateApp(ctx context.Context, a NewApp) (out App, err error) {
	_, err = c.do(ctx, call{method: http.MethodPost, path: "/v1/apps", body: a, out: &out})
	return out, err
}

// Apps lists the apps, newest first.
func (c *Client) Apps(ctx context.Context) iter.Seq2[App, error] {
	return list[App](ctx, c, "/v1/apps", nil)
}

// App reads one app with its pauses.
func (c *Client) App(ctx context.Context, id string) (a App, err error) {
	return a, c.get(ctx, appPath(id), nil, &a)
}

// ChangeApp changes what s says.
func (c *Client) ChangeApp(ctx context.Context, id string, s AppSettings) (a App, err error) {
	_, err = c.do(ctx, call{method: http.MethodPatch, path: appPath(id), body: s, out: &a, safe: true})
	return a, err
}

// An AccessToken is WeChat's real one.
type AccessToken struct {
	Token     string `json:"access_token"`
	ExpiresIn int    `json:"expires_in"` // seconds after which to ask again
}

// AccessToken gets WeChat's real access_token; it takes a key with the scope
// token. Never fetch one from WeChat beside this: each fetch kills the other's.
func (c *Client) AccessToken(ctx context.Context, id string) (t AccessToken, err error) {
	return t, c.get(ctx, appPath(id)+"/access_token", nil, &t)
}

// DeleteApp forgets an app.
func (c *Client) DeleteApp(ctx context.Context, id string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: appPath(id), safe: true})
	return err
}

// PauseApp stops a part of an app's sending: all, template, subscribe or a
// template id. Messages are still accepted and wait.
func (c *Client) PauseApp(ctx context.Context, id, scope string) (a App, err error) {
	return c.pauseOrResume(ctx, id, "pause", scope)
}

// ResumeApp lets it go on, also what WeChat's answers had paused.
func (c *Client) ResumeApp(ctx context.Context, id, scope string) (a App, err error) {
	return c.pauseOrResume(ctx, id, "resume", scope)
}

func (c *Client) pauseOrResume(ctx context.Context, id, verb, scope string) (a App, err error) {
	_, err = c.do(ctx, call{method: http.MethodPost, path: appPath(id) + "/" + verb, body: map[string]string{"scope": scope}, out: &a, safe: true})
	return a, err
}

func appPath(id string) string { return "/v1/apps/" + url.PathEscape(id) }
