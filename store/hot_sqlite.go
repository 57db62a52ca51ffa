package store

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/wxnotify/wxnotify"
)

// liteHot: a prepared statement per row beats everything set-wise in SQLite.
type liteHot struct{}

func (liteHot) remember(w *work, rows []idemRow) (known []int, err error) {
	for i, r := range rows {
		n, err := w.exec(`insert into idem (app, key_hash, fingerprint, message, created_at)
			values ($1, $2, $3, $4, $5) on conflict do nothing`, r.app, r.hash, r.fingerprint[:], r.message, r.created)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			known = append(known, i)
		}
	}
	return known, nil
}

func (liteHot) insert(w *work, rows []*item) error {
	for _, it := range rows {
		m := &it.m
		if _, err := w.exec(`insert into message (app, id, openid, template_id, channel, body, meta, on_unsure, wait, fixed, send_at, expires_at, created_at, key_hash, trace, either)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
			m.App, m.ID, m.To, m.TemplateID, string(m.Channel), it.body, metaText(m.Meta), string(m.OnUnsure), flag(m.Wait), flag(m.Fixed),
			ms(m.SendAt), ms(m.ExpiresAt), ms(m.CreatedAt), it.keyHash, string(m.Trace), flag(it.other != nil)); err != nil {
			return err
		}
		if _, err := w.exec(`insert into queue (app, id, openid, state, due, permit, number, started_at, owner, tries, lost, mode, reason, evidence, msgid, parked, updated_at)
			values ($1, $2, $3, $4, $5, $6, 0, 0, '', 0, 0, '', $7, '', '', '', $8)`,
			m.App, m.ID, m.To, string(m.State), it.due, m.Permit, string(m.Reason), ms(m.UpdatedAt)); err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(m.Meta)) {
			if _, err := w.exec(`insert into message_meta (app, name, value, id) values ($1, $2, $3, $4)`, m.App, name, m.Meta[name], m.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

func (liteHot) carry(w *work, rows []carried) error {
	for _, c := range rows {
		if _, err := w.exec(`insert into carrier (app, message, channel, template_id, body) values ($1, $2, $3, $4, $5)`,
			c.m.App, c.m.ID, string(c.channel), c.template, c.carrier.body); err != nil {
			return err
		}
	}
	return nil
}

func metaText(meta map[string]string) string {
	if len(meta) == 0 {
		return ""
	}
	b, err := json.Marshal(meta)
	if err != nil {
		panic(err) // strings always can be
	}
	return string(b)
}

func (liteHot) open(w *work, rows []*permit) (opened int, err error) {
	for _, p := range rows {
		n, err := w.exec(`insert into permit (app, id, openid, source, template_id, code, code_hash, use_no, state, cause, message, given_at, expires_at, till)
			values ($1, $2, $3, $4, $5, $6, nullif($7, ''), $8, $9, $10, $11, $12, $13, $14) on conflict do nothing`,
			p.App, p.ID, p.To, string(p.Source), p.TemplateID, p.sealed, p.hash, p.Use, string(p.State), string(p.Cause), p.Message,
			ms(p.GivenAt), end(p.ExpiresAt), end(p.ExpiresAt))
		if err != nil {
			return opened, err
		}
		opened += int(n)
	}
	return opened, nil
}

func (liteHot) due(w *work, now wxnotify.Now, wants []wxnotify.Want) ([]*item, error) {
	var found []*item
	add := func(r scanner) error {
		it, err := scanItem(r)
		found = append(found, it)
		return err
	}
	for _, want := range wants {
		if err := w.each(add, `select `+itemColumns+` from queue q`+itemTables+`
			where q.app = $1 and q.state = 'unsure' and q.mode <> 'hold' and q.due <= $2 order by q.due, q.id limit $3`,
			want.App, ms(now.Real), want.N); err != nil {
			return nil, err
		}
		if err := w.each(add, `select `+itemColumns+` from queue q`+itemTables+`
			where q.app = $1 and q.state = 'scheduled' and q.due <= $2 order by q.due, q.id limit $3`,
			want.App, ms(now.Virtual), want.N); err != nil {
			return nil, err
		}
		if err := w.each(add, `select `+itemColumns+` from queue q`+itemTables+`
			where q.app = $1 and q.state = 'queued' and q.due <= $2 order by q.due, q.id limit $3`,
			want.App, ms(now.Real), want.N); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (liteHot) free(w *work, now wxnotify.Now, needs []*need) error {
	for _, u := range needs {
		err := w.each(func(r scanner) error {
			p, err := scanPermit(r)
			u.rows = append(u.rows, p)
			return err
		}, `select `+permitColumns+` from permit p
			where p.app = $1 and p.openid = $2 and p.till > $3 and p.state = 'free' and p.template_id = $4 and p.source <> $5 and p.source <> $6
			order by p.till, p.id limit $7`,
			u.app, u.openid, fresh(now), u.template, u.skip[0], u.skip[1], u.n)
		if err != nil {
			return err
		}
	}
	return nil
}

// move names lost and parked only where they change: of what is named SQLite
// writes the indexes anew.
func (liteHot) move(w *work, rows []move) (missed []int, err error) {
	for i, r := range rows {
		m := &r.m
		text := `update queue set state = $1, due = $2, permit = $3, number = $4, started_at = $5, owner = $6, tries = $7,
			mode = $8, reason = $9, evidence = $10, msgid = $11, updated_at = $12, finished_at = $13, errmsg = $14, rid = $15
			where app = $16 and id = $17 and state = $18 and number = $19 and lost = $20`
		args := []any{
			string(m.State), r.due, m.Permit, r.number, r.started, r.owner, m.Tries,
			r.mode, string(m.Reason), string(m.Evidence), m.MsgID, ms(m.UpdatedAt), r.took.finished, r.took.errmsg, r.took.rid,
			m.App, m.ID, string(r.state), r.wasNumber, flag(r.wasLost),
		}
		if r.lost != r.wasLost || r.parked != r.wasParked {
			text = `update queue set state = $1, due = $2, permit = $3, number = $4, started_at = $5, owner = $6, tries = $7,
				mode = $8, reason = $9, evidence = $10, msgid = $11, updated_at = $12, finished_at = $13, errmsg = $14, rid = $15,
				lost = $16, parked = $17 where app = $18 and id = $19 and state = $20 and number = $21 and lost = $22`
			args = slices.Insert(args, 15, any(flag(r.lost)), any(r.parked))
		}
		n, err := w.exec(text, args...)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			missed = append(missed, i)
		}
	}
	return missed, nil
}

// turn names till only where it changes, as move does.
func (liteHot) turn(w *work, rows []turn) (err error) {
	for _, r := range rows {
		if r.from == wxnotify.PermitFree && r.state == wxnotify.PermitBound {
			_, err = w.exec(`update permit set state = $1, cause = $2, message = $3 where app = $4 and id = $5 and message = $6`,
				string(r.state), string(r.cause), r.message, r.p.App, r.p.ID, r.was)
		} else {
			_, err = w.exec(`update permit set state = $1, cause = $2, message = $3, till = $4 where app = $5 and id = $6 and message = $7`,
				string(r.state), string(r.cause), r.message, r.till, r.p.App, r.p.ID, r.was)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (liteHot) record(w *work, rows []attempt) error {
	for _, a := range rows {
		var errcode any
		if a.Errcode != nil {
			errcode = *a.Errcode
		}
		if _, err := w.exec(`insert into attempt (app, message, number, permit, node, started_at, finished_at, outcome, errcode, errmsg, rid, msgid)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
			on conflict (app, message, number) do update set finished_at = excluded.finished_at, outcome = excluded.outcome,
			errcode = excluded.errcode, errmsg = excluded.errmsg, rid = excluded.rid, msgid = excluded.msgid
			where attempt.outcome in ('', 'lost', 'inferred')`,
			a.app, a.message, a.Number, a.Permit, a.Node, ms(a.StartedAt), ms(a.FinishedAt), string(a.Outcome), errcode, a.Errmsg, a.RID, a.MsgID); err != nil {
			return err
		}
	}
	return nil
}

func (liteHot) add(w *work, node string, sums []sumRow, stocks []stockRow) error {
	for _, r := range sums {
		if _, err := w.exec(`insert into rollup (app, slot, kind, node, n) values ($1, $2, $3, $4, $5)
			on conflict (app, slot, kind, node) do update set n = n + excluded.n`, r.app, r.slot, r.kind, node, r.n); err != nil {
			return err
		}
	}
	for _, r := range stocks {
		if _, err := w.exec(`insert into stock (app, source, template_id, ends, node, n) values ($1, $2, $3, $4, $5, $6)
			on conflict (app, source, template_id, ends, node) do update set n = n + excluded.n`, r.app, r.source, r.template, r.ends, node, r.n); err != nil {
			return err
		}
	}
	return nil
}
