package store

import (
	"strconv"
	"time"

	"github.com/wxnotify/wxnotify"
)

// A tap is one acceptance of a subscription. It may be told twice, by the mini
// program and by WeChat's event, in either order, with no id in common. So each
// row has two marks: reported (code_hash, the hash of the caller's own id, or
// the row's id where there was none) and event. What is told fills the nearest
// row that lacks its mark, and only else makes a row. hear locks the user's
// word about the template before, so two who tell of it come one after the
// other.

// tap takes in an acceptance, told by the event of that id, or reported under
// hash if event is "". Told again, and told after the user had turned the
// template off later, it creates nothing.
func (b *book) tap(d wxnotify.Deposit, hash, event string) (created int, err error) {
	acted := realTime(b.now, d.GivenAt)
	var off int64
	if _, err := b.w.one([]any{&off}, `select off_at from word where app = $1 and openid = $2 and template_id = $3`, d.App, d.To, d.TemplateID); err != nil {
		return 0, err
	}
	if off > 0 && ms(acted) < off+second {
		return 0, nil
	}
	if gone, err := b.w.erased(d.App, d.To, acted); gone || err != nil {
		return 0, err
	}
	if d.Source == wxnotify.Longterm {
		return b.standing(d, hash, acted)
	}
	if event != "" {
		var one int
		if known, err := b.w.one([]any{&one}, `select 1 from permit where app = $1 and event = $2`, d.App, event); known || err != nil {
			return 0, err
		}
	} else if hash != "" && len(b.byHash[[2]string{d.App, hash}]) > 0 {
		return 0, nil
	}
	rows, err := d.Open(b.now.Virtual)
	if err != nil {
		return 0, err
	}
	told, err := b.told(d, event, acted, len(rows))
	if err != nil {
		return 0, err
	}
	for i, id := range told {
		if err := b.mark(d.App, id, event, hash, i+1); err != nil {
			return 0, err
		}
	}
	if len(told) == len(rows) {
		return 0, nil
	}
	for _, p := range b.open(rows[len(told):], hash) {
		if p.hash == "" && event == "" {
			p.hash = p.ID
		}
		b.taps = append(b.taps, []string{p.App, p.ID, event, strconv.FormatInt(ms(acted), 10)})
	}
	return len(rows) - len(told), nil
}

// second is one, in a column. CreateTime is cut to whole ones, so what was done
// within the same second as a refusal came before it.
const second = 1000

// told are the rows of taps, nearest first, that only the other side has told of.
func (b *book) told(d wxnotify.Deposit, event string, acted time.Time, n int) (ids []string, err error) {
	lacking := `event is null`
	if event == "" {
		lacking = `code_hash is null`
	}
	err = b.w.each(func(r scanner) error {
		var id string
		err := r.Scan(&id)
		ids = append(ids, id)
		return err
	}, `select id from permit where app = $1 and openid = $2 and template_id = $3 and acted_at > 0 and acted_at between $4 and $5
		and source = 'subscribe' and `+lacking+` order by abs(acted_at - $6), id limit $7`,
		d.App, d.To, d.TemplateID, ms(acted.Add(-wxnotify.SameTap)), ms(acted.Add(wxnotify.SameTap)), ms(acted), n)
	return ids, err
}

func (b *book) mark(app, id, event, hash string, use int) (err error) {
	switch {
	case event != "":
		_, err = b.w.exec(`update permit set event = $1 where app = $2 and id = $3`, event, app, id)
	case hash != "":
		_, err = b.w.exec(`update permit set code_hash = $1, use_no = $2 where app = $3 and id = $4`, hash, use, app, id)
	default:
		_, err = b.w.exec(`update permit set code_hash = id where app = $1 and id = $2`, app, id)
	}
	return err
}

// standing takes in a long-term acceptance: one row while it lasts. After it
// has died only a younger acceptance brings another, not an old one told again.
func (b *book) standing(d wxnotify.Deposit, hash string, acted time.Time) (created int, err error) {
	rows := b.byHash[[2]string{d.App, hash}]
	var newest int64
	for _, p := range rows {
		if p.opened {
			return 0, nil
		}
	}
	if len(rows) > 0 {
		if _, err := b.w.one([]any{&newest}, `select max(acted_at) from permit where app = $1 and code_hash = $2`, d.App, hash); err != nil {
			return 0, err
		}
	}
	for _, p := range rows {
		if p.State == wxnotify.PermitFree {
			_, err := b.w.exec(`update permit set acted_at = $1 where app = $2 and id = $3 and acted_at < $4`, ms(acted), p.App, p.ID, ms(acted))
			return 0, err
		}
	}
	if len(rows) > 0 && ms(acted) <= newest {
		return 0, nil
	}
	opened, err := d.Open(b.now.Virtual)
	if err != nil {
		return 0, err
	}
	opened[0].Use = len(rows) + 1
	for _, p := range b.open(opened, hash) {
		b.taps = append(b.taps, []string{p.App, p.ID, "", strconv.FormatInt(ms(acted), 10)})
	}
	return 1, nil
}

// writeTaps completes the rows that were opened for taps.
func (b *book) writeTaps() error {
	if len(b.taps) == 0 {
		return nil
	}
	_, err := b.w.exec(`update permit set event = nullif(u.event, ''), acted_at = cast(u.acted as bigint)
		from `+b.w.unpack("$1", "app", "id", "event", "acted")+` u where permit.app = u.app and permit.id = u.id`, pack(b.taps))
	return err
}

// withdraw takes away what a user had allowed for a template up to the second
// of when, which is real, and remembers that they said no.
func (w *work) withdraw(now wxnotify.Now, app, openid, template string, when time.Time) (n int64, err error) {
	if _, err := w.exec(`insert into word (app, openid, template_id, said, said_at, off_at) values ($1, $2, $3, $4, $5, $6)
		on conflict (app, openid, template_id) do update set
			said = case when word.said_at / 1000 <= excluded.said_at / 1000 then excluded.said else word.said end,
			said_at = case when word.said_at <= excluded.said_at then excluded.said_at else word.said_at end,
			off_at = case when word.off_at <= excluded.off_at then excluded.off_at else word.off_at end`,
		app, openid, template, wxnotify.SaidReject, ms(when), ms(when)); err != nil {
		return 0, err
	}
	n, err = w.bury(now, wxnotify.PermitFree, `update permit set state = 'dead', cause = 'withdrawn', till = 0
		where app = $1 and openid = $2 and till > 0 and template_id = $3 and state = 'free' and acted_at < $4`,
		app, openid, template, ms(when)/second*second+second)
	if err != nil || n == 0 {
		return n, err
	}
	return n, w.tellRevoked(now.Real, &wxnotify.Permit{App: app, To: openid, TemplateID: template, Cause: wxnotify.CauseWithdrawn}, int(n))
}
