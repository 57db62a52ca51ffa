package wechat

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/wxnotify/wxnotify"
)

// A Passage is somebody else's call on its way through: everything of it but
// the access_token.
type Passage struct {
	Method string
	Path   string // clean, from the root
	Query  string // raw, without access_token
	Header http.Header
	Body   io.Reader // nil: none
	Length int64     // of Body in bytes; -1: not known
}

// passedHeaders are what of a request WeChat gets to see. Cookies, addresses
// and keys of the caller are none of its business, and what it compressed for
// one asker another might not be able to read.
var passedHeaders = []string{"Content-Type", "Accept", "Range", "If-Range"}

// Pass makes a call of somebody else's and returns the answer as it comes, for
// any status, with its body still to be read and closed. Where there is none,
// the outcome is not_sent or lost, and says why.
//
// Nothing ends it but ctx: bodies may be large, and take their time.
func (c *Client) Pass(ctx context.Context, token string, p Passage) (*http.Response, wxnotify.Outcome) {
	if err := ctx.Err(); err != nil {
		return nil, wxnotify.Outcome{Kind: wxnotify.NotSent, Errmsg: why(err)}
	}
	k := newCall()
	defer k.release()
	resp, err := c.rt.RoundTrip(c.passage(k.traced(ctx), token, p))
	switch {
	case err == nil:
		return resp, wxnotify.Outcome{}
	case c.own && k.nothingSent():
		return nil, wxnotify.Outcome{Kind: wxnotify.NotSent, Errmsg: why(err)}
	}
	return nil, lost(why(err))
}

func (c *Client) passage(ctx context.Context, token string, p Passage) *http.Request {
	u := c.base
	u.Path += p.Path
	u.RawQuery = "access_token=" + url.QueryEscape(token)
	if p.Query != "" {
		u.RawQuery += "&" + p.Query
	}
	h := http.Header{"User-Agent": {"wxnotify"}}
	for _, name := range passedHeaders {
		if list := p.Header.Values(name); len(list) > 0 {
			h[name] = list
		}
	}
	r := &http.Request{
		Method: p.Method, URL: &u, Host: u.Host, Header: h, Body: nothing{},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if p.Body != nil {
		r.Body, r.ContentLength = io.NopCloser(p.Body), p.Length
	}
	return r.WithContext(ctx)
}
