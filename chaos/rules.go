package chaos

import (
	"slices"
	"time"
)

// A Rule names a promise.
type Rule string

// Rules are all that the checker holds a run against. A new one is one more
// line, and a bad log that turns it red in check_test.go.
var Rules = []struct {
	Name    Rule
	Meaning string
	check   func(*checker)
}{
	{"lost", "an accepted message is gone, or ended without a card and without a reason", lost},
	{"ghost", "something was sent or kept that nobody asked for", ghost},
	{"duplicated", "one message came twice, or one key became two messages", duplicated},
	{"falsely sent", "a message is called sent, and no card came", falselySent},
	{"hidden", "a card came, and the message is called failed, expired or canceled", hidden},
	{"overspent", "more cards on a code than it had uses, or a use still on the books that is spent", overspent},
	{"double-spent", "one permit was spent on two messages", doubleSpent},
	{"cross-used", "a code was used for another user or app, or was given by nobody", crossUsed},
	{"expired-use", "a code was used past its deadline, or newly bound within its last ten minutes", expiredUse},
	{"stuck", "a message did not come to rest, or a permit is tied to one that did", stuck},
	{"wasted", "a use is gone from the books, and no card came of it", wasted},
	{"unexplained", "a message is unknown, and no injected fault accounts for it", unexplained},
	{"unheard", "a server said that it has an event of WeChat's, and nothing came of it", unheard},
	{"untold", "a message came to rest, and its webhook was not told", untold},
	{"crashed", "a server panicked, raced, or answered 500", crashed},
}

func lost(k *checker) {
	k.each(func(s *story) {
		switch {
		case !s.accepted():
		case len(s.messages) == 0:
			k.report(s.mark, "", "it was accepted as %s, and the API does not know it", s.ids[0])
		case s.messages[0].denied() && len(s.cards) == 0 && !k.excused(s):
			k.report(s.mark, "", "it ended as %s (%s), and nothing stood in its way", s.messages[0].State, s.messages[0].Reason)
		}
	})
}

// excused says whether a message that was not sent had a reason.
func (k *checker) excused(s *story) bool {
	m := s.messages[0]
	if len(s.sends) == 0 {
		return false
	}
	first := s.sends[0]
	switch m.State {
	case "canceled":
		return s.cancel
	case "failed":
		rivals := first.Code != "" && len(k.codes[first.Code].marks) > 1
		return first.Doomed || m.Reason == "permit_used" && rivals && k.usedByRival(first.Code, s.mark)
	}
	return false
}

// usedByRival says whether another message had the code.
func (k *checker) usedByRival(code, mark string) bool {
	return slices.ContainsFunc(k.codes[code].marks, func(other string) bool {
		s := k.marks[other]
		return other != mark && (len(s.cards) > 0 || s.canceled)
	})
}

func ghost(k *checker) {
	k.each(func(s *story) {
		switch {
		case len(s.sends) == 0 && len(s.calls)+len(s.cards) > 0:
			k.report(s.mark, "", "it was sent to WeChat, and is not in the journal")
		case len(s.sends) == 0 && len(s.messages) > 0:
			k.report(s.mark, "", "the API shows it as %s, and it is not in the journal", s.messages[0].ID)
		case s.refused && len(s.calls)+len(s.cards)+len(s.messages) > 0:
			k.report(s.mark, "", "it was refused at the door, and went on all the same")
		}
	})
}

func duplicated(k *checker) {
	k.each(func(s *story) {
		if len(s.cards) > 1 {
			k.report(s.mark, s.cards[1].Code, "%d cards came", len(s.cards))
		}
		if len(s.ids) > 1 {
			k.report(s.mark, "", "its key was accepted as %s and as %s", s.ids[0], s.ids[1])
		}
		if len(s.messages) > 1 {
			k.report(s.mark, "", "the API has it as %s and as %s", s.messages[0].ID, s.messages[1].ID)
		}
	})
}

func falselySent(k *checker) {
	k.each(func(s *story) {
		for _, m := range s.messages {
			if m.sent() && len(s.cards) == 0 {
				k.report(s.mark, "", "it is %s (%s), and no card came", m.State, m.Evidence)
			}
		}
	})
}

func hidden(k *checker) {
	k.each(func(s *story) {
		for _, m := range s.messages {
			if m.denied() && len(s.cards) > 0 {
				k.report(s.mark, s.cards[0].Code, "it is %s (%s), and a card came", m.State, m.Reason)
			}
		}
	})
}

func overspent(k *checker) {
	k.eachCode(func(c string, x *code) {
		if x.given != nil && x.cards > x.given.Uses {
			k.report("", c, "%d cards came of a code with %d uses", x.cards, x.given.Uses)
		}
	})
	for p, a := range k.users {
		if left := a.perhaps - a.spent; a.free > left {
			k.report("", "", "the books show %d free permits of %s in %s, and at most %d can be left", a.free, p.to, p.app, left)
		}
	}
}

func doubleSpent(k *checker) {
	spender := map[string]string{}
	k.each(func(s *story) {
		for _, m := range s.messages {
			if m.Permit == "" || !m.sent() {
				continue
			}
			if other, ok := spender[m.Permit]; ok && other != s.mark {
				k.report(s.mark, "", "its permit %s was spent on %s as well", m.Permit, other)
			}
			spender[m.Permit] = s.mark
		}
	})
	k.eachCode(func(c string, x *code) {
		if x.given == nil || x.given.Uses != 1 {
			return
		}
		taken := ""
		for _, call := range x.calls {
			if taken != "" && call.Mark != taken {
				k.report(call.Mark, c, "its call used the code that %s had spent", taken)
				return
			}
			if call.Effect {
				taken = call.Mark
			}
		}
	})
}

func crossUsed(k *checker) {
	k.eachCode(func(c string, x *code) {
		for _, call := range x.calls {
			switch {
			case x.given == nil:
				k.report(call.Mark, c, "nobody gave this code")
			case x.given.App != call.App || x.given.To != call.To:
				k.report(call.Mark, c, "%s of %s gave it, and %s of %s got the call", x.given.To, x.given.App, call.To, call.App)
			default:
				continue
			}
			return
		}
	})
}

// Margin and start are what the contract leaves between binding and deadline,
// and what may lie between binding and call.
const (
	margin = 10 * time.Minute
	start  = 15 * time.Second
)

func expiredUse(k *checker) {
	k.eachCode(func(c string, x *code) {
		if x.given == nil || x.given.Deadline.IsZero() {
			return
		}
		first := map[string]bool{}
		for _, call := range x.calls {
			newly := !first[call.Mark]
			first[call.Mark] = true
			if call.At.After(x.given.Deadline) || newly && call.At.After(x.given.Deadline.Add(start-margin)) {
				k.report(call.Mark, c, "it was called at %s with a code that ends at %s", clock(call.At), clock(x.given.Deadline))
				return
			}
		}
	})
}

func stuck(k *checker) {
	rest := map[string]bool{}
	k.each(func(s *story) {
		for _, m := range s.messages {
			if rest[m.ID] = m.atRest(); !m.atRest() {
				k.report(s.mark, "", "it is %s, long after all faults ended", m.State)
			}
		}
	})
	for _, p := range k.Permits {
		if at, known := rest[p.Message]; (p.State == "bound" || p.State == "held") && (at || !known) {
			k.report(k.markOf(p.Message), "", "permit %s is %s by %s, which is at rest or unknown to the API", p.ID, p.State, p.Message)
		}
	}
}

func (k *checker) markOf(id string) string {
	for _, m := range k.Messages {
		if m.ID == id && id != "" {
			return m.Mark
		}
	}
	return ""
}

func wasted(k *checker) {
	cards := map[string]int{}
	state := map[string]string{}
	for _, m := range k.Messages {
		cards[m.ID], state[m.ID] = len(k.marks[m.Mark].cards), m.State
	}
	for _, p := range k.Permits {
		switch {
		case p.State == "used" && cards[p.Message] == 0:
			k.report(k.markOf(p.Message), "", "permit %s is used by %q, of which no card came", p.ID, p.Message)
		case p.State == "dead" && p.Cause == "unresolved" && state[p.Message] == "unknown", p.State == "dead" && p.Cause == "expired":
			continue // its time was over, or nobody can know
		case p.State == "dead" && p.Cause == "withdrawn" && k.withdrew(person{p.App, p.To}):
			continue
		case p.State == "dead":
			k.report(k.markOf(p.Message), "", "permit %s is dead (%s), and nothing injected explains that", p.ID, p.Cause)
		}
	}
	for p, a := range k.users {
		if left := a.sure - a.spent; a.free+a.dead < left {
			k.report("", "", "the books show %d free permits of %s in %s and %d others that are not used, of %d that must be left", a.free, p.to, p.app, a.dead, left)
		}
	}
}

func unexplained(k *checker) {
	k.each(func(s *story) {
		for _, m := range s.messages {
			if m.State == "unknown" && !k.explained(s) {
				k.report(s.mark, "", "it is unknown, and every answer was given")
			}
		}
	})
}

// withdrew says whether a user turned off what they had allowed.
func (k *checker) withdrew(p person) bool {
	return slices.ContainsFunc(k.events[p], func(e Event) bool { return e.Kind == "change" })
}

func unheard(k *checker) {
	got := map[person]Message{}
	for _, m := range k.Messages {
		got[person{m.App, m.To}] = m
	}
	for _, e := range k.Events {
		p := person{e.App, e.To}
		m, code := got[p], acceptance(e.To)
		switch a := k.user(e.App, e.To); {
		case !e.Answered:
		case e.Kind == "popup" && a.spent+a.free+a.dead == 0 && !k.withdrew(p):
			k.report(m.Mark, code, "they allowed a message, and the books have no permit of it")
		case e.Kind == "change" && a.free > 0:
			k.report(m.Mark, code, "they turned it off, and the books have %d free permits", a.free)
		case e.Kind == "sent" && m.State != "delivered" && m.Evidence != "operator":
			k.report(m.Mark, code, "WeChat says that their message arrived, and it is %q", m.State)
		}
	}
}

func untold(k *checker) {
	if k.Told == nil {
		return
	}
	told := map[Told]bool{}
	for _, t := range k.Told {
		told[Told{Mark: t.Mark, State: t.State}] = true
	}
	k.each(func(s *story) {
		for _, m := range s.messages {
			if m.atRest() && m.State != "canceled" && !told[Told{Mark: s.mark, State: m.State}] {
				k.report(s.mark, "", "it is %s, and the webhook does not know", m.State)
			}
		}
	})
}

func crashed(k *checker) {
	for _, e := range k.crashes {
		k.report("", "", "%s: %s", e.Node, e.Text)
	}
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05.000") }
