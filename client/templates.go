package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// A Template is the shape of a message, as WeChat lists it or as it was put.
type Template struct {
	App      string    `json:"app"`
	ID       string    `json:"template_id"`
	Alias    string    `json:"alias"`
	Channel  string    `json:"channel"` // template or subscribe
	Kind     string    `json:"kind"`    // of a subscribe template: once or longterm
	Title    string    `json:"title"`
	Keywords []Keyword `json:"keywords"`
	SyncedAt time.Time `json:"synced_at"`
	Gone     bool      `json:"gone"` // WeChat no longer lists it

	Fields map[string]string `json:"fields"` // names that data may use, and the keyword of each
	Trim   bool              `json:"trim"`   // values that are too long are cut, not refused
}

// A Keyword is one line of a template.
type Keyword struct {
	Key    string   `json:"key"`
	Name   string   `json:"name"`
	Values []string `json:"values,omitempty"` // of an enum_string: all that it may say
}

// Templates lists the templates of an app; app may be empty.
func (c *Client) Templates(ctx context.Context, app string) iter.Seq2[Template, error] {
	return list[Template](ctx, c, "/v1/templates", appQuery(app))
}

// A PutTemplate describes a template. What is left out stays as it is known.
type PutTemplate struct {
	App      string    `json:"app,omitempty"`
	Alias    *string   `json:"alias,omitempty"` // empty takes it away
	Channel  string    `json:"channel"`
	Kind     string    `json:"kind,omitempty"`
	Title    string    `json:"title,omitempty"`
	Keywords []Keyword `json:"keywords,omitempty"`

	// Fields are names of yours that data may use, and the keyword of each. A
	// classic and a subscribe template with the same alias and the same names
	// let a message go by whichever the user has a permit for.
	Fields map[string]string `json:"fields,omitempty"`
	Trim   *bool             `json:"trim,omitempty"` // cut values that are too long, where that makes sense
}

// PutTemplate gives a template an alias, or says what WeChat's lists do not.
func (c *Client) PutTemplate(ctx context.Context, id string, t PutTemplate) (out Template, err error) {
	_, err = c.do(ctx, call{method: http.MethodPut, path: "/v1/templates/" + url.PathEscape(id), body: t, out: &out, safe: true})
	return out, err
}

// A SyncResult is what became of one of WeChat's two lists.
type SyncResult struct {
	Channel   string   `json:"channel"`
	Templates int      `json:"templates"`
	Gone      []string `json:"gone"` // ids that WeChat no longer lists
	Error     *Problem `json:"error"`
}

// SyncTemplates fetches both lists of an app from WeChat; app may be empty.
func (c *Client) SyncTemplates(ctx context.Context, app string) ([]SyncResult, error) {
	body := map[string]string{}
	if app != "" {
		body["app"] = app
	}
	var out struct {
		Results []SyncResult `json:"results"`
	}
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/v1/templates/sync", body: body, out: &out, safe: true})
	return out.Results, err
}

// A Card is what a phone would show.
type Card struct {
	TemplateID string          `json:"template_id"`
	Channel    string          `json:"channel"`
	Title      string          `json:"title"`
	Page       string          `json:"page"`
	Rows       []Row           `json:"rows"`
	Emphasis   string          `json:"emphasis"`
	Body       json.RawMessage `json:"body"` // what would be posted to WeChat, without a permit's code
}

// A Row is one line of a card.
type Row struct {
	Key   string `json:"key"`
	Name  string `json:"name"`
	Value string `json:"value"`
	Color string `json:"color"`
}

// Preview checks and renders a message and sends nothing. Of m it takes App,
// To, TemplateID, Page, Data, Emphasis, MiniprogramState and Lang.
func (c *Client) Preview(ctx context.Context, m NewMessage) (out Card, err error) {
	body := struct {
		App              string `json:"app,omitempty"`
		To               string `json:"touser,omitempty"`
		Page             string `json:"page,omitempty"`
		Data             Data   `json:"data"`
		Emphasis         string `json:"emphasis_keyword,omitempty"`
		MiniprogramState string `json:"miniprogram_state,omitempty"`
		Lang             string `json:"lang,omitempty"`
	}{m.App, m.To, m.Page, m.Data, m.Emphasis, m.MiniprogramState, m.Lang}
	path := "/v1/templates/" + url.PathEscape(m.TemplateID) + "/preview"
	_, err = c.do(ctx, call{method: http.MethodPost, path: path, body: body, out: &out, safe: true})
	return out, err
}
