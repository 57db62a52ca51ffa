package api

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/wxnotify/wxnotify"
)

// A Problem is how every error leaves (RFC 9457). It never holds a value that
// was posted, nor anything of the inside.
type Problem struct {
	Type      string                `json:"type" doc:"Names the code as a URN." example:"urn:wxnotify:error:field_required"`
	Title     string                `json:"title" doc:"What to do about this code; the same each time."`
	Status    int                   `json:"status" doc:"The HTTP status." example:"422"`
	Code      wxnotify.Code         `json:"code" doc:"For programs. Codes are never renamed." example:"field_required"`
	Detail    string                `json:"detail" doc:"What is wrong here."`
	RequestID string                `json:"request_id" doc:"As in the header X-Request-Id; name it when you ask for help."`
	Errors    []wxnotify.FieldError `json:"errors,omitempty" doc:"What is wrong where, when fields are."`
	WeChat    *wxnotify.WeChatError `json:"wechat,omitempty" doc:"WeChat's own words, where it was WeChat that refused."`
}

// problem makes the answer to err. A fault, which is everything but a refusal,
// is logged here, once, and says nothing outside.
func (d *Door) problem(c *call, err error) (Problem, time.Duration) {
	r, ok := errors.AsType[*wxnotify.Refusal](err)
	info, known := wxnotify.CodeInfo{}, false
	if ok {
		info, known = wxnotify.Codes[r.Code]
	}
	if !known {
		level := slog.LevelError
		if c.Context().Err() != nil {
			level = slog.LevelDebug // the caller has gone, and what it asked for was given up
		}
		d.tell(c, level, "request failed", err)
		r = wxnotify.Refuse(wxnotify.Internal, "something went wrong on our side")
		info = wxnotify.Codes[wxnotify.Internal]
	} else if info.Status >= 500 {
		d.tell(c, slog.LevelWarn, "request refused", err)
	}
	return Problem{
		Type: "urn:wxnotify:error:" + string(r.Code), Title: info.En, Status: info.Status, Code: r.Code,
		Detail: r.Detail, RequestID: c.id, Errors: r.Fields, WeChat: r.WeChat,
	}, r.RetryAfter
}

// tell writes the one line about what went wrong with a request.
func (d *Door) tell(c *call, level slog.Level, what string, err error) {
	line := []slog.Attr{slog.String("route", c.route), slog.String("request_id", c.id), slog.Any("error", err)}
	if trace := wxnotify.TraceOf(c.r.Header["Traceparent"]); trace != "" {
		line = append(line, slog.String("trace_id", trace.ID()))
	}
	d.log.LogAttrs(c.Context(), level, what, line...)
}

// retryLater is the wait that an answer names when the refusal does not.
const retryLater = time.Second

func (d *Door) writeProblem(c *call, err error) {
	p, wait := d.problem(c, err)
	h := c.w.Header()
	if p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable {
		h.Set("Retry-After", strconv.Itoa(int((max(wait, retryLater)+time.Second-1)/time.Second)))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	h.Set("Content-Type", "application/problem+json")
	c.w.WriteHeader(p.Status)
	_ = json.MarshalWrite(c.w, p) // the caller has gone
}
