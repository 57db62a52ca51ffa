package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
)

// Callings returns the webhooks that are on, and when the next notice of each
// is due; far away where there is none.
func (s *Store) Callings(ctx context.Context, now time.Time) (due map[string]time.Time, err error) {
	due = map[string]time.Time{}
	err = s.look(ctx, "read what is due", func(ctx context.Context) error {
		return s.each(ctx, func(r scanner) error {
			var id string
			var hold, first int64
			err := r.Scan(&id, &hold, &first)
			due[id] = time.UnixMilli(max(hold, first))
			return err
		}, `select h.id, h.hold, coalesce((select n.due from notice n where n.webhook = h.id and n.state = 'pending' order by n.due limit 1), $1)
			from webhook h where h.off = ''`, int64(far))
	})
	return due, err
}

// ClaimPosts takes notices that are due, at most as many of each webhook as is
// wanted; they are written down as begun on return, and come again when the
// lease is over. full are the webhooks of which there may be more.
//
// Of one subject only the first goes. What stands behind it is put off until
// the first is due again; when that one is out of the way, SettlePosts calls
// the next.
func (s *Store) ClaimPosts(ctx context.Context, now time.Time, lease time.Duration, wants []wxnotify.NoticeWant) (posts []wxnotify.Post, full []string, err error) {
	owner := fmt.Sprintf("%s/%d", s.boot, s.claims.Add(1))
	err = s.do(ctx, "claim notices", engineLimit, func(w *work) error {
		posts, full = nil, nil
		var later, begun [][]string
		for _, want := range wants {
			c, err := w.candidates(want, now)
			if err != nil {
				return err
			}
			if c.seen == want.N {
				full = append(full, want.Webhook)
			}
			later = append(later, c.later...)
			for i := range c.posts {
				p := &c.posts[i]
				p.Owner = owner
				p.Tries++
				begun = append(begun, []string{p.Webhook, p.ID})
			}
			posts = append(posts, c.posts...)
		}
		if len(later) > 0 {
			if _, err := w.exec(`update notice set due = cast(u.due as bigint) from `+w.unpack("$1", "webhook", "id", "due")+` u
				where notice.webhook = u.webhook and notice.id = u.id and notice.state = 'pending'`, pack(later)); err != nil {
				return err
			}
		}
		if len(begun) == 0 {
			return nil
		}
		_, err := w.exec(`update notice set owner = $1, due = $2, tries = tries + 1 from `+w.unpack("$3", "webhook", "id")+` u
			where notice.webhook = u.webhook and notice.id = u.id and notice.state = 'pending'`, owner, ms(now.Add(lease)), pack(begun))
		return err
	})
	return posts, full, err
}

// candidates are the notices of one webhook that are due.
type candidates struct {
	posts []wxnotify.Post
	later [][]string // what stands behind another one
	seen  int
}

func (w *work) candidates(want wxnotify.NoticeWant, now time.Time) (c candidates, err error) {
	var hook wxnotify.Webhook
	found := false
	if err := w.each(func(r scanner) (err error) {
		found = true
		hook, err = w.s.scanWebhook(r)
		return err
	}, `select `+webhookColumns+` from webhook where id = $1 and off = '' and hold <= $2`, want.Webhook, ms(now)); err != nil || !found {
		return c, err
	}
	soon := ms(now.Add(time.Second))
	err = w.each(func(r scanner) error {
		c.seen++
		var first *int64
		n, err := scanNotice(r, &first)
		if err != nil {
			return err
		}
		if first != nil {
			c.later = append(c.later, []string{n.Webhook, n.ID, strconv.FormatInt(max(*first, soon), 10)})
			return nil
		}
		c.posts = append(c.posts, wxnotify.Post{Notice: n, Hook: hook})
		return nil
	}, `select `+noticeColumns+`, (select e.due from notice e where e.webhook = n.webhook and e.subject = n.subject and e.state = 'pending' and e.turn < n.turn
			order by e.turn limit 1)
		from notice n where n.webhook = $1 and n.state = 'pending' and n.due <= $2 order by n.due, n.id limit $3`+w.skip, want.Webhook, ms(now), want.N)
	return c, err
}

// SettlePosts writes what attempts came to, where their claim still holds, and
// what that says about their webhooks. off are those that were switched off by
// it, with their reasons. It may be repeated.
func (s *Store) SettlePosts(ctx context.Context, now time.Time, outs []wxnotify.NoticeOutcome) (off map[string]string, err error) {
	outs = slices.Clone(outs)
	slices.SortFunc(outs, func(a, b wxnotify.NoticeOutcome) int { return strings.Compare(a.Webhook+a.ID, b.Webhook+b.ID) })
	rows := make([][]string, len(outs))
	for i, o := range outs {
		a := &o.Answer
		rows[i] = []string{
			o.Webhook, o.ID, o.Owner, string(o.State), strconv.FormatInt(ms(o.Due), 10), strconv.FormatInt(ms(a.At), 10),
			strconv.FormatInt(a.Took.Milliseconds(), 10), strconv.Itoa(a.Status), string(a.Fault), clean(a.Detail), clean(a.Body),
		}
	}
	err = s.do(ctx, "settle notices", engineLimit, func(w *work) error {
		off = nil
		if _, err := w.exec(`update notice set owner = '', state = u.state, due = cast(u.due as bigint), tried_at = cast(u.tried as bigint),
				took = cast(u.took as bigint), status = cast(u.status as bigint), fault = u.fault, detail = u.detail, answer = u.answer
			from `+w.unpack("$1", "webhook", "id", "owner", "state", "due", "tried", "took", "status", "fault", "detail", "answer")+` u
			where notice.webhook = u.webhook and notice.id = u.id and notice.owner = u.owner`, pack(rows)); err != nil {
			return err
		}
		if err := w.callNext(now, outs); err != nil {
			return err
		}
		off, err = w.judge(now, outs)
		return err
	})
	if err == nil && len(off) > 0 {
		s.ears.drop()
	}
	return off, err
}

// callNext lets those go that stood behind one that is out of the way.
func (w *work) callNext(now time.Time, outs []wxnotify.NoticeOutcome) error {
	var ids [][]string
	for _, o := range outs {
		if o.State != wxnotify.NoticePending {
			ids = append(ids, []string{o.Webhook, o.ID})
		}
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := w.exec(`update notice set due = $1 from `+w.unpack("$2", "webhook", "id")+` u cross join notice d
		where d.webhook = u.webhook and d.id = u.id and notice.webhook = d.webhook and notice.subject = d.subject
			and notice.state = 'pending' and notice.owner = '' and notice.tries = 0 and notice.due > $3`, ms(now), pack(ids), ms(now))
	return err
}

// judge keeps the record of the webhooks: since when one fails, and whether
// that is enough.
func (w *work) judge(now time.Time, outs []wxnotify.NoticeOutcome) (off map[string]string, err error) {
	for i := 0; i < len(outs); {
		hook := outs[i].Webhook
		good, gone, hold := false, false, time.Duration(0)
		for ; i < len(outs) && outs[i].Webhook == hook; i++ {
			a := &outs[i].Answer
			good, gone, hold = good || a.Fault == "", gone || a.Gone(), max(hold, a.RetryAfter)
		}
		if hold > 0 {
			if _, err := w.exec(`update webhook set hold = $1 where id = $2 and hold < $3`, ms(now.Add(hold)), hook, ms(now.Add(hold))); err != nil {
				return nil, err
			}
		}
		reason, err := w.verdict(now, hook, good, gone)
		if err != nil {
			return nil, err
		}
		if reason != "" {
			if off == nil {
				off = map[string]string{}
			}
			off[hook] = reason
		}
	}
	return off, nil
}

func (w *work) verdict(now time.Time, hook string, good, gone bool) (reason string, err error) {
	switch {
	case gone:
		n, err := w.exec(`update webhook set off = $1, off_at = $2 where id = $3 and off = ''`, wxnotify.OffGone, ms(now), hook)
		if n == 1 {
			reason = wxnotify.OffGone
		}
		return reason, err
	case good:
		_, err := w.exec(`update webhook set failing_since = 0 where id = $1 and failing_since > 0`, hook)
		return "", err
	}
	n, err := w.exec(`update webhook set off = $1, off_at = $2 where id = $3 and off = '' and failing_since > 0 and failing_since <= $4`,
		wxnotify.OffFailing, ms(now), hook, ms(now.Add(-wxnotify.FailsFor)))
	if err != nil || n == 1 {
		return wxnotify.OffFailing, err
	}
	_, err = w.exec(`update webhook set failing_since = $1 where id = $2 and failing_since = 0`, ms(now), hook)
	return "", err
}

// SweepNotices forgets notices that are too old, and those of webhooks that are
// gone, a bite of each webhook's. more says that there is more to do.
func (s *Store) SweepNotices(ctx context.Context, now time.Time) (more bool, err error) {
	known := map[string]bool{}
	hooks, err := s.Webhooks(ctx)
	if err != nil {
		return false, err
	}
	for _, h := range hooks {
		known[h.ID] = true
	}
	for hook := ""; ; {
		last := hook
		err := s.look(ctx, "sweep notices", func(ctx context.Context) error {
			return s.each(ctx, func(r scanner) error { return r.Scan(&hook) }, `select webhook from notice where webhook > $1 order by webhook limit 1`, last)
		})
		if err != nil || hook == last {
			return more, err
		}
		before := idAt(wxnotify.NoticePrefix, now.Add(-wxnotify.NoticesLast))
		if !known[hook] {
			before = idAt(wxnotify.NoticePrefix, now.Add(time.Hour)) // clocks differ
		}
		n := int64(0)
		err = s.do(ctx, "sweep notices", engineLimit, func(w *work) (err error) {
			n, err = w.exec(`delete from notice where webhook = $1 and id in (select id from notice where webhook = $2 and id < $3 order by id limit $4)`, hook, hook, before, bite)
			return err
		})
		if err != nil {
			return more, err
		}
		more = more || n == bite
	}
}
