package console

import (
	"crypto/rand"
	"slices"

	"github.com/google/uuid"

	"github.com/wxnotify/wxnotify"
)

// keysPage lists the keys of the API, and makes them.
type keysPage struct {
	*frame
	Keys   []wxnotify.Key
	Scopes []wxnotify.Scope
	Fresh  string // the text of a key that was just made: shown once
	Wrong  string
}

// GET /console/keys
func (d *Door) keys(c *call) (any, error) { return d.keysPage(c, "", "") }

func (d *Door) keysPage(c *call, fresh, wrong string) (keysPage, error) {
	keys, err := d.Admin.Keys(c.ctx())
	return keysPage{c.frame, keys, wxnotify.Scopes, fresh, wrong}, err
}

// POST /console/keys makes a key and answers with the page that shows it.
func (d *Door) createKey(c *call) (any, error) {
	fresh, wrong, err := d.newKey(c)
	if err != nil {
		return nil, err
	}
	return d.keysPage(c, fresh, wrong)
}

func (d *Door) newKey(c *call) (fresh, wrong string, err error) {
	k := wxnotify.Key{ID: wxnotify.EncodeID(wxnotify.KeyPrefix, uuid.Must(uuid.NewV7())), Name: c.form("name"), App: c.form("app"), CreatedAt: d.Now().Real}
	for _, s := range c.r.PostForm["scope"] {
		if slices.Contains(wxnotify.Scopes, wxnotify.Scope(s)) {
			k.Scopes = append(k.Scopes, wxnotify.Scope(s))
		}
	}
	if k.Name == "" || len(k.Name) > 100 || len(k.Scopes) == 0 {
		return "", "key_wrong", nil
	}
	if k.App != "" && !slices.ContainsFunc(c.Apps, func(a wxnotify.App) bool { return a.ID == k.App }) {
		return "", "key_wrong", nil
	}
	if err := d.note(c, k.App, wxnotify.AuditKeyCreate, k.ID, ""); err != nil {
		return "", "", err
	}
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails
	fresh = wxnotify.KeyText(random)
	return fresh, "", d.Admin.CreateKey(c.ctx(), k, wxnotify.KeyHash(fresh))
}

// POST /console/keys/{id}/revoke
func (d *Door) revokeKey(c *call) (string, error) {
	id := c.r.PathValue("id")
	err := d.note(c, "", wxnotify.AuditKeyRevoke, id, "")
	if err == nil {
		err = d.Admin.RevokeKey(c.ctx(), id)
	}
	if err != nil {
		return "", err
	}
	return d.done(c, Root+"/keys", c.T("note_revoked"))
}
