package console

import (
	"github.com/wxnotify/wxnotify"
)

// templatesPage shows the templates of both kinds as cards with sample data.
type templatesPage struct {
	*frame
	All []templateRow
}

type templateRow struct {
	wxnotify.Template
	Card string // for card.js
}

// GET /console/templates
func (d *Door) templateList(c *call) (any, error) {
	known, err := d.templates(c, c.App)
	if err != nil {
		return nil, err
	}
	p := templatesPage{frame: c.frame}
	for i := range known {
		p.All = append(p.All, templateRow{known[i], c.sample(&known[i])})
	}
	return p, nil
}

// POST /console/templates/sync brings in WeChat's lists of all apps, or the
// chosen one. One list may be had without the other.
func (d *Door) syncTemplates(c *call) (string, error) {
	n, refused := 0, error(nil)
	for _, a := range c.Apps {
		if only := c.form("app"); only != "" && only != a.ID {
			continue
		}
		if err := d.note(c, a.ID, wxnotify.AuditTemplateSync, a.ID, ""); err != nil {
			return "", err
		}
		token, _, err := d.Tokens.Get(c.ctx(), a)
		if err != nil {
			return "", err
		}
		for _, ch := range []wxnotify.Channel{wxnotify.ChannelTemplate, wxnotify.ChannelSubscribe} {
			ts, err := d.WeChat.Templates(c.ctx(), token, ch)
			if err == nil {
				_, err = d.Admin.SyncTemplates(c.ctx(), a.ID, ch, ts, c.Now.Virtual)
			}
			if n += len(ts); err != nil {
				refused = err
			}
		}
	}
	if n == 0 && refused != nil {
		return "", refused
	}
	return d.done(c, Root+"/templates", c.T("note_synced", "n", n))
}
