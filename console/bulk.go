package console

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wxnotify/wxnotify"
)

// Work on many messages: the page tells how many there are, and asks. Then it
// asks for one bite after the other and shows how far it came. Each request is
// whole in itself, so any node can do it, and when the page is closed the work
// stops after the bite that runs.
const (
	bulkBite  = 100    // messages in one request
	bulkAhead = 32     // of them at once: they meet in one commit
	bulkMost  = 10_000 // how far is counted beforehand
)

// The things that can be done to many.
const (
	doRetry  = "retry"  // send again, each at most once
	doCancel = "cancel" // what has not started
	doDrop   = "drop"   // seen to, nothing else
)

// bulkPage asks, works and reports.
type bulkPage struct {
	*frame
	Do      string
	Filter  url.Values // of the messages, or
	IDs     []string   // these
	Total   int
	More    bool // there may be more than were counted
	Done    int
	Skipped int
	Failed  int
	Cursor  string
	Over    bool
	Codes   []codeCount // why some failed
	Return  string
	See     string // the list of what it is about
}

type codeCount struct {
	Text string
	N    int
}

// GET /console/bulk?do=retry&state=failed…
func (d *Door) bulk(c *call) (any, error) {
	p, err := c.bulkOf(c.query)
	if err != nil {
		return nil, err
	}
	c.Here = "messages"
	if p.Return = c.Q("return"); !Owns(p.Return) {
		p.Return = Root + "/messages?" + filterOf(c.query).Encode()
	}
	if p.Total = len(p.IDs); p.Total == 0 {
		// What comes in from now on, what is sent again above all, is not meant;
		// and what is meant stays the same while the work goes on.
		f := p.filter(c)
		if p.Filter.Has("range") {
			p.Filter.Set("from", strconv.FormatInt(f.Since.Unix(), 10))
			p.Filter.Del("range")
		}
		if end := c.Now.Virtual.Unix() + 1; f.Until.IsZero() || f.Until.Unix() > end {
			p.Filter.Set("to", strconv.FormatInt(end, 10))
		}
		p.See = Root + "/messages?" + p.Filter.Encode()
		f = p.filter(c)
		if p.Total, p.More, err = d.Reader.CountMessages(c.ctx(), f, bulkMost); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// bulkOn is the address of work on what a filter finds. It is given to pages
// whole: a part of an address in a template is escaped, and finds everything.
func bulkOn(do string, filter url.Values) string {
	return Root + "/bulk?do=" + do + "&" + filter.Encode()
}

func (c *call) bulkOf(q url.Values) (bulkPage, error) {
	p := bulkPage{frame: c.frame, Do: q.Get("do"), Filter: filterOf(q), IDs: q["id"]}
	if !slices.Contains([]string{doRetry, doCancel, doDrop}, p.Do) || len(p.IDs) > 250 {
		return p, wxnotify.Refuse(wxnotify.NotFound, "there is no such work")
	}
	return p, nil
}

// filter is what of the page's filter the work concerns.
func (p *bulkPage) filter(c *call) wxnotify.MessageFilter {
	f := messageFilter(p.Filter, c.Now.Virtual)
	f.Limit = bulkBite
	return f
}

// POST /console/bulk does one bite.
func (d *Door) bulkBite(c *call) (any, error) {
	if err := c.r.ParseForm(); err != nil {
		return nil, wxnotify.Refuse(wxnotify.FieldInvalid, "the form cannot be read")
	}
	q := c.r.PostForm
	p, err := c.bulkOf(q)
	if err != nil {
		return nil, err
	}
	number := func(name string) int { n, _ := strconv.Atoi(q.Get(name)); return max(n, 0) }
	p.Total, p.Done, p.Skipped, p.Failed = number("total"), number("done"), number("skipped"), number("failed")
	p.More, p.Return = q.Get("more") == "1", q.Get("return")
	if q.Get("cursor") == "" { // the first bite
		if err := d.note(c, p.Filter.Get("app"), auditBulk, "", p.what()); err != nil {
			return nil, err
		}
	}
	batch, err := d.bite(c, &p, q.Get("cursor"))
	if err != nil {
		return nil, err
	}
	d.work(c, &p, batch)
	p.Over = p.Cursor == ""
	return p, nil
}

// what is done, for the audit log: no value of meta and no openid is in it.
func (p *bulkPage) what() string {
	parts := []string{p.Do, strconv.Itoa(p.Total)}
	for _, name := range []string{"state", "group", "reason", "errcode", "channel", "template_id"} {
		if v := p.Filter.Get(name); v != "" {
			parts = append(parts, name+"="+v)
		}
	}
	return strings.Join(parts, " ")
}

// bite reads the messages of one request.
func (d *Door) bite(c *call, p *bulkPage, cursor string) (batch []wxnotify.Message, err error) {
	if len(p.IDs) == 0 {
		f := p.filter(c)
		f.Cursor = cursor
		batch, p.Cursor, err = d.Reader.Messages(c.ctx(), f)
		return batch, err
	}
	for _, id := range p.IDs {
		m, err := d.Reader.Message(c.ctx(), "", id)
		if wxnotify.CodeOf(err) == wxnotify.NotFound {
			p.Skipped++
			continue
		}
		if err != nil {
			return nil, err
		}
		batch = append(batch, m)
	}
	return batch, nil
}

// fits says whether what is to be done makes sense for the message. What may
// have arrived is sent again only where it was meant by name.
func (p *bulkPage) fits(m *wxnotify.Message) bool {
	switch p.Do {
	case doCancel:
		return !m.State.AtRest()
	case doDrop:
		return m.State == wxnotify.Failed || m.State == wxnotify.Unknown
	}
	switch m.State {
	case wxnotify.Failed, wxnotify.Expired, wxnotify.Canceled:
		return true
	case wxnotify.Unknown:
		return len(p.IDs) > 0 || p.Filter.Get("state") == string(wxnotify.Unknown)
	}
	return false
}

func (d *Door) work(c *call, p *bulkPage, batch []wxnotify.Message) {
	ctx, cancel := context.WithTimeout(c.ctx(), 30*time.Second)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(bulkAhead)
	var mu sync.Mutex
	why := map[string]int{}
	handled := map[string][]string{}
	for _, m := range batch {
		if !p.fits(&m) {
			p.Skipped++
			continue
		}
		g.Go(func() error {
			err := d.doOne(ctx, p.Do, &m)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				p.Failed++
				why[c.why(err)]++
				return nil
			}
			p.Done++
			if p.Do != doCancel {
				handled[m.App] = append(handled[m.App], m.ID)
			}
			return nil
		})
	}
	_ = g.Wait()
	for app, ids := range handled {
		if _, err := d.Admin.Handle(ctx, app, ids, false); err != nil {
			p.Failed += len(ids)
			p.Done -= len(ids)
			why[c.why(err)] += len(ids)
		}
	}
	for text, n := range why {
		p.Codes = append(p.Codes, codeCount{text, n})
	}
	slices.SortFunc(p.Codes, func(a, b codeCount) int { return b.N - a.N })
}

func (d *Door) doOne(ctx context.Context, do string, m *wxnotify.Message) error {
	switch do {
	case doRetry:
		_, err := d.Box.Retry(ctx, m.App, m.ID)
		return err
	case doCancel:
		return d.Box.Cancel(ctx, m.App, m.ID)
	}
	return nil
}

// why is an error in the reader's language.
func (c *call) why(err error) string {
	code := wxnotify.CodeOf(err)
	if code == "" {
		code = wxnotify.Internal
	}
	if c.Lang == "zh" {
		return wxnotify.Codes[code].Zh
	}
	return wxnotify.Codes[code].En
}
