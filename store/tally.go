package store

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wxnotify/wxnotify"
)

// A tally is what a transaction changes about the sums: rollup, by minute and
// kind, and stock, the free permits by the day of their end. It is written once,
// as the transaction's last act, so that it holds its locks for the commit
// alone, and it is as exact as the rows: what is rolled back was not counted.
//
// Whoever writes a message at rest, an attempt's outcome or a permit's state
// counts it here. moved, answered, turned, opened and buried are the places;
// a recount of the rows comes to the same (wxnotify.Point says by what rule).
type tally struct {
	sums   map[sum]int64
	back   map[sum]int64 // what is taken back, apart: counters cannot
	stock  map[stockKey]int64
	folded bool // the sums are of no node any more
}

// A sum is a row of rollup but for its node. Its kind is written kind, kind/of
// or kind/of/cause.
type sum struct {
	app            string
	slot           int64
	kind, of, more string
}

// The kinds. Those of messages at rest are their states, of their reason.
const (
	sumAccepted = "accepted"
	sumErrcode  = "errcode" // of it, or of the outcome where there is none
	sumLatency  = "latency" // of the bucket's number
	sumCreated  = "created" // of the source
	sumUsed     = "used"    // of the source
	sumDead     = "dead"    // of the source, more: the cause
)

type stockKey struct {
	app, source, template string
	ends                  int64
}

const (
	minute = 60 * 1000
	hour   = 60 * minute
)

func (t *tally) add(app string, ms int64, kind, of, more string, n int64) {
	to := &t.sums
	if n < 0 {
		to = &t.back
	}
	if *to == nil {
		*to = map[sum]int64{}
	}
	(*to)[sum{app, ms - ms%minute, kind, of, more}] += n
}

// moved counts a message that came to rest, or did so in another way than it
// had before.
func (t *tally) moved(r *move) {
	m := &r.m
	if r.state.AtRest() {
		t.add(m.App, r.wasUpdated, string(r.state), string(r.wasReason), "", -1)
	}
	if m.State.AtRest() {
		t.add(m.App, ms(m.UpdatedAt), string(m.State), string(m.Reason), "", 1)
	}
}

// accepted counts messages on their way in.
func (t *tally) accepted(rows []*item) {
	for _, it := range rows {
		m := &it.m
		t.add(m.App, ms(m.CreatedAt), sumAccepted, "", "", 1)
		if m.State.AtRest() {
			t.add(m.App, ms(m.UpdatedAt), string(m.State), string(m.Reason), "", 1)
		}
	}
}

// answered counts an attempt that has ended, of m, and takes back what its
// record said before.
func (t *tally) answered(m *wxnotify.Message, a *attempt) {
	if a.was != nil {
		t.answer(m, a.was, -1)
	}
	t.answer(m, &a.Attempt, 1)
}

func (t *tally) answer(m *wxnotify.Message, a *wxnotify.Attempt, n int64) {
	if a.Outcome == "" {
		return
	}
	t.add(m.App, ms(a.FinishedAt), sumErrcode, a.Answer(), "", n)
	if a.Outcome == wxnotify.Accepted && a.Errcode != nil {
		since := m.CreatedAt
		if m.SendAt.After(since) {
			since = m.SendAt
		}
		t.add(m.App, ms(a.FinishedAt), sumLatency, bucketNames[wxnotify.BucketOf(a.FinishedAt.Sub(since))], "", n)
	}
}

var bucketNames = func() (names [wxnotify.Buckets]string) {
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	return names
}()

// permit counts that n permits are in a state, or are not any more.
func (t *tally) permit(now wxnotify.Now, p *wxnotify.Permit, state wxnotify.PermitState, cause wxnotify.Cause, n int64) {
	switch state {
	case wxnotify.PermitFree:
		t.stocked(stockKey{p.App, string(p.Source), p.TemplateID, endDay(p.ExpiresAt)}, n)
	case wxnotify.PermitUsed:
		t.add(p.App, ms(now.Virtual), sumUsed, string(p.Source), "", n)
	case wxnotify.PermitDead:
		t.add(p.App, ms(now.Virtual), sumDead, string(p.Source), string(cause), n)
	}
}

func (t *tally) stocked(k stockKey, n int64) {
	if t.stock == nil {
		t.stock = map[stockKey]int64{}
	}
	t.stock[k] += n
}

// endDay is the day of a deadline, in a column.
func endDay(t time.Time) int64 {
	if t.IsZero() {
		return far
	}
	return ms(wxnotify.Day(t))
}

// turn writes what becomes of permits, and counts it.
func (w *work) turn(now wxnotify.Now, rows []turn) error {
	for i := range rows {
		r := &rows[i]
		w.tally.permit(now, &r.p.Permit, r.from, r.fromCause, -1)
		w.tally.permit(now, &r.p.Permit, r.state, r.cause, 1)
	}
	return w.hot.turn(w, rows)
}

// open writes new permits, and counts them.
func (w *work) open(now wxnotify.Now, rows []*permit) (int, error) {
	for _, p := range rows {
		w.tally.add(p.App, ms(now.Virtual), sumCreated, string(p.Source), "", 1)
		w.tally.permit(now, &p.Permit, p.State, p.Cause, 1)
	}
	return w.hot.open(w, rows)
}

// bury runs an update that lets permits die that were in state from, and counts
// them. The text ends where its returning begins.
func (w *work) bury(now wxnotify.Now, from wxnotify.PermitState, text string, args ...any) (n int64, err error) {
	err = w.each(func(r scanner) error {
		var p wxnotify.Permit
		var ends int64
		if err := r.Scan(&p.App, &p.Source, &p.TemplateID, &ends, &p.Cause); err != nil {
			return err
		}
		p.ExpiresAt = at(ends)
		w.tally.permit(now, &p, from, "", -1)
		w.tally.permit(now, &p, wxnotify.PermitDead, p.Cause, 1)
		n++
		return nil
	}, text+` returning permit.app, permit.source, permit.template_id, permit.expires_at, permit.cause`, args...)
	return n, err
}

// A sumRow and a stockRow are what is added to a row.
type sumRow struct {
	app  string
	slot int64
	kind string
	n    int64
}

type stockRow struct {
	stockKey
	n int64
}

// count writes the tally.
func (w *work) count() error {
	sums := make([]sumRow, 0, len(w.tally.sums))
	for k, n := range w.tally.back {
		if w.tally.sums[k] == 0 {
			sums = append(sums, sumRow{k.app, k.slot, k.name(), n})
		}
	}
	for k, n := range w.tally.sums {
		if n += w.tally.back[k]; n != 0 {
			sums = append(sums, sumRow{k.app, k.slot, k.name(), n})
		}
	}
	stocks := make([]stockRow, 0, len(w.tally.stock))
	for k, n := range w.tally.stock {
		if n != 0 {
			stocks = append(stocks, stockRow{k, n})
		}
	}
	if len(sums)+len(stocks) == 0 {
		return nil
	}
	slices.SortFunc(sums, func(a, b sumRow) int {
		return cmp.Or(strings.Compare(a.app, b.app), cmp.Compare(a.slot, b.slot), strings.Compare(a.kind, b.kind))
	})
	slices.SortFunc(stocks, func(a, b stockRow) int {
		return cmp.Or(strings.Compare(a.app, b.app), strings.Compare(a.source, b.source), strings.Compare(a.template, b.template), cmp.Compare(a.ends, b.ends))
	})
	node := ""
	if !w.tally.folded {
		w.lane = w.s.lanes.take()
		node = w.s.Node()
		if w.lane > 1 {
			node += "/" + strconv.Itoa(w.lane)
		}
	}
	return w.hot.add(w, node, sums, stocks)
}

// wrote tells whoever counts what has been committed.
func (t *tally) wrote(f func(string, wxnotify.Point)) {
	if f == nil || t.folded || len(t.sums) == 0 {
		return
	}
	points := map[string]*wxnotify.Point{}
	for k, n := range t.sums {
		p := points[k.app]
		if p == nil {
			p = new(wxnotify.Point)
			points[k.app] = p
		}
		put(p, k.name(), n)
	}
	for app, p := range points {
		f(app, *p)
	}
}

func (k sum) name() string {
	switch {
	case k.more != "":
		return k.kind + "/" + k.of + "/" + k.more
	case k.of != "":
		return k.kind + "/" + k.of
	}
	return k.kind
}

// lanes keep transactions of one node that run at once from waiting for each
// other's sums: each has a row of its own, of node, node/2, node/3 …
type lanes struct {
	mu    sync.Mutex
	taken []bool
}

func (l *lanes) take() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.taken, false)
	if i < 0 {
		i = len(l.taken)
		l.taken = append(l.taken, false)
	}
	l.taken[i] = true
	return i + 1
}

// give gives a lane back; 0 is none.
func (l *lanes) give(lane int) {
	if lane == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken[lane-1] = false
}
