package gateway

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/wechat"
)

// CallbackDeps are the rooms behind a Callback.
type CallbackDeps struct {
	Apps  Apps
	Inbox Inbox
	// Know looks a template up that a user answered about, where it is not
	// known, and takes less time than WeChat waits.
	Know func(ctx context.Context, app wxnotify.App, template string)
	Now  func() wxnotify.Now
}

// Apps finds an app with the secrets of its callback.
type Apps interface {
	App(ctx context.Context, id string) (wxnotify.App, error)
}

// An Inbox keeps events. They are durable on return, and applied afterwards.
// An app and a signature that were there before bring nothing new. A valid
// push without any event of ours shows as well that the callback works.
type Inbox interface {
	Keep(ctx context.Context, app, signature string, es []wxnotify.Event) error
}

// A Callback receives WeChat's message push at /wechat/{appid}.
//
// Only safe mode has full trust: the signature of plain mode does not cover
// the body, so that mode has to be allowed for the app. Whatever is wrong with
// a request gets the same answer, 403 and nothing else: nobody learns from it
// which check stopped them, or which apps there are. What is right is on disk
// before it is answered; WeChat repeats what was not answered.
type Callback struct {
	CallbackDeps
	log *slog.Logger
}

// NewCallback makes the door. It starts nothing.
func NewCallback(log *slog.Logger, deps CallbackDeps) *Callback {
	return &Callback{CallbackDeps: deps, log: log}
}

// OwnsCallback says whether a path is the callback's.
func OwnsCallback(path string) bool { return strings.HasPrefix(path, "/wechat/") }

// Bounds of a request. WeChat's own are a few hundred bytes.
const (
	maxPush   = 256 << 10
	maxEcho   = 256
	tolerance = 5 * time.Minute // of the timestamp
)

// errForged stands for everything that is wrong with a request.
var errForged = errors.New("gateway: not a request of WeChat's")

// ServeHTTP is GET|POST /wechat/{appid}.
func (b *Callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	id := slog.String("request_id", name(w, r))
	text, err := b.serve(w, r)
	switch {
	case errors.Is(err, errForged):
		b.log.LogAttrs(r.Context(), slog.LevelDebug, "a callback was refused", id, slog.Any("error", err))
		w.WriteHeader(http.StatusForbidden)
	case err != nil:
		b.log.LogAttrs(r.Context(), slog.LevelError, "a callback cannot be kept; WeChat will repeat it", id, slog.Any("error", err))
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		_, _ = io.WriteString(w, text)
	}
}

func (b *Callback) serve(w http.ResponseWriter, r *http.Request) (text string, err error) {
	defer func() {
		if p := recover(); p != nil { // a bug of ours is a fault, and WeChat repeats
			text, err = "", wxnotify.Panicked(p, debug.Stack())
		}
	}()
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return "", errForged
	}
	q, err := b.query(r)
	if err != nil {
		return "", err
	}
	app, err := b.app(r)
	if err != nil {
		return "", err
	}
	if r.Method == http.MethodGet {
		echo := q["echostr"]
		if echo == "" || len(echo) > maxEcho || !q.signed(app) {
			return "", errForged
		}
		return echo, nil
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPush))
	if err != nil {
		return "", errForged
	}
	raw, signature, err := q.open(app, raw)
	if err != nil {
		return "", errForged
	}
	events, err := ParseEvents(raw)
	if err != nil {
		return "", errForged
	}
	for i := range events {
		events[i].App = app.ID
		if events[i].Kind == wxnotify.EventPopup {
			b.Know(r.Context(), app, events[i].TemplateID)
		}
	}
	return "success", b.Inbox.Keep(r.Context(), app.ID, signature, events)
}

func (b *Callback) app(r *http.Request) (wxnotify.App, error) {
	id := strings.TrimPrefix(r.URL.Path, "/wechat/")
	if !wxnotify.ValidAppID(id) {
		return wxnotify.App{}, errForged
	}
	app, err := b.Apps.App(r.Context(), id)
	if wxnotify.CodeOf(err) == wxnotify.AppUnknown || err == nil && app.Callback.Token.IsZero() {
		return app, errForged
	}
	return app, err
}

// A pushQuery is the query of a push: each name once.
type pushQuery map[string]string

// query reads what is signed, and refuses what is old or ambiguous.
func (b *Callback) query(r *http.Request) (pushQuery, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, errForged
	}
	q := pushQuery{}
	for name, list := range values {
		if len(list) != 1 {
			return nil, errForged
		}
		q[name] = list[0]
	}
	at := q["timestamp"]
	sec, err := strconv.ParseUint(at, 10, 63)
	if err != nil || len(at) != 10 || at[0] == '+' {
		return nil, errForged
	}
	if age := b.Now().Real.Sub(time.Unix(int64(sec), 0)); age > tolerance || age < -tolerance {
		return nil, errForged
	}
	return q, nil
}

// signed checks the signature that does not cover the body.
func (q pushQuery) signed(app wxnotify.App) bool {
	return wechat.Signed(q["signature"], app.Callback.Token.Reveal(), q["timestamp"], q["nonce"])
}

// open returns the push itself and the signature that makes it one of a kind.
// The signature over the ciphertext is checked before anything is decrypted.
func (q pushQuery) open(app wxnotify.App, raw []byte) (plain []byte, signature string, err error) {
	if q["encrypt_type"] != "aes" {
		if app.Callback.Mode != "plain" || !q.signed(app) {
			return nil, "", errForged
		}
		return raw, q["signature"], nil
	}
	outer, err := open(raw)
	if err != nil {
		return nil, "", errForged
	}
	sealed, signature := outer.get("Encrypt"), q["msg_signature"]
	if sealed == "" || !wechat.Signed(signature, app.Callback.Token.Reveal(), q["timestamp"], q["nonce"], sealed) {
		return nil, "", errForged
	}
	key, err := wechat.DecodeKey(app.Callback.AESKey.Reveal())
	if err != nil {
		return nil, "", errForged
	}
	plain, err = wechat.Decrypt(key, app.ID, sealed)
	return plain, signature, err
}
