package chaos

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// A Finding is a promise that was broken.
type Finding struct {
	Rule Rule
	Mark string // the message concerned; "": none
	Code string // the permit concerned; "": none
	Text string
}

// Check holds a record of a run that has come to rest against every rule.
func Check(r Record) []Finding {
	k := index(r)
	for _, rule := range Rules {
		k.rule = rule.Name
		rule.check(k)
	}
	return k.found
}

// A checker has the record by message and by code.
type checker struct {
	Record
	rule  Rule
	found []Finding

	marks   map[string]*story
	codes   map[string]*code
	users   map[person]*account
	events  map[person][]Event
	faults  []Entry
	crashes []Entry
	order   []string // of marks, for reports that are the same every time
}

type person struct{ app, to string }

// A story is all there is about one message.
type story struct {
	mark     string
	sends    []Entry
	ids      []string // under which it was accepted, each once
	refused  bool     // and never accepted nor left open
	unheard  bool
	cancel   bool
	canceled bool
	calls    []Call
	cards    []Card
	messages []Message
}

func (s *story) accepted() bool { return len(s.ids) > 0 }

// code is what is known of a permit's code.
type code struct {
	given  *Entry
	listed bool // certainly in the ledger
	calls  []Call
	cards  int
	marks  []string // of messages that name it
}

// An account is one user's permits: given, and spent.
type account struct {
	sure, perhaps int // uses that are, or may be, in the ledger
	spent         int // by cards
	free, dead    int // by the ledger
}

func index(r Record) *checker {
	k := &checker{Record: r, marks: map[string]*story{}, codes: map[string]*code{}, users: map[person]*account{}, events: map[person][]Event{}}
	for i := range r.Journal {
		k.journal(&r.Journal[i])
	}
	for _, c := range r.Calls {
		s := k.story(c.Mark)
		s.calls = append(s.calls, c)
		x := k.code(c.Code)
		x.calls = append(x.calls, c)
	}
	for _, c := range r.Cards {
		s := k.story(c.Mark)
		s.cards = append(s.cards, c)
		k.code(c.Code).cards++
		k.user(c.App, c.To).spent++
	}
	for _, m := range r.Messages {
		s := k.story(m.Mark)
		s.messages = append(s.messages, m)
	}
	for _, e := range r.Events {
		p := person{e.App, e.To}
		k.events[p] = append(k.events[p], e)
	}
	k.accounts()
	return k
}

func (k *checker) journal(e *Entry) {
	switch e.Op {
	case OpGiven:
		k.code(e.Code).given = e
		return
	case OpDeposited:
		k.code(e.Code).listed = true
		return
	case OpFault, OpHealed:
		k.faults = append(k.faults, *e)
		return
	case OpCrashed:
		k.crashes = append(k.crashes, *e)
		return
	case OpDeposit:
		return
	}
	s := k.story(e.Mark)
	switch e.Op {
	case OpSend:
		s.sends = append(s.sends, *e)
		if x := k.code(e.Code); e.Code != "" && !slices.Contains(x.marks, e.Mark) {
			x.marks = append(x.marks, e.Mark)
		}
	case OpAccepted:
		if !slices.Contains(s.ids, e.ID) {
			s.ids = append(s.ids, e.ID)
		}
		s.refused = false
	case OpRefused:
		s.refused = !s.accepted() && !s.unheard
	case OpUnheard:
		s.unheard, s.refused = true, false
	case OpCancel:
		s.cancel = true
	case OpCanceled:
		s.canceled = true
	}
}

func (k *checker) story(mark string) *story {
	s := k.marks[mark]
	if s == nil {
		s = &story{mark: mark}
		k.marks[mark] = s
		k.order = append(k.order, mark)
	}
	return s
}

func (k *checker) code(c string) *code {
	x := k.codes[c]
	if x == nil {
		x = &code{}
		k.codes[c] = x
	}
	return x
}

func (k *checker) user(app, to string) *account {
	a := k.users[person{app, to}]
	if a == nil {
		a = &account{}
		k.users[person{app, to}] = a
	}
	return a
}

func (k *checker) accounts() {
	for _, x := range k.codes {
		if x.given == nil {
			continue
		}
		a := k.user(x.given.App, x.given.To)
		for _, mark := range x.marks {
			x.listed = x.listed || k.marks[mark].accepted()
		}
		if a.perhaps += x.given.Uses; x.listed {
			a.sure += x.given.Uses
		}
	}
	for _, p := range k.Permits {
		switch a := k.user(p.App, p.To); p.State {
		case "free":
			a.free++
		case "dead", "held", "bound":
			a.dead++
		}
	}
}

// report adds a finding.
func (k *checker) report(mark, code, format string, args ...any) {
	k.found = append(k.found, Finding{k.rule, mark, code, fmt.Sprintf(format, args...)})
}

// each calls f for every message, in the order of the journal.
func (k *checker) each(f func(s *story)) {
	for _, mark := range k.order {
		f(k.marks[mark])
	}
}

func (k *checker) eachCode(f func(c string, x *code)) {
	for _, c := range sortedKeys(k.codes) {
		f(c, k.codes[c])
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for c := range m {
		keys = append(keys, c)
	}
	slices.SortFunc(keys, cmp.Compare[string])
	return keys
}

// reach is how long before a fault an attempt may have begun that it hit: a
// claim may wait 15 s for its call, and the call lasts 10 s.
const reach = 30 * time.Second

// explained says whether an injected fault accounts for a missing answer: the
// sandbox spoiled a call of the message, or the node of a lost attempt was
// broken while it ran.
func (k *checker) explained(s *story) bool {
	for _, c := range s.calls {
		if c.Fault != "" || !c.Answered {
			return true
		}
	}
	for _, m := range s.messages {
		for _, t := range m.Tries {
			if t.Outcome == "lost" && k.broken(t) {
				return true
			}
		}
	}
	return false
}

func (k *checker) broken(t Try) bool {
	for _, f := range k.faults {
		if f.Op == OpFault && f.Node == t.node() && !t.Started.After(f.At) && f.At.Sub(t.Started) < reach {
			return true
		}
	}
	return k.during(t)
}

// during says whether the attempt began while its node was broken.
func (k *checker) during(t Try) bool {
	broken := false
	for _, f := range k.faults {
		if f.Node == t.node() && !f.At.After(t.Started) {
			broken = f.Op == OpFault
		}
	}
	return broken
}
