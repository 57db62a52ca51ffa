package gateway

import (
	"context"
	"time"

	"github.com/wxnotify/wxnotify"
)

// idHeader names our message beside WeChat's answer.
const idHeader = "Wxnotify-Message-Id"

// POST /cgi-bin/message/wxopen/template/send
//
// Without form_id the ledger chooses one.
func (g *Gateway) sendTemplate(c *call) ([]byte, error) { return g.send(c, wxnotify.ChannelTemplate) }

// POST /cgi-bin/message/subscribe/send
func (g *Gateway) sendSubscribe(c *call) ([]byte, error) {
	return g.send(c, wxnotify.ChannelSubscribe)
}

func (g *Gateway) send(c *call, ch wxnotify.Channel) ([]byte, error) {
	v, err := g.enter(c)
	if err != nil {
		return nil, err
	}
	raw, err := c.body()
	if err != nil {
		return nil, err
	}
	d, err := readSend(raw)
	if err != nil {
		return nil, err
	}
	if d.App, d.Channel = v.app.ID, ch; ch == wxnotify.ChannelSubscribe {
		d.FormID = ""
	}
	if err := check(&d, v.app.Sandbox); err != nil {
		return nil, err
	}
	id, err := g.begin(c, v, &d)
	if wxnotify.CodeOf(err) == wxnotify.CommitUnknown {
		return nil, say(unknown)
	}
	if err != nil {
		return nil, err
	}
	c.w.Header().Set(idHeader, id)
	if v.queued {
		return accepted(""), nil
	}
	// The wait goes on when the caller has gone: somebody has to cancel what
	// cannot be started.
	m, err := g.finish(context.WithoutCancel(c.Context()), v.app.ID, id)
	if err != nil {
		_ = g.explain(c, err) // logged; what became of the message is not known
		return nil, say(unknown)
	}
	return answer(&m)
}

// check refuses what cannot be kept, because it cannot be what it should. All
// else is for WeChat to say.
func check(d *wxnotify.Draft, sandbox bool) error {
	switch {
	case !wxnotify.ValidOpenID(d.To):
		return say(40003)
	case !wxnotify.ValidTemplateID(d.TemplateID):
		return say(40037)
	case d.FormID == "":
		return nil
	}
	return wxnotify.CheckCode(d.FormID, sandbox)
}

// finish waits for the message to come to rest. When the wait is over it
// cancels what nothing is on its way of.
func (g *Gateway) finish(ctx context.Context, app, id string) (wxnotify.Message, error) {
	wait, cancel := context.WithTimeout(ctx, g.wait)
	defer cancel()
	m, err := g.Box.Wait(wait, app, id)
	if err != nil || m.State.AtRest() {
		return m, err
	}
	switch err := g.Box.Cancel(ctx, app, id); wxnotify.CodeOf(err) {
	case wxnotify.MessageInFlight, wxnotify.MessageAtRest:
	default:
		if err != nil {
			return m, err
		}
	}
	return g.Reader.Message(ctx, app, id)
}

// halted is why no new send is begun now; nil: nothing stands against it.
func (g *Gateway) halted(c *call, v visitor, d *wxnotify.Draft) error {
	switch {
	case g.stopping():
		return wxnotify.Refuse(wxnotify.Draining, "this node is stopping")
	case v.queued:
		return nil
	}
	return g.paused(c.Context(), d, c.now.Real)
}

// paused answers at once what a message would wait for in vain: a caller who
// hangs for seconds at every send is worse off than with WeChat itself, which
// refuses quickly. A pause that is to be probed lets messages through.
func (g *Gateway) paused(ctx context.Context, d *wxnotify.Draft, now time.Time) error {
	all, err := g.Admin.Pauses(ctx, d.App)
	if err != nil {
		return err
	}
	for _, p := range all {
		probed := !p.Probe.IsZero() && !now.Before(p.Probe)
		if !probed && (p.Scope == "all" || p.Scope == string(d.Channel) || p.Scope == d.TemplateID) {
			return inWords(p)
		}
	}
	return nil
}

// inWords is a pause in WeChat's words, where its reason has some.
func inWords(p wxnotify.Pause) saying {
	switch p.Reason {
	case "quota":
		return say(45009)
	case string(wxnotify.ReasonChannelRetired):
		return say(45103)
	}
	return say(busy, "sending is paused: "+p.Reason)
}
