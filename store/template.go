package store

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/wxnotify/wxnotify"
)

const templateColumns = `app, id, alias, channel, kind, title, keywords, synced_at, gone, fields, trim`

// Templates returns an app's templates, those that WeChat no longer lists too.
func (s *Store) Templates(ctx context.Context, app string) ([]wxnotify.Template, error) {
	return s.templatesWhere(ctx, ` where app = $1 order by channel, id`, app)
}

// Template finds a template by WeChat's id or by our alias, or answers
// template_unknown. An id goes before an alias, a listed one before one that
// is gone.
func (s *Store) Template(ctx context.Context, app, idOrAlias string) (wxnotify.Template, error) {
	ts, err := s.templatesWhere(ctx, ` where app = $1 and (id = $2 or alias = $3)
		order by case when id = $4 then 0 else 1 end, gone, id limit 1`, app, idOrAlias, idOrAlias, idOrAlias)
	if err != nil {
		return wxnotify.Template{}, err
	}
	if len(ts) == 0 || idOrAlias == "" {
		return wxnotify.Template{}, wxnotify.Refuse(wxnotify.TemplateUnknown, "the app has no such template")
	}
	return ts[0], nil
}

func (s *Store) templatesWhere(ctx context.Context, where string, args ...any) ([]wxnotify.Template, error) {
	var ts []wxnotify.Template
	err := s.look(ctx, "read templates", func(ctx context.Context) error {
		return s.each(ctx, func(r scanner) error {
			t, err := scanTemplate(r)
			ts = append(ts, t)
			return err
		}, `select `+templateColumns+` from template`+where, args...)
	})
	return ts, err
}

func scanTemplate(r scanner) (t wxnotify.Template, err error) {
	var channel, keywords, fields string
	var synced int64
	if err := r.Scan(&t.App, &t.ID, &t.Alias, &channel, &t.Kind, &t.Title, &keywords, &synced, &t.Gone, &fields, &t.Trim); err != nil {
		return t, err
	}
	t.Channel, t.SyncedAt = wxnotify.Channel(channel), at(synced)
	if fields != "" {
		if err := json.Unmarshal([]byte(fields), &t.Fields); err != nil {
			return t, err
		}
	}
	return t, json.Unmarshal([]byte(keywords), &t.Keywords)
}

// PutTemplate writes a template whole.
func (s *Store) PutTemplate(ctx context.Context, t wxnotify.Template) error {
	return s.do(ctx, "put a template", doorLimit, func(w *work) error {
		return w.putTemplate(t, `alias = excluded.alias, fields = excluded.fields, trim = excluded.trim, `)
	})
}

func (w *work) putTemplate(t wxnotify.Template, also string) error {
	keywords, err := json.Marshal(t.Keywords)
	if err != nil {
		return err
	}
	_, err = w.exec(`insert into template (`+templateColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		on conflict (app, id) do update set `+also+`channel = excluded.channel, kind = excluded.kind, title = excluded.title,
		keywords = excluded.keywords, synced_at = excluded.synced_at, gone = excluded.gone`,
		t.App, t.ID, t.Alias, string(t.Channel), t.Kind, t.Title, string(keywords), ms(t.SyncedAt), flag(t.Gone), metaText(t.Fields), flag(t.Trim))
	return err
}

// SyncTemplates takes over what WeChat lists for a channel. Aliases, fields and
// trim stay; templates that came from WeChat and are not listed any more are
// marked as gone; those put here by hand stay as they are. It returns the ids
// of those that have gone since the last time and raises the alarm for them,
// whoever asked for the list: messages that name them will fail.
func (s *Store) SyncTemplates(ctx context.Context, app string, ch wxnotify.Channel, ts []wxnotify.Template, when time.Time) (gone []string, err error) {
	err = s.do(ctx, "sync templates", doorLimit, func(w *work) error {
		if gone, err = w.missed(app, ch, ts); err != nil {
			return err
		}
		if _, err := w.exec(`update template set gone = 1 where app = $1 and channel = $2 and synced_at > 0`, app, string(ch)); err != nil {
			return err
		}
		for _, t := range ts {
			t.App, t.Channel, t.SyncedAt, t.Gone = app, ch, when, false
			if err := w.putTemplate(t, ``); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, id := range gone {
		s.log.Error("a template has disappeared at WeChat; messages that name it will fail", "app", app, "channel", ch, "template", id)
	}
	return gone, nil
}

// missed are templates that WeChat listed before and does not list any more,
// and that nobody deleted here.
func (w *work) missed(app string, ch wxnotify.Channel, listed []wxnotify.Template) (ids []string, err error) {
	err = w.each(func(r scanner) error {
		var id string
		err := r.Scan(&id)
		if !slices.ContainsFunc(listed, func(t wxnotify.Template) bool { return t.ID == id }) {
			ids = append(ids, id)
		}
		return err
	}, `select id from template where app = $1 and channel = $2 and synced_at > 0 and gone = 0 order by id`, app, string(ch))
	return ids, err
}
