package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/wxnotify/wxnotify"
)

// A book is the rows of the codes that one transaction is about: what is
// there, locked, and what it adds.
type book struct {
	w      *work
	now    wxnotify.Now
	asked  [][]string
	byHash map[[2]string][]*permit // app and hash
	opened []*permit
	taps   [][]string // of the opened: id, event, when
	bound  []turn
}

// hash is a code's; "" of a client's mock code, of which every user may have
// the same one.
func (b *book) hash(app, code string) string {
	if wxnotify.MockCode(code) {
		return ""
	}
	return b.w.s.codeHash(app, code)
}

func (b *book) ask(app, code string) { b.askHash(app, b.hash(app, code)) }

func (b *book) askHash(app, hash string) {
	if hash != "" {
		b.asked = append(b.asked, []string{app, hash})
	}
}

// load reads and locks what was asked for, in the order of the index.
func (b *book) load() error {
	b.byHash = map[[2]string][]*permit{}
	if len(b.asked) == 0 {
		return nil
	}
	slices.SortFunc(b.asked, slices.Compare)
	b.asked = slices.CompactFunc(b.asked, slices.Equal)
	lock := ""
	if b.w.lock != "" {
		lock = " for update of p"
	}
	return b.w.each(func(r scanner) error {
		p, err := scanPermit(r)
		k := [2]string{p.App, p.hash}
		b.byHash[k] = append(b.byHash[k], p)
		return err
	}, `select `+permitColumns+` from `+b.w.unpack("$1", "app", "hash")+` u
		cross join permit p where p.app = u.app and p.code_hash = u.hash
		order by p.app, p.openid, p.till, p.id`+lock, pack(b.asked))
}

func (b *book) rows(app, code string) []*permit {
	if h := b.hash(app, code); h != "" {
		return b.byHash[[2]string{app, h}]
	}
	return nil
}

// open adds rows under a hash.
func (b *book) open(ps []wxnotify.Permit, hash string) []*permit {
	rows := make([]*permit, len(ps))
	for i, p := range ps {
		p.ID = b.w.s.ids.next(b.now)
		rows[i] = &permit{Permit: p, opened: true, hash: hash, sealed: b.w.s.seal("permit.code", p.App, p.ID, []byte(p.Code))}
	}
	b.opened = append(b.opened, rows...)
	if hash != "" {
		b.byHash[[2]string{rows[0].App, hash}] = rows
	}
	return rows
}

// bind gives a use to a message.
func (b *book) bind(p *permit, message string) {
	if !p.opened {
		t := p.turn("", message)
		t.state, t.till = wxnotify.PermitBound, end(p.ExpiresAt)
		b.bound = append(b.bound, t)
	}
	p.State, p.Message = wxnotify.PermitBound, message
}

var errRival = errors.New("somebody handed in the same code at the same time")

func (b *book) write() error {
	if len(b.bound) > 0 {
		if err := b.w.turn(b.now, b.bound); err != nil {
			return err
		}
	}
	if len(b.opened) == 0 {
		return nil
	}
	slices.SortStableFunc(b.opened, func(x, y *permit) int {
		return cmp.Or(strings.Compare(x.App, y.App), strings.Compare(x.hash, y.hash))
	})
	n, err := b.w.open(b.now, b.opened)
	if err == nil && n < len(b.opened) {
		return errRival // begun anew, it finds the rows
	}
	if err != nil {
		return err
	}
	if err := b.writeTaps(); err != nil {
		return err
	}
	return b.w.tellPermits(b.now, b.opened)
}

// Deposit takes in what users gave, in one transaction. A known code or key
// creates nothing. Refusals of single deposits are in the results:
// permit_conflict (the code is another user's), permit_expired. It may be
// repeated.
func (s *Store) Deposit(ctx context.Context, now wxnotify.Now, ds []wxnotify.Deposit) ([]wxnotify.Deposited, error) {
	s.saw(now)
	var results []wxnotify.Deposited
	err := s.do(ctx, "deposit", doorLimit, func(w *work) error {
		results = make([]wxnotify.Deposited, len(ds))
		b := book{w: w, now: now}
		hashes := make([]string, len(ds))
		for i := range ds {
			hashes[i] = b.depositHash(&ds[i])
			b.askHash(ds[i].App, hashes[i])
		}
		if err := b.load(); err != nil {
			return err
		}
		for i, d := range ds {
			if err := w.hear(now, &d); err != nil {
				return err
			}
			if !accepted(&d) {
				continue
			}
			if d.GivenAt.IsZero() {
				d.GivenAt = now.Virtual
			}
			n, err := b.deposit(d, hashes[i])
			if err != nil && wxnotify.CodeOf(err) == "" {
				return err
			}
			results[i] = wxnotify.Deposited{Created: n, Err: err}
		}
		return b.write()
	})
	return results, err
}

func accepted(d *wxnotify.Deposit) bool { return d.Result == "" || d.Result == saidYes }

const saidYes = wxnotify.SaidAccept

// depositHash is what makes an act known when it is handed in again: its code,
// else the caller's own id for it. A long-term permit is there once.
func (b *book) depositHash(d *wxnotify.Deposit) string {
	switch {
	case !accepted(d):
		return ""
	case d.Source == wxnotify.Longterm:
		return b.w.s.hashed("longterm", d.App, d.To, d.TemplateID)
	case d.Code != "":
		return b.hash(d.App, d.Code)
	case d.Key != "":
		return b.w.s.hashed("act", d.App, d.To, string(d.Source), d.Key)
	}
	return ""
}

func (b *book) deposit(d wxnotify.Deposit, hash string) (created int, err error) {
	if wxnotify.Rules[d.Source].Template {
		return b.tap(d, hash, "")
	}
	if hash != "" {
		if rows := b.byHash[[2]string{d.App, hash}]; len(rows) > 0 {
			return b.known(d, rows)
		}
	}
	rows, err := d.Open(b.now.Virtual)
	if err != nil {
		return 0, err
	}
	b.open(rows, hash)
	return len(rows), nil
}

// known: the code is in the books.
func (b *book) known(d wxnotify.Deposit, rows []*permit) (created int, err error) {
	if !b.w.same(rows[0], d.To) {
		return 0, wxnotify.Refuse(wxnotify.PermitConflict, "this code was handed in for another user")
	}
	return 0, nil
}

// hear notes what a user said about a template, unless they said something
// else in a later second: WeChat's events know no finer time. Its row is locked
// from here on, changed or not.
func (w *work) hear(now wxnotify.Now, d *wxnotify.Deposit) error {
	if d.TemplateID == "" {
		return nil
	}
	said, when := d.Result, d.GivenAt
	if said == "" {
		said = saidYes
	}
	if when.IsZero() {
		when = now.Virtual
	}
	_, err := w.exec(`insert into word (app, openid, template_id, said, said_at) values ($1, $2, $3, $4, $5)
		on conflict (app, openid, template_id) do update set said = excluded.said, said_at = excluded.said_at
		where word.said_at / 1000 <= excluded.said_at / 1000`, d.App, d.To, d.TemplateID, said, ms(realTime(now, when)))
	return err
}
