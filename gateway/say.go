package gateway

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/wechat"
)

// unknown is the one errcode that is not WeChat's: the call may have arrived,
// and its answer is missing. It must not look like any that an SDK repeats.
const unknown = 9900001

// busy is WeChat's own "system error". From here it means: nothing was done,
// try again.
const busy = -1

// A saying is an answer that is no success, in WeChat's words. It is an error.
type saying struct {
	errcode int
	errmsg  string
}

func (s saying) Error() string { return strconv.Itoa(s.errcode) + " " + s.errmsg }

// say makes a saying with WeChat's own text, and what of the details is known
// behind it.
func say(errcode int, details ...string) saying {
	text := "system error"
	switch c, ok := wechat.Lookup(errcode); {
	case errcode == unknown:
		text = "outcome unknown"
	case ok && c.Text != "" && !strings.Contains(c.Text, "{"):
		text = c.Text
	case errcode != busy:
		text = "errcode " + strconv.Itoa(errcode)
	}
	for _, d := range details {
		if d != "" {
			text += ", " + d
		}
	}
	return saying{errcode, text}
}

func (s saying) body() []byte {
	b := append(make([]byte, 0, len(s.errmsg)+40), `{"errcode":`...)
	b = append(strconv.AppendInt(b, int64(s.errcode), 10), `,"errmsg":`...)
	b, _ = jsontext.AppendQuote(b, s.errmsg) // bad UTF-8 is replaced
	return append(b, '}')
}

// explain says an error in WeChat's words. A fault is logged here, once, and
// says nothing outside.
func (g *Gateway) explain(c *call, err error) saying {
	if s, ok := errors.AsType[saying](err); ok {
		return s
	}
	r, ok := errors.AsType[*wxnotify.Refusal](err)
	info, known := wxnotify.CodeInfo{}, false
	if ok {
		info, known = wxnotify.Codes[r.Code]
	}
	log := func(level slog.Level) {
		g.log.LogAttrs(c.Context(), level, "request failed", slog.String("route", c.r.URL.Path), slog.String("request_id", c.id), slog.Any("error", err))
	}
	switch {
	case !known && c.Context().Err() != nil:
		log(slog.LevelDebug) // the caller has gone, and what it asked for was given up
		return say(busy)
	case !known:
		log(slog.LevelError)
		return say(busy)
	case r.WeChat != nil && ours(r.WeChat.Errcode):
		log(slog.LevelWarn)
		return saying{r.WeChat.Errcode, "WeChat refused the app's own credentials: " + r.WeChat.Errmsg}
	case r.WeChat != nil && !tokenDead(r.WeChat.Errcode):
		return saying{r.WeChat.Errcode, r.WeChat.Errmsg}
	case info.Status >= http.StatusInternalServerError:
		log(slog.LevelWarn)
	}
	return say(info.Errcode, r.Detail)
}

// ours says that an errcode is about the credentials that are kept here, and
// not about those that the caller sent.
func ours(errcode int) bool { return errcode == 40013 || errcode == 40125 }

// tokenDead says that WeChat refused the access_token. That is the keeper's
// affair: a caller who heard it would renew its gateway token, in vain.
func tokenDead(errcode int) bool { return wechat.VerdictOf(errcode).Do == wxnotify.NewToken }

func (c *call) write(raw []byte) {
	h := c.w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(raw)))
	_, _ = c.w.Write(raw) // the caller has gone
}
