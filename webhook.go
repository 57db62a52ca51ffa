package wxnotify

import (
	"encoding/base64"
	"slices"
	"time"
)

// Prefixes of what concerns webhooks.
const (
	WebhookPrefix = "whk_"
	NoticePrefix  = "evt_"
)

// A Topic is what a webhook can be told of.
type Topic string

// The topics. Each has its line in Topics.
const (
	MessageSent      Topic = "message.sent"
	MessageDelivered Topic = "message.delivered"
	MessageFailed    Topic = "message.failed"
	MessageUnknown   Topic = "message.unknown"
	MessageExpired   Topic = "message.expired"
	PermitCreated    Topic = "permit.created"
	PermitRevoked    Topic = "permit.revoked"
	StockLow         Topic = "stock.low"
	AppPaused        Topic = "app.paused"
	AppResumed       Topic = "app.resumed"
	TokenContention  Topic = "token.contention"
)

// A TopicInfo is when a topic is told.
type TopicInfo struct {
	Topic  Topic
	En, Zh string
}

// Topics lists all of them, in the order in which they are shown.
var Topics = []TopicInfo{
	{MessageSent, "WeChat took the message.", "微信已接收该消息。"},
	{MessageDelivered, "WeChat's own event says that the message arrived (subscribe messages, with the message push set up).", "微信推送事件确认消息已送达（订阅消息，且已配置消息推送）。"},
	{MessageFailed, "The message failed; reason says why.", "消息发送失败，原因见 reason。"},
	{MessageUnknown, "WeChat's answer was lost, and nothing tells whether the message arrived.", "微信的应答丢失，无法判断消息是否送达。"},
	{MessageExpired, "The message's deadline passed before it could go out.", "消息在发出之前已过期。"},
	{PermitCreated, "A user gave leave: count messages more may go to them.", "用户给出了新的授权，count 为新增条数。"},
	{PermitRevoked, "Leave was taken back, by the user (cause withdrawn) or by an operator (deleted).", "授权被收回：用户关闭（cause 为 withdrawn）或运维删除（deleted）。"},
	{StockLow, "The app has fewer permits of one kind than its stock_low: told once, and again only after the stock was a tenth above that.", "应用某一类授权的库存低于其 stock_low。低位期间只通知一次，库存回升到阈值的 110% 之后才会再次通知。"},
	{AppPaused, "A part of the app's sending stands still; reason and detail say why.", "应用的部分发送已暂停，原因见 reason 与 detail。"},
	{AppResumed, "It goes on.", "暂停已解除，恢复发送。"},
	{TokenContention, "Somebody else fetches the app's access_token, and each fetch kills the other's. Every node that notices says so, at most every ten minutes.", "另有程序在获取该应用的 access_token，双方互相使对方失效。每个发现此情况的节点都会通知，至多每十分钟一次。"},
}

// ValidTopic says whether there is such a topic.
func ValidTopic(t Topic) bool {
	return slices.ContainsFunc(Topics, func(i TopicInfo) bool { return i.Topic == t })
}

// TopicOf is what is told when a message gets to a state; "" is nothing.
// There is none for canceled: whoever canceled it knows.
func TopicOf(s State) Topic {
	switch s {
	case Sent:
		return MessageSent
	case Delivered:
		return MessageDelivered
	case Failed:
		return MessageFailed
	case Unknown:
		return MessageUnknown
	case Expired:
		return MessageExpired
	}
	return ""
}

// A Webhook is an address that is told of events.
type Webhook struct {
	ID        string
	App       string // "": every app
	URL       string // may hold a password of its owner's: it is not for logs
	Topics    []Topic
	Secret    Secret
	OldSecret Secret    // signs as well until OldUntil
	OldUntil  time.Time // real
	// Off says why nothing is posted: operator, gone or failing; "" is on.
	Off          string
	OffAt        time.Time // real
	FailingSince time.Time // real: of the first failure after the last success; zero: none
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// WebhookSecret writes 256 random bits as Standard Webhooks does.
func WebhookSecret(random [32]byte) Secret {
	return NewSecret("whsec_" + base64.StdEncoding.EncodeToString(random[:]))
}

// Rotate gives it a new secret; the old one signs beside it for OldSecretFor.
func (h *Webhook) Rotate(fresh Secret, now time.Time) {
	h.OldSecret, h.OldUntil, h.Secret = h.Secret, now.Add(OldSecretFor), fresh
}

// Switch switches it off, as an operator does, or on again, whoever had
// switched it off.
func (h *Webhook) Switch(off bool, now time.Time) {
	switch {
	case !off:
		h.Off, h.OffAt, h.FailingSince = "", time.Time{}, time.Time{}
	case h.Off == "":
		h.Off, h.OffAt = OffByOperator, now
	}
}

// Why a webhook is off.
const (
	OffByOperator = "operator"
	OffGone       = "gone"    // it answered 410
	OffFailing    = "failing" // for FailsFor
)

// Wants says whether the webhook is to be told of t in app at real time now.
func (h Webhook) Wants(app string, t Topic, now time.Time) bool {
	return (h.App == "" || h.App == app) &&
		(len(h.Topics) == 0 || slices.Contains(h.Topics, t)) &&
		(h.Off == "" || now.Sub(h.OffAt) < KeptWhileOff)
}

// The times of webhooks, all real.
const (
	FailsFor     = 5 * 24 * time.Hour  // without a success, and the webhook is switched off
	KeptWhileOff = 7 * 24 * time.Hour  // so long events are still written down for one that is off
	NoticesLast  = 30 * 24 * time.Hour // after that they are forgotten, whatever became of them
	OldSecretFor = 24 * time.Hour      // beside its successor
	LongestAfter = 24 * time.Hour      // that an endpoint can ask for with Retry-After
)
