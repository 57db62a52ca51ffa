package console

import (
	"net/http"

	"github.com/wxnotify/wxnotify"
)

// routes lists every page and every button.
func (d *Door) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Root, func(w http.ResponseWriter, r *http.Request) { goTo(w, r, Root+"/") })
	mux.HandleFunc("GET "+Root+"/static/{sum}/{file}", d.staticFile)
	mux.HandleFunc("GET "+Root+"/login", d.getLogin)
	mux.HandleFunc("POST "+Root+"/login", d.postLogin)
	mux.HandleFunc("POST "+Root+"/logout", d.postLogout)
	mux.HandleFunc("GET "+Root+"/setup", d.getSetup)
	mux.HandleFunc("POST "+Root+"/setup", d.postSetup)
	mux.HandleFunc("GET "+Root+"/enter", d.getEnter)

	const look, work, rule = wxnotify.Viewer, wxnotify.Operator, wxnotify.Admin
	page := func(path, name string, role wxnotify.Role, h func(*call) (any, error)) {
		mux.Handle("GET "+Root+path, d.view(name, role, h))
	}
	button := func(path string, role wxnotify.Role, h func(*call) (string, error)) {
		mux.Handle("POST "+Root+path, d.act(role, h))
	}
	// answer is a button that is answered by a page: by one that shows something
	// once, or that shows what was filled in, with what is wrong about it.
	answer := func(path, name string, role wxnotify.Role, h func(*call) (any, error)) {
		mux.Handle("POST "+Root+path, d.view(name, role, h))
	}
	page("/{$}", "overview", look, d.overview)
	page("/messages", "messages", look, d.messages)
	page("/messages.csv", "messages", look, d.exportMessages)
	page("/messages/{id}", "message", look, d.message)
	button("/messages/{id}/resend", work, d.resendMessage)
	button("/messages/{id}/cancel", work, d.cancelMessage)
	button("/messages/{id}/resolve", work, d.resolveMessage)
	button("/messages/{id}/handle", work, d.handleMessage)
	page("/bulk", "bulk", work, d.bulk)
	mux.Handle("POST "+Root+"/bulk", d.part("bulk", work, d.bulkBite))
	page("/attention", "attention", look, d.attention)
	page("/permits", "permits", look, d.permits)
	page("/users", "users", look, d.users)
	page("/users/{openid}", "user", look, d.person)
	button("/users/{openid}/erase", rule, d.erasePerson)
	page("/templates", "templates", look, d.templateList)
	button("/templates/sync", work, d.syncTemplates)
	page("/templates/{id}", "template", look, d.template)
	answer("/templates/{id}", "template", rule, d.changeTemplate)
	answer("/templates/{id}/send", "template", work, d.testSend)
	page("/apps", "apps", look, d.apps)
	page("/apps/{appid}", "app", look, d.app)
	answer("/apps", "apps", rule, d.createApp)
	answer("/apps/{appid}", "app", rule, d.changeApp)
	button("/apps/{appid}/pause", work, d.pauseApp)
	button("/apps/{appid}/resume", work, d.resumeApp)
	page("/keys", "keys", look, d.keys)
	answer("/keys", "keys", rule, d.createKey)
	button("/keys/{id}/revoke", rule, d.revokeKey)
	page("/webhooks", "webhooks", look, d.webhooks)
	answer("/webhooks", "webhooks", rule, d.createWebhook)
	page("/webhooks/{id}", "webhook", look, d.webhook)
	answer("/webhooks/{id}/rotate", "webhook", rule, d.rotateWebhook)
	button("/webhooks/{id}/switch", rule, d.switchWebhook)
	button("/webhooks/{id}/delete", rule, d.deleteWebhook)
	button("/webhooks/{id}/deliveries/{delivery}/resend", work, d.resendDelivery)
	button("/webhooks/{id}/recover", work, d.recoverDeliveries)
	page("/settings", "settings", look, d.settings)
	button("/settings/password", look, d.changePassword)
	button("/settings/users", rule, d.putUser)
	button("/settings/users/{name}/delete", rule, d.deleteUser)
	page("/audit", "audit", rule, d.auditLog)
	page("/search", "search", look, d.search)
	page("/nothing", "nothing", look, d.nothing)
	page("/", "error", look, func(*call) (any, error) { return nil, wxnotify.Refuse(wxnotify.NotFound, "there is no such page") })
}
