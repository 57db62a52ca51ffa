package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// A LibraryFilter says which part of WeChat's library of templates to read.
// Channel is needed.
type LibraryFilter struct {
	App     string // may be empty
	Channel string // template or subscribe
	Title   string // a part of it; "": a page from Offset on
	Offset  int    // entries to skip
}

// A LibraryPage is a part of WeChat's library.
type LibraryPage struct {
	Entries []LibraryEntry `json:"data"`
	Total   int            `json:"total"`       // entries in the library
	Next    *int           `json:"next_offset"` // nil: there is no more
}

// A LibraryEntry is what a template may be made of.
type LibraryEntry struct {
	ID       string           `json:"library_id"`
	Channel  string           `json:"channel"`
	Title    string           `json:"title"`
	Kind     string           `json:"kind"`     // of a subscribe template: once or longterm
	Keywords []LibraryKeyword `json:"keywords"` // only of LibraryEntry
}

// A LibraryKeyword is a keyword that may be chosen.
type LibraryKeyword struct {
	ID      int    `json:"id"`
	Name    string `json:"name"`
	Example string `json:"example"`
	Kind    string `json:"kind"` // of its values, in a subscribe template: thing, time, …
}

// Library reads a page of WeChat's library of templates, or searches it.
func (c *Client) Library(ctx context.Context, f LibraryFilter) (p LibraryPage, err error) {
	q := given(url.Values{"app": {f.App}, "channel": {f.Channel}, "q": {f.Title}})
	if f.Offset > 0 {
		q.Set("offset", strconv.Itoa(f.Offset))
	}
	return p, c.get(ctx, "/v1/templates/library", q, &p)
}

// LibraryEntry reads one entry with its keywords; app may be empty.
func (c *Client) LibraryEntry(ctx context.Context, app, channel, id string) (e LibraryEntry, err error) {
	return e, c.get(ctx, "/v1/templates/library/"+url.PathEscape(id), given(url.Values{"app": {app}, "channel": {channel}}), &e)
}

// An AddTemplate says which template to add to the account. Channel, LibraryID
// and Keywords are needed.
type AddTemplate struct {
	App       string  `json:"app,omitempty"`
	Channel   string  `json:"channel"` // template or subscribe
	LibraryID string  `json:"library_id"`
	Keywords  []int   `json:"keywords"`        // ids, in the order of the card
	Scene     string  `json:"scene,omitempty"` // subscribe: what the message is for
	Alias     *string `json:"alias,omitempty"`
}

// AddTemplate adds a template of WeChat's library to the account. It is never
// repeated by itself: each call may add one more.
func (c *Client) AddTemplate(ctx context.Context, t AddTemplate) (out Template, err error) {
	_, err = c.do(ctx, call{method: http.MethodPost, path: "/v1/templates", body: t, out: &out})
	return out, err
}

// DeleteTemplate deletes a template of the account, at WeChat; app may be empty.
// It stays in the list here, as gone.
func (c *Client) DeleteTemplate(ctx context.Context, app, id string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: "/v1/templates/" + url.PathEscape(id), query: appQuery(app), safe: true})
	return err
}
