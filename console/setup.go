package console

import (
	"context"
	"crypto/rand"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
)

// linkLasts is how long a link into the console is good.
const linkLasts = 24 * time.Hour

// The kinds of links, as the store knows them.
const (
	linkSetup = "setup"
	linkEnter = "enter"
)

// SetupLink makes the path of a link by which the first user is made, good for
// a day; "" when there is a user. The database has its hash alone.
func (d *Door) SetupLink(ctx context.Context) (string, error) {
	users, err := d.People.ConsoleUsers(ctx)
	if err != nil || len(users) > 0 {
		return "", err
	}
	return d.link(ctx, linkSetup, "/setup")
}

// EnterLink makes the path of a link that lets whoever opens it first in as the
// user of this name, an admin without password who is made if he is not there.
// It is for the demo, where everything is a toy and listens on this machine.
func (d *Door) EnterLink(ctx context.Context) (string, error) {
	_, err := d.People.ConsoleUser(ctx, demoUser)
	if wxnotify.CodeOf(err) == wxnotify.NotFound {
		err = d.People.PutConsoleUser(ctx, wxnotify.ConsoleUser{Name: demoUser, Role: wxnotify.Admin, CreatedAt: d.Now().Real})
	}
	if err != nil {
		return "", err
	}
	return d.link(ctx, linkEnter, "/enter")
}

// demoUser is who comes in by an EnterLink.
const demoUser = "demo"

func (d *Door) link(ctx context.Context, kind, path string) (string, error) {
	token := rand.Text()
	now := d.Now().Real
	err := d.People.CreateConsoleLink(ctx, wxnotify.KeyHash(token), kind, now, now.Add(linkLasts))
	return Root + path + "?token=" + token, err
}

// GET /console/enter?token=…
func (d *Door) getEnter(w http.ResponseWriter, r *http.Request) {
	if u, err := d.user(r.Context()); u != nil && err == nil {
		goTo(w, r, Root+"/")
		return
	}
	ok, err := d.People.UseConsoleLink(r.Context(), wxnotify.KeyHash(r.URL.Query().Get("token")), linkEnter, d.Now().Real, nil)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	if !ok {
		d.showSetup(w, r, http.StatusGone, setupPage{Over: "enter_over"})
		return
	}
	u, err := d.People.ConsoleUser(r.Context(), demoUser)
	if err == nil {
		err = d.enter(r.Context(), u)
	}
	if err != nil {
		d.fail(w, r, err)
		return
	}
	goTo(w, r, Root+"/")
}

// setupPage makes the first user.
type setupPage struct {
	*frame
	Token string
	Name  string
	Wrong string // key of what is wrong
	Over  string // key of why the link is good for nothing
	Min   int
}

func (d *Door) showSetup(w http.ResponseWriter, r *http.Request, status int, p setupPage) {
	p.frame, p.Min = d.frame(r, "setup"), minPassword
	d.render(w, "setup", status, p)
}

// GET /console/setup?token=…
func (d *Door) getSetup(w http.ResponseWriter, r *http.Request) {
	if d.choose(w, r) {
		return
	}
	p := setupPage{Token: r.URL.Query().Get("token"), Name: "admin"}
	ok, err := d.People.HasConsoleLink(r.Context(), wxnotify.KeyHash(p.Token), linkSetup, d.Now().Real)
	switch {
	case err != nil:
		d.fail(w, r, err)
	case !ok:
		d.showSetup(w, r, http.StatusGone, setupPage{Over: "setup_over"})
	default:
		d.showSetup(w, r, http.StatusOK, p)
	}
}

var userName = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}._@-]{0,39}$`)

// POST /console/setup
func (d *Door) postSetup(w http.ResponseWriter, r *http.Request) {
	p := setupPage{Token: r.PostFormValue("token"), Name: strings.TrimSpace(r.PostFormValue("name"))}
	p.Wrong = wrongPassword(r.PostFormValue("password"), r.PostFormValue("again"))
	if !userName.MatchString(p.Name) {
		p.Wrong = "name_wrong"
	}
	if p.Wrong != "" {
		d.showSetup(w, r, http.StatusUnprocessableEntity, p)
		return
	}
	now := d.Now().Real
	u := wxnotify.ConsoleUser{Name: p.Name, Role: wxnotify.Admin, Password: hashPassword(r.PostFormValue("password")), CreatedAt: now}
	ok, err := d.People.UseConsoleLink(r.Context(), wxnotify.KeyHash(p.Token), linkSetup, now, &u)
	switch {
	case err != nil:
		d.fail(w, r, err)
		return
	case !ok:
		d.showSetup(w, r, http.StatusGone, setupPage{Over: "setup_over"})
		return
	}
	if err := d.enter(r.Context(), u); err != nil {
		d.fail(w, r, err)
		return
	}
	goTo(w, r, Root+"/")
}
