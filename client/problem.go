package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A Problem is an error that the server told.
type Problem struct {
	Status     int           `json:"status"` // of HTTP
	Code       string        `json:"code"`   // for programs: field_required, permit_expired, …; "" where it was no server of ours that answered
	Type       string        `json:"type"`   // a URI of the code
	Title      string        `json:"title"`  // what to do about this code
	Detail     string        `json:"detail"` // what is wrong here
	RequestID  string        `json:"request_id"`
	Errors     []FieldError  `json:"errors"`
	WeChat     *WeChatError  `json:"wechat"` // WeChat's own words, where it was WeChat that refused
	RetryAfter time.Duration `json:"-"`      // how long to wait, where the server says so
}

// A FieldError is one fault of one field.
type FieldError struct {
	Field  string `json:"field"` // data.keyword1.value
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// A WeChatError is what WeChat said.
type WeChatError struct {
	Errcode int    `json:"errcode"`
	Errmsg  string `json:"errmsg"`
	RID     string `json:"rid"`
}

// Error tells code, detail and every field, and the id to ask about.
func (p *Problem) Error() string {
	var b strings.Builder
	if p.Code == "" {
		fmt.Fprintf(&b, "HTTP %d", p.Status)
	} else {
		b.WriteString(p.Code)
	}
	if p.Detail != "" && len(p.Errors) == 0 {
		b.WriteString(": " + p.Detail)
	}
	for i, f := range p.Errors {
		b.WriteString([]string{": ", "; "}[min(i, 1)] + f.Field + ": " + f.Detail)
	}
	if p.WeChat != nil {
		fmt.Fprintf(&b, "; WeChat: %d %s", p.WeChat.Errcode, p.WeChat.Errmsg)
	}
	if p.RequestID != "" {
		b.WriteString(" (" + p.RequestID + ")")
	}
	return b.String()
}

// problem reads an answer that is no success. What is not ours, such as the
// page of a proxy, keeps its status and no more.
func problem(resp *http.Response, body []byte) *Problem {
	p := &Problem{}
	if json.Unmarshal(body, p) != nil {
		p = &Problem{}
	}
	p.Status = resp.StatusCode
	if p.Code == "" {
		p.Detail = http.StatusText(resp.StatusCode)
	}
	if p.RequestID == "" {
		p.RequestID = resp.Header.Get("X-Request-ID")
	}
	if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && n > 0 {
		p.RetryAfter = time.Duration(n) * time.Second
	}
	return p
}
