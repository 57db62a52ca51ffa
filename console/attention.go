package console

import (
	"strconv"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/wechat"
)

// attentionPage is what failed, or is unknown, and nobody saw to: by cause,
// with its meaning and what the server does about it.
type attentionPage struct {
	*frame
	Groups  []causeRow
	Pauses  []wxnotify.Pause
	Gone    []wxnotify.Template // WeChat listed them until a few days ago
	Partial int                 // the newest so many were grouped; 0: all
}

// groupMost is how many messages of an app and a state are grouped, the newest
// first.
const groupMost = 2000

// goneFor is how long a template that disappeared at WeChat needs attention;
// the page of templates shows it for good.
const goneFor = 7 * 24 * time.Hour

type causeRow struct {
	wxnotify.CauseGroup
	Title  string
	Means  string
	Reason string
	Code   string
	Link   string // address of its messages
	Retry  string // of work on them
	Drop   string
}

// GET /console/attention
func (d *Door) attention(c *call) (any, error) {
	known, err := d.templates(c, c.App)
	if err != nil {
		return nil, err
	}
	p := attentionPage{frame: c.frame}
	for i := range known {
		if t := &known[i]; t.Gone && c.Now.Virtual.Sub(t.SyncedAt) < goneFor {
			p.Gone = append(p.Gone, *t)
		}
	}
	if p.Pauses, err = d.pauses(c); err != nil {
		return nil, err
	}
	p.Groups, p.Partial, err = d.causes(c, known, groupMost)
	return p, err
}

// causes groups what is open, the newest most of an app and a state; partial is
// most where that was not all.
func (d *Door) causes(c *call, known []wxnotify.Template, most int) (rows []causeRow, partial int, err error) {
	groups, err := d.Reader.Causes(c.ctx(), c.App, most)
	n := map[string]int{}
	for _, g := range groups {
		rows = append(rows, c.causeRow(g, known))
		if n[g.App+string(g.State)] += g.Messages; n[g.App+string(g.State)] >= most {
			partial = most
		}
	}
	return rows, partial, err
}

// causeRow says what a group means.
func (c *call) causeRow(g wxnotify.CauseGroup, known []wxnotify.Template) causeRow {
	r := causeRow{CauseGroup: g, Title: titleOf(known, g.App, g.TemplateID), Reason: string(g.Reason), Means: c.T("reason_text_" + string(g.Reason))}
	if code, ok := wechat.Lookup(g.Errcode); ok && g.Errcode != 0 {
		if r.Means = code.En; c.Lang == "zh" {
			r.Means = code.Zh
		}
	}
	q := filterOf(map[string][]string{
		"app": {g.App}, "state": {string(g.State)}, "reason": {string(g.Reason)}, "template_id": {g.TemplateID}, "open": {"1"},
		"errcode": {strconv.Itoa(g.Errcode)},
	})
	if g.Errcode != 0 {
		r.Code = strconv.Itoa(g.Errcode)
	}
	r.Link = Root + "/messages?" + q.Encode()
	q.Set("return", Root+"/attention")
	r.Retry, r.Drop = bulkOn(doRetry, q), bulkOn(doDrop, q)
	return r
}

// pauses of the chosen app, or of all.
func (d *Door) pauses(c *call) (all []wxnotify.Pause, err error) {
	for _, a := range c.Apps {
		if c.App != "" && c.App != a.ID {
			continue
		}
		ps, err := d.Admin.Pauses(c.ctx(), a.ID)
		if err != nil {
			return nil, err
		}
		all = append(all, ps...)
	}
	return all, nil
}
