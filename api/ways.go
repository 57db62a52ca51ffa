package api

import (
	"context"
	"time"

	"github.com/wxnotify/wxnotify"
)

// ways finds the templates that a message may go by: one, or two where its
// template_id is an alias of a classic and of a subscribe template and nothing
// else in the draft decides; then the subscribe one comes first. nil stands
// for a template that is not known and cannot be: WeChat will say.
func (d *Door) ways(ctx context.Context, app wxnotify.App, draft *wxnotify.Draft) (first, second *wxnotify.Template, err error) {
	t, err := d.template(ctx, app, draft.TemplateID)
	if t == nil || err != nil || t.ID == draft.TemplateID {
		return t, nil, err
	}
	all, err := d.templates.get(ctx, app.ID)
	if err != nil {
		return nil, nil, err
	}
	var by [2]*wxnotify.Template // subscribe, template
	for i := range all {
		t := &all[i]
		if t.Alias != draft.TemplateID || t.Gone {
			continue
		}
		if k := way(t.Channel); by[k] == nil {
			by[k] = t
		}
	}
	want := draft.Channel
	if draft.FormID != "" {
		want = wxnotify.ChannelTemplate
	}
	switch {
	case by[0] == nil && by[1] == nil: // all are gone
		return t, nil, nil
	case want != "" && by[way(want)] != nil:
		return by[way(want)], nil, nil
	case by[0] == nil || want != "":
		return t, nil, nil
	}
	return by[0], by[1], nil
}

func way(ch wxnotify.Channel) int {
	if ch == wxnotify.ChannelTemplate {
		return 1
	}
	return 0
}

// settle fills in what follows from the template, says the draft in its words,
// refuses what is wrong, and leaves WeChat's own id in place of an alias: a
// subscription's permits know no other. t may be nil; other is the template of
// the other way, if there is one.
func (d *Door) settle(app wxnotify.App, draft *wxnotify.Draft, t, other *wxnotify.Template, now time.Time) error {
	t.Adapt(draft, other)
	draft.Resolve(t, now)
	if err := draft.Check(t, app.Sandbox, now); err != nil {
		return err
	}
	if t != nil {
		draft.TemplateID = t.ID
	}
	return nil
}

// carriers settles a draft for each of its ways, and returns what the second
// one carries. Both have to be right: nobody knows beforehand which will be taken.
func (d *Door) carriers(ctx context.Context, app wxnotify.App, draft *wxnotify.Draft, now time.Time) (*wxnotify.Carrier, error) {
	first, second, err := d.ways(ctx, app, draft)
	if err != nil {
		return nil, err
	}
	other := *draft
	if err := d.settle(app, draft, first, second, now); err != nil || second == nil {
		return nil, err
	}
	if err := d.settle(app, &other, second, first, now); err != nil {
		return nil, err
	}
	return &wxnotify.Carrier{Channel: other.Channel, TemplateID: other.TemplateID, Body: other.Render(other.TemplateID)}, nil
}
