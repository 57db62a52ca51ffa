package api

import (
	"unicode/utf8"

	"github.com/wxnotify/wxnotify"
)

// Messages is a page of messages, newest first.
type Messages struct {
	Data []Message `json:"data"`
	Next *string   `json:"next_cursor" doc:"For the next page; null on the last. A page before it may be shorter than the limit, even empty."`
}

// GET /v1/messages
func (d *Door) listMessages(c *call) (answer, error) {
	f, err := d.messageFilter(c)
	if err != nil {
		return answer{}, err
	}
	ms, next, err := d.Reader.Messages(c.Context(), f)
	if err != nil {
		return answer{}, err
	}
	out := Messages{Data: make([]Message, len(ms)), Next: null(next)}
	for i := range ms {
		out.Data[i] = show(&ms[i])
	}
	return ok(out)
}

func (d *Door) messageFilter(c *call) (f wxnotify.MessageFilter, err error) {
	q := c.query
	state, err1 := q.oneOf("state", states...)
	reason, err2 := q.oneOf("reason", reasons...)
	channel, err3 := q.oneOf("channel", "template", "subscribe")
	since, err4 := q.time("since")
	until, err5 := q.time("until")
	limit, err6 := q.limit()
	meta := q.prefixed("meta.")
	if err := firstError(err1, err2, err3, err4, err5, err6, checkOpenID("touser", q["touser"]), checkMeta(meta)); err != nil {
		return f, err
	}
	f = wxnotify.MessageFilter{
		To: q["touser"], State: wxnotify.State(state), TemplateID: q["template_id"], Reason: wxnotify.Reason(reason),
		Channel: wxnotify.Channel(channel), Meta: meta, Since: since, Until: until, Limit: limit, Cursor: q["cursor"],
	}
	if f.App, err = d.appFilter(c); err != nil || f.App == "" || f.TemplateID == "" {
		return f, err
	}
	t, err := d.known(c.Context(), f.App, f.TemplateID)
	if t != nil {
		f.TemplateID = t.ID
	}
	return f, err
}

// checkMeta holds what is searched for to what a message may carry.
func checkMeta(meta map[string]string) error {
	if len(meta) > wxnotify.MaxMeta {
		return wxnotify.RefuseField(wxnotify.OutOfRange, "meta", "at most %d names", wxnotify.MaxMeta)
	}
	for name, value := range meta {
		if utf8.RuneCountInString(name) > 40 || utf8.RuneCountInString(value) > 256 {
			return wxnotify.RefuseField(wxnotify.ValueTooLong, "meta."+cleanName(name), "a name has 1 to 40 characters, a value at most 256")
		}
	}
	return nil
}

// states and reasons are the words of the filters.
var (
	states  = []string{"scheduled", "waiting", "queued", "sending", "unsure", "sent", "delivered", "failed", "expired", "canceled", "unknown"}
	reasons = []string{
		"no_permit", "permit_used", "permit_dead", "refused_by_user", "refused_later", "operator", "openid_invalid", "template_invalid", "data_invalid",
		"page_invalid", "channel_retired", "account_blocked", "attempts", "deadline", "canceled", "unresolved", "erased", "internal",
	}
)
