// Package gateway is the door in WeChat's own shape: any WeChat SDK whose base
// URL points at us keeps working, with one of our keys in the place of the
// app's secret.
//
// What it promises. Every answer is HTTP 200 (206 for a part of a download) with
// errcode and errmsg, or the payload, and nothing else; our ids are in headers.
// A caller gets a gateway token and never WeChat's: it is derived from app, key
// and epoch, kept nowhere, the same for every process with that key, and good
// for the whole of its expires_in. So whatever callers do to renew tokens, WeChat hears nothing
// of it; the one real token is token.Keeper's.
//
// A send goes through the outbox like every other message, and the caller waits
// for WeChat's own answer. One that could not be started in time is canceled
// and answered -1: nothing was delivered, and a repeat is a new try. One that
// may have arrived is answered 9900001, never -1, because SDKs repeat after -1.
// The same call again within a minute finds the first one by its
// Idempotency-Key, which is derived from the call itself; there is no other
// memory of calls (repeat.go). So when the power fails between a send and its
// answer, the repeat joins what the outbox makes of it.
//
// Everything else is passed through with the real token put in, as a stream,
// and an answer that this token is dead is mended here (pass.go).
//
// Bodies and parameters are read as tolerantly as WeChat reads them. Query
// strings hold keys and tokens here: nothing of them is logged, and an errmsg
// is WeChat's own text with a detail of ours that never repeats a value.
package gateway

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/wechat"
)

// Deps are the rooms behind the door.
type Deps struct {
	Gate   Gate
	Box    Box
	Reader Reader
	Admin  Admin
	Tokens Tokens
	WeChat WeChat
	Now    func() wxnotify.Now
	Stop   <-chan struct{} // closed when no new work is to be taken; nil: never
}

// A Gate lets callers in.
type Gate interface {
	// Key finds the live key of this text and counts the request against its
	// rate: unauthenticated, rate_limited.
	Key(ctx context.Context, text string) (wxnotify.Key, error)
	// KeyByID is Key for a caller who has shown the key before.
	KeyByID(ctx context.Context, id string) (wxnotify.Key, error)
	// App finds an app: app_unknown also where the key is bound to another.
	App(ctx context.Context, k wxnotify.Key, appid string) (wxnotify.App, error)
}

// A Box is the outbox. What Accept returns a receipt for is durable; a refusal
// of the one entry is in its receipt.
type Box interface {
	Accept(ctx context.Context, es []wxnotify.Entry) ([]wxnotify.Receipt, error)
	// Wait returns the message, with its attempts, once it is at rest, or as
	// it is when ctx ends.
	Wait(ctx context.Context, app, id string) (wxnotify.Message, error)
	// Cancel ends a message of which nothing is on its way: message_in_flight,
	// message_at_rest.
	Cancel(ctx context.Context, app, id string) error
}

// A Reader reads and never writes.
type Reader interface {
	Message(ctx context.Context, app, id string) (wxnotify.Message, error)
	// Replay finds the message of an Idempotency-Key.
	Replay(ctx context.Context, app, key string) (id string, fingerprint [32]byte, ok bool, err error)
}

// An Admin keeps plain records.
type Admin interface {
	// Pauses returns what is paused of an app, without what is over.
	Pauses(ctx context.Context, app string) ([]wxnotify.Pause, error)
}

// Tokens keeps the apps' access_tokens.
type Tokens interface {
	Get(ctx context.Context, app wxnotify.App) (value string, gen int64, err error)
	// Drop tells that WeChat no longer accepts this generation.
	Drop(ctx context.Context, app wxnotify.App, gen int64) error
}

// WeChat makes the calls that move none of our nouns. The errors of Login wrap
// the refusal that stands for them here.
type WeChat interface {
	Login(ctx context.Context, app wxnotify.App, code string) (openid string, sessionKey wxnotify.Secret, unionid string, err error)
	Pass(ctx context.Context, token string, p wechat.Passage) (*http.Response, wxnotify.Outcome)
}

// Options are the settings of the door.
type Options struct {
	// Secret is what gateway tokens are made with: at least 32 random bytes,
	// the same on every node and after every restart.
	Secret wxnotify.Secret
	// Wait is how long a send waits for WeChat's answer, in real time; 0: 8 s.
	// SDKs give up after 5 to 30 s, most of them after 10.
	Wait time.Duration
}

// A Gateway serves WeChat's paths. Make it with New.
type Gateway struct {
	Deps
	log   *slog.Logger
	wait  time.Duration
	mint  mint
	turns [256]sync.Mutex // of equal sends: repeat.go
}

// New makes the door. It starts nothing, and panics without a secret.
func New(log *slog.Logger, deps Deps, opt Options) *Gateway {
	if len(opt.Secret.Reveal()) < 32 {
		panic("gateway: the secret of the tokens is too short")
	}
	if opt.Wait == 0 {
		opt.Wait = 8 * time.Second
	}
	return &Gateway{Deps: deps, log: log, wait: opt.Wait, mint: mint{secret: sha256.Sum256([]byte(opt.Secret.Reveal()))}}
}

// rooms are what the paths of WeChat's server API begin with. None of them may
// be a path of ours.
var rooms = map[string]bool{
	"bizwifi": true, "card": true, "cgi-bin": true, "channels": true, "cityservice": true, "customservice": true, "cv": true,
	"datacube": true, "device": true, "intp": true, "mall": true, "marketing": true, "merchant": true, "nontax": true,
	"product": true, "redpacketcover": true, "scan": true, "semantic": true, "shakearound": true, "shop": true, "sns": true,
	"tcb": true, "union": true, "wxa": true, "wxaapi": true,
}

// Owns says whether a path is WeChat's, and so this door's.
func Owns(path string) bool {
	room, _, deeper := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return deeper && rooms[room]
}
