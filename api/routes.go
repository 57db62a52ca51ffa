package api

import (
	"net/http"

	"github.com/wxnotify/wxnotify"
)

// Parameters that several routes have.
var (
	paramApp    = param{name: "app", doc: "The appid."}
	paramTo     = param{name: "touser", doc: "The user's openid."}
	paramLimit  = param{name: "limit", doc: "Items on a page, 1 to 250. Default 50.", kind: "integer", example: 50}
	paramCursor = param{name: "cursor", doc: "next_cursor of the page before, with the same filters."}
	paramWait   = param{name: "wait_ms", doc: "Hold the answer until the message is at rest, or for so many milliseconds, at most 30000.", kind: "integer", example: 5000}

	headerKey   = param{name: "Idempotency-Key", doc: "1 to 255 visible characters, unique per app. The same key with the same content is answered with the first message as it is now; with other content with 422 idempotency_key_reused. In a batch it belongs into the items."}
	headerTrace = param{name: "traceparent", doc: "W3C Trace Context. Its trace id stays with the message: in trace_id, in log lines, and in the traceparent of webhooks. A malformed one is ignored."}
)

// Codes that several routes refuse with.
var (
	draftCodes = []wxnotify.Code{
		wxnotify.OpenIDInvalid, wxnotify.TemplateUnknown, wxnotify.TemplateDataMissing, wxnotify.TemplateDataUnknown, wxnotify.TemplateValueEmpty,
		wxnotify.TemplateValueTooLong, wxnotify.TemplateValueInvalid, wxnotify.ChannelInvalid, wxnotify.PageInvalid,
	}
	messageCodes = append([]wxnotify.Code{
		wxnotify.AppRequired, wxnotify.AppUnknown, wxnotify.CodeInvalid, wxnotify.FormIDMock, wxnotify.PermitConflict, wxnotify.SendAtPast, wxnotify.SendAtTooFar,
		wxnotify.TimeZoneMissing, wxnotify.TimeInvalid, wxnotify.ExpiresAtInvalid, wxnotify.IdempotencyReused, wxnotify.IdempotencyInvalid, wxnotify.BacklogFull,
	}, draftCodes...)
	listCodes   = []wxnotify.Code{wxnotify.AppUnknown, wxnotify.CursorInvalid, wxnotify.OutOfRange}
	permitCodes = []wxnotify.Code{
		wxnotify.BatchSizeInvalid, wxnotify.OpenIDInvalid, wxnotify.CodeInvalid, wxnotify.FormIDMock, wxnotify.PermitConflict, wxnotify.PermitExpired,
	}
)

// routes are all operations, in the order in which the document shows them.
var routes = []route{
	{
		method: "POST", path: "/v1/messages", scope: wxnotify.ScopeSend, handle: (*Door).postMessage, name: "sendMessage", tag: tagMessages,
		summary: "Send a message", doc: "Answers 202 only after the message is durable: it survives the loss of power.",
		params: []param{paramWait}, headers: []param{headerKey, headerTrace}, in: NewMessage{}, out: Message{}, status: http.StatusAccepted, refuses: messageCodes,
	},
	{
		method: "POST", path: "/v1/messages/batch", scope: wxnotify.ScopeSend, handle: (*Door).postBatch, name: "sendBatch", tag: tagMessages,
		summary: "Send up to 1000 messages", doc: "All accepted items are durable together. A fault of an item is that item's error; the others stand. The body is at most 8 MiB.",
		headers: []param{headerTrace}, in: Batch{}, out: BatchResults{}, status: http.StatusAccepted, refuses: append([]wxnotify.Code{wxnotify.BatchSizeInvalid}, messageCodes...),
	},
	{
		method: "GET", path: "/v1/messages", scope: wxnotify.ScopeRead, handle: (*Door).listMessages, name: "listMessages", tag: tagMessages,
		summary: "List messages", doc: "Newest first.", status: http.StatusOK, out: Messages{}, refuses: listCodes,
		params: []param{
			paramApp, paramTo, {name: "state", doc: "As in the message.", enum: states}, {name: "template_id", doc: "WeChat's id; with an app also an alias."},
			{name: "reason", doc: "As in the message.", enum: reasons}, {name: "channel", doc: "template or subscribe.", enum: []string{"template", "subscribe"}},
			{name: "meta.", doc: "`meta.order=1019`: messages whose meta has exactly this value under this name."},
			{name: "since", doc: "Created at or after.", kind: "time"}, {name: "until", doc: "Created before.", kind: "time"}, paramLimit, paramCursor,
		},
	},
	{
		method: "GET", path: "/v1/messages/{id}", scope: wxnotify.ScopeRead, handle: (*Door).getMessage, name: "getMessage", tag: tagMessages,
		summary: "Read a message", doc: "With every call to WeChat that was made for it.", out: Message{}, status: http.StatusOK, refuses: []wxnotify.Code{wxnotify.NotFound},
	},
	{
		method: "POST", path: "/v1/messages/{id}/cancel", scope: wxnotify.ScopeSend, handle: (*Door).cancelMessage, name: "cancelMessage", tag: tagMessages,
		summary: "Cancel a message", doc: "As long as it is not on its way to WeChat.", out: Message{}, status: http.StatusOK,
		refuses: []wxnotify.Code{wxnotify.NotFound, wxnotify.MessageAtRest, wxnotify.MessageInFlight},
	},
	{
		method: "POST", path: "/v1/messages/{id}/resend", scope: wxnotify.ScopeSend, handle: (*Door).resendMessage, name: "resendMessage", tag: tagMessages,
		summary: "Send the same content again", doc: "Makes a new message with a new permit. Asking twice sends twice.", out: Message{}, status: http.StatusAccepted,
		refuses: []wxnotify.Code{wxnotify.NotFound, wxnotify.ContentGone, wxnotify.BacklogFull},
	},
	{
		method: "POST", path: "/v1/messages/{id}/resolve", scope: wxnotify.ScopeSend, handle: (*Door).resolveMessage, name: "resolveMessage", tag: tagMessages,
		summary: "Say what became of a message", doc: "For one whose answer was lost (unknown or unsure), by somebody who looked at the phone. It is audited.",
		in: Resolution{}, out: Message{}, status: http.StatusOK, refuses: []wxnotify.Code{wxnotify.NotFound, wxnotify.MessageResolved},
	},
	{
		method: "POST", path: "/v1/permits", scope: wxnotify.ScopePermits, handle: (*Door).postPermits, name: "depositPermits", tag: tagPermits,
		summary: "Hand in permits", doc: "A form gives one message within 7 days, a payment three, an accepted one-time subscription one for its template, a long-term subscription as many as you like. A refused item carries an error; the others stand.",
		in: NewPermits{}, out: PermitResults{}, status: http.StatusOK, refuses: append([]wxnotify.Code{wxnotify.AppRequired, wxnotify.AppUnknown}, permitCodes...),
	},
	{
		method: "GET", path: "/v1/permits", scope: wxnotify.ScopeRead, handle: (*Door).listPermits, name: "listPermits", tag: tagPermits,
		summary: "List permits", doc: "Newest first.", out: Permits{}, status: http.StatusOK, refuses: append([]wxnotify.Code{wxnotify.OpenIDInvalid}, listCodes...),
		params: []param{
			paramApp, paramTo, {name: "source", doc: "What the user did.", enum: []string{"form", "payment", "subscribe", "longterm"}},
			{name: "state", doc: "As in the permit.", enum: []string{"free", "bound", "used", "held", "dead"}}, paramLimit, paramCursor,
		},
	},
	{
		method: "DELETE", path: "/v1/permits/{id}", scope: wxnotify.ScopePermits, handle: (*Door).deletePermit, name: "deletePermit", tag: tagPermits,
		summary: "Take a permit away", doc: "One that a message holds stays.", params: []param{paramApp}, status: http.StatusNoContent,
		refuses: []wxnotify.Code{wxnotify.NotFound, wxnotify.PermitInUse, wxnotify.AppUnknown, wxnotify.AppRequired},
	},
	{
		method: "GET", path: "/v1/users/{openid}", scope: wxnotify.ScopeRead, handle: (*Door).getUser, name: "getUser", tag: tagPermits,
		summary: "See whether a user can be reached", doc: "A user who never gave anything is not reachable; that is no error.", params: []param{paramApp}, out: User{}, status: http.StatusOK,
		refuses: []wxnotify.Code{wxnotify.OpenIDInvalid, wxnotify.AppUnknown, wxnotify.AppRequired},
	},
	{
		method: "DELETE", path: "/v1/users/{openid}", scope: wxnotify.ScopeAdmin, handle: (*Door).eraseUser, name: "eraseUser", tag: tagPermits,
		summary: "Forget a user", doc: "Messages that have not started are canceled (erased), contents, meta, sessions and what the user said go, the openid becomes a pseudonym; it is done within a minute as a rule. What the user does afterwards starts anew.",
		params: []param{paramApp}, out: Erased{}, status: http.StatusAccepted, refuses: []wxnotify.Code{wxnotify.OpenIDInvalid, wxnotify.AppUnknown, wxnotify.AppRequired},
	},
	{
		method: "GET", path: "/v1/stats", scope: wxnotify.ScopeRead, handle: (*Door).stats, name: "getStats", tag: tagStats,
		summary: "Read what happened, for plots", doc: "Sums by the step, of two days by the minute and of 90 days by the hour. Days begin at midnight in UTC+8. from and to are moved outwards to whole steps; at most 1000 points.",
		params: []param{
			paramApp, {name: "from", doc: "The beginning. Default: a day before to.", kind: "time"}, {name: "to", doc: "The end. Default: now.", kind: "time"},
			{name: "step", doc: "What one point covers: whole minutes, in seconds or with s, m, h or d. Default: one that makes at most 300 points.", example: "5m"},
		},
		out: Stats{}, status: http.StatusOK,
		refuses: []wxnotify.Code{wxnotify.AppUnknown, wxnotify.OutOfRange, wxnotify.TypeMismatch, wxnotify.TimeInvalid, wxnotify.TimeZoneMissing},
	},
	{
		method: "GET", path: "/v1/stock", scope: wxnotify.ScopeRead, handle: (*Door).appStock, name: "getStock", tag: tagStats,
		summary: "Read what is in stock", doc: "Free permits by source, by days to their end and by template, and how many users can be reached. It costs the same with ten permits and with a million.",
		params: []param{paramApp}, out: AppStock{}, status: http.StatusOK, refuses: []wxnotify.Code{wxnotify.AppUnknown},
	},
	{
		method: "GET", path: "/v1/templates", scope: wxnotify.ScopeRead, handle: (*Door).listTemplates, name: "listTemplates", tag: tagTemplates,
		summary: "List templates", doc: "By id.", params: []param{paramApp, paramLimit, paramCursor}, out: Templates{}, status: http.StatusOK,
		refuses: append([]wxnotify.Code{wxnotify.AppRequired}, listCodes...),
	},
	{
		method: "POST", path: "/v1/templates", scope: wxnotify.ScopeAdmin, handle: (*Door).postTemplate, name: "addTemplate", tag: tagTemplates,
		summary: "Add a template to the account", doc: "From WeChat's library; an account has at most 25 of each channel.", in: AddTemplate{}, out: Template{}, status: http.StatusCreated,
		refuses: []wxnotify.Code{wxnotify.AppUnknown, wxnotify.AppRequired, wxnotify.UpstreamUnavailable, wxnotify.UpstreamRefused},
	},
	{
		method: "DELETE", path: "/v1/templates/{id}", scope: wxnotify.ScopeAdmin, handle: (*Door).deleteTemplate, name: "deleteTemplate", tag: tagTemplates,
		summary: "Delete a template of the account", doc: "At WeChat, by WeChat's id. It stays in the list here, as gone.", params: []param{paramApp}, status: http.StatusNoContent,
		refuses: []wxnotify.Code{wxnotify.NotFound, wxnotify.AppUnknown, wxnotify.AppRequired, wxnotify.UpstreamUnavailable, wxnotify.UpstreamRefused},
	},
	{
		method: "GET", path: "/v1/templates/library", scope: wxnotify.ScopeAdmin, handle: (*Door).listLibrary, name: "listLibrary", tag: tagTemplates,
		summary: "Search WeChat's library of templates", doc: "A page from offset on, or all whose title contains q. The subscribe library is that of the account's categories.",
		params: []param{paramApp, paramChannel, {name: "q", doc: "Part of a title.", example: "接单"}, {name: "offset", doc: "Entries to skip.", kind: "integer"}},
		out:    LibraryList{}, status: http.StatusOK,
		refuses: []wxnotify.Code{wxnotify.AppUnknown, wxnotify.AppRequired, wxnotify.UpstreamUnavailable, wxnotify.UpstreamRefused},
	},
	{
		method: "GET", path: "/v1/templates/library/{id}", scope: wxnotify.ScopeAdmin, handle: (*Door).getLibrary, name: "getLibraryEntry", tag: tagTemplates,
		summary: "Read an entry of the library", doc: "With the keywords that a template may be made of.", params: []param{paramApp, paramChannel}, out: LibraryEntry{}, status: http.StatusOK,
		refuses: []wxnotify.Code{wxnotify.NotFound, wxnotify.AppUnknown, wxnotify.AppRequired, wxnotify.UpstreamUnavailable, wxnotify.UpstreamRefused},
	},
	{
		method: "PUT", path: "/v1/templates/{id}", scope: wxnotify.ScopeAdmin, handle: (*Door).putTemplate, name: "putTemplate", tag: tagTemplates,
		summary: "Describe a template", doc: "Give it an alias, or say what WeChat's lists do not. What is left out stays.", in: PutTemplate{}, out: Template{}, status: http.StatusOK,
		refuses: []wxnotify.Code{wxnotify.AppUnknown, wxnotify.AppRequired, wxnotify.NotFound},
	},
	{
		method: "POST", path: "/v1/templates/sync", scope: wxnotify.ScopeAdmin, handle: (*Door).syncTemplates, name: "syncTemplates", tag: tagTemplates,
		summary: "Fetch the app's templates from WeChat", doc: "One list may be had without the other. An unknown template_id in a message does the same by itself, at most once a minute.",
		in: AppOnly{}, out: SyncResults{}, status: http.StatusOK, refuses: []wxnotify.Code{wxnotify.AppUnknown, wxnotify.AppRequired},
	},
	{
		method: "POST", path: "/v1/templates/{id}/preview", scope: wxnotify.ScopeRead, handle: (*Door).previewTemplate, name: "previewTemplate", tag: tagTemplates,
		summary: "Check and render, and send nothing", doc: "What a message of these values would look like. The id may be an alias.", in: Preview{}, out: Card{}, status: http.StatusOK,
		refuses: append([]wxnotify.Code{wxnotify.AppUnknown, wxnotify.AppRequired}, draftCodes...),
	},
	{
		method: "POST", path: "/v1/apps", scope: wxnotify.ScopeAdmin, handle: (*Door).postApp, name: "createApp", tag: tagApps,
		summary: "Register a mini program", doc: "Its secrets go in and never come out.", in: NewApp{}, out: App{}, status: http.StatusCreated,
		refuses: []wxnotify.Code{wxnotify.AppExists},
	},
	{
		method: "GET", path: "/v1/apps", scope: wxnotify.ScopeRead, handle: (*Door).listApps, name: "listApps", tag: tagApps,
		summary: "List apps", doc: "Newest first.", params: []param{paramLimit, paramCursor}, out: Apps{}, status: http.StatusOK, refuses: listCodes[1:],
	},
	{
		method: "GET", path: "/v1/apps/{appid}", scope: wxnotify.ScopeRead, handle: (*Door).getApp, name: "getApp", tag: tagApps,
		summary: "Read an app", doc: "With what is paused of it, and why.", out: App{}, status: http.StatusOK, refuses: []wxnotify.Code{wxnotify.AppUnknown},
	},
	{
		method: "PATCH", path: "/v1/apps/{appid}", scope: wxnotify.ScopeAdmin, handle: (*Door).patchApp, name: "changeApp", tag: tagApps,
		summary: "Change an app", doc: "What is left out stays.", in: AppSettings{}, out: App{}, status: http.StatusOK, refuses: []wxnotify.Code{wxnotify.AppUnknown},
	},
	{
		method: "DELETE", path: "/v1/apps/{appid}", scope: wxnotify.ScopeAdmin, handle: (*Door).deleteApp, name: "deleteApp", tag: tagApps,
		summary: "Forget an app", status: http.StatusNoContent, refuses: []wxnotify.Code{wxnotify.AppUnknown},
	},
	{
		method: "GET", path: "/v1/apps/{appid}/access_token", scope: wxnotify.ScopeToken, handle: (*Door).accessToken, name: "accessToken", tag: tagApps,
		summary: "Get WeChat's real access_token", doc: "For programs that must call WeChat themselves. Others use the gateway, where WeChat's own paths take a token of ours. Never fetch one from WeChat beside this: each fetch kills the other's.",
		out: AccessToken{}, status: http.StatusOK, refuses: []wxnotify.Code{wxnotify.AppUnknown, wxnotify.UpstreamUnavailable, wxnotify.UpstreamRefused},
	},
	{
		method: "POST", path: "/v1/apps/{appid}/pause", scope: wxnotify.ScopeAdmin, handle: (*Door).pauseApp, name: "pauseApp", tag: tagApps,
		summary: "Pause a part of an app", doc: "Messages are still accepted and wait.", in: PauseScope{}, out: App{}, status: http.StatusOK, refuses: []wxnotify.Code{wxnotify.AppUnknown},
	},
	{
		method: "POST", path: "/v1/apps/{appid}/resume", scope: wxnotify.ScopeAdmin, handle: (*Door).resumeApp, name: "resumeApp", tag: tagApps,
		summary: "Resume a part of an app", doc: "Also what WeChat's answers had paused. What is not paused stays so.", in: PauseScope{}, out: App{}, status: http.StatusOK,
		refuses: []wxnotify.Code{wxnotify.AppUnknown},
	},
	{
		method: "POST", path: "/v1/keys", scope: wxnotify.ScopeAdmin, handle: (*Door).postKey, name: "createKey", tag: tagKeys,
		summary: "Make an API key", doc: "The key is shown once. A key that is bound to an app makes keys of that app only.", in: NewKey{}, out: CreatedKey{}, status: http.StatusCreated,
		refuses: []wxnotify.Code{wxnotify.AppUnknown, wxnotify.ExpiresAtInvalid, wxnotify.TimeZoneMissing, wxnotify.TimeInvalid},
	},
	{
		method: "GET", path: "/v1/keys", scope: wxnotify.ScopeAdmin, handle: (*Door).listKeys, name: "listKeys", tag: tagKeys,
		summary: "List API keys", doc: "Newest first, without their text.", params: []param{paramLimit, paramCursor}, out: Keys{}, status: http.StatusOK, refuses: listCodes[1:],
	},
	{
		method: "DELETE", path: "/v1/keys/{id}", scope: wxnotify.ScopeAdmin, handle: (*Door).deleteKey, name: "revokeKey", tag: tagKeys,
		summary: "Revoke an API key", doc: "At once on this node, within a second at the latest on others.", status: http.StatusNoContent, refuses: []wxnotify.Code{wxnotify.NotFound},
	},
	{
		method: "GET", path: "/v1/audit", scope: wxnotify.ScopeAdmin, handle: (*Door).listAudit, name: "listAudit", tag: tagKeys,
		summary: "Read the audit log", doc: "Who changed what, newest first. A key that is bound to an app sees what concerns that app.", out: AuditEntries{}, status: http.StatusOK,
		params: []param{
			paramApp, {name: "actor", doc: "As in the entry."}, {name: "action", doc: "As in the entry.", example: "app.change"}, {name: "object", doc: "As in the entry."},
			{name: "since", doc: "At or after.", kind: "time"}, {name: "until", doc: "Before.", kind: "time"}, paramLimit, paramCursor,
		},
		refuses: append([]wxnotify.Code{wxnotify.TimeZoneMissing, wxnotify.TimeInvalid}, listCodes...),
	},
	{
		method: "POST", path: "/v1/webhooks", scope: wxnotify.ScopeAdmin, handle: (*Door).postWebhook, name: "createWebhook", tag: tagWebhooks,
		summary: "Be told of events", doc: "By Standard Webhooks 1.0: each event is posted as `{\"type\",\"timestamp\",\"data\"}` until a 2xx comes, at first again within ten seconds, then for three days; at least once, and in order for one message. The secret is shown once.",
		in: NewWebhook{}, out: Webhook{}, status: http.StatusCreated, refuses: []wxnotify.Code{wxnotify.AppUnknown, wxnotify.URLForbiddenHost},
	},
	{
		method: "GET", path: "/v1/webhooks", scope: wxnotify.ScopeAdmin, handle: (*Door).listWebhooks, name: "listWebhooks", tag: tagWebhooks,
		summary: "List webhooks", doc: "Newest first, without their secrets. A key that is bound to an app sees that app's.", params: []param{paramLimit, paramCursor}, out: Webhooks{}, status: http.StatusOK,
		refuses: listCodes[1:],
	},
	{
		method: "GET", path: "/v1/webhooks/{id}", scope: wxnotify.ScopeAdmin, handle: (*Door).getWebhook, name: "getWebhook", tag: tagWebhooks,
		summary: "Read a webhook", doc: "With whether it works.", out: Webhook{}, status: http.StatusOK, refuses: []wxnotify.Code{wxnotify.NotFound},
	},
	{
		method: "PATCH", path: "/v1/webhooks/{id}", scope: wxnotify.ScopeAdmin, handle: (*Door).patchWebhook, name: "changeWebhook", tag: tagWebhooks,
		summary: "Change a webhook", doc: "Its address, its events, whether it is on, its secret. What is left out stays.", in: WebhookChange{}, out: Webhook{}, status: http.StatusOK,
		refuses: []wxnotify.Code{wxnotify.NotFound, wxnotify.URLForbiddenHost},
	},
	{
		method: "DELETE", path: "/v1/webhooks/{id}", scope: wxnotify.ScopeAdmin, handle: (*Door).deleteWebhook, name: "deleteWebhook", tag: tagWebhooks,
		summary: "Forget a webhook", doc: "With its deliveries.", status: http.StatusNoContent, refuses: []wxnotify.Code{wxnotify.NotFound},
	},
	{
		method: "GET", path: "/v1/webhooks/{id}/deliveries", scope: wxnotify.ScopeAdmin, handle: (*Door).listDeliveries, name: "listDeliveries", tag: tagWebhooks,
		summary: "List what went to a webhook", doc: "Newest first, with request and answer; kept for 30 days.", out: Deliveries{}, status: http.StatusOK,
		params: []param{{name: "state", doc: "As in the delivery.", enum: noticeStates}, paramLimit, paramCursor}, refuses: append([]wxnotify.Code{wxnotify.NotFound, wxnotify.FieldInvalid}, listCodes[1:]...),
	},
	{
		method: "POST", path: "/v1/webhooks/{id}/deliveries/{delivery}/resend", scope: wxnotify.ScopeAdmin, handle: (*Door).resendDelivery, name: "resendDelivery", tag: tagWebhooks,
		summary: "Post one event again", doc: "At once, under the same webhook-id, whatever became of it.", out: Delivery{}, status: http.StatusAccepted, refuses: []wxnotify.Code{wxnotify.NotFound},
	},
	{
		method: "POST", path: "/v1/webhooks/{id}/recover", scope: wxnotify.ScopeAdmin, handle: (*Door).recoverDeliveries, name: "recoverDeliveries", tag: tagWebhooks,
		summary: "Post again what failed since a time", doc: "After a receiver's outage of more than three days.", in: RecoverSince{}, out: Recovered{}, status: http.StatusAccepted,
		refuses: []wxnotify.Code{wxnotify.NotFound, wxnotify.TimeZoneMissing, wxnotify.TimeInvalid},
	},
	{
		method: "POST", path: "/mp/v1/login", access: open, handle: (*Door).login, name: "login", tag: tagMini,
		summary: "Log a user in", doc: "Exchanges the code of wx.login for a session of 7 days. The session_key stays with us.", in: Login{}, out: LoggedIn{}, status: http.StatusOK,
		refuses: []wxnotify.Code{wxnotify.AppUnknown, wxnotify.CodeRejected, wxnotify.UpstreamUnavailable, wxnotify.UpstreamRefused, wxnotify.RateLimited},
	},
	{
		method: "POST", path: "/mp/v1/permits", access: bySession, handle: (*Door).uploadPermits, name: "uploadPermits", tag: tagMini,
		summary: "Report what the user did", doc: "1 to 50 items; at most 20 uploads a minute and 50 live form_ids of a user. A fault of an item is that item's error and final.",
		in: MiniPermits{}, out: MiniResults{}, status: http.StatusOK,
		refuses: append([]wxnotify.Code{wxnotify.OpenIDNotAllowed, wxnotify.PaymentNotAllowed, wxnotify.TooManyPermits, wxnotify.TemplateUnknown}, permitCodes...),
	},
	{
		method: "GET", path: "/mp/v1/me", access: bySession, handle: (*Door).me, name: "me", tag: tagMini,
		summary: "See what this user has given", out: User{}, status: http.StatusOK,
	},
	{
		method: "GET", path: "/healthz", access: open, handle: (*Door).healthz, name: "alive", tag: tagHealth,
		summary: "Is the process alive?", out: Health{}, status: http.StatusOK,
	},
	{
		method: "GET", path: "/readyz", access: open, handle: (*Door).readyz, name: "ready", tag: tagHealth,
		summary: "Can it take work?", doc: "Not while the database is away, nor while the node is stopping.", out: Health{}, status: http.StatusOK,
		refuses: []wxnotify.Code{wxnotify.StorageUnavailable, wxnotify.Draining},
	},
}

// The chapters of the document.
const (
	tagMessages  = "Messages"
	tagPermits   = "Permits and users"
	tagStats     = "Statistics"
	tagTemplates = "Templates"
	tagApps      = "Apps"
	tagKeys      = "Keys"
	tagWebhooks  = "Webhooks"
	tagMini      = "Mini program"
	tagHealth    = "Health"
)
