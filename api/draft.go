package api

import (
	"time"

	"github.com/wxnotify/wxnotify"
)

// A NewMessage is the body of POST /v1/messages. The names are WeChat's where
// WeChat has one, so that a body that goes to WeChat today can come here.
type NewMessage struct {
	App              string            `json:"app,omitempty" doc:"The appid. May be left out with a key that is bound to one app, or when only one app exists." example:"wx1234567890abcdef"`
	To               string            `json:"touser" doc:"The user's openid." pattern:"^[0-9A-Za-z_-]{6,64}$" example:"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"`
	TemplateID       string            `json:"template_id" doc:"WeChat's template id, or an alias of yours." maxLength:"64" example:"ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY"`
	Page             string            `json:"page,omitempty" doc:"The page that a tap on the card opens, without leading slash; a query is allowed." maxLength:"1024" example:"pages/order/detail?id=1019"`
	Data             values            `json:"data" doc:"The value of each keyword of the template. A bare string or number stands for an object with that value."`
	Emphasis         string            `json:"emphasis_keyword,omitempty" doc:"The keyword to show large." pattern:"^[a-z][a-z_]*[0-9]+\\.DATA$" example:"keyword1.DATA"`
	FormID           string            `json:"form_id,omitempty" doc:"Exactly this form_id or prepay_id. Left out, the permit that expires first is used." pattern:"^[0-9A-Za-z_-]{10,128}$"`
	Channel          string            `json:"channel,omitempty" doc:"Left out: known from the template, else from the keys of data." enum:"template,subscribe"`
	MiniprogramState string            `json:"miniprogram_state,omitempty" doc:"Subscribe messages: the version of the mini program that the card opens." enum:"developer,trial,formal"`
	Lang             string            `json:"lang,omitempty" doc:"Subscribe messages: language of the card." enum:"zh_CN,en_US,zh_HK,zh_TW"`
	SendAt           instant           `json:"send_at,omitzero" doc:"Not before; at most 30 days ahead."`
	ExpiresAt        instant           `json:"expires_at,omitzero" doc:"Give up after. Default: 7 days after send_at or now."`
	Wait             bool              `json:"wait,omitempty" doc:"With no permit at hand, wait for one until expires_at; otherwise the message fails within a second."`
	OnUnsure         string            `json:"on_unsure,omitempty" doc:"When an answer is lost and a repeat could deliver twice: hold, or send again." enum:"hold,resend" default:"hold"`
	Meta             map[string]string `json:"meta,omitempty" doc:"At most 8 strings of yours (names 40, values 256 characters). Comes back everywhere and is searchable: not for personal data." maxProperties:"8" example:"{\"order\":\"1019\"}"`
}

// A BatchItem is one message of a batch.
type BatchItem struct {
	NewMessage
	Key string `json:"idempotency_key,omitempty" doc:"As the header Idempotency-Key of a single message: unique per app." minLength:"1" maxLength:"255"`
}

// A Batch is the body of POST /v1/messages/batch.
type Batch struct {
	Messages []BatchItem `json:"messages" doc:"All accepted items are durable together." minItems:"1" maxItems:"1000"`
}

// maxBatch is how many messages, or permits, one request may bring.
const maxBatch = 1000

// draft is the message as the root package's rules know it.
func (m *NewMessage) draft() wxnotify.Draft {
	return wxnotify.Draft{
		App: m.App, To: m.To, TemplateID: m.TemplateID, Page: m.Page, Data: m.Data, Emphasis: m.Emphasis,
		FormID: m.FormID, Channel: wxnotify.Channel(m.Channel), MiniprogramState: m.MiniprogramState, Lang: m.Lang,
		SendAt: m.SendAt.Time, ExpiresAt: m.ExpiresAt.Time, Wait: m.Wait, OnUnsure: wxnotify.OnUnsure(m.OnUnsure), Meta: m.Meta,
	}
}

// when is t on its way out: null for the zero time.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// null is s on its way out: null for the empty string.
func null[S ~string](s S) *string {
	if s == "" {
		return nil
	}
	out := string(s)
	return &out
}
