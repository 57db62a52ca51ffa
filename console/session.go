package console

import (
	"context"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/wxnotify/wxnotify"
)

// sessionLasts is how long a login is good.
const sessionLasts = 7 * 24 * time.Hour

// What a session holds.
const (
	sessionUser = "user" // the name
	sessionNote = "note" // what the next page tells about the button before it
	sessionWarn = "warn" // the same, of what went wrong
)

func (d *Door) newSessions() *scs.SessionManager {
	m := scs.New()
	m.Store = sessions{d}
	m.HashTokenInStore = true
	m.Lifetime = sessionLasts
	m.Cookie = scs.SessionCookie{
		Name: "wxnotify_console", Path: Root, HttpOnly: true, Persist: true, SameSite: http.SameSiteLaxMode, Secure: d.opt.Secure,
	}
	m.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) { d.fail(w, r, err) }
	return m
}

// sessions lets scs keep sessions in our database.
type sessions struct{ d *Door }

func (s sessions) FindCtx(ctx context.Context, hash string) ([]byte, bool, error) {
	return s.d.People.ConsoleSession(ctx, hash, s.d.Now().Real)
}

func (s sessions) CommitCtx(ctx context.Context, hash string, data []byte, until time.Time) error {
	return s.d.People.PutConsoleSession(ctx, hash, data, s.d.Now().Real, until)
}

func (s sessions) DeleteCtx(ctx context.Context, hash string) error {
	return s.d.People.DeleteConsoleSession(ctx, hash)
}

// scs wants these as well; it calls the ones above.
func (s sessions) Find(hash string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), hash)
}
func (s sessions) Commit(hash string, data []byte, until time.Time) error {
	return s.CommitCtx(context.Background(), hash, data, until)
}
func (s sessions) Delete(hash string) error { return s.DeleteCtx(context.Background(), hash) }

// enter lets somebody in under a new token: the one before may be known to others.
func (d *Door) enter(ctx context.Context, u wxnotify.ConsoleUser) error {
	if err := d.sessions.RenewToken(ctx); err != nil {
		return err
	}
	u.SeenAt = d.Now().Real
	if err := d.People.PutConsoleUser(ctx, u); err != nil {
		return err
	}
	d.sessions.Put(ctx, sessionUser, u.Name)
	return nil
}

// user is who is logged in; nil when nobody is.
func (d *Door) user(ctx context.Context) (*wxnotify.ConsoleUser, error) {
	name := d.sessions.GetString(ctx, sessionUser)
	if name == "" {
		return nil, nil
	}
	u, err := d.People.ConsoleUser(ctx, name)
	if wxnotify.CodeOf(err) == wxnotify.NotFound {
		return nil, nil
	}
	return &u, err
}
