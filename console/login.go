package console

import (
	"net/http"
	"strings"

	"github.com/wxnotify/wxnotify"
)

// loginPage asks for name and password.
type loginPage struct {
	*frame
	Name  string
	Next  string
	Wrong string // key of what is wrong
	Empty bool   // there is no user yet
}

// GET /console/login
func (d *Door) getLogin(w http.ResponseWriter, r *http.Request) {
	if d.choose(w, r) {
		return
	}
	u, err := d.user(r.Context())
	if err != nil {
		d.fail(w, r, err)
		return
	}
	next := inside(r.URL.Query().Get("next"))
	if u != nil {
		goTo(w, r, next)
		return
	}
	d.showLogin(w, r, http.StatusOK, loginPage{Next: next})
}

func (d *Door) showLogin(w http.ResponseWriter, r *http.Request, status int, p loginPage) {
	users, err := d.People.ConsoleUsers(r.Context())
	if err != nil {
		d.fail(w, r, err)
		return
	}
	p.Empty = len(users) == 0
	p.frame = d.frame(r, "login")
	d.render(w, "login", status, p)
}

// inside is an address of the console, or its beginning.
func inside(to string) string {
	if !Owns(to) || strings.Contains(to, "//") || strings.Contains(to, `\`) {
		return Root + "/"
	}
	return to
}

// POST /console/login
func (d *Door) postLogin(w http.ResponseWriter, r *http.Request) {
	p := loginPage{Name: strings.TrimSpace(r.PostFormValue("name")), Next: inside(r.PostFormValue("next"))}
	if !d.logins.take(d.address(r), p.Name) {
		p.Wrong = "login_throttled"
		d.showLogin(w, r, http.StatusTooManyRequests, p)
		return
	}
	u, err := d.People.ConsoleUser(r.Context(), p.Name)
	if err != nil && wxnotify.CodeOf(err) != wxnotify.NotFound {
		d.fail(w, r, err)
		return
	}
	if !isPassword(u.Password, r.PostFormValue("password")) {
		d.log.Warn("a login to the console was refused", "request_id", w.Header().Get("X-Request-ID"), "address", d.address(r))
		p.Wrong = "login_wrong"
		d.showLogin(w, r, http.StatusUnauthorized, p)
		return
	}
	if err := d.enter(r.Context(), u); err != nil {
		d.fail(w, r, err)
		return
	}
	goTo(w, r, p.Next)
}

// POST /console/logout
func (d *Door) postLogout(w http.ResponseWriter, r *http.Request) {
	if err := d.sessions.Destroy(r.Context()); err != nil {
		d.fail(w, r, err)
		return
	}
	goTo(w, r, Root+"/login")
}
