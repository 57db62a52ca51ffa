package api

import (
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/wxnotify/wxnotify"
)

// A Preview is the body of POST /v1/templates/{id}/preview: a message without
// what only sending needs.
type Preview struct {
	App              string `json:"app,omitempty" doc:"The appid. May be left out with a key that is bound to one app, or when only one app exists."`
	To               string `json:"touser,omitempty" doc:"The openid, if it is to stand in the body." pattern:"^[0-9A-Za-z_-]{6,64}$"`
	Page             string `json:"page,omitempty" maxLength:"1024"`
	Data             values `json:"data"`
	Emphasis         string `json:"emphasis_keyword,omitempty" example:"keyword1.DATA"`
	MiniprogramState string `json:"miniprogram_state,omitempty" enum:"developer,trial,formal"`
	Lang             string `json:"lang,omitempty" enum:"zh_CN,en_US,zh_HK,zh_TW"`
}

// A Card is what a phone would show.
type Card struct {
	TemplateID string  `json:"template_id"`
	Channel    string  `json:"channel" enum:"template,subscribe"`
	Title      string  `json:"title"`
	Page       *string `json:"page"`
	Rows       []Row   `json:"rows" doc:"In the order of the template, where it is known."`
	Emphasis   *string `json:"emphasis" doc:"Which of the rows is shown large." example:"keyword1"`
	Body       content `json:"body" doc:"What would be posted to WeChat, without the permit's code."`
}

// A Row is one line of a card.
type Row struct {
	Key   string  `json:"key"`
	Name  string  `json:"name" doc:"The label; empty where the template is not known."`
	Value string  `json:"value"`
	Color *string `json:"color"`
}

// anybody stands in a preview that names no user.
const anybody = "OPENID"

// POST /v1/templates/{id}/preview
func (d *Door) previewTemplate(c *call) (answer, error) {
	id, err := c.pathID()
	if err != nil {
		return answer{}, err
	}
	raw, err := c.body(maxBody)
	if err != nil {
		return answer{}, err
	}
	var in Preview
	if err := decode(raw, &in); err != nil {
		return answer{}, err
	}
	app, err := d.app(c.Context(), c.key, in.App)
	if err != nil {
		return answer{}, err
	}
	draft := wxnotify.Draft{
		App: app.ID, To: in.To, TemplateID: id, Page: in.Page, Data: in.Data, Emphasis: in.Emphasis,
		MiniprogramState: in.MiniprogramState, Lang: in.Lang,
	}
	if draft.To == "" {
		draft.To = anybody
	}
	t, err := d.template(c.Context(), app, id)
	if err != nil {
		return answer{}, err
	}
	if err := d.settle(app, &draft, t, nil, c.now.Virtual.Truncate(time.Millisecond)); err != nil {
		return answer{}, err
	}
	return ok(card(&draft, t))
}

func card(draft *wxnotify.Draft, t *wxnotify.Template) Card {
	out := Card{
		TemplateID: draft.TemplateID, Channel: string(draft.Channel), Page: null(draft.Page), Rows: []Row{},
		Emphasis: null(strings.TrimSuffix(draft.Emphasis, ".DATA")), Body: content(jsontext.Value(draft.Render(draft.TemplateID))),
	}
	for _, x := range draft.Data {
		out.Rows = append(out.Rows, Row{Key: x.Key, Value: x.Value, Color: null(x.Color)})
	}
	if t == nil {
		return out
	}
	out.Title = t.Title
	place := func(r Row) int {
		return slices.IndexFunc(t.Keywords, func(k wxnotify.Keyword) bool { return k.Key == r.Key })
	}
	slices.SortStableFunc(out.Rows, func(a, b Row) int { return place(a) - place(b) })
	for i, r := range out.Rows {
		if k := place(r); k >= 0 {
			out.Rows[i].Name = t.Keywords[k].Name
		}
	}
	return out
}
