package store

import (
	"encoding/json"
	"time"

	"github.com/wxnotify/wxnotify"
)

// hot is what the verbs that carry every message need of a database, in
// batches. The fastest shapes differ (performance.md 9): statements over arrays
// on PostgreSQL, prepared statements row by row in SQLite's writer. What is
// decided about the rows is decided by their callers, for both alike.
type hot interface {
	// remember inserts records of idempotency keys, sorted by the caller so that
	// two batches cannot wait for each other, and returns the indexes of those
	// that were there before.
	remember(w *work, rows []idemRow) (known []int, err error)
	// insert writes messages with their queue rows.
	insert(w *work, rows []*item) error
	// carry inserts the ways of messages that have two.
	carry(w *work, rows []carried) error
	// open inserts permits; how many is less than there are when somebody
	// inserted the same code at the same time.
	open(w *work, rows []*permit) (n int, err error)
	// due returns what may be claimed of each app, at most n of each state, and
	// locks it against other claims.
	due(w *work, now wxnotify.Now, wants []wxnotify.Want) ([]*item, error)
	// free fills each need with that user's free permits that expire first, in
	// the needs' order, and locks them. It never passes over a row that somebody
	// else holds: its caller would conclude that there is none.
	free(w *work, now wxnotify.Now, needs []*need) error
	// move rewrites queue rows that still are as they were seen.
	move(w *work, rows []move) (missed []int, err error)
	// turn rewrites permits that still belong to the message they did.
	turn(w *work, rows []turn) error
	// record writes attempts. An answer that is there is not overwritten.
	record(w *work, rows []attempt) error
	// add adds to sums, each row once, sorted; node's rows are nobody else's.
	add(w *work, node string, sums []sumRow, stocks []stockRow) error
}

// An item is a message with its queue row and the permit that the row names.
type item struct {
	m       wxnotify.Message // Body is not set
	body    []byte           // sealed
	keyHash string
	due     int64
	number  int
	started int64
	owner   string
	lost    bool // an attempt has no answer
	took    record
	mode    string
	parked  string
	permit  *permit  // nil: none is named
	other   *carrier // of a message that is on its way in and has two ways
	chance  bool     // of one with two ways: a permit for the chosen one was seen
	stocked bool     // of one with two ways: there are permits, which pauses may keep it from
	bad     error    // of a row that cannot be read whole
	shed    []turn   // of a permit that it lets go, whatever becomes of it
}

// A record is what the queue's row says of the one attempt of a message that
// WeChat took at once; with number, permit, started, owner and msgid it is all
// of it. finished is 0 where attempts have rows of their own.
type record struct {
	finished    int64
	errmsg, rid string
}

// The modes of the state unsure: an ordinary repeat, waiting for evidence, a
// repeat with another permit of the same code.
const (
	modeRepeat = ""
	modeHold   = "hold"
	modeOther  = "other"
)

// A permit is a row with what is hidden in wxnotify.Permit.
type permit struct {
	wxnotify.Permit // Code is not set
	sealed          []byte
	hash            string // "": none, a client's mock code
	opened          bool   // not in the table yet
}

// A need is a user who has messages to be sent and what permits will do.
type need struct {
	app, openid, template string // template "": forms and payments
	skip                  [2]string
	n                     int
	rows                  []*permit
}

// A move is a queue row as it is to be, and as it was seen.
type move struct {
	*item
	state      wxnotify.State
	wasNumber  int
	wasLost    bool
	wasParked  string
	wasReason  wxnotify.Reason
	wasUpdated int64
}

// A turn is what becomes of a permit. was is the message that it belonged to.
type turn struct {
	p            *permit
	from         wxnotify.PermitState
	fromCause    wxnotify.Cause
	was, message string
	state        wxnotify.PermitState
	cause        wxnotify.Cause
	till         int64
}

// turn begins one that starts from the permit as it is now.
func (p *permit) turn(was, message string) turn {
	return turn{p: p, from: p.State, fromCause: p.Cause, was: was, message: message, till: spentTill}
}

// An attempt is one that is over, or that its message did not wait for.
type attempt struct {
	app, message string
	wxnotify.Attempt
	was *wxnotify.Attempt // as it is recorded already; nil: it is not
}

type idemRow struct {
	app, hash, message string
	fingerprint        [32]byte
	created            int64
	index              int // of the entry
}

const itemColumns = `q.app, q.id, q.openid, q.state, q.due, q.permit, q.number, q.started_at, q.owner, q.tries, q.lost, q.mode,
	q.reason, q.evidence, q.msgid, q.parked, q.updated_at, q.finished_at, q.errmsg, q.rid,
	m.template_id, m.channel, m.body, m.meta, m.on_unsure, m.wait, m.fixed, m.send_at, m.expires_at, m.created_at, m.either, m.trace,
	coalesce(p.source, ''), coalesce(p.template_id, ''), p.code, coalesce(p.code_hash, ''), coalesce(p.use_no, 0), coalesce(p.state, ''),
	coalesce(p.cause, ''), coalesce(p.message, ''), coalesce(p.given_at, 0), coalesce(p.expires_at, 0)`

// itemTables joins what itemColumns reads. A row that names no permit finds none.
const itemTables = ` join message m on m.app = q.app and m.id = q.id
	left join permit p on p.app = q.app and p.id = q.permit `

func scanItem(r scanner) (*item, error) {
	it, p := new(item), new(permit)
	m := &it.m
	var state, meta string
	var started, updated, send, expires, created, given, ends int64
	err := r.Scan(&m.App, &m.ID, &m.To, &state, &it.due, &m.Permit, &it.number, &started, &it.owner, &m.Tries, &it.lost, &it.mode,
		&m.Reason, &m.Evidence, &m.MsgID, &it.parked, &updated, &it.took.finished, &it.took.errmsg, &it.took.rid,
		&m.TemplateID, &m.Channel, &it.body, &meta, &m.OnUnsure, &m.Wait, &m.Fixed, &send, &expires, &created, &m.Either, &m.Trace,
		&p.Source, &p.TemplateID, &p.sealed, &p.hash, &p.Use, &p.State, &p.Cause, &p.Message, &given, &ends)
	if err != nil {
		return nil, err
	}
	m.State, it.started = wxnotify.State(state), started
	m.SendAt, m.ExpiresAt, m.CreatedAt, m.UpdatedAt = at(send), at(expires), at(created), at(updated)
	if meta != "" {
		it.bad = json.Unmarshal([]byte(meta), &m.Meta) // a spoilt row stands in nobody else's way
	}
	if m.Permit != "" && p.Source != "" {
		p.ID, p.App, p.To, p.GivenAt, p.ExpiresAt = m.Permit, m.App, m.To, at(given), at(ends)
		it.permit, m.Source = p, p.Source
	}
	return it, nil
}

const permitColumns = `p.app, p.id, p.openid, p.source, p.template_id, p.code, coalesce(p.code_hash, ''), p.use_no, p.state, p.cause, p.message, p.given_at, p.expires_at`

func scanPermit(r scanner, before ...any) (*permit, error) {
	p := new(permit)
	var given, ends int64
	err := r.Scan(append(before, &p.App, &p.ID, &p.To, &p.Source, &p.TemplateID, &p.sealed, &p.hash, &p.Use,
		&p.State, &p.Cause, &p.Message, &given, &ends)...)
	p.GivenAt, p.ExpiresAt = at(given), at(ends)
	return p, err
}

// seen is a move that starts from the item as it was read. Change the item,
// not the move, afterwards.
func (it *item) seen() move {
	return move{item: it, state: it.m.State, wasNumber: it.number, wasLost: it.lost, wasParked: it.parked, wasReason: it.m.Reason, wasUpdated: ms(it.m.UpdatedAt)}
}

// fresh says from when on permits may be newly bound at now.
func fresh(now wxnotify.Now) int64 { return ms(now.Virtual.Add(wxnotify.Margin)) }

// real is a virtual time on the real clock.
func realTime(now wxnotify.Now, virtual time.Time) time.Time {
	return virtual.Add(now.Real.Sub(now.Virtual))
}

func virtualTime(now wxnotify.Now, real time.Time) time.Time {
	return real.Add(now.Virtual.Sub(now.Real))
}
