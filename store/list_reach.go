package store

import (
	"context"
	"slices"
	"time"

	"github.com/wxnotify/wxnotify"
)

// What came to rest, or was answered, in a span of time may have been accepted
// long before it, and no index has these times: writing them would cost each
// message. A list goes by id, and looks for what was accepted in the span or a
// day before. Where that does not fill the page, the sums tell whether anything
// is missing, and it looks further back until nothing is: so a list holds
// exactly what the sums count, and costs what lies between the span and the
// oldest message in it.
const (
	reach    = 24 * time.Hour
	reachMax = 1000 * 24 * time.Hour
)

// reaches says whether a filter asks for what became of messages, and when.
func reaches(f wxnotify.MessageFilter) bool {
	return f.Rested || len(f.Answers) > 0 || !f.UnderWay.IsZero()
}

// through reads the list of an app from an id on, as far back as it has to go,
// and says where it ended because it was enough; "": it did not. Where it takes
// too long to know whether anything is missing, it goes on as if it were.
func (s *Store) through(ctx context.Context, app string, f wxnotify.MessageFilter, before string, most int, enough time.Time, read func(leg) (int, error)) (stopped string, err error) {
	w, err := s.chooseWay(ctx, app, f)
	if err != nil {
		return "", err
	}
	before = endOf(f, before)
	for back := reach; ; back *= 4 {
		first := s.first(f, back)
		last := !reaches(f) || first == "" || back > reachMax
		if !last && before != "" && before <= first { // as far as a page before this one
			continue
		}
		n, stopped, err := s.strides(ctx, leg{w, before, first, most}, enough, read)
		if most -= n; err != nil || stopped != "" || most == 0 || last {
			return stopped, err
		}
		whole, known, err := s.wholeIn(ctx, app, f, first, enough)
		switch {
		case err != nil || whole:
			return "", err
		case !known:
			return first, nil
		}
		before = first
	}
}

// wholeIn is whole, if that can be known in time.
func (s *Store) wholeIn(ctx context.Context, app string, f wxnotify.MessageFilter, first string, enough time.Time) (whole, known bool, err error) {
	timely, cancel := context.WithDeadline(ctx, enough)
	defer cancel()
	whole, err = s.whole(timely, app, f, first)
	known = err == nil || timely.Err() == nil
	if !known && ctx.Err() == nil {
		err = nil
	}
	return whole, known, err
}

// first is the id at which a filter's list ends, "" where it goes to the oldest
// message: those of one user, or with one value of meta, are few.
func (s *Store) first(f wxnotify.MessageFilter, back time.Duration) string {
	from, ahead := f.Since, s.ahead.Load()
	if !f.UnderWay.IsZero() {
		from = f.UnderWay
	}
	switch {
	case from.IsZero(), ahead < 0, reaches(f) && (f.To != "" || len(f.Meta) > 0):
		return ""
	case reaches(f):
		from = from.Truncate(time.Hour).Add(-back)
	}
	if from = from.Add(-idSlack - time.Duration(ahead)*time.Millisecond); from.UnixMilli() < 0 {
		return ""
	}
	return idAt(wxnotify.MessagePrefix, from)
}

// whole says whether nothing of a filter's span was accepted before the message
// first. It counts in whole hours, since sums of long ago are kept by the hour.
func (s *Store) whole(ctx context.Context, app string, f wxnotify.MessageFilter, first string) (bool, error) {
	if !f.UnderWay.IsZero() { // it still is, or came to rest since
		older := 0
		if err := s.each(ctx, func(r scanner) error { return r.Scan(&older) },
			`select count(*) from (select 1 from queue where app = $1 and id < $2
				and (state = 'scheduled' or state = 'waiting' or state = 'queued' or state = 'sending' or state = 'unsure') limit 1) x`, app, first); err != nil || older > 0 {
			return false, err
		}
		f = wxnotify.MessageFilter{Rested: true, Since: f.UnderWay}
	}
	wide := wxnotify.MessageFilter{State: f.State, Reason: f.Reason, Group: f.Group, Rested: true, Answers: f.Answers, Since: f.Since.Truncate(time.Hour)}
	if !f.Until.IsZero() {
		wide.Until = f.Until.Add(time.Hour - 1).Truncate(time.Hour)
	}
	since, until := spanOf(wide)
	var p wxnotify.Point
	if err := s.each(ctx, func(r scanner) error {
		var kind string
		var n int64
		err := r.Scan(&kind, &n)
		put(&p, kind, n)
		return err
	}, `select kind, cast(sum(n) as bigint) from rollup where app = $1 and slot >= $2 and slot < $3 group by kind`, app, since, until); err != nil {
		return false, err
	}
	if len(f.Answers) > 0 {
		return s.wholeAnswers(ctx, app, wide, first, p)
	}
	want := 0
	for e, n := range p.Ended {
		if (f.State == "" || f.State == e.State) && (f.Reason == "" || f.Reason == e.Reason) && (f.Group == "" || f.Group.Has(e)) {
			want += int(n)
		}
	}
	if want <= 0 {
		return true, nil
	}
	w, err := s.chooseWay(ctx, app, wide)
	if err != nil {
		return false, err
	}
	found, err := s.count(ctx, wide, leg{w, endOf(wide, ""), first, want})
	return found >= want, err
}

// wholeAnswers is whole where the sums count attempts.
func (s *Store) wholeAnswers(ctx context.Context, app string, f wxnotify.MessageFilter, first string, p wxnotify.Point) (bool, error) {
	want, found := int64(0), int64(0)
	for answer, n := range p.Answers {
		if slices.Contains(f.Answers, answer) {
			want += n
		}
	}
	since, until := spanOf(f)
	end := endOf(f, "")
	said, args := saidOneOf(f.Answers)
	var q where
	ended := func(key, finished string) {
		q.and(key+` >= ?`, first)
		if end != "" {
			q.and(key+` < ?`, end)
		}
		q.and(finished+` >= ? and `+finished+` < ?)`, since, until)
	}
	q.add(`select (select count(*) from attempt t where t.app = ?`, app)
	q.and(said, args...)
	ended(`t.message`, `t.finished_at`)
	if slices.Contains(f.Answers, "0") {
		q.add(` + (select count(*) from queue q where q.app = ? and q.finished_at > 0`, app)
		ended(`q.id`, `q.finished_at`)
	}
	err := s.each(ctx, func(r scanner) error { return r.Scan(&found) }, q.b.String(), q.args...)
	return found >= want, err
}
