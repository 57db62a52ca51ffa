package server

import (
	"context"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/hook"
	"github.com/wxnotify/wxnotify/token"
	"github.com/wxnotify/wxnotify/wechat"
)

// sources are where access_tokens come from: a token server of the app's own,
// else the one of the settings, else WeChat.
type sources struct {
	conf   Config
	wechat token.Fetcher
	guard  *hook.Guard
}

// FetchToken fetches one.
func (s sources) FetchToken(ctx context.Context, app wxnotify.App, force bool) (wxnotify.Secret, time.Duration, error) {
	c, err := s.conf.central(app, s.guard)
	switch {
	case err != nil:
		return wxnotify.Secret{}, 0, err
	case c == nil:
		return s.wechat.FetchToken(ctx, app, force)
	}
	defer c.Close()
	return c.FetchToken(ctx, app, force)
}

// Central is the token server that an app's tokens come from; nil: they are
// fetched from WeChat.
func (c Config) Central(app wxnotify.App) (*wechat.Central, error) {
	return c.central(app, hook.NewGuard(c.WebhookAllow, nil))
}

// An app's address was named through the API, so it leads where a webhook may
// go; the one of the settings leads anywhere.
func (c Config) central(app wxnotify.App, guard *hook.Guard) (*wechat.Central, error) {
	switch {
	case !app.TokenURL.IsZero():
		secure := strings.HasPrefix(strings.ToLower(app.TokenURL.Reveal()), "https:")
		return wechat.NewCentral(app.TokenURL, app.TokenPath, guard.Transport(secure))
	case !c.TokenURL.IsZero():
		return wechat.NewCentral(c.TokenURL, c.TokenPath, nil)
	}
	return nil, nil
}
