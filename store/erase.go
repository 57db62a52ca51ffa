package store

import (
	"context"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
)

// A person who asked to be forgotten is a row of erasure. Bites of a sweep, on
// any node, then work off every row that still names them: what is left to do
// is what still has the openid in it, so a crash between two bites loses
// nothing. What was not started is canceled, what is unresolved becomes
// unknown, values and meta go, and the openid becomes a pseudonym. A message
// that is on its way is left until its attempt is over.
//
// What is younger than the wish is not touched: a later login starts the person
// anew. The row stays, so that events and taps from before it are known for
// what they are. Hashes of codes stay until every code's deadline has passed, so
// that nothing spent comes in again: then the row is due once more, and they
// go. Those of idempotency keys go with their messages.

// pseudonymPrefix begins what stands in place of an erased openid; WeChat's
// begin with o.
const pseudonymPrefix = "erased_"

// Pseudonym stands for a person in logs, statistics and after erasure; one that
// is a pseudonym already stays as it is. It says nothing to those who do not
// have the keys of this database.
func (s *Store) Pseudonym(app, openid string) string {
	if strings.HasPrefix(openid, pseudonymPrefix) {
		return openid
	}
	return pseudonymPrefix + s.hashed("person", app, openid)
}

// Erase takes note, durably, that a person is to be forgotten, and ends their
// sessions. Sweep does the rest, within a minute as a rule. It may be repeated.
func (s *Store) Erase(ctx context.Context, now wxnotify.Now, app, openid string) (person string, err error) {
	s.saw(now)
	person = s.Pseudonym(app, openid)
	if person == openid {
		return person, nil // forgotten already
	}
	err = s.do(ctx, "erase", doorLimit, func(w *work) error {
		_, err := w.exec(`insert into erasure (app, person, openid, asked_at, asked_real, due, done_at) values ($1, $2, $3, $4, $5, $6, 0)
			on conflict (app, person) do update set openid = excluded.openid, due = excluded.due, done_at = 0, asked_at = excluded.asked_at, asked_real = excluded.asked_real`,
			app, person, s.seal("erasure.openid", app, person, []byte(openid)), ms(now.Virtual), ms(now.Real), ms(now.Real))
		if err != nil {
			return err
		}
		_, err = w.exec(eraseSessions, openid, app, ms(now.Virtual.Add(wxnotify.SessionLasts)), eraseRows)
		return err
	})
	return person, err
}

// A session says when it ends, and so when it began.
const eraseSessions = `delete from session where hash in (select hash from session where openid = $1 and app = $2 and expires_at <= $3 limit $4)`

// How much of a person one bite takes: a message is several rows.
const (
	eraseMessages = 100
	eraseRows     = 300
	eraseBites    = 20 // in one sweep
	eraseAgain    = 5 * time.Second
)

// sweepErasures works off who is to be forgotten, a bite at a time.
func (s *Store) sweepErasures(ctx context.Context, now wxnotify.Now, _ int) (rests []wxnotify.Rest, err error) {
	for range eraseBites {
		e := &erasing{now: now}
		if err := s.do(ctx, "erase a person", engineLimit, func(w *work) error {
			*e = erasing{now: now}
			return e.bite(w)
		}); err != nil || e.person == "" {
			return rests, err
		}
		rests = append(rests, e.rests...)
	}
	return rests, nil
}

// An erasing is one bite.
type erasing struct {
	now                 wxnotify.Now
	app, person, openid string
	asked, askedReal    int64
	rests               []wxnotify.Rest
	done                int64
	full                bool // there may be more
}

func (e *erasing) bite(w *work) error {
	var sealed []byte
	found, err := w.one([]any{&e.app, &e.person, &sealed, &e.asked, &e.askedReal, &e.done}, `select app, person, openid, asked_at, asked_real, done_at
		from erasure where due <= $1 order by due, app, person limit 1`+w.skip, ms(e.now.Real))
	if err != nil || !found {
		return err
	}
	if e.done > 0 {
		return e.hashes(w)
	}
	openid, err := w.s.unseal("erasure.openid", e.app, e.person, sealed)
	if err != nil {
		return err
	}
	e.openid = string(openid)
	for _, part := range []func(*work) error{e.records, e.messages, e.permits} {
		if err := part(w); err != nil {
			return err
		}
	}
	return e.finish(w)
}

// some runs a statement whose last place is how many rows it may take.
func (e *erasing) some(w *work, text string, args ...any) error {
	n, err := w.exec(text, append(args, eraseRows)...)
	e.full = e.full || n >= eraseRows
	return err
}

// records: logins, words, events that were not applied, and what was to be told
// to webhooks or was told.
func (e *erasing) records(w *work) error {
	if err := e.some(w, eraseSessions, e.openid, e.app, e.asked+wxnotify.SessionLasts.Milliseconds()); err != nil {
		return err
	}
	if err := e.some(w, `delete from word where (app, openid, template_id) in
		(select app, openid, template_id from word where app = $1 and openid = $2 and said_at <= $3 limit $4)`, e.app, e.openid, e.askedReal); err != nil {
		return err
	}
	if err := e.some(w, `delete from notice where (webhook, id) in
		(select webhook, id from notice where openid = $1 and app = $2 and created_at <= $3 limit $4)`, e.openid, e.app, e.askedReal); err != nil {
		return err
	}
	return e.some(w, `delete from event where (app, id) in
		(select app, id from event where app = $1 and openid = $2 and at <= $3 limit $4)`, e.app, e.openid, e.askedReal)
}

func (e *erasing) messages(w *work) error {
	c := changes{now: e.now}
	var ids, metas [][]string
	err := w.each(func(r scanner) error {
		it, err := scanItem(r)
		if err != nil {
			return err
		}
		ids = append(ids, []string{it.m.ID})
		for name, value := range it.m.Meta {
			metas = append(metas, []string{name, value, it.m.ID})
		}
		e.end(&c, it)
		return nil
	}, `select `+itemColumns+` from message m cross join queue q left join permit p on p.app = q.app and p.id = q.permit
		where m.openid = $1 and m.app = $2 and m.created_at <= $3 and q.app = m.app and q.id = m.id and q.state <> 'sending'
		order by m.id limit $4`+w.lockQ, e.openid, e.app, e.asked, eraseMessages)
	if err != nil || len(ids) == 0 {
		return err
	}
	e.full = e.full || len(ids) >= eraseMessages
	if _, err := c.write(w); err != nil {
		return err
	}
	return e.forget(w, pack(ids), metas)
}

// forget takes what messages said and who they were for.
func (e *erasing) forget(w *work, ids string, metas [][]string) error {
	// Of a message that was on its way something may have been told since.
	if _, err := w.exec(`delete from notice where openid = $1 and app = $2 and subject in (select u.id from `+
		w.unpack("$3", "id")+` u)`, e.openid, e.app, ids); err != nil {
		return err
	}
	if _, err := w.exec(`update message set openid = $1, body = null, meta = '' where app = $2 and id in (select u.id from `+
		w.unpack("$3", "id")+` u)`, e.person, e.app, ids); err != nil {
		return err
	}
	if _, err := w.exec(`update queue set openid = $1 where app = $2 and id in (select u.id from `+
		w.unpack("$3", "id")+` u)`, e.person, e.app, ids); err != nil {
		return err
	}
	if _, err := w.exec(`update carrier set body = null where app = $1 and message in (select u.id from `+
		w.unpack("$2", "id")+` u)`, e.app, ids); err != nil {
		return err
	}
	if len(metas) == 0 {
		return nil
	}
	_, err := w.exec(`delete from message_meta where app = $1 and (name, value, id) in (select u.name, u.value, u.id from `+
		w.unpack("$2", "name", "value", "id")+` u)`, e.app, pack(metas))
	return err
}

// end brings a message to rest. What may have arrived is unknown, and stays so:
// nobody can repeat it, and events about it are not heard.
func (e *erasing) end(c *changes, it *item) {
	if it.m.State.AtRest() {
		return
	}
	it.m.To, it.m.Meta = e.person, nil // what webhooks are told
	switch {
	case it.lost:
		c.apply(it, nil, it.permit, wxnotify.Step{State: wxnotify.Unknown, Reason: wxnotify.ReasonUnresolved, Permit: wxnotify.Kill,
			Cause: wxnotify.CauseUnresolved, Tries: it.m.Tries}, time.Time{}, time.Time{})
	default:
		c.end(it, wxnotify.Canceled, wxnotify.ReasonErased)
	}
	e.rests = append(e.rests, it.m.Rest())
}

// permits lose their code, not its hash. Those of messages on their way wait
// for them; the state is looked at twice, since a claim may bind one meanwhile.
func (e *erasing) permits(w *work) error {
	before := idAt(wxnotify.PermitPrefix, time.UnixMilli(e.asked+1))
	n, err := w.bury(e.now, wxnotify.PermitFree, `update permit set state = 'dead', cause = 'erased', till = 0
		where (app, id) in (select p.app, p.id from permit p where p.openid = $1 and p.app = $2 and p.id < $3 and p.state = 'free' order by p.till, p.id limit $4)
		and state = 'free'`, e.openid, e.app, before, eraseRows)
	if err != nil {
		return err
	}
	e.full = e.full || n >= eraseRows
	return e.some(w, `update permit set openid = $1, code = null, till = 0
		where (app, id) in (select p.app, p.id from permit p where p.openid = $2 and p.app = $3 and p.id < $4
			and p.state <> 'free' and p.state <> 'bound' and p.state <> 'held' order by p.till, p.id limit $5)
		and state <> 'free' and state <> 'bound' and state <> 'held'`,
		e.person, e.openid, e.app, before)
}

// finish says whether that was all.
func (e *erasing) finish(w *work) error {
	if e.full {
		return nil // the next bite goes on
	}
	var left int
	if _, err := w.one([]any{&left}, `select (select count(*) from (select 1 from message where openid = $1 and app = $2 and created_at <= $3 limit 1) m)
		+ (select count(*) from (select 1 from permit where openid = $1 and app = $2 and id < $4 limit 1) p)`,
		e.openid, e.app, e.asked, idAt(wxnotify.PermitPrefix, time.UnixMilli(e.asked+1))); err != nil {
		return err
	}
	if left > 0 {
		_, err := w.exec(`update erasure set due = $1 where app = $2 and person = $3`, ms(e.now.Real.Add(eraseAgain)), e.app, e.person)
		return err
	}
	_, err := w.exec(`update erasure set openid = null, due = $1, done_at = $2 where app = $3 and person = $4`,
		ms(e.now.Real.Add(MinPermitRetention)), ms(e.now.Real), e.app, e.person)
	return err
}

// hashes takes what would recognise the person's codes.
func (e *erasing) hashes(w *work) error {
	err := e.some(w, `update permit set code_hash = null where (app, id) in
		(select app, id from permit where openid = $1 and app = $2 and code_hash is not null order by till, id limit $3)`, e.person, e.app)
	if err != nil || e.full {
		return err
	}
	_, err = w.exec(`update erasure set due = $1 where app = $2 and person = $3`, int64(far), e.app, e.person)
	return err
}

// erased says whether what a person did at that real time is older than their
// wish to be forgotten.
func (w *work) erased(app, openid string, when time.Time) (bool, error) {
	var one int
	return w.one([]any{&one}, `select 1 from erasure where app = $1 and person = $2 and asked_real >= $3`, app, w.s.Pseudonym(app, openid), ms(when))
}

// same says whether a row's person is this one, perhaps before they were erased.
func (w *work) same(p *permit, openid string) bool {
	return p.To == openid || p.To == w.s.Pseudonym(p.App, openid)
}
