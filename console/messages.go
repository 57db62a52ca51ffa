package console

import (
	"slices"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
)

// messagesPage is the table of messages, newest first.
type messagesPage struct {
	*frame
	Rows    []row
	Older   string // address of the next page; "": there is none
	Filters []chip
	Groups  []wxnotify.Group
	States  []wxnotify.State
	Reasons []wxnotify.Reason
	Ranges  []string
	Known   []wxnotify.Template
	Said    int  // answers that a list by answers is of, on this page
	First   bool // nothing was ever sent, and nothing is filtered
	Live    bool
	GoesOn  bool   // the list ended before the page was full, and goes on
	Export  string // its address
	Resend  string // address of work on all that match
	Cancel  string
	Drop    string
}

// A row is a message in a table.
type row struct {
	wxnotify.Message
	Title   string
	Errcode int
	Took    string
	Said    int // how many of its attempts a list by answers is of
}

// A chip is a filter that is on, with the address without it.
type chip struct {
	Name, Value string
	At          time.Time // instead of a value
	Off         string
}

// pageSize is how many rows a page shows.
const pageSize = 50

// GET /console/messages
func (d *Door) messages(c *call) (any, error) {
	if c.Q("range") != "" { // it was chosen in the place of a span
		c.query.Del("from")
		c.query.Del("to")
		c.query.Del("at")
	}
	f := messageFilter(c.query, c.Now.Virtual)
	f.Limit = pageSize
	ms, next, err := d.Reader.Messages(c.ctx(), f)
	if err != nil {
		return nil, err
	}
	p := messagesPage{frame: c.frame, Filters: c.chips(), Groups: groups, States: states, Reasons: reasons, Ranges: ranges}
	p.Live = f.Cursor == "" && f.UnderWay.IsZero() && (f.Until.IsZero() || f.Until.After(c.Now.Virtual)) // the past does not move
	if next != "" {
		p.Older = c.With("cursor", next)
		if c.Q("range") != "" { // which goes on, and a cursor does not
			p.Older = c.With("cursor", next, "range", "", "from", f.Since.Unix())
		}
	}
	p.GoesOn = next != "" && len(ms) < pageSize
	p.Live = p.Live && !p.GoesOn // looking again would be the same work again
	p.First = len(ms) == 0 && len(p.Filters) == 0 && f.Cursor == ""
	p.Export = Root + "/messages.csv?" + filterOf(c.query).Encode()
	filter := filterOf(c.query)
	p.Resend, p.Cancel, p.Drop = bulkOn(doRetry, filter), bulkOn(doCancel, filter), bulkOn(doDrop, filter)
	if p.Known, err = d.templates(c, f.App); err != nil {
		return nil, err
	}
	p.Rows = c.rows(ms, p.Known)
	p.Said = said(p.Rows, &f)
	return p, nil
}

// said counts the attempts that a list by answers is of, in each row and in all
// of them: sums count these.
func said(rows []row, f *wxnotify.MessageFilter) (all int) {
	for i := range rows {
		for _, a := range rows[i].Attempts {
			if slices.Contains(f.Answers, a.Answer()) && !a.FinishedAt.Before(f.Since) && (f.Until.IsZero() || a.FinishedAt.Before(f.Until)) {
				rows[i].Said++
			}
		}
		all += rows[i].Said
	}
	return all
}

// templates are those of an app, or of all.
func (d *Door) templates(c *call, app string) (all []wxnotify.Template, err error) {
	for _, a := range c.Apps {
		if app != "" && a.ID != app {
			continue
		}
		ts, err := d.Admin.Templates(c.ctx(), a.ID)
		if err != nil {
			return nil, err
		}
		all = append(all, ts...)
	}
	slices.SortStableFunc(all, func(a, b wxnotify.Template) int { return strings.Compare(a.Title, b.Title) })
	return all, nil
}

func (c *call) rows(ms []wxnotify.Message, known []wxnotify.Template) []row {
	rows := make([]row, len(ms))
	for i, m := range ms {
		rows[i] = row{Message: m, Title: titleOf(known, m.App, m.TemplateID)}
		if n := len(m.Attempts); n > 0 {
			last := m.Attempts[n-1]
			if last.Errcode != nil && m.State != wxnotify.Sent && m.State != wxnotify.Delivered {
				rows[i].Errcode = *last.Errcode
			}
			if !last.FinishedAt.IsZero() {
				rows[i].Took = c.Span(last.FinishedAt.Sub(m.CreatedAt))
			}
		}
	}
	return rows
}

// titleOf is what people call a template; its id where nothing better is known.
func titleOf(known []wxnotify.Template, app, id string) string {
	if t := templateOf(known, app, id); t != nil && t.Title != "" {
		return t.Title
	}
	return id
}

func templateOf(known []wxnotify.Template, app, id string) *wxnotify.Template {
	for i, t := range known {
		if t.App == app && (t.ID == id || t.Alias == id) {
			return &known[i]
		}
	}
	return nil
}

// chips are the filters that are on and have no field of their own.
func (c *call) chips() (chips []chip) {
	for _, name := range filterNames {
		if v := c.query.Get(name); v != "" && name != "app" {
			x := chip{Name: c.T("filter_" + name), Off: c.With(name, "", "cursor", "")}
			switch name {
			case "from", "to", "at":
				x.At = instant(v)
			default:
				x.Value = c.chipValue(name, v)
			}
			chips = append(chips, x)
		}
	}
	return chips
}

func (c *call) chipValue(name, v string) string {
	switch name {
	case "state", "reason", "channel":
		return c.Word(name, v)
	case "group":
		return c.Word("state", v)
	case "open", "by", "usable":
		return ""
	case "errcode":
		if v == "0" {
			return c.T("none")
		}
	case "answer":
		all := strings.Split(v, ",")
		for i, said := range all {
			all[i] = c.answerName(said)
		}
		return strings.Join(all, ", ")
	case "range":
		return c.T("range_" + v)
	}
	return v
}
