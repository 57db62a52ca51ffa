package chaos

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// A log is a record under construction: a small run in which everything went
// well, until a test spoils it.
type log struct {
	Record
	now time.Time
}

func newLog() *log { return &log{now: noon} }

func (l *log) write(e Entry) {
	l.now = l.now.Add(time.Millisecond)
	e.At = l.now
	l.Journal = append(l.Journal, e)
}

// give hands in a code of alice's.
func (l *log) give(code string, uses int) {
	e := Entry{Op: OpGiven, App: "wxa", To: "alice", Code: code, Uses: uses, Deadline: noon.Add(7 * 24 * time.Hour)}
	l.write(e)
	e.Op = OpDeposited
	l.write(e)
}

// ask sends a message with a form_id and hears 202.
func (l *log) ask(mark, code string) {
	e := Entry{Op: OpSend, Mark: mark, App: "wxa", To: "alice", Code: code}
	l.write(e)
	e.Op, e.ID = OpAccepted, "msg_"+mark
	l.write(e)
}

// call is one of WeChat's, with a card if it has effect.
func (l *log) call(mark, code string, effect bool) *Call {
	l.now = l.now.Add(time.Millisecond)
	c := Call{Seq: uint64(len(l.Calls) + 1), At: l.now, App: "wxa", To: "alice", Code: code, Mark: mark, Effect: effect, Answered: true}
	l.Calls = append(l.Calls, c)
	if effect {
		l.Cards = append(l.Cards, Card{Seq: uint64(len(l.Cards) + 1), At: l.now, App: "wxa", To: "alice", Code: code, Mark: mark})
	}
	return &l.Calls[len(l.Calls)-1]
}

// end is what the API says of a message and its permit.
func (l *log) end(mark, state, reason, permit string) *Message {
	m := Message{ID: "msg_" + mark, Mark: mark, App: "wxa", To: "alice", State: state, Reason: reason, Permit: permit}
	l.Messages = append(l.Messages, m)
	return &l.Messages[len(l.Messages)-1]
}

func (l *log) permit(id, state, cause, message string) {
	l.Permits = append(l.Permits, Permit{ID: id, App: "wxa", To: "alice", State: state, Cause: cause, Message: message})
}

// push is an event about carol, who allows one message, and whether it was answered.
func (l *log) push(kind string, answered bool) {
	if kind == "popup" {
		l.write(Entry{Op: OpGiven, App: "wxa", To: "carol", Code: acceptance("carol"), Uses: 1})
	}
	l.Events = append(l.Events, Event{At: l.now, App: "wxa", To: "carol", Kind: kind, Answered: answered})
}

// keep is a permit of carol's.
func (l *log) keep(state, cause, message string) {
	l.Permits = append(l.Permits, Permit{ID: "prm_c", App: "wxa", To: "carol", State: state, Cause: cause, Message: message})
}

// subscribed is carol with the message that she allowed.
func (l *log) subscribed(state string) {
	l.push("popup", true)
	l.write(Entry{Op: OpSend, Mark: "c", App: "wxa", To: "carol"})
	l.write(Entry{Op: OpAccepted, Mark: "c", App: "wxa", To: "carol", ID: "msg_c"})
	l.Calls = append(l.Calls, Call{Seq: 9, At: l.now, App: "wxa", To: "carol", Code: acceptance("carol"), Mark: "c", Effect: true, Answered: true})
	l.Cards = append(l.Cards, Card{Seq: 9, At: l.now, App: "wxa", To: "carol", Code: acceptance("carol"), Mark: "c"})
	l.push("sent", true)
	l.Messages = append(l.Messages, Message{ID: "msg_c", Mark: "c", App: "wxa", To: "carol", State: state, Permit: "prm_c"})
	l.keep("used", "", "msg_c")
}

// good is one message of which everything is true.
func (l *log) good(mark string) {
	code := "form-" + mark
	l.give(code, 1)
	l.ask(mark, code)
	l.call(mark, code, true)
	l.end(mark, "sent", "", "prm_"+mark).Evidence = "answered"
	l.permit("prm_"+mark, "used", "", "msg_"+mark)
}

// The checker is silent when all is well, in every manner of being well.
func TestGoodLogs(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(l *log){
		"nothing at all": func(*log) {},
		"plain":          func(l *log) { l.good("a"); l.good("b") },
		"a lost answer, and its repeat": func(l *log) {
			l.give("form-a", 1)
			l.ask("a", "form-a")
			c := l.call("a", "form-a", true)
			c.Answered, c.Fault = false, "drop_response"
			l.call("a", "form-a", false).Errcode = 41029
			l.end("a", "sent", "", "prm_a").Evidence = "inferred"
			l.permit("prm_a", "used", "", "msg_a")
		},
		"unheard, and sent all the same": func(l *log) {
			l.give("form-a", 1)
			l.write(Entry{Op: OpSend, Mark: "a", App: "wxa", To: "alice", Code: "form-a"})
			l.write(Entry{Op: OpUnheard, Mark: "a"})
			l.call("a", "form-a", true)
			l.end("a", "sent", "", "prm_a")
			l.permit("prm_a", "used", "", "msg_a")
		},
		"unheard, and never arrived": func(l *log) {
			l.write(Entry{Op: OpGiven, App: "wxa", To: "alice", Code: "form-a", Uses: 1})
			l.write(Entry{Op: OpSend, Mark: "a", App: "wxa", To: "alice", Code: "form-a"})
			l.write(Entry{Op: OpUnheard, Mark: "a"})
		},
		"canceled": func(l *log) {
			l.give("form-a", 1)
			l.ask("a", "form-a")
			l.write(Entry{Op: OpCancel, Mark: "a"})
			l.write(Entry{Op: OpCanceled, Mark: "a"})
			l.end("a", "canceled", "canceled", "")
			l.permit("prm_a", "free", "", "")
		},
		"two messages on one form_id": func(l *log) {
			l.good("a")
			l.ask("b", "form-a")
			l.end("b", "failed", "permit_used", "")
		},
		"a permit that is too old": func(l *log) {
			l.write(Entry{Op: OpGiven, App: "wxa", To: "alice", Code: "old", Uses: 1, Deadline: noon.Add(5 * time.Minute)})
			l.write(Entry{Op: OpDeposited, App: "wxa", To: "alice", Code: "old"})
			l.write(Entry{Op: OpSend, Mark: "a", App: "wxa", To: "alice", Code: "old", Doomed: true})
			l.write(Entry{Op: OpAccepted, Mark: "a", ID: "msg_a"})
			l.end("a", "failed", "permit_dead", "")
			l.permit("prm_a", "free", "", "")
		},
		"a subscription": func(l *log) { l.subscribed("delivered") },
		"a subscription that WeChat could tell nobody of": func(l *log) { l.push("popup", false) },
		"a subscription that was turned off": func(l *log) {
			l.push("popup", true)
			l.push("change", true)
			l.keep("dead", "withdrawn", "")
		},
		"the webhook was told twice": func(l *log) {
			l.good("a")
			l.Told = []Told{{noon, "a", "sent"}, {noon, "a", "sent"}}
		},
		"a payment: three cards": func(l *log) {
			l.give("pay", 3)
			for i, mark := range []string{"a", "b", "c"} {
				l.ask(mark, "")
				l.call(mark, "pay", true)
				l.end(mark, "sent", "", fmt.Sprint("prm_", i))
				l.permit(fmt.Sprint("prm_", i), "used", "", "msg_"+mark)
			}
		},
		"a payment: unknown, for a dropped answer": func(l *log) {
			l.payment()
			c := &l.Calls[0]
			c.Answered, c.Fault = false, "drop_response"
		},
		"a payment: unknown, for a killed node": func(l *log) {
			l.payment()
			l.Messages[0].Tries = []Try{{Node: "n1", Outcome: "lost", Started: noon}}
			l.Journal = append(l.Journal, Entry{At: noon.Add(time.Second), Op: OpFault, Node: "n1", Text: "kill -9"})
		},
	} {
		l := newLog()
		f(l)
		for _, found := range Check(l.Record) {
			t.Errorf("%s: %s: %s", name, found.Rule, found.Text)
		}
	}
}

// payment is one whose first use ended as unknown.
func (l *log) payment() {
	l.give("pay", 3)
	l.ask("a", "")
	l.call("a", "pay", true)
	l.end("a", "unknown", "unresolved", "prm_1")
	l.permit("prm_1", "dead", "unresolved", "msg_a")
	l.permit("prm_2", "free", "", "")
	l.permit("prm_3", "free", "", "")
}

// Every rule sees what it is there for, and the log is otherwise good.
func TestEveryRuleCanSee(t *testing.T) {
	t.Parallel()
	seen := map[Rule]bool{}
	for _, c := range []struct {
		rule  Rule
		name  string
		spoil func(l *log)
	}{
		{"lost", "the API does not know it", func(l *log) { l.Messages, l.Permits = nil, nil }},
		{"lost", "it failed for no reason", func(l *log) {
			l.silent()
			l.Messages[0].State, l.Messages[0].Reason = "failed", "internal"
		}},
		{"lost", "it says that its form_id was used, and nobody used it", func(l *log) {
			l.silent()
			l.Messages[0].State, l.Messages[0].Reason = "failed", "permit_used"
		}},
		{"lost", "canceled by nobody", func(l *log) {
			l.silent()
			l.Messages[0].State, l.Messages[0].Reason = "canceled", "canceled"
		}},
		{"ghost", "a card that nobody asked for", func(l *log) {
			l.give("form-x", 1)
			l.call("x", "form-x", true)
		}},
		{"ghost", "a message that nobody sent", func(l *log) { l.end("x", "canceled", "canceled", "") }},
		{"ghost", "refused at the door, and kept", func(l *log) {
			l.write(Entry{Op: OpSend, Mark: "x", App: "wxa", To: "alice"})
			l.write(Entry{Op: OpRefused, Mark: "x"})
			l.end("x", "canceled", "canceled", "")
		}},
		{"duplicated", "two cards with two codes", func(l *log) {
			l.give("form-x", 1)
			l.call("a", "form-x", true)
			l.permit("prm_x", "used", "", "msg_a")
		}},
		{"duplicated", "one key, two ids", func(l *log) { l.write(Entry{Op: OpAccepted, Mark: "a", ID: "msg_other"}) }},
		{"duplicated", "one key, two messages", func(l *log) { l.end("a", "canceled", "canceled", "").ID = "msg_other" }},
		{"falsely sent", "without a card", func(l *log) { l.silent() }},
		{"hidden", "failed, with a card", func(l *log) { l.Messages[0].State, l.Messages[0].Reason = "failed", "attempts" }},
		{"overspent", "two cards on one form_id", func(l *log) {
			l.Cards = append(l.Cards, Card{Seq: 3, App: "wxa", To: "alice", Code: "form-a", Mark: "b"})
		}},
		{"overspent", "a spent use is free again", func(l *log) { l.permit("prm_x", "free", "", "") }},
		{"double-spent", "one permit, two messages", func(l *log) {
			l.Messages[1].Permit = l.Messages[0].Permit
		}},
		{"double-spent", "a call on a code that was spent", func(l *log) { l.call("b", "form-a", false).Errcode = 41029 }},
		{"cross-used", "another user's code", func(l *log) {
			l.Calls[0].To = "bob"
		}},
		{"cross-used", "a code out of nowhere", func(l *log) { l.call("a", "form-nobody", false) }},
		{"expired-use", "past its deadline", func(l *log) { l.Journal[0].Deadline = noon }},
		{"expired-use", "bound in the last ten minutes", func(l *log) { l.Journal[0].Deadline = noon.Add(9 * time.Minute) }},
		{"stuck", "unsure for ever", func(l *log) { l.Messages[0].State = "unsure" }},
		{"stuck", "held by a message at rest", func(l *log) {
			l.give("form-x", 1)
			l.permit("prm_x", "held", "", "msg_a")
		}},
		{"wasted", "used, and no card", func(l *log) {
			l.give("form-x", 1)
			l.permit("prm_x", "used", "", "")
		}},
		{"wasted", "dead for no reason", func(l *log) {
			l.give("form-x", 1)
			l.permit("prm_x", "dead", "invalid", "")
		}},
		{"wasted", "gone from the books", func(l *log) { l.give("form-x", 1) }},
		{"crashed", "a panic", func(l *log) { l.write(Entry{Op: OpCrashed, Node: "n1", Text: "panic: nil"}) }},
		{"unheard", "an acceptance", func(l *log) { l.push("popup", true) }},
		{"unheard", "one that was turned off", func(l *log) {
			l.push("popup", true)
			l.push("change", true)
			l.keep("free", "", "")
		}},
		{"unheard", "of a message that arrived", func(l *log) { l.subscribed("sent") }},
		{"overspent", "an acceptance that was told twice", func(l *log) {
			l.push("popup", true)
			l.keep("free", "", "")
			l.keep("free", "", "")
		}},
		{"wasted", "withdrawn by nobody", func(l *log) {
			l.push("popup", true)
			l.keep("dead", "withdrawn", "")
		}},
		{"untold", "the webhook heard of another message", func(l *log) { l.Told = []Told{{noon, "a", "sent"}} }},
		{"untold", "the webhook heard of another state", func(l *log) { l.Told = []Told{{noon, "a", "sent"}, {noon, "b", "failed"}} }},
		{"unexplained", "every answer was given", func(l *log) { l.Record = Record{}; l.payment() }},
		{"unexplained", "another node was killed", func(l *log) {
			l.Record = Record{}
			l.payment()
			l.Messages[0].Tries = []Try{{Node: "n1", Outcome: "lost", Started: noon}}
			l.Journal = append(l.Journal, Entry{At: noon.Add(time.Second), Op: OpFault, Node: "n2", Text: "kill -9"})
		}},
	} {
		l := newLog()
		l.good("a")
		l.good("b")
		c.spoil(l)
		found := Check(l.Record)
		if !slices.ContainsFunc(found, func(f Finding) bool { return f.Rule == c.rule }) {
			t.Errorf("%s, %s: not seen; found %+v", c.rule, c.name, found)
		}
		seen[c.rule] = true
	}
	for _, r := range Rules {
		if !seen[r.Name] {
			t.Errorf("no bad log turns %q red", r.Name)
		}
	}
}

// silent takes the card of the first message away, and what came of it.
func (l *log) silent() {
	l.Cards, l.Calls[0].Effect = l.Cards[1:], false
	l.Permits[0].State, l.Permits[0].Message = "free", ""
}

func TestTheStoryOfAMessage(t *testing.T) {
	t.Parallel()
	l := newLog()
	l.good("a")
	l.good("b")
	l.Journal = append(l.Journal,
		Entry{At: noon.Add(time.Second), Op: OpFault, Node: "n1", Text: "kill -9"},
		Entry{At: noon.Add(time.Hour), Op: OpFault, Node: "n1", Text: "much later"})
	got := Story(l.Record, "a")
	for _, want := range []string{"given", "deposited", "send ", "accepted  form-a", "call 1 of a with form-a", "card 1", "kill -9 n1", "msg_a is sent"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	for _, other := range []string{"form-b", "much later"} {
		if strings.Contains(got, other) {
			t.Errorf("%q belongs to another message:\n%s", other, got)
		}
	}
}
