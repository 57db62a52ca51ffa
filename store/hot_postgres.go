package store

import (
	"maps"
	"slices"

	"github.com/wxnotify/wxnotify"
)

// postHot: one statement per batch, its rows as arrays. A guard on state is
// written state || ” where the planner would otherwise think that next to
// nothing is in that state, and walk all of it for every row of the batch.
type postHot struct{}

// column is one column of a batch.
func column[R, V any](rows []R, f func(R) V) []V {
	vs := make([]V, len(rows))
	for i, r := range rows {
		vs[i] = f(r)
	}
	return vs
}

func (postHot) remember(w *work, rows []idemRow) (known []int, err error) {
	fresh := map[[2]string]bool{}
	err = w.each(func(r scanner) error {
		var k [2]string
		err := r.Scan(&k[0], &k[1])
		fresh[k] = true
		return err
	}, `insert into idem (app, key_hash, fingerprint, message, created_at)
		select * from unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::bigint[])
		on conflict do nothing returning app, key_hash`,
		column(rows, func(r idemRow) string { return r.app }), column(rows, func(r idemRow) string { return r.hash }),
		column(rows, func(r idemRow) []byte { return r.fingerprint[:] }), column(rows, func(r idemRow) string { return r.message }),
		column(rows, func(r idemRow) int64 { return r.created }))
	for i, r := range rows {
		if !fresh[[2]string{r.app, r.hash}] {
			known = append(known, i)
		}
	}
	return known, err
}

func (postHot) insert(w *work, rows []*item) error {
	text := func(f func(*item) string) []string { return column(rows, f) }
	number := func(f func(*item) int64) []int64 { return column(rows, f) }
	apps, ids := text(func(r *item) string { return r.m.App }), text(func(r *item) string { return r.m.ID })
	users := text(func(r *item) string { return r.m.To })
	if _, err := w.exec(`insert into message (app, id, openid, template_id, channel, body, meta, on_unsure, wait, fixed, send_at, expires_at, created_at, key_hash, trace, either)
		select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::text[],
			$9::smallint[], $10::smallint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::text[], $15::text[], $16::smallint[])`,
		apps, ids, users,
		text(func(r *item) string { return r.m.TemplateID }), text(func(r *item) string { return string(r.m.Channel) }),
		column(rows, func(r *item) []byte { return r.body }), text(func(r *item) string { return metaText(r.m.Meta) }),
		text(func(r *item) string { return string(r.m.OnUnsure) }),
		column(rows, func(r *item) int16 { return int16(flag(r.m.Wait)) }), column(rows, func(r *item) int16 { return int16(flag(r.m.Fixed)) }),
		number(func(r *item) int64 { return ms(r.m.SendAt) }), number(func(r *item) int64 { return ms(r.m.ExpiresAt) }),
		number(func(r *item) int64 { return ms(r.m.CreatedAt) }), text(func(r *item) string { return r.keyHash }),
		text(func(r *item) string { return string(r.m.Trace) }), column(rows, func(r *item) int16 { return int16(flag(r.other != nil)) })); err != nil {
		return err
	}
	if _, err := w.exec(`insert into queue (app, id, openid, state, due, permit, reason, updated_at, number, started_at, owner, tries, lost, mode, evidence, msgid, parked)
		select u.*, 0, 0, '', 0, 0, '', '', '', '' from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::bigint[]) u`,
		apps, ids, users, text(func(r *item) string { return string(r.m.State) }), number(func(r *item) int64 { return r.due }),
		text(func(r *item) string { return r.m.Permit }), text(func(r *item) string { return string(r.m.Reason) }),
		number(func(r *item) int64 { return ms(r.m.UpdatedAt) })); err != nil {
		return err
	}
	return insertMeta(w, rows)
}

func (postHot) carry(w *work, rows []carried) error {
	text := func(f func(carried) string) []string { return column(rows, f) }
	_, err := w.exec(`insert into carrier (app, message, channel, template_id, body)
		select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[])`,
		text(func(c carried) string { return c.m.App }), text(func(c carried) string { return c.m.ID }),
		text(func(c carried) string { return string(c.channel) }), text(func(c carried) string { return c.template }),
		column(rows, func(c carried) []byte { return c.carrier.body }))
	return err
}

func insertMeta(w *work, rows []*item) error {
	var apps, names, values, ids []string
	for _, it := range rows {
		for _, name := range slices.Sorted(maps.Keys(it.m.Meta)) {
			apps, names, values, ids = append(apps, it.m.App), append(names, name), append(values, it.m.Meta[name]), append(ids, it.m.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := w.exec(`insert into message_meta (app, name, value, id) select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])`,
		apps, names, values, ids)
	return err
}

func (postHot) open(w *work, rows []*permit) (opened int, err error) {
	text := func(f func(*permit) string) []string { return column(rows, f) }
	ends := column(rows, func(p *permit) int64 { return end(p.ExpiresAt) })
	n, err := w.exec(`insert into permit (app, id, openid, source, template_id, code, code_hash, use_no, state, cause, message, given_at, expires_at, till)
		select app, id, openid, source, template_id, code, nullif(hash, ''), use_no, state, cause, message, given, ends, ends
		from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::bigint[], $9::text[], $10::text[],
			$11::text[], $12::bigint[], $13::bigint[])
			u(app, id, openid, source, template_id, code, hash, use_no, state, cause, message, given, ends)
		on conflict do nothing`,
		text(func(p *permit) string { return p.App }), text(func(p *permit) string { return p.ID }), text(func(p *permit) string { return p.To }),
		text(func(p *permit) string { return string(p.Source) }), text(func(p *permit) string { return p.TemplateID }),
		column(rows, func(p *permit) []byte { return p.sealed }), text(func(p *permit) string { return p.hash }),
		column(rows, func(p *permit) int64 { return int64(p.Use) }), text(func(p *permit) string { return string(p.State) }),
		text(func(p *permit) string { return string(p.Cause) }), text(func(p *permit) string { return p.Message }),
		column(rows, func(p *permit) int64 { return ms(p.GivenAt) }), ends)
	return int(n), err
}

// due: one scan of the index per app and state, each with its own limit and
// its own locks. What is locked and not taken is free again at the commit.
func (postHot) due(w *work, now wxnotify.Now, wants []wxnotify.Want) ([]*item, error) {
	var found []*item
	err := w.each(func(r scanner) error {
		it, err := scanItem(r)
		found = append(found, it)
		return err
	}, `select `+itemColumns+` from unnest($1::text[], $2::bigint[]) w(app, n) cross join lateral (
			select * from (select * from queue where app = w.app and state = 'unsure' and mode <> 'hold' and due <= $3
				order by due, id limit w.n for update skip locked) a
			union all
			select * from (select * from queue where app = w.app and state = 'scheduled' and due <= $4
				order by due, id limit w.n for update skip locked) b
			union all
			select * from (select * from queue where app = w.app and state = 'queued' and due <= $3
				order by due, id limit w.n for update skip locked) c
		) q`+itemTables,
		column(wants, func(x wxnotify.Want) string { return x.App }), column(wants, func(x wxnotify.Want) int64 { return int64(x.N) }),
		ms(now.Real), ms(now.Virtual))
	return found, err
}

func (postHot) free(w *work, now wxnotify.Now, needs []*need) error {
	text := func(f func(*need) string) []string { return column(needs, f) }
	return w.each(func(r scanner) error {
		var i int64
		p, err := scanPermit(r, &i)
		if err == nil {
			needs[i-1].rows = append(needs[i-1].rows, p)
		}
		return err
	}, `select u.i, `+permitColumns+` from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
			with ordinality u(app, openid, template, skip, skip2, n, i)
		cross join lateral (
			select * from permit where app = u.app and openid = u.openid and till > $7 and state = 'free'
				and template_id = u.template and source <> u.skip and source <> u.skip2
			order by till, id limit u.n for update
		) p`,
		text(func(u *need) string { return u.app }), text(func(u *need) string { return u.openid }), text(func(u *need) string { return u.template }),
		text(func(u *need) string { return u.skip[0] }), text(func(u *need) string { return u.skip[1] }),
		column(needs, func(u *need) int64 { return int64(u.n) }), fresh(now))
}

func (postHot) move(w *work, rows []move) (missed []int, err error) {
	text := func(f func(move) string) []string { return column(rows, f) }
	number := func(f func(move) int64) []int64 { return column(rows, f) }
	hit := make([]bool, len(rows))
	err = w.each(func(r scanner) error {
		var i int
		err := r.Scan(&i)
		if err == nil {
			hit[i-1] = true
		}
		return err
	}, `update queue q set state = u.state, due = u.due, permit = u.permit, number = u.number, started_at = u.started, owner = u.owner,
			tries = u.tries, lost = u.lost, mode = u.mode, reason = u.reason, evidence = u.evidence, msgid = u.msgid, parked = u.parked,
			updated_at = u.updated, finished_at = u.finished, errmsg = u.errmsg, rid = u.rid
		from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[],
			$6::text[], $7::bigint[], $8::text[], $9::bigint[], $10::bigint[], $11::text[], $12::bigint[], $13::bigint[], $14::text[],
			$15::text[], $16::text[], $17::text[], $18::text[], $19::bigint[], $20::bigint[], $21::text[], $22::text[])
			with ordinality u(app, id, was, was_number, was_lost,
			state, due, permit, number, started, owner, tries, lost, mode, reason, evidence, msgid, parked, updated, finished, errmsg, rid, i)
		where q.app = u.app and q.id = u.id and q.state || '' = u.was and q.number = u.was_number and q.lost = u.was_lost
		returning u.i`,
		text(func(r move) string { return r.m.App }), text(func(r move) string { return r.m.ID }), text(func(r move) string { return string(r.state) }),
		number(func(r move) int64 { return int64(r.wasNumber) }), number(func(r move) int64 { return int64(flag(r.wasLost)) }),
		text(func(r move) string { return string(r.m.State) }), number(func(r move) int64 { return r.due }), text(func(r move) string { return r.m.Permit }),
		number(func(r move) int64 { return int64(r.number) }), number(func(r move) int64 { return r.started }), text(func(r move) string { return r.owner }),
		number(func(r move) int64 { return int64(r.m.Tries) }), number(func(r move) int64 { return int64(flag(r.lost)) }), text(func(r move) string { return r.mode }),
		text(func(r move) string { return string(r.m.Reason) }), text(func(r move) string { return string(r.m.Evidence) }), text(func(r move) string { return r.m.MsgID }),
		text(func(r move) string { return r.parked }), number(func(r move) int64 { return ms(r.m.UpdatedAt) }),
		number(func(r move) int64 { return r.took.finished }), text(func(r move) string { return r.took.errmsg }), text(func(r move) string { return r.took.rid }))
	for i, ok := range hit {
		if !ok {
			missed = append(missed, i)
		}
	}
	return missed, err
}

func (postHot) turn(w *work, rows []turn) error {
	text := func(f func(turn) string) []string { return column(rows, f) }
	_, err := w.exec(`update permit p set state = u.state, cause = u.cause, message = u.message, till = u.till
		from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[]) u(app, id, was, state, cause, message, till)
		where p.app = u.app and p.id = u.id and p.message = u.was`,
		text(func(r turn) string { return r.p.App }), text(func(r turn) string { return r.p.ID }), text(func(r turn) string { return r.was }),
		text(func(r turn) string { return string(r.state) }), text(func(r turn) string { return string(r.cause) }),
		text(func(r turn) string { return r.message }), column(rows, func(r turn) int64 { return r.till }))
	return err
}

func (postHot) record(w *work, rows []attempt) error {
	text := func(f func(attempt) string) []string { return column(rows, f) }
	number := func(f func(attempt) int64) []int64 { return column(rows, f) }
	_, err := w.exec(`insert into attempt (app, message, number, permit, node, started_at, finished_at, outcome, errcode, errmsg, rid, msgid)
		select * from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::text[],
			$9::bigint[], $10::text[], $11::text[], $12::text[])
		on conflict (app, message, number) do update set finished_at = excluded.finished_at, outcome = excluded.outcome,
			errcode = excluded.errcode, errmsg = excluded.errmsg, rid = excluded.rid, msgid = excluded.msgid
		where attempt.outcome in ('', 'lost', 'inferred')`,
		text(func(a attempt) string { return a.app }), text(func(a attempt) string { return a.message }), number(func(a attempt) int64 { return int64(a.Number) }),
		text(func(a attempt) string { return a.Permit }), text(func(a attempt) string { return a.Node }),
		number(func(a attempt) int64 { return ms(a.StartedAt) }), number(func(a attempt) int64 { return ms(a.FinishedAt) }),
		text(func(a attempt) string { return string(a.Outcome) }), column(rows, func(a attempt) *int { return a.Errcode }),
		text(func(a attempt) string { return a.Errmsg }), text(func(a attempt) string { return a.RID }), text(func(a attempt) string { return a.MsgID }))
	return err
}

func (postHot) add(w *work, node string, sums []sumRow, stocks []stockRow) error {
	if len(sums) > 0 {
		if _, err := w.exec(`insert into rollup (app, slot, kind, node, n)
			select u.app, u.slot, u.kind, $1, u.n from unnest($2::text[], $3::bigint[], $4::text[], $5::bigint[]) u(app, slot, kind, n)
			on conflict (app, slot, kind, node) do update set n = rollup.n + excluded.n`, node,
			column(sums, func(r sumRow) string { return r.app }), column(sums, func(r sumRow) int64 { return r.slot }),
			column(sums, func(r sumRow) string { return r.kind }), column(sums, func(r sumRow) int64 { return r.n })); err != nil {
			return err
		}
	}
	if len(stocks) == 0 {
		return nil
	}
	text := func(f func(stockRow) string) []string { return column(stocks, f) }
	_, err := w.exec(`insert into stock (app, source, template_id, ends, node, n)
		select u.app, u.source, u.template, u.ends, $1, u.n from unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[]) u(app, source, template, ends, n)
		on conflict (app, source, template_id, ends, node) do update set n = stock.n + excluded.n`, node,
		text(func(r stockRow) string { return r.app }), text(func(r stockRow) string { return r.source }), text(func(r stockRow) string { return r.template }),
		column(stocks, func(r stockRow) int64 { return r.ends }), column(stocks, func(r stockRow) int64 { return r.n }))
	return err
}
