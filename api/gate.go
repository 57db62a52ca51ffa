package api

import (
	"context"

	"github.com/wxnotify/wxnotify"
)

// What other doors ask of this one: who a caller is, and which app is meant.
// Keys and apps are remembered, and rates counted, once for all doors.

// Key finds the live key of this text and counts the request against its rate:
// unauthenticated, rate_limited.
func (d *Door) Key(ctx context.Context, text string) (wxnotify.Key, error) {
	key, err := d.keys.find(ctx, text, d.Now().Real)
	if err != nil {
		return key, err
	}
	return key, d.flood.key(key)
}

// KeyByID is Key for a caller who has shown the key before.
func (d *Door) KeyByID(ctx context.Context, id string) (wxnotify.Key, error) {
	key, err := d.keys.findByID(ctx, id, d.Now().Real)
	if err != nil {
		return key, err
	}
	return key, d.flood.key(key)
}

// App finds the app that is meant; app_unknown also where the key is bound to
// another one. appid may be empty as in the API.
func (d *Door) App(ctx context.Context, key wxnotify.Key, appid string) (wxnotify.App, error) {
	return d.app(ctx, key, appid)
}
