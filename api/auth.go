package api

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
)

// A keyring finds the key that a request names.
type keyring struct {
	admin Admin
	log   *slog.Logger
	cache *cache[[32]byte, wxnotify.Key]
	byID  *cache[string, wxnotify.Key]
	fixed [32]byte     // hash of the setting api_key
	all   wxnotify.Key // what it opens
	has   bool
}

func newKeyring(admin Admin, fixed wxnotify.Secret, log *slog.Logger) *keyring {
	k := &keyring{admin: admin, log: log, has: !fixed.IsZero(), fixed: wxnotify.KeyHash(fixed.Reveal())}
	// Another text is another key, so that what was derived from the old one
	// ends with it.
	k.all = wxnotify.Key{ID: wxnotify.KeyPrefix + "configured_" + hex.EncodeToString(k.fixed[:3]), Name: "api_key", Scopes: wxnotify.Scopes}
	k.cache = newCache(k.load)
	k.byID = newCache(k.loadByID)
	return k
}

// find returns the live key of this text.
func (k *keyring) find(ctx context.Context, text string, now time.Time) (wxnotify.Key, error) {
	hash := wxnotify.KeyHash(text)
	if k.isFixed(hash) {
		return k.all, nil
	}
	if !wxnotify.ValidKeyText(text) {
		return wxnotify.Key{}, refuseKey()
	}
	key, err := k.cache.get(ctx, hash)
	return live(key, err, now)
}

// findByID returns the live key of this id, which no caller is asked for.
func (k *keyring) findByID(ctx context.Context, id string, now time.Time) (wxnotify.Key, error) {
	if k.has && id == k.all.ID {
		return k.all, nil
	}
	key, err := k.byID.get(ctx, id)
	return live(key, err, now)
}

// ForgetKeys drops what is remembered of keys: one was revoked.
func (d *Door) ForgetKeys() { d.keys.drop() }

func (k *keyring) drop() {
	k.cache.drop()
	k.byID.drop()
}

func live(key wxnotify.Key, err error, now time.Time) (wxnotify.Key, error) {
	switch {
	case wxnotify.CodeOf(err) == wxnotify.NotFound:
		return key, refuseKey()
	case err != nil:
		return key, err
	case !key.Live(now):
		return key, refuseKey()
	}
	return key, nil
}

func (k *keyring) isFixed(hash [32]byte) bool {
	return k.has && subtle.ConstantTimeCompare(hash[:], k.fixed[:]) == 1
}

func refuseKey() error {
	return wxnotify.Refuse(wxnotify.Unauthenticated, "the key is missing, mistyped, revoked or expired")
}

// touchAfter is how old "last used" may get.
const touchAfter = time.Minute

func (k *keyring) load(ctx context.Context, hash [32]byte) (wxnotify.Key, error) {
	key, err := k.admin.KeyByHash(ctx, hash)
	return k.note(ctx, key, err)
}

func (k *keyring) loadByID(ctx context.Context, id string) (wxnotify.Key, error) {
	key, err := k.admin.Key(ctx, id)
	return k.note(ctx, key, err)
}

// note writes down that a key is used, at most once a minute. It must never
// keep a caller out: with a full disk, reading goes on.
func (k *keyring) note(ctx context.Context, key wxnotify.Key, err error) (wxnotify.Key, error) {
	if err != nil {
		return key, err
	}
	if now := time.Now(); now.Sub(key.LastUsed) > touchAfter {
		if err := k.admin.TouchKey(ctx, key.ID, now); err != nil {
			k.log.DebugContext(ctx, "use of a key not noted", "key", key.ID, "error", err)
		}
	}
	return key, nil
}

// bearer is the token of the Authorization header, or "".
func bearer(h http.Header) string {
	scheme, token, ok := strings.Cut(h.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || len(h["Authorization"]) != 1 {
		return ""
	}
	return strings.TrimSpace(token)
}

// credentialNames are parameters under which keys are put into URLs, where
// every proxy on the way writes them down.
var credentialNames = []string{
	"key", "api_key", "apikey", "api-key", "access_token", "token", "secret", "authorization", "auth", "session", "password",
}

// credentialInURL refuses a request whose query string holds a key, as a value
// or as a name.
func (k *keyring) credentialInURL(raw string) error {
	if raw == "" {
		return nil
	}
	isKey := func(s string) bool {
		return strings.HasPrefix(s, wxnotify.KeyPrefixText) || k.isFixed(wxnotify.KeyHash(s))
	}
	all, _ := url.ParseQuery(raw)
	for name, list := range all {
		bare := strings.TrimPrefix(name, "meta.")
		if slices.Contains(credentialNames, strings.ToLower(name)) || isKey(bare) || slices.ContainsFunc(list, isKey) {
			return wxnotify.Refuse(wxnotify.CredentialInURL, "the query string holds a key")
		}
	}
	return nil
}

// enter lets a request in by its key.
func (d *Door) enter(c *call, scope wxnotify.Scope) (err error) {
	if c.key, err = d.keys.find(c.Context(), bearer(c.r.Header), c.now.Real); err != nil {
		return err
	}
	if !c.key.May(scope) {
		return wxnotify.Refuse(wxnotify.ScopeMissing, "this needs a key with the scope %s", scope)
	}
	return d.flood.key(c.key)
}

// app finds the app that a request is about: the one it names, else the one of
// its key, else the only one. Apps of others look like absent ones.
func (d *Door) app(ctx context.Context, key wxnotify.Key, name string) (wxnotify.App, error) {
	if name == "" {
		name = key.App
	}
	if name == "" {
		only, err := d.onlyApp.get(ctx, struct{}{})
		if err != nil {
			return wxnotify.App{}, err
		}
		name = only
	}
	if !wxnotify.ValidAppID(name) || key.App != "" && key.App != name {
		return wxnotify.App{}, refuseApp()
	}
	app, err := d.apps.get(ctx, name)
	return app, absentApp(err)
}

// absentApp makes an app that is not there look like one of somebody else.
func absentApp(err error) error {
	if wxnotify.CodeOf(err) == wxnotify.AppUnknown {
		return refuseApp()
	}
	return err
}

func refuseApp() error {
	return wxnotify.RefuseField(wxnotify.AppUnknown, "app", "no app of this appid is registered")
}

func (d *Door) loadOnlyApp(ctx context.Context, _ struct{}) (string, error) {
	all, err := d.Admin.Apps(ctx)
	switch {
	case err != nil:
		return "", err
	case len(all) == 0:
		return "", wxnotify.RefuseField(wxnotify.AppUnknown, "app", "no app is registered yet")
	case len(all) > 1:
		return "", wxnotify.RefuseField(wxnotify.AppRequired, "app", "several apps exist: name one")
	}
	return all[0].ID, nil
}

// appFilter is the app of a list: "" for every app, where the key may see all.
func (d *Door) appFilter(c *call) (string, error) {
	name := c.query["app"]
	if name == "" && c.key.App == "" {
		return "", nil
	}
	app, err := d.app(c.Context(), c.key, name)
	return app.ID, err
}

// forget drops what is remembered of apps.
func (d *Door) forget() {
	d.apps.drop()
	d.onlyApp.drop()
}
