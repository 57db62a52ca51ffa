package api

import (
	"time"

	"github.com/wxnotify/wxnotify"
)

// An AppSettings is what POST and PATCH of an app can say. What is left out
// keeps its value, or gets its default. Secrets go in and never come out.
type AppSettings struct {
	Secret      *string           `json:"secret,omitempty" doc:"The appsecret." writeOnly:"true" minLength:"1" maxLength:"128"`
	Name        *string           `json:"name,omitempty" maxLength:"100" example:"外卖"`
	Callback    *CallbackSettings `json:"callback,omitempty" doc:"How WeChat's message push for this app is checked and read."`
	Sandbox     *bool             `json:"sandbox,omitempty" doc:"The app lives in a sandbox: mock form_ids and payments reported by the mini program are taken."`
	MPPayments  *bool             `json:"mp_payments,omitempty" doc:"The mini program itself may report payments. Normally the app's own server does, after they were paid."`
	Rate        *int              `json:"rate_per_second,omitempty" doc:"Calls to WeChat a second; 0: no limit." minimum:"0" maximum:"100000"`
	MaxInFlight *int              `json:"max_in_flight,omitempty" doc:"Calls to WeChat at once. Default 256." minimum:"1" maximum:"10000"`
	DailyQuota  *int              `json:"daily_quota,omitempty" doc:"Messages a day (UTC+8); 0: WeChat's own limit." minimum:"0" maximum:"1000000000"`
	StockLow    *int              `json:"stock_low,omitempty" doc:"Be told by the webhook event stock.low when fewer permits of one kind are free: forms and payments together, or subscriptions to one template. 0: never." minimum:"0" maximum:"1000000000"`
	TokenMode   *string           `json:"token_mode,omitempty" doc:"How the access_token is fetched. Default stable: other programs' tokens stay good." enum:"stable,classic"`
	TokenURL    *string           `json:"token_url,omitempty" doc:"Take this app's access_tokens from a token server that you run already, instead of fetching them from WeChat: at a public https address, or at one inside of the setting webhook_allow. {appid} in it stands for the app. Empty: no longer." writeOnly:"true" maxLength:"2048" example:"https://tokens.example/wx?app={appid}"`
	TokenPath   *string           `json:"token_path,omitempty" doc:"Where the token is in the answer of token_url: names with dots between them. Default access_token. An expires_in beside it counts, in seconds." maxLength:"100" example:"data.access_token"`
}

// A CallbackSettings is the other side of the page where WeChat's message
// push is set up.
type CallbackSettings struct {
	Token  *string `json:"token,omitempty" writeOnly:"true" pattern:"^[0-9A-Za-z]{3,32}$"`
	AESKey *string `json:"encoding_aes_key,omitempty" writeOnly:"true" pattern:"^[0-9A-Za-z]{43}$"`
	Mode   *string `json:"mode,omitempty" doc:"safe: encrypted, the only one with full trust. Default safe." enum:"safe,plain"`
}

// A NewApp is the body of POST /v1/apps.
type NewApp struct {
	ID string `json:"appid" pattern:"^[0-9A-Za-z_-]{6,64}$" example:"wx1234567890abcdef"`
	AppSettings
}

// An App is an app as the API shows it: without its secrets.
type App struct {
	ID          string     `json:"appid"`
	Name        string     `json:"name"`
	Callback    Callback   `json:"callback"`
	Sandbox     bool       `json:"sandbox"`
	MPPayments  bool       `json:"mp_payments"`
	Rate        int        `json:"rate_per_second"`
	MaxInFlight int        `json:"max_in_flight"`
	DailyQuota  int        `json:"daily_quota"`
	StockLow    int        `json:"stock_low"`
	TokenMode   string     `json:"token_mode" enum:"stable,classic"`
	TokenPath   *string    `json:"token_path" doc:"Null: no token_url is set, and tokens are fetched as the server's settings say."`
	Pauses      []Pause    `json:"pauses" doc:"What does not go out, and why."`
	Drift       Drift      `json:"drift" doc:"How often WeChat's answers contradicted the books, which were corrected each time. A growing number means that somebody else uses the same permits."`
	CreatedAt   *time.Time `json:"created_at"`
	UpdatedAt   *time.Time `json:"updated_at"`
}

// A Callback says how callbacks are checked, without the secrets that do it.
type Callback struct {
	Configured bool   `json:"configured" doc:"Token and, in safe mode, encoding_aes_key are set."`
	Mode       string `json:"mode" enum:"safe,plain"`

	SeenAt *time.Time `json:"seen_at" doc:"When a valid push came last, to within an hour; null: none yet."`
}

// A Drift counts contradictions.
type Drift struct {
	Closed int64      `json:"closed" doc:"Nothing left (43101) although permits were in stock."`
	Spent  int64      `json:"spent" doc:"Already used (41029) on the first use of a code."`
	At     *time.Time `json:"at" doc:"Of the last one."`
}

// Apps is a page of apps, newest first.
type Apps struct {
	Data []App   `json:"data"`
	Next *string `json:"next_cursor"`
}

// showApp is a for the outside, with its pauses.
func (d *Door) showApp(c *call, a wxnotify.App) (App, error) {
	pauses, err := d.Admin.Pauses(c.Context(), a.ID)
	if err != nil {
		return App{}, err
	}
	mode := a.Callback.Mode
	if mode == "" {
		mode = wxnotify.SafeMode
	}
	out := App{
		ID: a.ID, Name: a.Name, Sandbox: a.Sandbox, MPPayments: a.MPPayments, Rate: a.Rate, MaxInFlight: a.MaxInFlight,
		DailyQuota: a.DailyQuota, StockLow: a.StockLow, TokenMode: string(a.TokenMode), CreatedAt: when(a.CreatedAt), UpdatedAt: when(a.UpdatedAt), Pauses: []Pause{},
		Callback: Callback{Mode: mode, Configured: !a.Callback.Token.IsZero() && (mode == wxnotify.PlainMode || !a.Callback.AESKey.IsZero()), SeenAt: when(a.Callback.SeenAt)},
		Drift:    Drift{Closed: a.Drift.Closed, Spent: a.Drift.Spent, At: when(a.Drift.At)},
	}
	if !a.TokenURL.IsZero() {
		out.TokenPath = &a.TokenPath
	}
	for _, p := range pauses {
		out.Pauses = append(out.Pauses, Pause{Scope: p.Scope, Reason: p.Reason, Detail: null(p.Detail), Since: when(p.Since), Until: when(p.Until)})
	}
	return out, nil
}
