package store

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/wxnotify/wxnotify"
)

// Accept makes messages durable, in one transaction. What concerns one entry
// alone is in its receipt: a key that was used before (the receipt is that of
// the first message, or idempotency_key_reused when the content is another),
// and a form_id of another user (permit_conflict). An entry whose form_id has
// no use left is accepted, and failed.
//
// After commit_unknown the same entries may be asked for again if they have
// keys.
func (s *Store) Accept(ctx context.Context, now wxnotify.Now, entries []wxnotify.Entry) ([]wxnotify.Receipt, error) {
	s.saw(now)
	items := make([]*item, len(entries)) // sealed once, however often the transaction runs
	for i := range entries {
		items[i] = s.incoming(&entries[i])
	}
	a := &accept{}
	err := s.do(ctx, "accept", doorLimit, func(w *work) error {
		*a = accept{w: w, now: now, entries: entries, receipts: make([]wxnotify.Receipt, len(entries))}
		for _, it := range items {
			cp := *it
			a.items = append(a.items, &cp)
		}
		return a.run()
	})
	if err != nil {
		return nil, err
	}
	return a.receipts, nil
}

func (s *Store) incoming(e *wxnotify.Entry) *item {
	it := &item{m: e.Message}
	m := &it.m
	it.body = s.seal("message.body", m.App, m.ID, m.Body)
	m.Body = nil
	if o := e.Other; o != nil {
		m.Either = true
		it.other = &carrier{o.Channel, o.TemplateID, s.seal("message.body", m.App, m.ID, o.Body)}
	}
	if e.Key != "" {
		it.keyHash = s.keyHash(m.App, e.Key)
	}
	return it
}

func (s *Store) keyHash(app, key string) string   { return s.hashed("key", app, key) }
func (s *Store) codeHash(app, code string) string { return s.hashed("code", app, code) }

// An accept is one under way.
type accept struct {
	w        *work
	now      wxnotify.Now
	entries  []wxnotify.Entry
	items    []*item // nil: not to be inserted
	receipts []wxnotify.Receipt
}

func (a *accept) run() error {
	again, err := a.keys()
	if err != nil {
		return err
	}
	if err := a.codes(); err != nil {
		return err
	}
	var rows []*item
	for i, it := range a.items {
		if it == nil {
			continue
		}
		it.due = ms(a.now.Real)
		if it.m.State == wxnotify.Scheduled {
			it.due = ms(it.m.SendAt)
		}
		if it.m.State.AtRest() {
			it.due = 0
		}
		a.receipts[i] = wxnotify.Receipt{ID: it.m.ID, State: it.m.State}
		rows = append(rows, it)
	}
	if len(rows) > 0 {
		if err := a.w.hot.insert(a.w, rows); err != nil {
			return err
		}
		a.w.tally.accepted(rows)
		if err := a.w.insertCarriers(rows); err != nil {
			return err
		}
		if err := a.tell(rows); err != nil {
			return err
		}
	}
	for i, first := range again { // repeats within the batch
		a.receipts[i] = a.receipts[first]
		a.receipts[i].Replayed = a.receipts[i].Err == nil
	}
	return nil
}

// tell tells of those that have failed already.
func (a *accept) tell(rows []*item) error {
	if deaf, err := a.w.deaf(); deaf || err != nil {
		return err
	}
	var events []told
	for _, it := range rows {
		events = appendMessage(events, &it.m)
	}
	return a.w.tell(a.now.Real, events...)
}

// keys takes the idempotency keys. Entries whose key is known leave the batch;
// again maps a repeat within the batch to its first.
func (a *accept) keys() (again map[int]int, err error) {
	again = map[int]int{}
	first := map[[2]string]int{}
	var rows []idemRow
	for i, it := range a.items {
		if it.keyHash == "" {
			continue
		}
		k := [2]string{it.m.App, it.keyHash}
		switch f, seen := first[k]; {
		case !seen:
			first[k] = i
			rows = append(rows, idemRow{app: it.m.App, hash: it.keyHash, message: it.m.ID, fingerprint: a.entries[i].Fingerprint, created: ms(a.now.Virtual), index: i})
		case a.entries[f].Fingerprint != a.entries[i].Fingerprint:
			a.refuse(i, errKeyReused)
		default:
			again[i] = f
			a.items[i] = nil
		}
	}
	if len(rows) == 0 {
		return again, nil
	}
	slices.SortFunc(rows, func(x, y idemRow) int {
		return cmp.Or(strings.Compare(x.app, y.app), strings.Compare(x.hash, y.hash))
	})
	known, err := a.w.hot.remember(a.w, rows)
	if err != nil || len(known) == 0 {
		return again, err
	}
	return again, a.replay(rows, known)
}

var errKeyReused = wxnotify.Refuse(wxnotify.IdempotencyReused, "this Idempotency-Key was used with other content")

func (a *accept) refuse(i int, err error) {
	a.receipts[i] = wxnotify.Receipt{Err: err}
	a.items[i] = nil
}

// replay answers entries whose keys were used by earlier batches.
func (a *accept) replay(rows []idemRow, known []int) error {
	byKey := map[[2]string]int{}
	var asked [][]string
	for _, k := range known {
		byKey[[2]string{rows[k].app, rows[k].hash}] = rows[k].index
		asked = append(asked, []string{rows[k].app, rows[k].hash})
	}
	return a.w.each(func(r scanner) error {
		var app, hash, id, state string
		var print []byte
		if err := r.Scan(&app, &hash, &print, &id, &state); err != nil {
			return err
		}
		i := byKey[[2]string{app, hash}]
		if string(print) != string(a.entries[i].Fingerprint[:]) {
			a.refuse(i, errKeyReused)
			return nil
		}
		a.items[i] = nil
		a.receipts[i] = wxnotify.Receipt{ID: id, State: wxnotify.State(state), Replayed: true}
		return nil
	}, `select i.app, i.key_hash, i.fingerprint, i.message, coalesce(q.state, '') from `+a.w.unpack("$1", "app", "hash")+` u
		cross join idem i left join queue q on q.app = i.app and q.id = i.message
		where i.app = u.app and i.key_hash = u.hash`, pack(asked))
}

// codes binds a use of the code to each entry that names one. A code that the
// ledger does not know is deposited.
func (a *accept) codes() error {
	b := book{w: a.w, now: a.now}
	for i, it := range a.items {
		if it != nil && a.entries[i].FormID != "" {
			b.ask(it.m.App, a.entries[i].FormID)
		}
	}
	if err := b.load(); err != nil {
		return err
	}
	var refused [][]string
	for i, it := range a.items {
		if it == nil || a.entries[i].FormID == "" {
			continue
		}
		if err := a.code(&b, it, a.entries[i].FormID); err != nil {
			if it.keyHash != "" {
				refused = append(refused, []string{it.m.App, it.keyHash})
			}
			a.refuse(i, err)
		}
	}
	if err := b.write(); err != nil {
		return err
	}
	if len(refused) == 0 {
		return nil
	}
	// Nothing was accepted under these keys.
	_, err := a.w.exec(`delete from idem where (app, key_hash) in (select u.app, u.hash from `+a.w.unpack("$1", "app", "hash")+` u)`, pack(refused))
	return err
}

func (a *accept) code(b *book, it *item, code string) error {
	m := &it.m
	rows := b.rows(m.App, code)
	if len(rows) == 0 {
		d := wxnotify.Deposit{App: m.App, To: m.To, Source: wxnotify.SourceOf(code), Code: code, GivenAt: a.now.Virtual}
		opened, err := d.Open(a.now.Virtual)
		if err != nil {
			return err
		}
		rows = b.open(opened, b.hash(m.App, code))
	}
	if !a.w.same(rows[0], m.To) {
		return wxnotify.Refuse(wxnotify.PermitConflict, "this form_id was handed in for another user")
	}
	var spent bool
	for _, p := range rows {
		if p.State == wxnotify.PermitFree && (p.ExpiresAt.IsZero() || p.ExpiresAt.After(a.now.Virtual.Add(wxnotify.Margin))) {
			b.bind(p, m.ID)
			m.Permit, m.Source = p.ID, p.Source
			return nil
		}
		spent = spent || p.State == wxnotify.PermitUsed || p.State == wxnotify.PermitBound || p.State == wxnotify.PermitHeld
	}
	m.State, m.Reason = wxnotify.Failed, wxnotify.ReasonPermitDead
	if spent {
		m.Reason = wxnotify.ReasonPermitUsed
	}
	return nil
}

// Replay finds the message that was accepted under a key.
func (s *Store) Replay(ctx context.Context, app, key string) (id string, fingerprint [32]byte, ok bool, err error) {
	err = s.look(ctx, "read an idempotency key", func(ctx context.Context) error {
		return s.each(ctx, func(r scanner) error {
			var print []byte
			err := r.Scan(&id, &print)
			copy(fingerprint[:], print)
			ok = true
			return err
		}, `select message, fingerprint from idem where app = $1 and key_hash = $2`, app, s.keyHash(app, key))
	})
	return id, fingerprint, ok && err == nil, err
}
