//go:build unix

package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wxnotify/wxnotify/client"
)

// A load is what backends and users do all the while.
type load struct {
	opt     Options
	fleet   *fleet
	journal *journal
	places  []place
	tail    *tail

	on       atomic.Bool  // there is more to come, also when all messages are out
	marks    atomic.Int64 // given out
	accepted atomic.Int64 // acknowledged
	errors   atomic.Int64
	first    atomic.Pointer[error] // of them
}

const (
	workers  = 24
	perBatch = 40
	// backlog is how much may be accepted and not yet with WeChat: more would
	// only wait, and faults would hit nothing.
	backlog = 8000
)

// failed counts a request that went wrong.
func (l *load) failed(err error) {
	l.errors.Add(1)
	l.first.CompareAndSwap(nil, &err)
}

// run works until all messages are out or ctx ends; then batches under way are
// brought to an end.
func (l *load) run(ctx context.Context) {
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() {
			r := rand.New(rand.NewPCG(l.opt.Seed, uint64(100+i)))
			for ctx.Err() == nil && l.wanted() {
				if l.waiting() > backlog {
					rest(ctx, 50*time.Millisecond)
					continue
				}
				l.batch(context.WithoutCancel(ctx), ctx, r)
				if l.opt.Next != "" { // a load as on any day, and not as much as goes
					rest(ctx, time.Second)
				}
			}
		})
	}
	all.Wait()
}

// wanted says whether more messages are to be sent.
func (l *load) wanted() bool {
	return l.opt.Messages == 0 || l.on.Load() || l.marks.Load() < int64(l.opt.Messages)
}

// waiting is about how many messages are on their way. Of ten that were
// accepted one at most comes to nothing: its permit was used elsewhere, or it
// was canceled.
func (l *load) waiting() int64 {
	accepted := l.accepted.Load()
	return accepted - accepted/10 - l.tail.effects.Load()
}

// An order is a message that is to be sent.
type order struct {
	client.NewMessage
	mark   string
	doomed bool
	cancel bool
}

// batch is one backend's turn: some users of an app act, and get messages.
// A batch that has begun is brought to an end under ctx, also when the load
// stops.
func (l *load) batch(ctx, stop context.Context, r *rand.Rand) {
	p := l.places[r.IntN(len(l.places))]
	var orders []order
	var handed []client.NewPermit
	for len(orders) < perBatch {
		to := p.users[r.IntN(len(p.users))]
		n := 1 + r.IntN(4)
		codes, err := l.give(ctx, p, to, n)
		if err != nil {
			l.failed(err)
			rest(stop, 100*time.Millisecond)
			return
		}
		if l.opt.Source == Payment {
			o, d := l.paid(p, to, codes)
			orders, handed = append(orders, o...), append(handed, d...)
		} else {
			o, d := l.submitted(r, p, to, codes)
			orders, handed = append(orders, o...), append(handed, d...)
		}
	}
	if len(handed) == 0 || l.deposit(ctx, r, p, handed) {
		l.send(ctx, r, p, orders)
	}
}

// give is a user who acts at the phone.
func (l *load) give(ctx context.Context, p place, to string, n int) ([]string, error) {
	return l.fleet.wx.give(ctx, l.opt.Source, p.app, to, n)
}

const week = 7 * 24 * time.Hour

// record writes down that codes were given so long ago.
func (l *load) record(p place, to string, age time.Duration, codes ...string) {
	uses := 1
	if l.opt.Source == Payment {
		uses = 3
	}
	entries := make([]Entry, len(codes))
	for i, c := range codes {
		entries[i] = Entry{Op: OpGiven, App: p.app, To: to, Code: c, Uses: uses, Deadline: time.Now().Add(week - age)}
	}
	l.journal.write(entries...)
}

// submitted are messages to a user who submitted forms: most name their
// form_id, the others leave the choice to the ledger. Codes that are not named
// are handed in before.
func (l *load) submitted(r *rand.Rand, p place, to string, codes []string) (orders []order, handed []client.NewPermit) {
	for _, code := range codes {
		age := time.Duration(0)
		o := l.order(p, to)
		o.FormID = code
		switch dice := r.IntN(100); {
		case dice < 3: // too old to be used
			age, o.doomed = week-5*time.Minute, true
			handed = append(handed, client.NewPermit{To: to, Source: Form, Code: code, AgeSeconds: int(age.Seconds())})
		case dice < 6: // two messages on one form_id
			rival := l.order(p, to)
			rival.FormID = code
			orders = append(orders, rival)
		case dice < 9: // taken back before it is due
			o.cancel, o.SendAt = true, time.Now().Add(time.Duration(r.IntN(3000))*time.Millisecond)
		case dice < 40:
			o.FormID, o.Wait = "", true
			handed = append(handed, client.NewPermit{To: to, Source: Form, Code: code})
		}
		l.record(p, to, age, code)
		orders = append(orders, o)
	}
	return orders, handed
}

// paid are messages to a user who paid: as many as the payments allow.
func (l *load) paid(p place, to string, codes []string) (orders []order, handed []client.NewPermit) {
	l.record(p, to, 0, codes...)
	for _, code := range codes {
		handed = append(handed, client.NewPermit{To: to, Source: Payment, Code: code})
		for range 3 {
			o := l.order(p, to)
			o.Wait = true
			orders = append(orders, o)
		}
	}
	return orders, handed
}

func (l *load) order(p place, to string) order {
	mark := fmt.Sprintf("m%07d", l.marks.Add(1))
	return order{mark: mark, NewMessage: client.NewMessage{
		App: p.app, To: to, TemplateID: p.template, Data: client.Data{"keyword1": {Value: mark}}, IdempotencyKey: mark, Meta: map[string]string{"mark": mark},
	}}
}

// deposit hands codes in, again and again until they are known to be there.
func (l *load) deposit(ctx context.Context, r *rand.Rand, p place, handed []client.NewPermit) bool {
	entries := make([]Entry, len(handed))
	note := func(op Op, n *node) {
		for i, h := range handed {
			entries[i] = Entry{Op: op, App: p.app, To: h.To, Code: h.Code, Node: n.name}
		}
		l.journal.write(entries...)
	}
	for try := 0; ; try++ {
		n, c := l.fleet.any(r)
		note(OpDeposit, n)
		results, err := c.DepositPermits(ctx, p.app, handed)
		if err == nil {
			for _, x := range results {
				if x.Error != nil {
					panic("chaos: a permit was refused: " + x.Error.Error())
				}
			}
			note(OpDeposited, n)
			return true
		}
		l.failed(err)
		if !l.again(ctx, r, try) {
			return false
		}
	}
}

// patience is how often a good client repeats before the run is called broken.
const patience = 400

func (l *load) again(ctx context.Context, r *rand.Rand, try int) bool {
	return try < patience && rest(ctx, time.Duration(50+r.IntN(100*min(try+1, 10)))*time.Millisecond)
}

// send hands a batch in. A good client repeats it with the same keys until it
// is acknowledged; one in twenty gives up after an error; one in twenty tells
// two servers at once.
func (l *load) send(ctx context.Context, r *rand.Rand, p place, orders []order) {
	manner := r.IntN(20)
	if manner == 0 {
		var twice sync.WaitGroup
		for range 2 {
			other := rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))
			twice.Go(func() { l.insist(ctx, other, p, orders, false) })
		}
		twice.Wait()
	} else {
		l.insist(ctx, r, p, orders, manner == 1)
	}
	for _, o := range orders {
		if o.cancel {
			l.cancel(ctx, r, o)
		}
	}
}

func (l *load) insist(ctx context.Context, r *rand.Rand, p place, orders []order, fickle bool) {
	batch := make([]client.NewMessage, len(orders))
	for i, o := range orders {
		batch[i] = o.NewMessage
	}
	for try := 0; ; try++ {
		n, c := l.fleet.any(r)
		l.note(OpSend, n, p, orders, nil)
		results, err := c.SendBatch(ctx, batch)
		if err == nil {
			l.heard(n, p, orders, results)
			return
		}
		l.failed(err)
		problem, told := errors.AsType[*client.Problem](err)
		if told && problem.Status/100 == 4 && problem.Status != http.StatusTooManyRequests {
			l.note(OpRefused, n, p, orders, err)
			return
		}
		if told && problem.Status == http.StatusInternalServerError {
			l.journal.write(Entry{Op: OpCrashed, Node: n.name, Text: err.Error()})
		}
		l.note(OpUnheard, n, p, orders, err)
		if fickle || !l.again(ctx, r, try) {
			return
		}
	}
}

func (l *load) note(op Op, n *node, p place, orders []order, err error) {
	entries := make([]Entry, len(orders))
	for i, o := range orders {
		entries[i] = Entry{Op: op, Mark: o.mark, App: p.app, To: o.To, Code: o.FormID, Doomed: o.doomed, Node: n.name}
		if err != nil {
			entries[i].Text = err.Error()
		}
	}
	l.journal.write(entries...)
}

// heard writes down what became of each message of a batch.
func (l *load) heard(n *node, p place, orders []order, results []client.BatchResult) {
	entries := make([]Entry, 0, len(results))
	for _, r := range results {
		o := &orders[r.Index]
		e := Entry{Op: OpAccepted, Mark: o.mark, ID: r.ID, App: p.app, To: o.To, Node: n.name}
		if r.Error != nil {
			e.Op, e.Text = OpRefused, r.Error.Error()
		} else if !o.cancel && !o.doomed && r.State != "failed" {
			l.accepted.Add(1)
		}
		entries = append(entries, e)
	}
	l.journal.write(entries...)
}

// subscribe is the turn of somebody new, who allows one message. When a server
// has said that it knows, they get their message, or turn it off again. What
// WeChat could tell nobody of has no consequence.
func (l *load) subscribe(ctx context.Context, r *rand.Rand) {
	p := l.places[r.IntN(len(l.places))]
	o := l.order(p, "")
	o.To, o.TemplateID, o.Wait = fmt.Sprintf("o%sS%s", p.app[2:10], o.mark), p.prompt, true
	o.Data = client.Data{"character_string1": {Value: o.mark}}
	err := l.fleet.wx.user(ctx, p.app, o.To)
	if err == nil {
		l.journal.write(Entry{Op: OpGiven, App: p.app, To: o.To, Code: acceptance(o.To), Uses: 1})
		err = l.fleet.wx.accept(ctx, p.app, o.To, p.prompt)
	}
	over, answered := false, false
	if err == nil {
		err = until(ctx, "WeChat's word of an acceptance", time.Minute, func() bool {
			over, answered = l.tail.told(o.To)
			return over
		})
	}
	switch {
	case err != nil:
		l.failed(err)
	case !answered:
	case r.IntN(4) == 0:
		if err := l.fleet.wx.withdraw(ctx, p.app, o.To, p.prompt); err != nil {
			l.failed(err)
		}
	default:
		l.send(ctx, r, p, []order{o})
	}
}

// operate is a person's turn at the console: an app is paused, one of its
// messages that lost its answer is called sent if its card is on the phone, and
// the app goes on. It goes on in any case, so ctx is that of the whole run.
func (l *load) operate(ctx context.Context, r *rand.Rand) {
	p := l.places[r.IntN(len(l.places))]
	_, c := l.fleet.any(r)
	if _, err := c.PauseApp(ctx, p.app, "all"); err != nil {
		l.failed(err)
	}
	cards := map[string]bool{}
	for _, call := range l.tail.snapshot() {
		cards[call.Mark] = cards[call.Mark] || call.Effect
	}
	for m, err := range c.Messages(ctx, client.MessageFilter{App: p.app, State: "unsure", PageSize: 40}) {
		if err == nil && !cards[m.Meta["mark"]] {
			continue
		}
		if err == nil {
			_, err = c.Resolve(ctx, m.ID, true)
		}
		if problem, told := errors.AsType[*client.Problem](err); err != nil && (!told || problem.Status != http.StatusConflict) {
			l.failed(err)
		}
		break
	}
	for try := 0; ; try++ {
		_, c := l.fleet.any(r)
		_, err := c.ResumeApp(ctx, p.app, "all")
		if err == nil {
			return
		}
		if l.failed(err); !l.again(ctx, r, try) {
			return
		}
	}
}

// cancel takes a message back, once: whether it worked is what was heard.
func (l *load) cancel(ctx context.Context, r *rand.Rand, o order) {
	n, c := l.fleet.any(r)
	id := l.journal.accepted(o.mark)
	if id == "" {
		return
	}
	l.journal.write(Entry{Op: OpCancel, Mark: o.mark, Node: n.name})
	m, err := c.Cancel(ctx, id)
	if problem, told := errors.AsType[*client.Problem](err); err != nil && (!told || problem.Status != http.StatusConflict) {
		l.failed(err)
	}
	if err == nil && m.State == "canceled" {
		l.journal.write(Entry{Op: OpCanceled, Mark: o.mark, Node: n.name})
	}
}
