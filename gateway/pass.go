package gateway

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/wxnotify/wxnotify"
)

// Limits of a call that is passed through, beside maxBody: a body up to that is
// kept, so that it can be sent again.
const (
	maxUpload   = 64 << 20         // bytes
	passLasts   = 2 * time.Minute  // for the whole call
	answerLasts = 10 * time.Second // for WeChat's answer to a body that was kept to begin
)

// pass carries a call to WeChat with the real token put in, and the answer back
// as it comes. Every other path, any method.
//
// An answer that the token is dead means that nothing was done: the token is
// renewed, and the call repeated once where its body was kept; else the caller
// is told to. What is lost may have been done.
func (g *Gateway) pass(c *call) ([]byte, error) {
	v, err := g.enter(c)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(c.Context(), passLasts)
	defer cancel()
	c.allow(passLasts)
	body, err := c.upload()
	if err != nil {
		return nil, err
	}
	for again := false; ; again = true {
		token, gen, err := g.Tokens.Get(ctx, v.app)
		if err != nil {
			return nil, err
		}
		dead, err := g.carry(ctx, c, token, body)
		if !dead {
			return nil, err
		}
		if err := g.Tokens.Drop(ctx, v.app, gen); err != nil {
			return nil, err
		}
		if again || !body.whole {
			return nil, say(busy, "the access_token was renewed: repeat the call")
		}
	}
}

// carry makes the call once and passes the answer on, unless it says that the
// token is dead.
func (g *Gateway) carry(ctx context.Context, c *call, token string, body upload) (dead bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	late := time.AfterFunc(passLasts, cancel)
	defer late.Stop()
	if body.whole {
		late.Reset(answerLasts)
	}
	resp, o := g.WeChat.Pass(ctx, token, body.passage(c.r))
	switch {
	case resp == nil && o.Kind == wxnotify.NotSent:
		return false, say(busy, o.Errmsg)
	case resp == nil:
		return false, say(unknown, o.Errmsg)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusPartialContent {
		return false, say(unknown, "WeChat answered with HTTP status "+strconv.Itoa(resp.StatusCode))
	}
	a, err := glance(resp)
	late.Stop()
	switch {
	case err != nil:
		return false, say(unknown, "WeChat's answer broke off")
	case tokenDead(a.errcode()):
		return true, nil
	}
	a.redact(token)
	a.copy(c.w)
	return false, nil
}

// allow lets the bodies of a call take longer than others may.
func (c *call) allow(d time.Duration) {
	rc, end := http.NewResponseController(c.w), time.Now().Add(d)
	_ = rc.SetReadDeadline(end) // a recorder has no connection
	_ = rc.SetWriteDeadline(end.Add(time.Second))
}
