package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/store/storetest"
)

var (
	planApp  = "wx0000000000000001"
	planTime = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	ctx      = context.Background()

	// Steps that walk through a whole table, and those that narrow a big table
	// down to an app and no further.
	walk   = regexp.MustCompile(`^SCAN (q|m|p|t|n|d|e|c|queue|message|permit|attempt|idem|notice|i|rollup|r|carrier)\b`)
	allApp = regexp.MustCompile(`^SEARCH (q|m|p|t|n|d|e|c|queue|message|permit|attempt|idem|notice|i|rollup|r|carrier)\b.*\((app|webhook)=\?\)$`)
)

// Every statement of every verb that writes goes by an index in SQLite. What
// the planner believes about sizes is that of a large database from the first
// day, so this holds at every size.
func TestNoStatementWalksThroughABigTable(t *testing.T) {
	t.Parallel()
	dsn := storetest.SQLite(t)
	s := storetest.Open(t, dsn, nil)
	w := store.NewWatch(s)
	everyVerb(t, s)
	db, err := sql.Open("sqlite", strings.TrimPrefix(dsn, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for text, places := range w.Texts() {
		for _, step := range explain(t, db, text, places) {
			if walk.MatchString(step) || allApp.MatchString(step) {
				t.Errorf("%s:\n%s", step, text)
			}
		}
	}
	if n := len(w.Texts()); n < 40 {
		t.Errorf("only %d statements were seen", n)
	}
}

// Every list of messages, by whichever filter, begins with an index that has
// the order of the list, and finds all else by key: it reads no further than
// the page is long, and what lies between matches.
func TestListsOfMessagesGoByAnIndex(t *testing.T) {
	t.Parallel()
	dsn := storetest.SQLite(t)
	s := storetest.Open(t, dsn, nil)
	if err := s.CreateApp(ctx, wxnotify.App{ID: planApp}); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", strings.TrimPrefix(dsn, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	code := 47003
	day := func(f wxnotify.MessageFilter) wxnotify.MessageFilter {
		f.Since, f.Until = planTime.Add(-24*time.Hour), planTime
		return f
	}
	for name, c := range map[string]struct {
		f     wxnotify.MessageFilter
		index string // the first step
	}{
		"all":           {wxnotify.MessageFilter{}, "m USING INDEX sqlite_autoindex_message_1"},
		"of a day":      {day(wxnotify.MessageFilter{}), "m USING INDEX sqlite_autoindex_message_1"},
		"template":      {wxnotify.MessageFilter{TemplateID: "T"}, "m USING INDEX sqlite_autoindex_message_1"},
		"channel":       {day(wxnotify.MessageFilter{Channel: wxnotify.ChannelTemplate}), "m USING INDEX sqlite_autoindex_message_1"},
		"taken":         {wxnotify.MessageFilter{Group: wxnotify.GroupTaken}, "m USING INDEX sqlite_autoindex_message_1"},
		"sent":          {wxnotify.MessageFilter{State: wxnotify.Sent}, "m USING INDEX sqlite_autoindex_message_1"},
		"user":          {wxnotify.MessageFilter{To: "oU", State: wxnotify.Failed}, "m USING INDEX message_user"},
		"meta":          {day(wxnotify.MessageFilter{Meta: map[string]string{"a": "1", "b": "2"}}), "n USING PRIMARY KEY"},
		"failed":        {wxnotify.MessageFilter{State: wxnotify.Failed, Reason: wxnotify.ReasonData, Errcode: &code}, "q USING INDEX queue_rest"},
		"open":          {wxnotify.MessageFilter{State: wxnotify.Failed, Open: true}, "q USING INDEX queue_open"},
		"taken by rest": {day(wxnotify.MessageFilter{Group: wxnotify.GroupTaken, Rested: true}), "q USING PRIMARY KEY"},
		"failed then":   {day(wxnotify.MessageFilter{State: wxnotify.Failed, Rested: true}), "q USING INDEX queue_rest"},
		"answered":      {day(wxnotify.MessageFilter{Answers: []string{"45009"}}), "q USING PRIMARY KEY"},
		"missed then":   {day(wxnotify.MessageFilter{Group: wxnotify.GroupMissed, Rested: true}), "q USING INDEX queue_rest"},
		"open, any":     {wxnotify.MessageFilter{Open: true}, "q USING INDEX queue_open"},
		"under way":     {wxnotify.MessageFilter{UnderWay: planTime}, "q USING PRIMARY KEY"},
		"lost":          {day(wxnotify.MessageFilter{Answers: []string{"0", "40001", "lost"}}), "q USING PRIMARY KEY"},
	} {
		texts, err := store.ListTexts(s, planApp, c.f)
		if err != nil {
			t.Fatal(err)
		}
		for text, places := range texts {
			for i, step := range explain(t, db, text, places) {
				switch {
				case strings.Contains(step, "SCAN"), strings.Contains(step, "TEMP B-TREE"):
					t.Errorf("%s: %s in\n%s", name, step, text)
				case i == 0 && !strings.HasPrefix(strings.Replace(step, "COVERING ", "", 1), "SEARCH "+c.index):
					t.Errorf("%s begins with: %s in\n%s", name, step, text)
				case i > 0 && allApp.MatchString(step):
					t.Errorf("%s goes on with: %s in\n%s", name, step, text)
				}
			}
		}
	}
}

func explain(t *testing.T, db *sql.DB, text string, places int) (steps []string) {
	t.Helper()
	rows, err := db.Query("explain query plan "+text, make([]any, places)...)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, detail)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}

// everyVerb makes each verb do something of each kind.
func everyVerb(t *testing.T, s *store.Store) {
	t.Helper()
	now := wxnotify.Now{Real: planTime, Virtual: planTime}
	may := func(_ any, err error) {
		t.Helper()
		if err != nil && wxnotify.CodeOf(err) == "" {
			t.Fatal(err)
		}
	}
	may(nil, s.CreateApp(ctx, wxnotify.App{ID: planApp}))
	hook := wxnotify.Webhook{ID: "whk_1", URL: "https://a.example", Secret: wxnotify.NewSecret("whsec_")}
	may(nil, s.CreateWebhook(ctx, hook))
	entries, ds := someOfEach()
	may(s.Deposit(ctx, now, ds))
	may(s.Accept(ctx, now, entries))
	may(s.Accept(ctx, now, entries[:1]))
	may(nil, s.PutPause(ctx, wxnotify.Pause{App: planApp, Scope: "payment", Reason: "wechat", Probe: planTime}))
	for round := range 3 {
		c, err := s.Claim(ctx, now, time.Second, []wxnotify.Want{{App: planApp, N: 30, Events: true}})
		may(nil, err)
		batch := someOutcomes(c, round)
		if n := len(batch); n > 3 {
			may(s.Settle(ctx, now, batch[:n-2]))
			may(s.Evidence(ctx, now, planApp, batch[0].Try.Attempt.ID, wxnotify.Outcome{Kind: wxnotify.Accepted}))
			may(s.Evidence(ctx, now, planApp, batch[n-1].Try.Attempt.ID, wxnotify.Outcome{Kind: wxnotify.Lost}))
		}
		now.Real = now.Real.Add(time.Minute)
		may(s.Lapsed(ctx, now, 10))
		may(s.Wake(ctx, now, planApp, ds))
		may(s.Sweep(ctx, now, 100))
	}
	everyNotice(t, s, hook, now.Real)
	for _, e := range entries {
		may(s.Cancel(ctx, now, planApp, e.Message.ID))
		may(s.Resolve(ctx, now, planApp, e.Message.ID, true))
	}
	store.Doubt(s)
	may(s.Claim(ctx, now, time.Second, []wxnotify.Want{{App: planApp, N: 3}}))
	may(s.Revoke(ctx, now, planApp, user(1), "T", planTime))
	may(nil, s.DeletePermit(ctx, now, planApp, "prm_x"))
	may(s.Resume(ctx, planApp, "payment"))
	now.Virtual = planTime.Add(200 * 24 * time.Hour)
	may(s.Sweep(ctx, now, 100))
}

// everyNotice makes each verb of webhooks do something.
func everyNotice(t *testing.T, s *store.Store, hook wxnotify.Webhook, now time.Time) {
	t.Helper()
	posts, _, err := s.ClaimPosts(ctx, now, time.Second, []wxnotify.NoticeWant{{Webhook: hook.ID, N: 30}})
	if err != nil || len(posts) == 0 {
		t.Fatal(len(posts), err)
	}
	var outs []wxnotify.NoticeOutcome
	for i, p := range posts {
		outs = append(outs, wxnotify.NoticeOutcome{Webhook: p.Webhook, ID: p.ID, Owner: p.Owner, State: []wxnotify.NoticeState{wxnotify.NoticeDelivered, wxnotify.NoticeFailed}[i%2]})
	}
	_, err = s.SettlePosts(ctx, now, outs)
	if err == nil {
		_, err = s.ResendNotice(ctx, hook.ID, posts[0].ID)
	}
	if err == nil {
		_, _, err = s.RecoverNotices(ctx, hook.ID, time.Time{})
	}
	if err == nil {
		_, err = s.SweepNotices(ctx, now)
	}
	if err == nil {
		err = s.UpdateWebhook(ctx, hook)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func user(i int) string { return fmt.Sprintf("oUser%020d", i) }

func queued(i int) wxnotify.Message {
	return wxnotify.Message{ID: fmt.Sprintf("msg_%026d", i), App: planApp, To: user(i % 7), TemplateID: "T", Channel: wxnotify.ChannelTemplate, Body: []byte("{}"),
		OnUnsure: wxnotify.Hold, State: wxnotify.Queued, SendAt: planTime, ExpiresAt: planTime.Add(time.Hour), CreatedAt: planTime, UpdatedAt: planTime}
}

func someOfEach() (entries []wxnotify.Entry, ds []wxnotify.Deposit) {
	for i := range 40 {
		e := wxnotify.Entry{Message: queued(i), Key: fmt.Sprint("key", i%39)}
		e.Message.Wait, e.Message.Meta = i%3 == 0, map[string]string{"a": "b"}
		if i%4 == 0 {
			e.Message.Channel, e.Message.OnUnsure = wxnotify.ChannelSubscribe, wxnotify.Resend
		}
		if i%8 == 4 {
			e.Other = &wxnotify.Carrier{Channel: wxnotify.ChannelTemplate, TemplateID: "C", Body: []byte("{}")}
		}
		if i%5 == 0 {
			e.FormID, e.Message.Fixed = fmt.Sprintf("form-%08d", i), true
		}
		entries = append(entries, e)
		if i%2 == 0 {
			source := []wxnotify.Source{wxnotify.Form, wxnotify.Payment}[i/2%2]
			ds = append(ds, wxnotify.Deposit{App: planApp, To: user(i % 7), Source: source, Code: fmt.Sprintf("code-%08d", i)},
				wxnotify.Deposit{App: planApp, To: user(i % 7), Source: wxnotify.Subscribe, TemplateID: "T", Key: fmt.Sprint(i)})
		}
	}
	return entries, ds
}

func someOutcomes(c wxnotify.Claim, round int) (batch []wxnotify.Settlement) {
	for i, try := range c.Tries {
		o := []wxnotify.Outcome{{Kind: wxnotify.Accepted}, {Kind: wxnotify.Lost},
			{Kind: wxnotify.Refused, Verdict: wxnotify.Verdict{Do: wxnotify.NextPermit, Cause: wxnotify.CauseSpent}},
			{Kind: wxnotify.Refused, Verdict: wxnotify.Verdict{Do: wxnotify.CloseBooks, Cause: wxnotify.CauseRefused}}}[(i+round)%4]
		batch = append(batch, wxnotify.Settlement{Try: try, Outcome: o, Step: wxnotify.Next(try, o, planTime), At: planTime, Due: planTime, Hold: planTime})
	}
	return batch
}

// What claims and settles read in PostgreSQL does not grow with what there is,
// as the server counts it for the plans that it really takes, with statistics
// and without.
func TestTheHotVerbsReadTheSameAtEverySize(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("sizes are what this is about")
	}
	sizes := []int{500, 10_000, 60_000}
	dsn := storetest.Postgres(t)
	s := storetest.Open(t, dsn, nil)
	w := store.NewWatch(s)
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := s.CreateApp(ctx, wxnotify.App{ID: planApp}); err != nil {
		t.Fatal(err)
	}
	var first int64
	have := 0
	for _, size := range sizes {
		backlog(t, db, have, size)
		have = size
		for _, text := range []string{`select 1`, `analyze`} {
			if _, err := db.Exec(text); err != nil {
				t.Fatal(err)
			}
			read := cycles(t, s, w)
			t.Logf("%d waiting, %s: %.1f rows read for each message", size, text, float64(read)/cycleSize)
			if first == 0 {
				first = read
			}
			if read > first+first/4 {
				t.Errorf("with %d messages waiting, after %s, %d rows were read; with %d it was %d", size, text, read, sizes[0], first)
			}
		}
	}
}

const cycleSize = 100

var serial = 1_000_000 // of messages that are sent; they are due before the backlog

// cycles sends some messages eight times over (generic plans come after the
// fifth) and returns how many rows the last time read.
func cycles(t *testing.T, s *store.Store, w *store.Watch) (rows int64) {
	t.Helper()
	now := wxnotify.Now{Real: planTime, Virtual: planTime}
	for range 8 {
		var es []wxnotify.Entry
		var ds []wxnotify.Deposit
		for range cycleSize {
			serial++
			m := queued(serial)
			m.To = user(serial % 50)
			es = append(es, wxnotify.Entry{Message: m, Key: m.ID})
			ds = append(ds, wxnotify.Deposit{App: planApp, To: m.To, Source: wxnotify.Form, Code: fmt.Sprintf("form-%08d", serial)})
		}
		if _, err := s.Deposit(ctx, now, ds); err != nil {
			t.Fatal(err)
		}
		w.Reads()
		if _, err := s.Accept(ctx, now, es); err != nil {
			t.Fatal(err)
		}
		c, err := s.Claim(ctx, now, time.Minute, []wxnotify.Want{{App: planApp, N: cycleSize}})
		if err != nil || len(c.Tries) != cycleSize {
			t.Fatalf("%d attempts, %v", len(c.Tries), err)
		}
		batch := make([]wxnotify.Settlement, cycleSize)
		for i, try := range c.Tries {
			o := wxnotify.Outcome{Kind: wxnotify.Accepted, Said: true}
			batch[i] = wxnotify.Settlement{Try: try, Outcome: o, Step: wxnotify.Next(try, o, planTime), At: planTime}
		}
		if missed, err := s.Settle(ctx, now, batch); err != nil || len(missed) > 0 {
			t.Fatal(missed, err)
		}
		var walked int64
		if rows, walked = w.Reads(); walked > 0 {
			t.Errorf("%d rows were read one after the other", walked)
		}
	}
	return rows
}

// backlog makes messages that are due an hour later, with permits and spent
// permits of as many users.
func backlog(t *testing.T, db *sql.DB, from, to int) {
	t.Helper()
	at := planTime.UnixMilli()
	for _, text := range []string{
		`insert into message (app, id, openid, template_id, channel, meta, on_unsure, wait, fixed, send_at, expires_at, created_at, key_hash)
			select $1, 'msg_0' || lpad(i::text, 25, '0'), 'oBack' || lpad((i / 4)::text, 20, '0'), 'T', 'template', '', 'hold', 0, 0, $2::bigint, $2, $2, ''
			from generate_series($3::int + 1, $4::int) i`,
		`insert into queue (app, id, openid, state, due, permit, number, started_at, owner, tries, lost, mode, reason, evidence, msgid, parked, updated_at)
			select $1, 'msg_0' || lpad(i::text, 25, '0'), 'oBack' || lpad((i / 4)::text, 20, '0'), 'queued', $2::bigint + 3600000 + i, '', 0, 0, '', 0, 0, '', '', '', '', '', $2
			from generate_series($3::int + 1, $4::int) i`,
		`insert into permit (app, id, openid, source, template_id, code_hash, use_no, state, cause, message, given_at, expires_at, till)
			select $1, 'prm_0' || lpad(i::text, 25, '0'), 'oBack' || lpad((i / 8)::text, 20, '0'), 'form', '', 'h' || i, 1,
				case i % 2 when 0 then 'free' else 'used' end, '', '', $2::bigint, $2, case i % 2 when 0 then $2 else 0 end
			from generate_series(2 * $3::int + 1, 2 * $4::int) i`,
	} {
		if _, err := db.Exec(text, planApp, at, from, to); err != nil {
			t.Fatal(err)
		}
	}
}
