package console

import (
	"github.com/wxnotify/wxnotify"
)

// settingsPage is one's own password, and, for an admin, who else may come in.
type settingsPage struct {
	*frame
	Users []wxnotify.ConsoleUser
	Roles []wxnotify.Role
	Min   int
}

// GET /console/settings
func (d *Door) settings(c *call) (any, error) {
	p := settingsPage{frame: c.frame, Roles: wxnotify.Roles, Min: minPassword}
	if !c.User.Role.May(wxnotify.Admin) {
		return p, nil
	}
	var err error
	p.Users, err = d.People.ConsoleUsers(c.ctx())
	return p, err
}

// warn goes back and says what is wrong.
func (d *Door) warn(c *call, key string) (string, error) {
	d.sessions.Put(c.ctx(), sessionWarn, c.T(key, "n", minPassword))
	return Root + "/settings", nil
}

// POST /console/settings/password
func (d *Door) changePassword(c *call) (string, error) {
	u := *c.User
	if !d.logins.take(d.address(c.r), u.Name) {
		return d.warn(c, "login_throttled")
	}
	if !u.Password.IsZero() && !isPassword(u.Password, c.r.PostFormValue("old")) {
		return d.warn(c, "password_wrong")
	}
	if wrong := wrongPassword(c.r.PostFormValue("password"), c.r.PostFormValue("again")); wrong != "" {
		return d.warn(c, wrong)
	}
	if err := d.note(c, "", auditUserPut, u.Name, "password"); err != nil {
		return "", err
	}
	u.Password = hashPassword(c.r.PostFormValue("password"))
	if err := d.People.PutConsoleUser(c.ctx(), u); err != nil {
		return "", err
	}
	return d.done(c, Root+"/settings", c.T("note_password"))
}

// POST /console/settings/users makes a user, or changes one's role; a password
// that is given is the new one.
func (d *Door) putUser(c *call) (string, error) {
	name, role, password := c.form("name"), wxnotify.Role(c.form("role")), c.r.PostFormValue("password")
	u, err := d.People.ConsoleUser(c.ctx(), name)
	fresh := wxnotify.CodeOf(err) == wxnotify.NotFound
	switch {
	case err != nil && !fresh:
		return "", err
	case !userName.MatchString(name):
		return d.warn(c, "name_wrong")
	case !role.May(wxnotify.Viewer):
		return d.warn(c, "role_wrong")
	case name == c.User.Name && role != c.User.Role:
		return d.warn(c, "role_own")
	case (fresh || password != "") && wrongPassword(password, password) != "":
		return d.warn(c, "password_short")
	}
	if err := d.note(c, "", auditUserPut, name, string(role)); err != nil {
		return "", err
	}
	if fresh {
		u = wxnotify.ConsoleUser{Name: name, CreatedAt: d.Now().Real}
	}
	if u.Role = role; password != "" {
		u.Password = hashPassword(password)
	}
	if err := d.People.PutConsoleUser(c.ctx(), u); err != nil {
		return "", err
	}
	return d.done(c, Root+"/settings", c.T("note_user"))
}

// POST /console/settings/users/{name}/delete
func (d *Door) deleteUser(c *call) (string, error) {
	name := c.r.PathValue("name")
	if name == c.User.Name {
		return d.warn(c, "role_own")
	}
	if err := d.note(c, "", auditUserDelete, name, ""); err != nil {
		return "", err
	}
	if err := d.People.DeleteConsoleUser(c.ctx(), name); err != nil {
		return "", err
	}
	return d.done(c, Root+"/settings", c.T("note_user_gone"))
}
