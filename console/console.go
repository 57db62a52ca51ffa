// Package console is the door for people: pages that show what happened to
// every message, what is wrong and why, and who can still be reached; with
// buttons that do something about it.
//
// A page is a struct, a handler and a template of one name. It is made on the
// server, whole, in the reader's language; scripts add times in the reader's
// zone, keys, plots and fresh rows, and the page says the same without them.
// What stands in the address says all that a page shows, so that a page can be
// sent to a colleague. Nothing comes from another host, no script or style is
// inline, and text of users goes in as text.
//
// Somebody gets in by a one-time link (the first user) or by name and password.
// A session is an opaque token, of which the database has the hash; who its
// user is and what they may is read anew with each request, so a user who is
// taken away is out at the next click. Keys of the API open nothing here.
//
// The console reads through the store and writes plain records there; what
// moves messages and permits goes through the engines. Work on many rows goes
// in bites that the page asks for one after the other: no node keeps a job, so
// a node may die, and the rest is still there to be done.
package console

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/wxnotify/wxnotify"
)

// Deps are the rooms behind the door.
type Deps struct {
	Box     Box
	Ledger  Ledger
	Reader  Reader
	Admin   Admin
	People  People
	WeChat  WeChat
	Tokens  Tokens
	Targets Targets
	Now     func() wxnotify.Now
}

// A Box is the outbox.
type Box interface {
	Accept(ctx context.Context, es []wxnotify.Entry) ([]wxnotify.Receipt, error)
	Cancel(ctx context.Context, app, id string) error
	Resend(ctx context.Context, app, id string) (wxnotify.Receipt, error)
	// Retry is Resend, at most once for a message.
	Retry(ctx context.Context, app, id string) (wxnotify.Receipt, error)
	Resolve(ctx context.Context, app, id string, sent bool) error
	// Erase forgets a person, and returns what stands in the place of the openid.
	Erase(ctx context.Context, app, openid string) (pseudonym string, err error)
	// Wake looks for work of the app now.
	Wake(app string)
}

// A Ledger keeps permits.
type Ledger interface {
	Stock(ctx context.Context, app, openid string) (wxnotify.Stock, error)
	Delete(ctx context.Context, app, id string) error
}

// A Reader reads and never writes. An app of "" stands for every app; absent
// objects are not_found.
type Reader interface {
	Message(ctx context.Context, app, id string) (wxnotify.Message, error)
	Messages(ctx context.Context, f wxnotify.MessageFilter) ([]wxnotify.Message, string, error)
	// CountMessages and CountOpen count as far as most; more says that there may
	// be more than that.
	CountMessages(ctx context.Context, f wxnotify.MessageFilter, most int) (n int, more bool, err error)
	CountOpen(ctx context.Context, app string, most int) (int, error)
	IsOpen(ctx context.Context, app, id string) (bool, error)
	Causes(ctx context.Context, app string, most int) ([]wxnotify.CauseGroup, error)
	MetaNames(ctx context.Context, app string, most int) ([]string, error)
	Permits(ctx context.Context, f wxnotify.PermitFilter) ([]wxnotify.Permit, string, error)
	Holders(ctx context.Context, now wxnotify.Now, f wxnotify.HolderFilter) ([]wxnotify.Holder, string, error)
	// Series, Holding and Depths read sums, and no rows.
	Series(ctx context.Context, f wxnotify.SeriesFilter) ([]wxnotify.Point, error)
	Holding(ctx context.Context, now wxnotify.Now, app string) (wxnotify.Holding, error)
	Depths(ctx context.Context) ([]wxnotify.Depth, error)
	LoadToken(ctx context.Context, app string) (wxnotify.Token, error)
	Ping(ctx context.Context) error
}

// An Admin keeps plain records.
type Admin interface {
	Webhooks(ctx context.Context) ([]wxnotify.Webhook, error)
	Webhook(ctx context.Context, id string) (wxnotify.Webhook, error)
	CreateWebhook(ctx context.Context, h wxnotify.Webhook) error
	UpdateWebhook(ctx context.Context, h wxnotify.Webhook) error
	DeleteWebhook(ctx context.Context, id string) error
	ResendNotice(ctx context.Context, webhook, id string) (wxnotify.Notice, error)
	RecoverNotices(ctx context.Context, webhook string, since time.Time) (n int, more bool, err error)
	Notices(ctx context.Context, webhook string, state wxnotify.NoticeState, limit int, cursor string) ([]wxnotify.Notice, string, error)
	Audit(ctx context.Context, e wxnotify.AuditEntry) error
	Audits(ctx context.Context, f wxnotify.AuditFilter) ([]wxnotify.AuditEntry, string, error)
	// Handle notes that somebody saw to messages that failed or are unknown;
	// with open, that somebody still has to.
	Handle(ctx context.Context, app string, ids []string, open bool) (int, error)
	// Pseudonym stands for a person in the audit log, and after an erasure.
	Pseudonym(app, openid string) string
	Apps(ctx context.Context) ([]wxnotify.App, error)
	App(ctx context.Context, id string) (wxnotify.App, error)
	CreateApp(ctx context.Context, a wxnotify.App) error
	UpdateApp(ctx context.Context, a wxnotify.App) error
	Pauses(ctx context.Context, app string) ([]wxnotify.Pause, error)
	PutPause(ctx context.Context, p wxnotify.Pause) error
	Resume(ctx context.Context, app, scope string) (bool, error)
	CreateKey(ctx context.Context, k wxnotify.Key, hash [32]byte) error
	Keys(ctx context.Context) ([]wxnotify.Key, error)
	RevokeKey(ctx context.Context, id string) error
	Templates(ctx context.Context, app string) ([]wxnotify.Template, error)
	PutTemplate(ctx context.Context, t wxnotify.Template) error
	SyncTemplates(ctx context.Context, app string, ch wxnotify.Channel, ts []wxnotify.Template, at time.Time) (gone []string, err error)
}

// People are who may open the console, their sessions, and the links by which
// the first one gets in. Times are real.
type People interface {
	ConsoleUsers(ctx context.Context) ([]wxnotify.ConsoleUser, error)
	ConsoleUser(ctx context.Context, name string) (wxnotify.ConsoleUser, error)
	PutConsoleUser(ctx context.Context, u wxnotify.ConsoleUser) error
	DeleteConsoleUser(ctx context.Context, name string) error
	CreateConsoleLink(ctx context.Context, hash [32]byte, kind string, now, until time.Time) error
	HasConsoleLink(ctx context.Context, hash [32]byte, kind string, now time.Time) (bool, error)
	UseConsoleLink(ctx context.Context, hash [32]byte, kind string, now time.Time, u *wxnotify.ConsoleUser) (bool, error)
	ConsoleSession(ctx context.Context, hash string, now time.Time) (data []byte, found bool, err error)
	PutConsoleSession(ctx context.Context, hash string, data []byte, now, until time.Time) error
	DeleteConsoleSession(ctx context.Context, hash string) error
}

// WeChat is what the console itself asks of WeChat: what moves none of our nouns.
type WeChat interface {
	Templates(ctx context.Context, token string, ch wxnotify.Channel) ([]wxnotify.Template, error)
}

// Targets says whether a webhook's address may be posted to: a refusal if not.
type Targets interface {
	Check(ctx context.Context, url string) error
}

// Tokens gives the app's access_token.
type Tokens interface {
	Get(ctx context.Context, app wxnotify.App) (value string, gen int64, err error)
}

// Options are the settings of the door. The zero value is good.
type Options struct {
	Secure    bool           // people come by https: cookies go over nothing else
	Proxies   []netip.Prefix // trusted_proxies
	PublicURL string         // for links; "" in doubt
	Node      string         // this node's name
	Version   string         // of this build
	Sandbox   string         // the phone page's address, where there is one
}

// A Door serves the console. Make it with New.
type Door struct {
	Deps
	opt      Options
	log      *slog.Logger
	sessions *scs.SessionManager
	words    map[string]words // by language
	pages    pages
	static   static
	logins   throttle
	memory   memory
	handler  http.Handler
}

// New makes the door. It starts nothing.
func New(log *slog.Logger, deps Deps, opt Options) *Door {
	d := &Door{Deps: deps, opt: opt, log: log, words: readWords(), static: readStatic(), logins: newThrottle()}
	d.sessions = d.newSessions()
	d.pages = d.readPages()
	mux := http.NewServeMux()
	d.routes(mux)
	d.handler = headers(d.recover(http.NewCrossOriginProtection().Handler(d.sessions.LoadAndSave(mux))))
	return d
}

// Root is where the console begins.
const Root = "/console"

// Owns says whether a path belongs to the console.
func Owns(path string) bool { return path == Root || strings.HasPrefix(path, Root+"/") }

// ServeHTTP serves the console.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.handler.ServeHTTP(w, r) }

// policy lets a page use what comes from this server and nothing else: no
// inline script, no other host, no frame around it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// maxForm bounds the body of a form.
const maxForm = 256 << 10

// recover turns a panic of ours into a fault.
func (d *Door) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler: // an export that broke off half way must stay broken off
				panic(p)
			default:
				d.fail(w, r, wxnotify.Panicked(p, debug.Stack()))
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Request-ID", wxnotify.RequestID(r.Header.Get("X-Request-ID"), rand.Uint64()))
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}
