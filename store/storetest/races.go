package storetest

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/store"
)

var races = map[string]func(*testing.T, Database){
	"many claim, deposit, settle and lapse at once: no use is given twice, nothing is forgotten": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		nodes := w.nodes(t, db)
		const users, each = 12, 6
		r := &rush{world: w, all: users * each, delivered: map[string]string{}}
		var wg sync.WaitGroup
		for u := range users {
			wg.Go(func() { r.feed(nodes[u%len(nodes)], fmt.Sprintf("oUser%020d", u), u, each) })
		}
		for i := range 4 {
			wg.Go(func() { r.drain(nodes[i%len(nodes)]) })
		}
		wg.Wait()
		ids := w.all(wxnotify.MessageFilter{App: w.app, State: wxnotify.Sent}, 250)
		if len(ids) != users*each {
			t.Errorf("%d messages were sent, want %d", len(ids), users*each)
		}
		for u := range users {
			used := 0
			for _, p := range w.permits(fmt.Sprintf("oUser%020d", u)) {
				if p == "used" {
					used++
				}
			}
			w.same(used, each)
		}
	},
	"one key in many hands is one message": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		nodes := w.nodes(t, db)
		ids := make([]string, 8)
		var wg sync.WaitGroup
		for i := range ids {
			es := []wxnotify.Entry{w.draft(key("b", "1"), formID(form(1))), w.draft(key("a", "1"), formID(form(2)))}
			if i%2 == 0 {
				es[0], es[1] = es[1], es[0]
			}
			wg.Go(func() {
				for _, r := range must(nodes[i%len(nodes)].Accept(ctx, w.now, es)) {
					if r.Err != nil {
						t.Error(r.Err)
					}
					ids[i] += max(r.ID, "none") + " "
				}
			})
		}
		wg.Wait()
		w.same(len(w.all(wxnotify.MessageFilter{App: w.app}, 250)), 2)
		w.same(len(w.all(wxnotify.MessageFilter{App: w.app, State: wxnotify.Queued}, 250)), 2)
		w.have(alice, "bound", "bound")
	},
	"who waits and what is waited for do not miss each other": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		nodes := w.nodes(t, db)
		const n = 25
		var wg sync.WaitGroup
		for i := range n {
			openid := fmt.Sprintf("oUser%020d", i)
			w.accept(w.draft(wait, to(openid)))
			wg.Go(func() {
				d := wxnotify.Deposit{App: w.app, To: openid, Source: wxnotify.Form, Code: form(i), GivenAt: Noon}
				must(nodes[0].Deposit(ctx, w.now, []wxnotify.Deposit{d}))
				must(nodes[0].Wake(ctx, w.now, w.app, []wxnotify.Deposit{d}))
			})
			wg.Go(func() { must(nodes[len(nodes)-1].Claim(ctx, w.now, lease, []wxnotify.Want{{App: w.app, N: 3}})) })
		}
		wg.Wait()
		for len(w.claim(100).Tries) > 0 {
		}
		if left := w.all(wxnotify.MessageFilter{App: w.app, State: wxnotify.Waiting}, 250); len(left) > 0 {
			t.Errorf("%d messages wait beside a free permit", len(left))
		}
	},
	"a cancel and a claim: one of them has it": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		nodes := w.nodes(t, db)
		const n = 15
		var ids []string
		for i := range n {
			w.deposit(w.form(form(i)))
			ids = append(ids, w.send())
		}
		claimed := map[string]bool{}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i, id := range ids {
			wg.Go(func() {
				_, err := nodes[i%len(nodes)].Cancel(ctx, w.now, w.app, id)
				if c := wxnotify.CodeOf(err); err != nil && c != wxnotify.MessageInFlight {
					t.Error(err)
				}
			})
			wg.Go(func() {
				c := must(nodes[0].Claim(ctx, w.now, lease, []wxnotify.Want{{App: w.app, N: 1}}))
				mu.Lock()
				defer mu.Unlock()
				for _, try := range c.Tries {
					claimed[try.Message.ID] = true
				}
			})
		}
		wg.Wait()
		for _, id := range ids {
			if s := w.message(id).State; claimed[id] != (s == wxnotify.Sending) {
				t.Errorf("claimed: %v, and it is %s", claimed[id], s)
			}
		}
	},
	"one renewal of a token in the cluster": func(t *testing.T, db Database) {
		w := newWorld(t, db)
		nodes := w.nodes(t, db)
		var leased, saved sync.Map
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				s := nodes[i%len(nodes)]
				if must(s.LeaseRenewal(ctx, w.app, Noon, time.Minute)) {
					leased.Store(i, true)
				}
				if must(s.SaveToken(ctx, w.app, wxnotify.Token{Value: wxnotify.NewSecret(fmt.Sprint(i)), Gen: 1}, 0)) {
					saved.Store(i, true)
				}
			})
		}
		wg.Wait()
		w.same(size(&saved), 1)
		if n := size(&leased); n > 2 { // a save ends a lease, another may begin
			t.Errorf("%d renewals", n)
		}
	},
}

func size(m *sync.Map) (n int) {
	m.Range(func(any, any) bool { n++; return true })
	return n
}

// nodes are stores on the same database: two on PostgreSQL.
func (w *world) nodes(t *testing.T, db Database) []*store.Store {
	t.Helper()
	if strings.HasPrefix(w.dsn, "sqlite:") {
		return []*store.Store{w.Store}
	}
	return []*store.Store{w.Store, Open(t, w.dsn, func(o *store.Options) { o.Node = "other:8080" })}
}

// A rush is a crowd of messages, and a WeChat that takes each code once and
// loses answers before and after that.
type rush struct {
	*world
	mu        sync.Mutex
	all, done int
	calls     int
	delivered map[string]string // code: message
}

// feed hands in permits and messages of one user, in turns.
func (r *rush) feed(s *store.Store, openid string, u, n int) {
	for i := range n {
		d := wxnotify.Deposit{App: r.app, To: openid, Source: wxnotify.Form, Code: form(1000*u + i), GivenAt: Noon}
		deposit := func() {
			must(s.Deposit(ctx, r.now, []wxnotify.Deposit{d}))
			must(s.Wake(ctx, r.now, r.app, []wxnotify.Deposit{d}))
		}
		if i%2 == 0 {
			deposit()
		}
		must(s.Accept(ctx, r.now, []wxnotify.Entry{r.draft(wait, to(openid))}))
		if i%2 == 1 {
			deposit()
		}
	}
}

// drain claims and settles until everything is done.
func (r *rush) drain(s *store.Store) {
	for deadline := time.Now().Add(time.Minute); !r.over(); {
		if time.Now().After(deadline) {
			r.Error("the messages do not get done")
			return
		}
		c := must(s.Claim(ctx, r.now, lease, []wxnotify.Want{{App: r.app, N: 7}}))
		var batch []wxnotify.Settlement
		for _, try := range c.Tries {
			batch = append(batch, r.settlement(try, r.call(try)))
		}
		if len(batch) == 0 {
			runtime.Gosched()
			continue
		}
		if missed := must(s.Settle(ctx, r.now, batch)); len(missed) > 0 {
			r.Errorf("%d settles were too late", len(missed))
		}
		r.mu.Lock()
		for _, b := range batch {
			if b.Step.State.AtRest() {
				r.done++
			}
		}
		r.mu.Unlock()
	}
}

func (r *rush) over() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.done >= r.all
}

// call is WeChat.
func (r *rush) call(try wxnotify.Try) wxnotify.Outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	if by, used := r.delivered[try.Permit.Code]; used {
		if by != try.Message.ID {
			r.Errorf("%s was used for two messages", try.Permit.Code)
		}
		return spent
	}
	switch r.calls % 5 {
	case 0:
		return notSent
	case 1:
		return lost
	case 2:
		r.delivered[try.Permit.Code] = try.Message.ID
		return lost
	}
	r.delivered[try.Permit.Code] = try.Message.ID
	return ok
}
