package api

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/wxnotify/wxnotify"
)

// A NewKey is the body of POST /v1/keys.
type NewKey struct {
	Name      string   `json:"name,omitempty" doc:"For people." maxLength:"100" example:"order service"`
	Scopes    []string `json:"scopes" doc:"What it may do: send (messages), permits (hand in), read, token (WeChat's real access_token), admin (apps, templates, keys)." enum:"send,permits,read,token,admin" minItems:"1"`
	App       string   `json:"app,omitempty" doc:"Bind it to this app: others look absent to it."`
	ExpiresAt instant  `json:"expires_at,omitzero" doc:"Left out: it does not expire."`
	Rate      *int     `json:"rate_per_second,omitempty" doc:"Requests a second, answered with 429 above; 0 or left out: no limit." minimum:"0" maximum:"100000"`
}

// A Key is an API key as the API shows it: without its text.
type Key struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Scopes    []string   `json:"scopes"`
	App       *string    `json:"app" doc:"Null: every app."`
	Rate      int        `json:"rate_per_second"`
	ExpiresAt *time.Time `json:"expires_at"`
	CreatedAt *time.Time `json:"created_at"`
	LastUsed  *time.Time `json:"last_used_at" doc:"To the minute."`
	RevokedAt *time.Time `json:"revoked_at"`
}

// A CreatedKey is the answer to POST /v1/keys, the only one with the key itself.
type CreatedKey struct {
	Key
	Text string `json:"key" doc:"Shown once; we keep a hash of it." example:"wxn_…"`
}

// Keys is a page of keys, newest first.
type Keys struct {
	Data []Key   `json:"data"`
	Next *string `json:"next_cursor"`
}

func showKey(k wxnotify.Key) Key {
	out := Key{
		ID: k.ID, Name: k.Name, Scopes: make([]string, len(k.Scopes)), App: null(k.App), Rate: k.Rate,
		ExpiresAt: when(k.ExpiresAt), CreatedAt: when(k.CreatedAt), LastUsed: when(k.LastUsed), RevokedAt: when(k.RevokedAt),
	}
	for i, s := range k.Scopes {
		out.Scopes[i] = string(s)
	}
	return out
}

// POST /v1/keys
//
// A key that is bound to an app makes keys of that app only.
func (d *Door) postKey(c *call) (answer, error) {
	raw, err := c.body(maxBody)
	if err != nil {
		return answer{}, err
	}
	var in NewKey
	if err := decode(raw, &in); err != nil {
		return answer{}, err
	}
	if err := in.check(c.now.Real); err != nil {
		return answer{}, err
	}
	if in.App != "" || c.key.App != "" {
		app, err := d.app(c.Context(), c.key, in.App)
		if err != nil {
			return answer{}, err
		}
		in.App = app.ID
	}
	k, text, err := in.mint(c.now.Real)
	if err != nil {
		return answer{}, err
	}
	if err := d.audit(c, k.App, wxnotify.AuditKeyCreate, k.ID, in.Scopes...); err != nil {
		return answer{}, err
	}
	if err := d.Admin.CreateKey(c.Context(), k, wxnotify.KeyHash(text)); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusCreated, body: CreatedKey{showKey(k), text}}, nil
}

func (in *NewKey) check(now time.Time) error {
	f := faults{}
	f.name("name", in.Name)
	f.check(len(in.Scopes) > 0, wxnotify.FieldRequired, "scopes", "name at least one scope")
	for i, s := range in.Scopes {
		at := "scopes[" + strconv.Itoa(i) + "]"
		f.check(slices.Contains(wxnotify.Scopes, wxnotify.Scope(s)), wxnotify.FieldInvalid, at, "one of send, permits, read, token, admin")
		f.check(!slices.Contains(in.Scopes[:i], s), wxnotify.FieldInvalid, at, "the scope appears twice")
	}
	f.check(in.ExpiresAt.IsZero() || in.ExpiresAt.After(now), wxnotify.ExpiresAtInvalid, "expires_at", "expires_at must lie in the future")
	f.check(in.Rate == nil || *in.Rate >= 0 && *in.Rate <= 100_000, wxnotify.OutOfRange, "rate_per_second", "0 to 100000")
	return f.err()
}

// mint makes the key and its text.
func (in *NewKey) mint(now time.Time) (wxnotify.Key, string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return wxnotify.Key{}, "", err
	}
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails
	k := wxnotify.Key{
		ID: wxnotify.EncodeID(wxnotify.KeyPrefix, id), Name: in.Name, App: in.App, ExpiresAt: in.ExpiresAt.Time, CreatedAt: now.Truncate(time.Millisecond),
	}
	for _, s := range in.Scopes {
		k.Scopes = append(k.Scopes, wxnotify.Scope(s))
	}
	set(&k.Rate, in.Rate)
	return k, wxnotify.KeyText(random), nil
}

// ownKeys are the keys that the caller's key can see.
func (d *Door) ownKeys(c *call) ([]wxnotify.Key, error) {
	all, err := d.Admin.Keys(c.Context())
	return slices.DeleteFunc(slices.Clone(all), func(k wxnotify.Key) bool { return c.key.App != "" && c.key.App != k.App }), err
}

// GET /v1/keys
func (d *Door) listKeys(c *call) (answer, error) {
	all, err := d.ownKeys(c)
	if err != nil {
		return answer{}, err
	}
	slices.SortFunc(all, func(a, b wxnotify.Key) int { return strings.Compare(b.ID, a.ID) }) // ids sort by time
	part, next, err := page(c.query, all, func(k wxnotify.Key) string { return k.ID })
	if err != nil {
		return answer{}, err
	}
	out := Keys{Data: make([]Key, len(part)), Next: next}
	for i, k := range part {
		out.Data[i] = showKey(k)
	}
	return ok(out)
}

// DELETE /v1/keys/{id}
func (d *Door) deleteKey(c *call) (answer, error) {
	id := c.r.PathValue("id")
	all, err := d.ownKeys(c)
	if err != nil {
		return answer{}, err
	}
	i := slices.IndexFunc(all, func(k wxnotify.Key) bool { return k.ID == id })
	if i < 0 {
		return answer{}, wxnotify.Refuse(wxnotify.NotFound, "there is no such key")
	}
	if err := d.audit(c, all[i].App, wxnotify.AuditKeyRevoke, id); err != nil {
		return answer{}, err
	}
	if err := d.Admin.RevokeKey(c.Context(), id); err != nil {
		return answer{}, err
	}
	d.keys.drop()
	return answer{status: http.StatusNoContent}, nil
}
