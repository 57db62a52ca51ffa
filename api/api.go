// Package api is the door for programs: the native REST API under /v1, what a
// mini program calls under /mp/v1, the OpenAPI document and its viewer.
//
// A request is let in by its key or its session, decoded by the one strict
// decoder, checked by the rules of the root package and handed to an engine in
// one call. The door keeps no state that matters: what it remembers for a
// second (keys, apps, templates) can be lost at any time, and what it counts
// (requests per key, per user, per address) is there to slow down a flood.
// When the power fails, what was answered with 202 is in the outbox's hands,
// and what was not answered may be posted again under its Idempotency-Key.
//
// Refusals leave as problem+json with a code; a value or a secret is never
// said back. Everything else that goes wrong is a fault: it is logged here,
// once, and leaves as internal.
//
// To add an endpoint: a line in routes.go, a handler in the file of its noun.
// The OpenAPI document is drawn from the routes and the request structs.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/wxnotify/wxnotify"
)

// Deps are the rooms behind the door.
type Deps struct {
	Box     Box
	Ledger  Ledger
	Reader  Reader
	Admin   Admin
	WeChat  WeChat
	Library Library
	Tokens  Tokens
	Targets Targets // of webhooks
	Now     func() wxnotify.Now
	Ready   func(context.Context) error // nil when work can be taken: the database is reachable, the node is not draining
	Metrics http.Handler                // GET /metrics, for keys with scope read that are bound to no app; nil: it is elsewhere
	Stop    <-chan struct{}             // closed when no new work is to be taken: waits end, writing is refused with draining
}

// A Box is the outbox. What Accept returns a receipt for is durable.
// Refusals of one entry are in its receipt; an error concerns all of them.
type Box interface {
	Accept(ctx context.Context, es []wxnotify.Entry) ([]wxnotify.Receipt, error)
	// Wait returns the message once it is at rest, or as it is when ctx ends.
	Wait(ctx context.Context, app, id string) (wxnotify.Message, error)
	Cancel(ctx context.Context, app, id string) error
	Resend(ctx context.Context, app, id string) (wxnotify.Receipt, error)
	Resolve(ctx context.Context, app, id string, sent bool) error
	// Erase is durable on return, and done soon afterwards.
	Erase(ctx context.Context, app, openid string) (pseudonym string, err error)
	// Wake looks for work of the app now.
	Wake(app string)
}

// A Ledger keeps permits. A refusal of one act is in its result.
type Ledger interface {
	Deposit(ctx context.Context, now wxnotify.Now, app string, acts []wxnotify.Deposit) ([]wxnotify.Deposited, error)
	Stock(ctx context.Context, app, openid string) (wxnotify.Stock, error)
	Delete(ctx context.Context, app, id string) error
}

// A Reader reads and never writes. An app of "" stands for every app; absent
// objects are not_found.
type Reader interface {
	Message(ctx context.Context, app, id string) (wxnotify.Message, error)
	Messages(ctx context.Context, f wxnotify.MessageFilter) ([]wxnotify.Message, string, error)
	Permits(ctx context.Context, f wxnotify.PermitFilter) ([]wxnotify.Permit, string, error)
	Replay(ctx context.Context, app, key string) (id string, fingerprint [32]byte, ok bool, err error)
	Series(ctx context.Context, f wxnotify.SeriesFilter) ([]wxnotify.Point, error)
	Holding(ctx context.Context, now wxnotify.Now, app string) (wxnotify.Holding, error)
}

// An Admin keeps plain records: apps, keys, sessions, templates.
type Admin interface {
	Apps(ctx context.Context) ([]wxnotify.App, error)
	App(ctx context.Context, id string) (wxnotify.App, error)
	CreateApp(ctx context.Context, a wxnotify.App) error
	UpdateApp(ctx context.Context, a wxnotify.App) error
	DeleteApp(ctx context.Context, id string) error
	Pauses(ctx context.Context, app string) ([]wxnotify.Pause, error)
	PutPause(ctx context.Context, p wxnotify.Pause) error
	Resume(ctx context.Context, app, scope string) (bool, error)
	CreateKey(ctx context.Context, k wxnotify.Key, hash [32]byte) error
	Key(ctx context.Context, id string) (wxnotify.Key, error)
	KeyByHash(ctx context.Context, hash [32]byte) (wxnotify.Key, error)
	Keys(ctx context.Context) ([]wxnotify.Key, error)
	RevokeKey(ctx context.Context, id string) error
	TouchKey(ctx context.Context, id string, at time.Time) error
	CreateSession(ctx context.Context, hash [32]byte, s wxnotify.Session) error
	SessionByHash(ctx context.Context, hash [32]byte, now time.Time) (wxnotify.Session, error)
	Auditor
	WebhookKeeper
	UseLoginCode(ctx context.Context, app string, hash [32]byte, now, until time.Time) (first bool, err error)
	Templates(ctx context.Context, app string) ([]wxnotify.Template, error)
	PutTemplate(ctx context.Context, t wxnotify.Template) error
	SyncTemplates(ctx context.Context, app string, ch wxnotify.Channel, ts []wxnotify.Template, at time.Time) (gone []string, err error)
}

// WeChat is what the door itself asks of WeChat: what moves none of our nouns.
// Their errors wrap the refusal that stands for them here.
type WeChat interface {
	Login(ctx context.Context, app wxnotify.App, code string) (openid string, sessionKey wxnotify.Secret, unionid string, err error)
	Templates(ctx context.Context, token string, ch wxnotify.Channel) ([]wxnotify.Template, error)
}

// Tokens gives the app's access_token.
type Tokens interface {
	Get(ctx context.Context, app wxnotify.App) (value string, gen int64, err error)
}

// Options are the settings of the door. The zero value is good.
type Options struct {
	Key     wxnotify.Secret // the setting api_key: a ready-made key with all scopes
	Proxies []netip.Prefix  // trusted_proxies: who may say in X-Forwarded-For where a request came from
	Version string          // of this build, for the OpenAPI document
	Actor   string          // who stands in the audit log in place of the key; "": the key
}

// A Door serves the API. Make it with New.
type Door struct {
	Deps
	opt       Options
	log       *slog.Logger
	mux       *http.ServeMux
	keys      *keyring
	apps      *cache[string, wxnotify.App]
	onlyApp   *cache[struct{}, string]
	templates *cache[string, []wxnotify.Template]
	lists     *lists
	flood     flood
	since     time.Time // when it was made, for caches of the viewer
}

// New makes the door. It starts nothing.
func New(log *slog.Logger, deps Deps, opt Options) *Door {
	d := &Door{Deps: deps, opt: opt, log: log, mux: http.NewServeMux(), flood: newFlood(), since: time.Now()}
	d.keys = newKeyring(deps.Admin, opt.Key, log)
	d.apps = newCache(deps.Admin.App)
	d.onlyApp = newCache(d.loadOnlyApp)
	d.templates = newCache(deps.Admin.Templates)
	d.lists = newLists()
	d.mount()
	return d
}
