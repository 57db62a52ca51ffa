package wxnotify

import (
	"time"
)

// What happens is summed up by minute, so that plots need not look at the
// messages themselves.
//
// A message counts once as accepted, in the minute of its accept. At rest it
// counts once more: as what it is now, in the minute in which it became that.
// So one that moves from sent to delivered leaves its minute under sent and
// enters that of the event under delivered, and over all states the sums are
// the messages that have come to rest. A permit counts likewise: once as
// created, and once as used or dead for as long as it is that. An attempt
// counts in the minute of its end, by WeChat's errcode, else by its outcome.
//
// All times here are virtual.

// A SeriesFilter says which sums to read. Fit fills in what is left out.
type SeriesFilter struct {
	App  string        // "": every app
	From time.Time     // zero: a day before To
	To   time.Time     // the first moment that is not in it; zero: now
	Step time.Duration // that one point covers; 0: one that makes at most 300 points
}

const (
	// MinutesKept is how long sums are kept by the minute; by then they are
	// folded to hours.
	MinutesKept = 48 * time.Hour
	// HoursKept is how long sums are kept at all.
	HoursKept = 90 * 24 * time.Hour
	// MaxPoints is how many points a series may have.
	MaxPoints = 1000

	pointsWanted = 300
)

// steps are those that are chosen by themselves.
var steps = []time.Duration{
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour,
}

// Fit fills in what was left out, and moves From and To outwards to whole
// steps. Days begin at midnight in UTC+8, as WeChat's do. Where From is older
// than MinutesKept a step is whole hours: a smaller one is made an hour.
//
// It refuses with out_of_range what is no sensible range: From not before To, a
// step that is not whole minutes, From before HoursKept, more than MaxPoints
// points.
func (f SeriesFilter) Fit(now time.Time) (SeriesFilter, error) {
	if f.To.IsZero() {
		f.To = now.Add(time.Millisecond) // the step that has just begun, too
	}
	if f.From.IsZero() {
		f.From = f.To.Add(-24 * time.Hour)
	}
	span := f.To.Sub(f.From)
	switch {
	case span <= 0:
		return f, RefuseField(OutOfRange, "from", "from has to be before to")
	case f.To.After(now.Add(24 * time.Hour)):
		return f, RefuseField(OutOfRange, "to", "to may be at most a day ahead")
	case f.From.Before(now.Add(-HoursKept - 24*time.Hour)):
		return f, RefuseField(OutOfRange, "from", "sums are kept for %d days", int(HoursKept.Hours()/24))
	case f.Step < 0 || f.Step%time.Minute != 0 || f.Step > 31*24*time.Hour:
		return f, RefuseField(OutOfRange, "step", "a step is whole minutes, at most 31 days")
	}
	if f.Step == 0 {
		f.Step = stepFor(span)
	}
	if f.From.Before(now.Add(-MinutesKept)) {
		f.Step = (f.Step + time.Hour - 1).Truncate(time.Hour)
	}
	from := cut(f.From, f.Step)
	if to := cut(f.To, f.Step); to.Before(f.To) {
		f.To = to.Add(f.Step)
	}
	f.From = from
	if f.Points() > MaxPoints {
		return f, RefuseField(OutOfRange, "step", "that would be more than %d points: take a longer step or a shorter range", MaxPoints)
	}
	return f, nil
}

func stepFor(span time.Duration) time.Duration {
	for _, s := range steps {
		if span <= pointsWanted*s {
			return s
		}
	}
	return steps[len(steps)-1]
}

// Points is how many points a filter that was fitted asks for.
func (f SeriesFilter) Points() int { return int(f.To.Sub(f.From) / f.Step) }

// cut is the beginning of the step that t is in.
func cut(t time.Time, step time.Duration) time.Time {
	const east = 8 * time.Hour
	n := t.UnixMilli() + east.Milliseconds()
	n -= n % step.Milliseconds()
	return time.UnixMilli(n - east.Milliseconds()).UTC()
}

// Day is the beginning of the day in UTC+8 that t is in.
func Day(t time.Time) time.Time { return cut(t, 24*time.Hour) }

// A Point is what happened in one step. Its maps have no zeros, and are nil
// where nothing happened.
type Point struct {
	At       time.Time // the step's beginning
	Accepted int64     // messages
	Ended    map[Ended]int64
	Answers  map[string]int64 // ended attempts: WeChat's errcode in decimal ("0": taken), else "lost", "not_sent" or "inferred"
	Latency  Latency          // of those with errcode 0
	Created  map[Source]int64 // permits
	Used     map[Source]int64
	Dead     map[Died]int64
}

// Ended is how a message came to rest.
type Ended struct {
	State  State
	Reason Reason // "" of sent and delivered
}

// Died is of which source a permit was and why it died.
type Died struct {
	Source Source
	Cause  Cause
}

// In is how many messages came to rest in that state, for whatever reason.
func (p Point) In(s State) (n int64) {
	for e, k := range p.Ended {
		if e.State == s {
			n += k
		}
	}
	return n
}

// For is how many messages came to rest for that reason, in whatever state.
func (p Point) For(r Reason) (n int64) {
	for e, k := range p.Ended {
		if e.Reason == r {
			n += k
		}
	}
	return n
}

// Of is how many messages of a group came to rest.
func (p Point) Of(g Group) (n int64) {
	for e, k := range p.Ended {
		if g.Has(e) {
			n += k
		}
	}
	return n
}

// Success is the part of messages that WeChat took, of those that could be
// tried. What was canceled is nobody's failure, and what there was no permit for
// is a loss of another kind. ok is false when there is nothing to divide by.
func (p Point) Success() (part float64, ok bool) {
	all := p.Of(GroupTried)
	if all <= 0 {
		return 0, false
	}
	return float64(p.Of(GroupTaken)) / float64(all), true
}

// Add adds another step to this one: the sum of a series is its total.
func (p *Point) Add(q Point) {
	p.Accepted += q.Accepted
	addAll(&p.Ended, q.Ended)
	addAll(&p.Answers, q.Answers)
	addAll(&p.Created, q.Created)
	addAll(&p.Used, q.Used)
	addAll(&p.Dead, q.Dead)
	for i, n := range q.Latency {
		p.Latency[i] += n
	}
}

func addAll[K comparable](to *map[K]int64, from map[K]int64) {
	for k, n := range from {
		Tally(to, k, n)
	}
}

// Tally adds n under a key; what comes to zero is taken out.
func Tally[K comparable](m *map[K]int64, k K, n int64) {
	if *m == nil {
		*m = map[K]int64{}
	}
	if (*m)[k] += n; (*m)[k] == 0 {
		delete(*m, k)
	}
}

// Buckets is how many classes of latency there are.
const Buckets = 16

// A Latency counts sends by how long they took, from the accept, or from
// send_at where that was later, to WeChat's answer; the time in which a message
// waited for a permit is in it. Bucket i holds what took less than
// BucketBelow(i) and not less than the one before; the last holds the rest.
type Latency [Buckets]int64

// BucketBelow is the upper bound of a bucket: 4 ms, doubling to 65.5 s. The
// last bucket has none: 0.
func BucketBelow(i int) time.Duration {
	if i >= Buckets-1 {
		return 0
	}
	return 4 * time.Millisecond << i
}

// BucketOf is the bucket that d falls into.
func BucketOf(d time.Duration) int {
	for i := range Buckets - 1 {
		if d < BucketBelow(i) {
			return i
		}
	}
	return Buckets - 1
}

// Count is how many sends there were.
func (l Latency) Count() (n int64) {
	for _, k := range l {
		n += k
	}
	return n
}

// Quantile estimates how long the fastest part q of the sends took at most
// (0.95 for the p95), evenly spread within a bucket. ok is false where nothing
// was sent. What lies in the last bucket is its lower bound, 65.5 s.
func (l Latency) Quantile(q float64) (d time.Duration, ok bool) {
	all := l.Count()
	if all <= 0 {
		return 0, false
	}
	rank, below := q*float64(all), int64(0)
	for i, n := range l {
		if n <= 0 || float64(below+n) < rank {
			below += max(n, 0)
			continue
		}
		low := time.Duration(0)
		if i > 0 {
			low = BucketBelow(i - 1)
		}
		high := BucketBelow(i)
		if high == 0 {
			return low, true
		}
		return low + time.Duration((rank-float64(below))/float64(n)*float64(high-low)), true
	}
	return BucketBelow(Buckets - 2), true
}

// A Holding is what an app has in stock.
type Holding struct {
	Lots    []Lot // sorted by source, template and end
	Users   int64 // who hold a permit that can still be used, whether it is free or reserved
	UsersAt time.Time
	// UsersAt is when the users were counted, on the real clock; zero: not yet.
	// That takes about a second for a million permits, and is done again, in the
	// background, when somebody asks and it costs less than a fiftieth of the time.
	Leaving []Leaving // of these users, the soonest first
}

// A Leaving is how many users can no longer be reached after a day, since their
// last permit ends on it.
type Leaving struct {
	Ends  time.Time // the beginning of the day in UTC+8; zero: never
	Users int64
}

// A Holder is a user who holds permits that can still be used, free or reserved.
type Holder struct {
	App  string
	To   string // openid
	N    int
	Ends time.Time // of the last one; zero: never
}

// A HolderFilter says which holders a list is to hold, as a MessageFilter does.
type HolderFilter struct {
	App              string
	EndsFrom, EndsTo time.Time // their last permit ends at or after, and before; given together
	Lasting          bool      // their last permit never ends
	Limit            int       // 1–250
	Cursor           string
}

// Holds says whether h belongs to the list.
func (f HolderFilter) Holds(h Holder) bool {
	switch {
	case f.App != "" && f.App != h.App:
		return false
	case f.Lasting:
		return h.Ends.IsZero()
	case f.EndsFrom.IsZero():
		return true
	}
	return !h.Ends.IsZero() && !h.Ends.Before(f.EndsFrom) && h.Ends.Before(f.EndsTo)
}

// A Lot is free permits that end on the same day. Permits that ended today may
// be in it for a minute or so.
type Lot struct {
	Source     Source
	TemplateID string    // subscriptions only
	Ends       time.Time // the beginning of the day in UTC+8; zero: no deadline
	N          int64
}

// Days is how many days the lot has at now: 0 ends today, -1 has no deadline.
func (l Lot) Days(now time.Time) int {
	if l.Ends.IsZero() {
		return -1
	}
	return int(l.Ends.Sub(Day(now)) / (24 * time.Hour))
}

// Free is how many free permits of a source there are.
func (h Holding) Free(s Source) (n int64) {
	for _, l := range h.Lots {
		if l.Source == s {
			n += l.N
		}
	}
	return n
}

// A Depth is how many messages of an app are in a state that is not at rest.
type Depth struct {
	App    string
	State  State
	N      int64
	Oldest time.Time // accept of the oldest one, real
	Due    time.Time // when the first is due: real in queued and unsure, virtual in scheduled and waiting (its deadline)
}

// A Lag is what the webhooks of an app still have to be told.
type Lag struct {
	App    string
	N      int64
	Oldest time.Time // when the first of it happened, real
}
