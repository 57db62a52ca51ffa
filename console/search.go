package console

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/wxnotify/wxnotify"
)

// maxNames is how many names of meta a search looks through.
const maxNames = 50

// GET /console/search?q=…
//
// It goes to the message, the user or the list that a text means: an id, an
// openid, name=value of meta, or a value of meta under any name.
func (d *Door) search(c *call) (any, error) {
	q := strings.TrimSpace(c.Q("q"))
	to, err := d.find(c, q)
	if err == nil {
		goTo(c.w, c.r, to)
	}
	return nil, err
}

func (d *Door) find(c *call, q string) (string, error) {
	list := func(name, value string) string { return c.To("/messages", name, value) }
	if q == "" || utf8.RuneCountInString(q) > 300 {
		return c.To("/messages"), nil
	}
	if strings.HasPrefix(q, wxnotify.MessagePrefix) {
		return Root + "/messages/" + url.PathEscape(q), nil
	}
	if name, value, ok := strings.Cut(q, "="); ok && name != "" && value != "" {
		return list("meta", q), nil
	}
	if wxnotify.ValidOpenID(q) {
		n, _, err := d.Reader.CountMessages(c.ctx(), wxnotify.MessageFilter{App: c.App, To: q}, 1)
		if err != nil {
			return "", err
		}
		if n > 0 {
			return list("touser", q), nil
		}
		if ps, _, err := d.Reader.Permits(c.ctx(), wxnotify.PermitFilter{App: c.App, To: q, Limit: 1}); err != nil || len(ps) > 0 {
			return Root + "/users/" + url.PathEscape(q), err
		}
	}
	names, err := d.Reader.MetaNames(c.ctx(), c.App, maxNames)
	if err != nil {
		return "", err
	}
	for _, name := range names {
		n, _, err := d.Reader.CountMessages(c.ctx(), wxnotify.MessageFilter{App: c.App, Meta: map[string]string{name: q}}, 1)
		if err != nil {
			return "", err
		}
		if n > 0 {
			return list("meta", name+"="+q), nil
		}
	}
	return Root + "/nothing?" + url.Values{"q": {q}}.Encode(), nil
}

// nothingPage says that a search found nothing, and what can be searched for.
type nothingPage struct {
	*frame
	Names []string
}

// GET /console/nothing?q=…
func (d *Door) nothing(c *call) (any, error) {
	names, err := d.Reader.MetaNames(c.ctx(), c.App, maxNames)
	return nothingPage{c.frame, names}, err
}
