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
// the next page, "" after the last. A page may be shorter than the limit, even
// empty, where many others lie between two that belong to the list. An altered
// cursor, or one of another filter, is cursor_invalid.
func (s *Store) Messages(ctx context.Context, f wxnotify.MessageFilter) ([]wxnotify.Message, string, error) {
	code := ""
	if f.Errcode != nil {
		code = strconv.Itoa(*f.Errcode)
	}
	sum := s.hashed("messages", f.App, f.To, string(f.State), f.TemplateID, string(f.Reason), string(f.Channel), string(f.Group), code,
		fmt.Sprint(f.Open, f.Rested), strings.Join(f.Answers, " "), fmt.Sprint(ms(f.Since)), fmt.Sprint(ms(f.Until)), fmt.Sprint(ms(f.UnderWay)), metaText(f.Meta))
	before, err := s.openCursor(f.Cursor, sum)
	if err != nil {
		return nil, "", err
	}
	var page []wxnotify.Message
	stopped := "" // the newest place where a part of the list ended because it was enough
	enough := time.Now().Add(s.stride.lasts)
	err = s.look(ctx, "list messages", func(ctx context.Context) error {
		apps, err := s.listApps(ctx, f.App)
		if err != nil {
			return err
		}
		for _, app := range apps {
			for _, f := range byState(f) {
				some, at, err := s.messagesOf(ctx, app, f, before, enough)
				if err != nil {
					return err
				}
				page, stopped = append(page, some...), max(stopped, at)
			}
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	slices.SortFunc(page, func(a, b wxnotify.Message) int { return -cmp.Compare(a.ID, b.ID) })
	page, next := cutAt(s, page, stopped, f.Limit, sum, func(m wxnotify.Message) string { return m.ID })
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

// cutAt is cut for a list of which a part may have ended at a place because it
// was enough: what lies behind that is for the next page.
func cutAt[T any](s *Store, page []T, stopped string, limit int, sum string, id func(T) string) ([]T, string) {
	page = slices.DeleteFunc(page, func(x T) bool { return id(x) < stopped })
	page, next := cut(s, page, limit, sum, id)
	if next == "" && stopped != "" {
		next = s.cursor(stopped, sum)
	}
	return page, next
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

// byState takes apart a filter that means several states, where each of them
// has an index of its own.
func byState(f wxnotify.MessageFilter) (all []wxnotify.MessageFilter) {
	states := wxnotify.Groups[f.Group].States
	if f.Open && f.Group == "" {
		states = openStates
	}
	for _, state := range states {
		if f.State != "" || state == wxnotify.Sent || state == wxnotify.Delivered {
			return []wxnotify.MessageFilter{f}
		}
		one := f
		one.State = state
		all = append(all, one)
	}
	if len(all) == 0 {
		return []wxnotify.MessageFilter{f}
	}
	return all
}

// messagesOf reads a page of one app and state, and where it ended because it
// was enough; "": it did not.
func (s *Store) messagesOf(ctx context.Context, app string, f wxnotify.MessageFilter, before string, enough time.Time) (page []wxnotify.Message, stopped string, err error) {
	stopped, err = s.through(ctx, app, f, before, cmp.Or(f.Limit, 50)+1, enough, func(x leg) (int, error) {
		q := matching(f, &x)
		q.add(` order by `+x.key+` desc limit ?`, x.most)
		some, err := s.readMessages(ctx, q.b.String(), q.args...)
		page = append(page, some...)
		return len(some), err
	})
	return page, stopped, err
}

// matching writes the tables, in the order in which they are to be read, and
// the conditions of a filter, for a leg of its list.
func matching(f wxnotify.MessageFilter, x *leg) *where {
	q := new(where)
	q.add(` from `+x.table+x.joins+` left join permit p on p.app = q.app and p.id = q.permit where `+x.where, x.args...)
	q.and(x.on)
	q.within(x)
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
	if f.Errcode != nil {
		q.and(`coalesce((select t.errcode from attempt t where t.app = q.app and t.message = q.id and t.number = q.number), 0) = ?`, *f.Errcode)
	}
	if rule, ok := wxnotify.Groups[f.Group]; ok {
		among(q, "q.state in", rule.States)
		if rule.Except {
			among(q, "q.reason not in", rule.Reasons)
		} else {
			among(q, "q.reason in", rule.Reasons)
		}
	}
	if f.Rested {
		q.and(`q.state ` + atRest)
	}
	q.between(f)
	if len(f.Answers) > 0 {
		q.answered(f)
	}
	names := slices.Sorted(maps.Keys(f.Meta))
	for _, name := range names {
		q.and(`exists (select 1 from message_meta x where x.app = m.app and x.name = ? and x.value = ? and x.id = m.id)`, name, f.Meta[name])
	}
	return q
}

// atRest is the condition of a state that is at rest.
const atRest = `in ('sent', 'delivered', 'failed', 'expired', 'canceled', 'unknown')`

// among adds a condition on some words, if there are any.
func among[T ~string](q *where, column string, words []T) {
	if len(words) == 0 {
		return
	}
	args := make([]any, len(words))
	for i, w := range words {
		args[i] = string(w)
	}
	q.and(column+holes(len(words)), args...)
}

// holes are the places of so many arguments.
func holes(n int) string { return " (?" + strings.Repeat(", ?", n-1) + ")" }

// CountMessages counts what a list would hold, as far as most, and as long as a
// list lasts. more says that there may be more than that.
func (s *Store) CountMessages(ctx context.Context, f wxnotify.MessageFilter, most int) (n int, more bool, err error) {
	enough := time.Now().Add(s.stride.lasts)
	err = s.look(ctx, "count messages", func(ctx context.Context) error {
		apps, err := s.listApps(ctx, f.App)
		if err != nil {
			return err
		}
		for _, app := range apps {
			for _, f := range byState(f) {
				stopped, err := s.through(ctx, app, f, "", most-n, enough, func(x leg) (int, error) {
					k, err := s.count(ctx, f, x)
					n += k
					return k, err
				})
				if err != nil {
					return err
				}
				if more = more || stopped != "" || n >= most; n >= most {
					return nil
				}
			}
		}
		return nil
	})
	return n, more, err
}

func (s *Store) count(ctx context.Context, f wxnotify.MessageFilter, x leg) (n int, err error) {
	q := matching(f, &x)
	q.add(` limit ?) x`, x.most)
	err = s.each(ctx, func(r scanner) error { return r.Scan(&n) }, `select count(*) from (select 1`+q.b.String(), q.args...)
	return n, err
}

// saidOneOf is the condition that an attempt ended in one of some ways, which
// are keys of Point.Answers.
func saidOneOf(answers []string) (cond string, args []any) {
	var codes, kinds []any
	for _, a := range answers {
		if n, err := strconv.Atoi(a); err == nil {
			codes = append(codes, n)
		} else {
			kinds = append(kinds, a)
		}
	}
	var parts []string
	if len(codes) > 0 {
		parts = append(parts, `t.errcode in`+holes(len(codes)))
	}
	if len(kinds) > 0 {
		parts = append(parts, `t.errcode is null and t.outcome in`+holes(len(kinds)))
	}
	return `(` + strings.Join(parts, ` or `) + `)`, append(codes, kinds...)
}

// answered adds that an attempt ended in one of a filter's ways. What WeChat
// took at the first attempt has no row in attempt (see record).
func (q *where) answered(f wxnotify.MessageFilter) {
	since, until := spanOf(f)
	said, args := saidOneOf(f.Answers)
	exists := `exists (select 1 from attempt t where t.app = q.app and t.message = q.id and ` + said + ` and t.finished_at >= ? and t.finished_at < ?)`
	args = append(args, since, until)
	if slices.Contains(f.Answers, "0") {
		q.and(`q.number > 0 and (q.finished_at > 0 and q.finished_at >= ? and q.finished_at < ? or `+exists+`)`, append([]any{since, until}, args...)...)
		return
	}
	q.and(`q.number > 0 and q.finished_at = 0 and `+exists, args...)
}

// spanOf is the time that a filter asks for, in columns.
func spanOf(f wxnotify.MessageFilter) (since, until int64) {
	until = far
	if !f.UnderWay.IsZero() {
		return ms(f.UnderWay), ms(f.UnderWay)
	}
	if !f.Since.IsZero() {
		since = ms(f.Since)
	}
	if !f.Until.IsZero() {
		until = ms(f.Until)
	}
	return since, until
}

const idSlack = time.Minute // of clocks

// endOf is the id before which a list begins: the page's, or that of the end of
// its time.
func endOf(f wxnotify.MessageFilter, before string) string {
	if _, until := spanOf(f); until < far {
		if end := idAt(wxnotify.MessagePrefix, at(until).Add(idSlack)); before == "" || end < before {
			return end
		}
	}
	return before
}

// between adds the bounds of time. Ids are made on the real clock, all else is
// told on the virtual one, which may be ahead: the ids bound the leg, the
// columns decide.
func (q *where) between(f wxnotify.MessageFilter) {
	since, until := spanOf(f)
	switch {
	case !f.UnderWay.IsZero():
		q.and(`m.created_at < ? and (q.state not `+atRest+` or q.updated_at >= ?)`, since, since)
	case f.Rested:
		q.and(`q.updated_at >= ? and q.updated_at < ?`, since, until)
	case len(f.Answers) == 0 && (since > 0 || until < far):
		q.and(`m.created_at >= ? and m.created_at < ?`, since, until)
	}
}
