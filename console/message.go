package console

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/wechat"
)

// messagePage is one message: what the user sees, what happened, and why.
type messagePage struct {
	*frame
	M        wxnotify.Message
	Title    string
	Card     string // for card.js, as JSON; "": the content is gone
	Body     string // as it is posted to WeChat, without the permit's code
	Curl     string
	Steps    []event
	Wave     []piece
	Took     time.Duration // from accepted to rest, or to now
	Answers  []answer
	Stock    wxnotify.Stock
	Others   []row
	CanSend  bool
	CanStop  bool
	Resolves bool
	Unsure   bool // a second copy may arrive if it is sent again
	Needs    bool // it needs attention
	Seen     bool // it did, until somebody saw to it
}

// An event is a line of the timeline.
type event struct {
	At   time.Time
	Tone string
	Name string
	Text string
	Code int    // errcode
	Took string // beside it
}

// A piece is a part of the waterfall, in percent of the whole.
type piece struct {
	X, W, Tone, Title string
}

// An answer is what WeChat said to an attempt, with its meaning.
type answer struct {
	wxnotify.Attempt
	Took    time.Duration
	Known   bool
	Means   string
	Raw     string
	Outcome string
}

// GET /console/messages/{id}
func (d *Door) message(c *call) (any, error) {
	m, err := d.Reader.Message(c.ctx(), "", c.r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if m.Body != nil && c.r.Header.Get("Hx-Request") == "" { // a page that looks again is the same reading
		if err := d.note(c, m.App, auditRead, m.ID, ""); err != nil {
			return nil, err
		}
	}
	p := messagePage{frame: c.frame, M: m}
	c.Here = "messages"
	known, err := d.Admin.Templates(c.ctx(), m.App)
	if err != nil {
		return nil, err
	}
	p.Title = titleOf(known, m.App, m.TemplateID)
	p.content(c, known)
	p.Answers = c.answers(m.Attempts)
	p.tell(c)
	if p.Stock, err = d.Ledger.Stock(c.ctx(), m.App, m.To); err != nil {
		return nil, err
	}
	others, _, err := d.Reader.Messages(c.ctx(), wxnotify.MessageFilter{App: m.App, To: m.To, Limit: 7})
	if err != nil {
		return nil, err
	}
	others = slices.DeleteFunc(others, func(o wxnotify.Message) bool { return o.ID == m.ID })
	p.Others = c.rows(others, known)
	if m.State == wxnotify.Failed || m.State == wxnotify.Unknown {
		if p.Needs, err = d.Reader.IsOpen(c.ctx(), m.App, m.ID); err != nil {
			return nil, err
		}
		p.Seen = !p.Needs
	}
	p.CanSend = m.State.AtRest() && m.Body != nil
	p.CanStop = m.State == wxnotify.Scheduled || m.State == wxnotify.Waiting || m.State == wxnotify.Queued
	p.Resolves = m.State == wxnotify.Unknown || m.State == wxnotify.Unsure
	p.Unsure = m.State == wxnotify.Unknown || m.State == wxnotify.Sent || m.State == wxnotify.Delivered
	return p, nil
}

// A body is what is posted to WeChat.
type body struct {
	Page     string           `json:"page"`
	Data     map[string]datum `json:"data"`
	Emphasis string           `json:"emphasis_keyword"`
	Lang     string           `json:"lang"`
}

type datum struct {
	Value string `json:"value"`
	Color string `json:"color,omitempty"`
}

// A cardData is what card.js takes.
type cardData struct {
	Template struct {
		Title    string             `json:"title"`
		App      string             `json:"app"`
		Keywords []wxnotify.Keyword `json:"keywords"`
	} `json:"template"`
	Message struct {
		Data     map[string]datum `json:"data"`
		Emphasis string           `json:"emphasis_keyword"`
		Page     string           `json:"page"`
		Time     int64            `json:"time"`
		Lang     string           `json:"lang"`
	} `json:"message"`
	Era string `json:"era"`
}

// content prepares the card and the body.
func (p *messagePage) content(c *call, known []wxnotify.Template) {
	if p.M.Body == nil {
		return
	}
	p.Card = c.card(p.M.App, p.M.Channel, templateOf(known, p.M.App, p.M.TemplateID), p.Title, p.M.Body, p.M.UpdatedAt)
	var b bytes.Buffer
	if json.Indent(&b, p.M.Body, "", "  ") == nil {
		p.Body = b.String()
	}
	at := "http://" + c.r.Host
	if c.r.TLS != nil {
		at = "https://" + c.r.Host
	}
	p.Curl = "curl " + at + `/v1/messages -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d @- <<'EOF'` + "\n" + string(p.M.Body) + "\nEOF"
}

// card is the JSON for card.js of a body as it goes to WeChat.
func (c *call) card(app string, ch wxnotify.Channel, t *wxnotify.Template, title string, raw []byte, at time.Time) string {
	var in body
	if json.Unmarshal(raw, &in) != nil {
		return ""
	}
	out := cardData{Era: "ios2018"}
	if ch == wxnotify.ChannelSubscribe {
		out.Era = "today"
	}
	out.Template.Title, out.Template.App = title, c.AppName(app)
	if t != nil {
		out.Template.Keywords = t.Keywords
	}
	if len(out.Template.Keywords) == 0 { // not known: the names of data stand for the labels
		out.Template.Keywords = []wxnotify.Keyword{}
		for key := range in.Data {
			out.Template.Keywords = append(out.Template.Keywords, wxnotify.Keyword{Key: key, Name: key})
		}
		slices.SortFunc(out.Template.Keywords, func(a, b wxnotify.Keyword) int { return len(a.Key) - len(b.Key) + 2*compare(a.Key, b.Key) })
	}
	out.Message.Data, out.Message.Emphasis, out.Message.Page, out.Message.Time = in.Data, in.Emphasis, in.Page, at.UnixMilli()
	if out.Message.Lang = in.Lang; in.Lang == "" && c.Lang == "en" && ch == wxnotify.ChannelSubscribe {
		out.Message.Lang = "en_US"
	}
	b, err := json.Marshal(out)
	if err != nil {
		return ""
	}
	return string(b)
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (c *call) answers(attempts []wxnotify.Attempt) []answer {
	out := make([]answer, len(attempts))
	for i, a := range attempts {
		out[i] = answer{Attempt: a, Outcome: string(a.Outcome)}
		if a.Outcome == "" {
			out[i].Outcome = "flying"
		}
		if !a.FinishedAt.IsZero() {
			out[i].Took = a.FinishedAt.Sub(a.StartedAt)
		}
		if a.Errcode == nil {
			continue
		}
		if code, ok := wechat.Lookup(*a.Errcode); ok {
			out[i].Known = true
			out[i].Means = code.En
			if c.Lang == "zh" {
				out[i].Means = code.Zh
			}
		}
		raw := map[string]any{"errcode": *a.Errcode, "errmsg": a.Errmsg}
		if a.RID != "" {
			raw["rid"] = a.RID
		}
		if a.MsgID != "" {
			raw["msgid"] = json.Number(a.MsgID)
		}
		b, _ := json.MarshalIndent(raw, "", "  ")
		out[i].Raw = string(b)
	}
	return out
}

// tell draws the timeline and the waterfall.
func (p *messagePage) tell(c *call) {
	m := &p.M
	end := m.UpdatedAt
	if !m.State.AtRest() {
		end = c.Now.Virtual
	}
	p.Took = max(end.Sub(m.CreatedAt), 0)
	add := func(e event) { p.Steps = append(p.Steps, e) }
	add(event{At: m.CreatedAt, Tone: "ok", Name: c.T("step_accepted"), Text: c.T("step_accepted_text")})
	if m.SendAt.After(m.CreatedAt) {
		add(event{At: m.SendAt, Tone: "info", Name: c.T("step_due")})
	}
	for i, a := range p.Answers {
		e := event{At: a.StartedAt, Tone: c.Tone(a.Outcome), Name: c.T("step_attempt", "n", a.Number), Text: c.Word("outcome", a.Outcome) + " · " + a.Node}
		if a.Errcode != nil {
			e.Code = *a.Errcode
		}
		if e.Code != 0 {
			e.Text = p.Answers[i].Means
		}
		if !a.FinishedAt.IsZero() {
			e.Took = c.Span(a.Took)
		}
		add(e)
	}
	switch {
	case m.State.AtRest():
		e := event{At: m.UpdatedAt, Tone: c.Tone(m.State), Name: c.Word("state", m.State), Took: "+" + c.Span(p.Took)}
		if m.Reason != "" {
			e.Text = c.T("reason_text_" + string(m.Reason))
		} else if m.Evidence != "" {
			e.Text = c.Word("evidence", m.Evidence)
		}
		add(e)
	default:
		add(event{At: m.UpdatedAt, Tone: c.Tone(m.State), Name: c.Word("state", m.State), Text: c.T("state_text_" + string(m.State))})
	}
	slices.SortStableFunc(p.Steps, func(a, b event) int { return a.At.Compare(b.At) })
	p.wave(c)
}

// wave is where the time went: waiting, then each call.
func (p *messagePage) wave(c *call) {
	if p.Took <= 0 || len(p.Answers) == 0 {
		return
	}
	at := p.M.CreatedAt
	add := func(to time.Time, tone, title string) {
		if to.Before(at) {
			return
		}
		x := 100 * at.Sub(p.M.CreatedAt).Seconds() / p.Took.Seconds()
		w := 100 * to.Sub(at).Seconds() / p.Took.Seconds()
		p.Wave = append(p.Wave, piece{percent(x), percent(max(w, .4)), tone, title + " " + c.Span(to.Sub(at))})
		at = to
	}
	for i, a := range p.Answers {
		if i == 0 {
			add(a.StartedAt, "info", c.T("wave_queue"))
		} else {
			add(a.StartedAt, "mut", c.T("wave_pause"))
		}
		end := a.FinishedAt
		if end.IsZero() {
			end = p.M.CreatedAt.Add(p.Took)
		}
		add(end, c.Tone(a.Outcome), c.T("step_attempt", "n", a.Number))
	}
}

func percent(v float64) string { return strconv.FormatFloat(min(max(v, 0), 100), 'f', 2, 64) + "%" }

// found is the message that the path names.
func (d *Door) found(c *call) (wxnotify.Message, error) {
	return d.Reader.Message(c.ctx(), "", c.r.PathValue("id"))
}

// POST /console/messages/{id}/resend
func (d *Door) resendMessage(c *call) (string, error) {
	m, err := d.found(c)
	if err != nil {
		return "", err
	}
	if err := d.note(c, m.App, auditResend, m.ID, ""); err != nil {
		return "", err
	}
	r, err := d.Box.Resend(c.ctx(), m.App, m.ID)
	if err != nil {
		return "", err
	}
	if _, err := d.Admin.Handle(c.ctx(), m.App, []string{m.ID}, false); err != nil {
		return "", err
	}
	return d.done(c, Root+"/messages/"+url.PathEscape(r.ID), c.T("note_resent"))
}

// POST /console/messages/{id}/cancel
func (d *Door) cancelMessage(c *call) (string, error) {
	m, err := d.found(c)
	if err == nil {
		err = d.note(c, m.App, auditCancel, m.ID, "")
	}
	if err == nil {
		err = d.Box.Cancel(c.ctx(), m.App, m.ID)
	}
	if err != nil {
		return "", err
	}
	return d.done(c, "", c.T("note_canceled"))
}

// POST /console/messages/{id}/resolve
func (d *Door) resolveMessage(c *call) (string, error) {
	m, err := d.found(c)
	if err == nil {
		err = d.note(c, m.App, wxnotify.AuditMessageResolve, m.ID, c.form("state"))
	}
	if err == nil {
		err = d.Box.Resolve(c.ctx(), m.App, m.ID, c.form("state") == "sent")
	}
	if err != nil {
		return "", err
	}
	return d.done(c, "", c.T("note_resolved"))
}

// POST /console/messages/{id}/handle
func (d *Door) handleMessage(c *call) (string, error) {
	m, err := d.found(c)
	if err == nil {
		err = d.note(c, m.App, auditHandle, m.ID, "")
	}
	if err == nil {
		_, err = d.Admin.Handle(c.ctx(), m.App, []string{m.ID}, c.form("open") == "1")
	}
	if err != nil {
		return "", err
	}
	return d.done(c, "", c.T("note_handled"))
}
