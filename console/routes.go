package console

import (
	"net/http"

	"github.com/wxnotify/wxnotify"
)

// routes lists every page and every button.
func (d *Door) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Root, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, Root+"/", http.StatusSeeOther) })
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
	_, _, _ = work, rule, button
	page("/{$}", "overview", look, d.overview)
	page("/", "error", look, func(*call) (any, error) { return nil, wxnotify.Refuse(wxnotify.NotFound, "there is no such page") })
}
