package storetest

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wxnotify/wxnotify"
)

var properties = map[string]func(*testing.T, Database){
	"whatever happens in whatever order, the rules hold": func(t *testing.T, db Database) {
		dsn := db(t)
		w := worldAt(t, dsn, nil)
		sql := raw(t, dsn)
		defer sql.Close()
		n := 0
		rapid.Check(t, func(rt *rapid.T) {
			n++ // an app of its own for each run: one database serves them all
			app := fmt.Sprintf("wxproperty%08d", n)
			m := &machine{world: &world{TB: t, Store: w.Store, dsn: dsn, now: w.now, app: app}, rt: rt, sql: sql, rested: map[string]string{}, may: map[string]bool{}, word: map[string]bool{}}
			m.makeApp(app)
			rt.Repeat(map[string]func(*rapid.T){
				"deposit": m.deposits, "accept": m.accepts, "claim": m.claims, "settle": m.settles, "evidence": m.evidences,
				"lapse": m.lapses, "cancel": m.cancels, "resolve": m.resolves, "sweep": m.sweeps, "time": m.times, "delete": m.deletes,
				"": m.check,
			})
		})
	},
}

// A machine does random things to a store and knows the rules.
type machine struct {
	*world
	rt     *rapid.T
	sql    *sql.DB // past the store
	ids    []string
	flying []wxnotify.Try    // claimed, not settled
	past   []string          // attempts that were given up or settled
	rested map[string]string // id: state and evidence, of those at rest
	may    map[string]bool   // ids that the last action may move although at rest
	word   map[string]bool   // ids of which a person said what became of them: they may be wrong
}

var people = []string{alice, bob}

func (m *machine) person() string { return rapid.SampledFrom(people).Draw(m.rt, "person") }

func (m *machine) code(payment bool) string {
	i := rapid.IntRange(0, 5).Draw(m.rt, "code")
	if payment {
		return fmt.Sprintf("wx20%016d", i)
	}
	return form(i)
}

func (m *machine) deposits(rt *rapid.T) {
	m.rt = rt
	d := wxnotify.Deposit{App: m.app, To: m.person(), GivenAt: m.now.Virtual.Add(-time.Duration(rapid.IntRange(0, 200).Draw(rt, "age")) * time.Hour)}
	switch rapid.IntRange(0, 3).Draw(rt, "source") {
	case 0:
		d.Source, d.Code = wxnotify.Form, m.code(false)
	case 1:
		d.Source, d.Code = wxnotify.Payment, m.code(true)
	case 2:
		d.Source, d.TemplateID, d.Count, d.Key = wxnotify.Subscribe, prompt, rapid.IntRange(1, 2).Draw(rt, "count"), fmt.Sprint(rapid.IntRange(0, 9).Draw(rt, "key"))
	case 3:
		d.Source, d.TemplateID = wxnotify.Longterm, "LONG"
	}
	must(m.Deposit(ctx, m.now, []wxnotify.Deposit{d}))
	must(m.Wake(ctx, m.now, m.app, []wxnotify.Deposit{d}))
}

func (m *machine) accepts(rt *rapid.T) {
	m.rt = rt
	var es []wxnotify.Entry
	for range rapid.IntRange(1, 3).Draw(rt, "n") {
		e := m.draft(to(m.person()))
		e.Message.Wait = rapid.Bool().Draw(rt, "wait")
		if rapid.Bool().Draw(rt, "resend") {
			resend(&e)
		}
		switch rapid.IntRange(0, 4).Draw(rt, "kind") {
		case 0:
			formID(m.code(rapid.Bool().Draw(rt, "payment")))(&e)
		case 1:
			subscribe(&e)
		case 2:
			e.Message.Channel, e.Message.TemplateID = wxnotify.ChannelSubscribe, "LONG"
		}
		if rapid.Bool().Draw(rt, "short") {
			e.Message.ExpiresAt = m.now.Virtual.Add(2 * time.Hour)
		}
		es = append(es, e)
	}
	for i, r := range must(m.Accept(ctx, m.now, es)) {
		if r.Err == nil {
			m.ids = append(m.ids, es[i].Message.ID)
		}
	}
}

// claims compares what was bound with a model of a few lines: of the permits
// that are free and good long enough, the one that ends first.
func (m *machine) claims(rt *rapid.T) {
	m.rt = rt
	before := m.everyPermit(wxnotify.PermitFilter{App: m.app, State: wxnotify.PermitFree})
	slices.SortFunc(before, func(a, b wxnotify.Permit) int {
		return cmp.Or(cmp.Compare(ends(a), ends(b)), cmp.Compare(a.ID, b.ID))
	})
	c := m.claim(rapid.IntRange(1, 4).Draw(rt, "n"))
	at := func(t wxnotify.Try) int {
		return slices.IndexFunc(before, func(p wxnotify.Permit) bool { return p.ID == t.Permit.ID && !p.Source.Standing() })
	}
	for _, try := range c.Tries {
		if i := at(try); i >= 0 && try.Unresolved {
			before[i].ID = "" // another use of the same code, taken before the others choose
		}
	}
	for _, try := range c.Tries {
		i := at(try)
		if i < 0 {
			continue // named, kept, or of a repeat
		}
		for j, p := range before[:i+1] {
			left := ends(p)-m.now.Virtual.UnixMilli() > wxnotify.Margin.Milliseconds()
			same := p.ID != "" && p.To == try.Permit.To && p.TemplateID == try.Permit.TemplateID && !p.Source.Standing()
			if same && left != (j == i) {
				rt.Fatalf("%s was bound, of %+v", try.Permit.ID, before)
			}
		}
		before[i].ID = "" // taken
	}
	m.flying = append(m.flying, c.Tries...)
}

func ends(p wxnotify.Permit) int64 {
	if p.ExpiresAt.IsZero() {
		return 1 << 60
	}
	return p.ExpiresAt.UnixMilli()
}

func (m *machine) everyPermit(f wxnotify.PermitFilter) (out []wxnotify.Permit) {
	f.Limit = 250
	for {
		page, next, err := m.Permits(ctx, f)
		if err != nil {
			m.rt.Fatal(err)
		}
		if out = append(out, page...); next == "" {
			return out
		}
		f.Cursor = next
	}
}

func (m *machine) outcome() wxnotify.Outcome {
	return rapid.SampledFrom([]wxnotify.Outcome{ok, lost, lost, notSent, busy, invalid, spent, none, badPage}).Draw(m.rt, "outcome")
}

// take removes an attempt from those in flight.
func (m *machine) take() wxnotify.Try {
	if len(m.flying) == 0 {
		m.rt.Skip("nothing in flight")
	}
	i := rapid.IntRange(0, len(m.flying)-1).Draw(m.rt, "which")
	t := m.flying[i]
	m.flying = slices.Delete(m.flying, i, i+1)
	m.past = append(m.past, t.Attempt.ID)
	return t
}

func (m *machine) settles(rt *rapid.T) {
	m.rt = rt
	t := m.take()
	o := m.outcome()
	missed, err := m.Settle(ctx, m.now, []wxnotify.Settlement{m.settlement(t, o)})
	if err != nil {
		rt.Fatal(err)
	}
	if len(missed) > 0 {
		m.learn(t.Attempt.ID, o)
	}
}

func (m *machine) learn(attempt string, o wxnotify.Outcome) {
	id, _, _ := wxnotify.ParseAttemptID(attempt)
	m.may[id] = true
	must(m.Evidence(ctx, m.now, m.app, attempt, o))
}

func (m *machine) evidences(rt *rapid.T) {
	m.rt = rt
	if len(m.past) == 0 {
		rt.Skip("no attempt yet")
	}
	m.learn(rapid.SampledFrom(m.past).Draw(rt, "attempt"), m.outcome())
}

func (m *machine) lapses(rt *rapid.T) {
	m.rt = rt
	m.now.Real = m.now.Real.Add(lease)
	for _, t := range must(m.Lapsed(ctx, m.now, 500)) {
		if t.Message.App == m.app {
			must(m.Settle(ctx, m.now, []wxnotify.Settlement{m.settlement(t, lost)}))
		}
	}
}

func (m *machine) any() string {
	if len(m.ids) == 0 {
		m.rt.Skip("no message yet")
	}
	return rapid.SampledFrom(m.ids).Draw(m.rt, "message")
}

func (m *machine) cancels(rt *rapid.T) {
	m.rt = rt
	_, _ = m.Cancel(ctx, m.now, m.app, m.any())
}

func (m *machine) resolves(rt *rapid.T) {
	m.rt = rt
	id := m.any()
	m.may[id], m.word[id] = true, true
	_, _ = m.Resolve(ctx, m.now, m.app, id, rapid.Bool().Draw(rt, "sent"))
}

func (m *machine) sweeps(rt *rapid.T) {
	m.rt = rt
	must(m.Sweep(ctx, m.now, 500))
}

func (m *machine) times(rt *rapid.T) {
	m.rt = rt
	m.pass(time.Duration(rapid.SampledFrom([]int{1, 5, 60, 3600, 100000}).Draw(rt, "seconds")) * time.Second)
}

func (m *machine) deletes(rt *rapid.T) {
	m.rt = rt
	ps := m.everyPermit(wxnotify.PermitFilter{App: m.app})
	if len(ps) == 0 {
		rt.Skip("no permit yet")
	}
	_ = m.DeletePermit(ctx, m.now, m.app, rapid.SampledFrom(ps).Draw(rt, "permit").ID)
}

// check holds everything that is in the store against the invariants of
// reliability.md section 2.
func (m *machine) check(rt *rapid.T) {
	m.rt = rt
	permits := map[string]wxnotify.Permit{}
	for _, p := range m.everyPermit(wxnotify.PermitFilter{App: m.app}) {
		permits[p.ID] = p
	}
	messages := map[string]wxnotify.Message{}
	f := wxnotify.MessageFilter{App: m.app, Limit: 250}
	for {
		page, next, err := m.Messages(ctx, f)
		if err != nil {
			rt.Fatal(err)
		}
		for _, msg := range page {
			messages[msg.ID] = msg
		}
		if f.Cursor = next; next == "" {
			break
		}
	}
	user := map[string]string{} // permit: the message that an attempt used it for
	for id, msg := range messages {
		m.checkMessage(rt, msg, permits, user)
		now := fmt.Sprint(msg.State, msg.Reason, msg.Evidence)
		if was, had := m.rested[id]; had && was != now && !m.may[id] {
			rt.Fatalf("%s was at rest as %s and is %s", id, was, now)
		}
		if delete(m.rested, id); msg.State.AtRest() {
			m.rested[id] = now
		}
	}
	if len(messages) != len(m.ids) {
		rt.Fatalf("%d messages, want %d", len(messages), len(m.ids))
	}
	for id, p := range permits {
		switch p.State {
		case wxnotify.PermitBound, wxnotify.PermitHeld:
			if msg := messages[p.Message]; msg.State.AtRest() && !m.open(msg, id) {
				rt.Fatalf("permit %s is %s by a message that is %s: %+v", id, p.State, msg.State, msg.Attempts)
			}
		case wxnotify.PermitFree:
			if p.Message != "" {
				rt.Fatalf("permit %s is free and of %s", id, p.Message)
			}
		}
	}
	m.may = map[string]bool{}
	if d := gocmp.Diff(recount(m, m.sql, m.app), summed(m, m.sql, m.app)); d != "" {
		rt.Fatalf("the sums do not add up (-recount +sums):\n%s", d)
	}
}

// open says whether an attempt of m with this permit has no answer yet.
func (m *machine) open(msg wxnotify.Message, permit string) bool {
	return slices.ContainsFunc(msg.Attempts, func(a wxnotify.Attempt) bool { return a.Permit == permit && a.Outcome == "" })
}

func (m *machine) checkMessage(rt *rapid.T, msg wxnotify.Message, permits map[string]wxnotify.Permit, user map[string]string) {
	open, proof := false, false
	for _, a := range msg.Attempts {
		p := permits[a.Permit]
		if a.Outcome != wxnotify.Refused && a.Outcome != wxnotify.NotSent && !p.Source.Standing() && !m.word[msg.ID] {
			if by := user[a.Permit]; by != "" && by != msg.ID {
				rt.Fatalf("permit %s served %s and %s", a.Permit, by, msg.ID)
			}
			user[a.Permit] = msg.ID
		}
		switch a.Outcome {
		case wxnotify.Lost:
			open = true
		case wxnotify.Accepted, wxnotify.KindInferred:
			proof = true
		}
	}
	switch msg.State {
	case wxnotify.Sent:
		if !proof && msg.Evidence != wxnotify.ByOperator {
			rt.Fatalf("%s is sent without evidence: %+v", msg.ID, msg.Attempts)
		}
	case wxnotify.Failed, wxnotify.Expired, wxnotify.Canceled:
		if (proof || open) && msg.Reason != wxnotify.ReasonOperator {
			rt.Fatalf("%s is %s/%s although an attempt may have arrived: %+v", msg.ID, msg.State, msg.Reason, msg.Attempts)
		}
	case wxnotify.Sending:
		if p := permits[msg.Permit]; !p.Source.Standing() && (p.Message != msg.ID || p.State != wxnotify.PermitBound && p.State != wxnotify.PermitHeld) {
			rt.Fatalf("%s is sending with permit %+v", msg.ID, p)
		}
	}
}
