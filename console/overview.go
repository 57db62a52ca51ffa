package console

import (
	"github.com/wxnotify/wxnotify"
)

// overviewPage is the first look: what is under way, what stands still, what
// needs attention, and what came last.
type overviewPage struct {
	*frame
	Counts []stateCount
	Most   int
	Pauses []wxnotify.Pause
	Groups []causeRow
	Rows   []row
}

// A stateCount is how many messages stand in a state that does not last.
type stateCount struct {
	State wxnotify.State
	N     int
}

const (
	overviewMost  = 10_000 // how far messages under way are counted
	overviewRows  = 10
	overviewCause = 6
)

var underWay = []wxnotify.State{wxnotify.Queued, wxnotify.Sending, wxnotify.Unsure, wxnotify.Waiting, wxnotify.Scheduled}

// GET /console/
func (d *Door) overview(c *call) (any, error) {
	p := overviewPage{frame: c.frame, Most: overviewMost}
	for _, s := range underWay {
		n, err := d.Reader.CountMessages(c.ctx(), wxnotify.MessageFilter{App: c.App, State: s}, overviewMost)
		if err != nil {
			return nil, err
		}
		p.Counts = append(p.Counts, stateCount{s, n})
	}
	known, err := d.templates(c, c.App)
	if err != nil {
		return nil, err
	}
	if p.Pauses, err = d.pauses(c); err != nil {
		return nil, err
	}
	groups, err := d.Reader.Causes(c.ctx(), c.App, groupMost)
	if err != nil {
		return nil, err
	}
	for _, g := range groups[:min(len(groups), overviewCause)] {
		p.Groups = append(p.Groups, c.causeRow(g, known))
	}
	ms, _, err := d.Reader.Messages(c.ctx(), wxnotify.MessageFilter{App: c.App, Limit: overviewRows})
	p.Rows = c.rows(ms, known)
	return p, err
}
