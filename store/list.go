package store

import (
	"cmp"
	"context"
	"crypto/hmac"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
)

// Lists are newest first, which is by id, since ids grow with time. A cursor is
// the last id that was shown, signed together with the filter.

// Messages returns a page of messages with their attempts, and the cursor of
// the next page, "" after the last. An altered cursor, or one of another
// filter, is cursor_invalid.
func (s *Store) Messages(ctx context.Context, f wxnotify.MessageFilter) ([]wxnotify.Message, string, error) {
	sum := s.hashed("messages", f.App, f.To, string(f.State), f.TemplateID, string(f.Reason), string(f.Channel),
		fmt.Sprint(f.Errcode), fmt.Sprint(f.Open, f.Taken, f.Rested), f.Answer, fmt.Sprint(ms(f.Since)), fmt.Sprint(ms(f.Until)), metaText(f.Meta))
	before, err := s.openCursor(f.Cursor, sum)
	if err != nil {
		return nil, "", err
	}
	var page []wxnotify.Message
	err = s.look(ctx, "list messages", func(ctx context.Context) error {
		apps, err := s.listApps(ctx, f.App)
		if err != nil {
			return err
		}
		for _, app := range apps {
			some, err := s.messagesOf(ctx, app, f, before)
			if err != nil {
				return err
			}
			page = append(page, some...)
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	slices.SortFunc(page, func(a, b wxnotify.Message) int { return -cmp.Compare(a.ID, b.ID) })
	page, next := cut(s, page, f.Limit, sum, func(m wxnotify.Message) string { return m.ID })
	return page, next, nil
}

func (s *Store) listApps(ctx context.Context, app string) ([]string, error) {
	if app != "" {
		return []string{app}, nil
	}
	return s.appIDs(ctx)
}

// cut takes the page's limit off and makes the cursor if there is more.
func cut[T any](s *Store, page []T, limit int, sum string, id func(T) string) ([]T, string) {
	limit = cmp.Or(limit, 50)
	if len(page) <= limit {
		return page, ""
	}
	return page[:limit], s.cursor(id(page[limit-1]), sum)
}

func (s *Store) cursor(id, sum string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(id + "." + s.hashed("cursor", id, sum)))
}

func (s *Store) openCursor(cursor, sum string) (id string, err error) {
	if cursor == "" {
		return "", nil
	}
	b, ours := wxnotify.DecodeText(cursor)
	id, mark, ok := strings.Cut(string(b), ".")
	if !ours || !ok || !hmac.Equal([]byte(mark), []byte(s.hashed("cursor", id, sum))) {
		return "", wxnotify.Refuse(wxnotify.CursorInvalid, "this is no cursor of this list with this filter")
	}
	return id, nil
}

// A where collects conditions with their places, numbered in order of use.
type where struct {
	b    strings.Builder
	args []any
}

// and adds a condition; each ? in it becomes the place of the next argument.
func (q *where) and(cond string, args ...any) {
	q.add(" and "+cond, args...)
}

func (q *where) add(text string, args ...any) {
	for _, a := range args {
		q.args = append(q.args, a)
		text = strings.Replace(text, "?", fmt.Sprintf("$%d", len(q.args)), 1)
	}
	q.b.WriteString(text)
}

func (s *Store) messagesOf(ctx context.Context, app string, f wxnotify.MessageFilter, before string) ([]wxnotify.Message, error) {
	q, key, err := s.matching(ctx, app, f, before)
	if err != nil {
		return nil, err
	}
	q.add(` order by `+key+` desc limit ?`, cmp.Or(f.Limit, 50)+1)
	return s.readMessages(ctx, q.b.String(), q.args...)
}

// matching writes the tables and conditions of a filter, and says by which
// column its list is ordered.
func (s *Store) matching(ctx context.Context, app string, f wxnotify.MessageFilter, before string) (q *where, key string, err error) {
	q = new(where)
	if key, err = s.chooseIndex(ctx, q, app, f); err != nil {
		return nil, "", err
	}
	if before != "" {
		q.and(key+` < ?`, before)
	}
	for _, c := range []struct{ column, value string }{
		{"q.openid", f.To}, {"q.state", string(f.State)}, {"q.reason", string(f.Reason)},
		{"m.template_id", f.TemplateID}, {"m.channel", string(f.Channel)},
	} {
		if c.value != "" {
			q.and(c.column+` = ?`, c.value)
		}
	}
	if f.Open {
		q.and(`q.handled = 0 and (q.state = 'failed' or q.state = 'unknown')`)
	}
	if f.Errcode != 0 {
		q.and(`exists (select 1 from attempt t where t.app = q.app and t.message = q.id and t.number = q.number and t.errcode = ?)`, f.Errcode)
	}
	if f.Taken {
		q.and(`q.state in ('sent', 'delivered')`)
	}
	if f.Rested {
		q.and(`q.state in ('sent', 'delivered', 'failed', 'expired', 'canceled', 'unknown')`)
	}
	s.between(q, key, f)
	names := slices.Sorted(maps.Keys(f.Meta))
	for _, name := range names {
		q.and(`exists (select 1 from message_meta x where x.app = m.app and x.name = ? and x.value = ? and x.id = m.id)`, name, f.Meta[name])
	}
	return q, key, nil
}

// CountMessages counts what a list would hold, as far as most.
func (s *Store) CountMessages(ctx context.Context, f wxnotify.MessageFilter, most int) (n int, err error) {
	err = s.look(ctx, "count messages", func(ctx context.Context) error {
		apps, err := s.listApps(ctx, f.App)
		if err != nil {
			return err
		}
		for _, app := range apps {
			q, _, err := s.matching(ctx, app, f, "")
			if err != nil {
				return err
			}
			some := 0
			q.add(` limit ?) x`, most-n)
			if err := s.each(ctx, func(r scanner) error { return r.Scan(&some) },
				`select count(*) from (select 1`+q.b.String(), q.args...); err != nil {
				return err
			}
			if n += some; n >= most {
				return nil
			}
		}
		return nil
	})
	return n, err
}

// between adds the bounds of time. Ids are made on the real clock, all else is
// told on the virtual one, which may be ahead: the ids bound the scan, the
// columns decide.
func (s *Store) between(q *where, key string, f wxnotify.MessageFilter) {
	const slack = time.Minute // of clocks
	since, until, back := int64(0), int64(far), slack
	switch {
	case !f.Rested && f.Answer == "":
	case restIndex[f.State]:
		back += wxnotify.RestReach
	default:
		back += wxnotify.Reach
	}
	if !f.Since.IsZero() {
		since = ms(f.Since)
		if ahead := s.ahead.Load(); ahead >= 0 {
			q.and(key+` >= ?`, idAt(wxnotify.MessagePrefix, f.Since.Add(-back-time.Duration(ahead)*time.Millisecond)))
		}
	}
	if !f.Until.IsZero() {
		until = ms(f.Until)
		q.and(key+` < ?`, idAt(wxnotify.MessagePrefix, f.Until.Add(slack)))
	}
	if f.Answer != "" {
		said, of := `t.errcode = ?`, any(f.Answer)
		if n, err := strconv.Atoi(f.Answer); err == nil {
			of = n
		} else {
			said = `t.errcode is null and t.outcome = ?`
		}
		exists, args := `exists (select 1 from attempt t where t.app = q.app and t.message = q.id and `+said+`
			and t.finished_at >= ? and t.finished_at < ?)`, []any{of, since, until}
		if of == 0 { // see record: most have no row in attempt
			exists, args = `(q.finished_at > 0 and q.finished_at >= ? and q.finished_at < ? or `+exists+`)`, append([]any{since, until}, args...)
		} else {
			exists = `q.finished_at = 0 and ` + exists
		}
		q.and(`q.number > 0 and `+exists, args...)
	}
	switch {
	case f.Rested:
		q.and(`q.updated_at >= ? and q.updated_at < ?`, since, until)
	case f.Answer == "" && (since > 0 || until < far):
		q.and(`m.created_at >= ? and m.created_at < ?`, since, until)
	}
}

// chooseIndex writes the tables in the order in which they are to be read,
// beginning with the one whose index fits the filter best, and returns the
// column that orders the list there.
func (s *Store) chooseIndex(ctx context.Context, q *where, app string, f wxnotify.MessageFilter) (key string, err error) {
	const permits = ` left join permit p on p.app = q.app and p.id = q.permit`
	switch {
	case f.To != "":
		q.add(` from message m cross join queue q`+permits+` where m.app = ? and m.openid = ? and q.app = m.app and q.id = m.id`, app, f.To)
		return "m.id", nil
	case len(f.Meta) > 0:
		name := slices.Sorted(maps.Keys(f.Meta))[0]
		q.add(` from message_meta n cross join queue q cross join message m`+permits+`
			where n.app = ? and n.name = ? and n.value = ? and q.app = n.app and q.id = n.id and m.app = n.app and m.id = n.id`, app, name, f.Meta[name])
		return "n.id", nil
	}
	if f.Open && (f.State == wxnotify.Failed || f.State == wxnotify.Unknown) {
		q.add(` from queue q cross join message m`+permits+`
			where q.app = ? and q.state = '`+string(f.State)+`' and q.handled = 0 and m.app = q.app and m.id = q.id`, app)
		return "q.id", nil
	}
	few, err := s.few(ctx, app, f.State)
	if err != nil {
		return "", err
	}
	if !few && (f.Rested || f.Answer != "") { // decided without the message's other half
		q.add(` from queue q cross join message m`+permits+` where q.app = ? and m.app = q.app and m.id = q.id`, app)
		return "q.id", nil
	}
	if few {
		q.add(` from queue q cross join message m`+permits+`
			where q.app = ? and q.state = '`+string(f.State)+`' and m.app = q.app and m.id = q.id`, app)
		return "q.id", nil
	}
	q.add(` from message m cross join queue q`+permits+` where m.app = ? and q.app = m.app and q.id = m.id`, app)
	return "m.id", nil
}

// restIndex are the states that the index queue_rest has.
var restIndex = map[wxnotify.State]bool{wxnotify.Failed: true, wxnotify.Expired: true, wxnotify.Canceled: true, wxnotify.Unknown: true}

// few says whether a list by state should begin with the messages in that
// state: there is an index, and not so many that sorting them costs more than
// walking through all messages from the newest.
func (s *Store) few(ctx context.Context, app string, state wxnotify.State) (bool, error) {
	const many = 5000
	if restIndex[state] {
		return true, nil // the index is in the order of the list
	}
	switch state {
	case wxnotify.Scheduled, wxnotify.Waiting, wxnotify.Queued, wxnotify.Sending, wxnotify.Unsure:
	default:
		return false, nil
	}
	n := 0
	err := s.each(ctx, func(r scanner) error { return r.Scan(&n) },
		`select count(*) from (select 1 from queue where app = $1 and state = '`+string(state)+`' limit $2) x`, app, many)
	return n < many, err
}

// Permits returns a page of permits, and the cursor of the next one. Codes are
// not in it.
func (s *Store) Permits(ctx context.Context, f wxnotify.PermitFilter) ([]wxnotify.Permit, string, error) {
	sum := s.hashed("permits", f.App, f.To, string(f.Source), string(f.State), fmt.Sprint(ms(f.EndsFrom), ms(f.EndsTo), f.Lasting))
	before, err := s.openCursor(f.Cursor, sum)
	if err != nil {
		return nil, "", err
	}
	rising, after, order := !f.EndsFrom.IsZero(), ` < ?`, ` desc`
	if rising {
		after, order = ` > ?`, ``
	}
	var page []wxnotify.Permit
	err = s.look(ctx, "list permits", func(ctx context.Context) error {
		apps, err := s.listApps(ctx, f.App)
		if err != nil {
			return err
		}
		for _, app := range apps {
			var q where
			q.add(` where p.app = ?`, app)
			if rising {
				s.endsBetween(&q, f)
			}
			if f.Lasting {
				q.and(`p.expires_at >= ?`, int64(far))
			}
			if before != "" {
				q.and(`p.id`+after, before)
			}
			for _, c := range []struct{ column, value string }{
				{"p.openid", f.To}, {"p.source", string(f.Source)}, {"p.state", string(f.State)},
			} {
				if c.value != "" {
					q.and(c.column+` = ?`, c.value)
				}
			}
			q.add(` order by p.id`+order+` limit ?`, cmp.Or(f.Limit, 50)+1)
			if err := s.each(ctx, func(r scanner) error {
				p, err := scanPermit(r)
				page = append(page, p.Permit)
				return err
			}, `select `+permitColumns+` from permit p`+q.b.String(), q.args...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	slices.SortFunc(page, func(a, b wxnotify.Permit) int {
		if rising {
			return cmp.Compare(a.ID, b.ID)
		}
		return -cmp.Compare(a.ID, b.ID)
	})
	page, next := cut(s, page, f.Limit, sum, func(p wxnotify.Permit) string { return p.ID })
	return page, next, nil
}

// endsBetween bounds the deadline. No index has it; but what ends then was not
// handed in longer before than a permit lasts, and the list begins there.
func (s *Store) endsBetween(q *where, f wxnotify.PermitFilter) {
	lasts := time.Duration(0)
	for _, rule := range wxnotify.Rules {
		lasts = max(lasts, rule.Lasts)
	}
	if ahead := s.ahead.Load(); ahead >= 0 {
		lasts += time.Duration(ahead)*time.Millisecond + time.Minute
		q.and(`p.id >= ?`, idAt(wxnotify.PermitPrefix, f.EndsFrom.Add(-lasts)))
	}
	q.and(`p.id < ?`, idAt(wxnotify.PermitPrefix, f.EndsTo.Add(time.Minute)))
	q.and(`p.expires_at >= ? and p.expires_at < ?`, ms(f.EndsFrom), ms(f.EndsTo))
}
