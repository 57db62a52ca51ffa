package chaos

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Story tells everything about one message, in the order of time, and what was
// broken meanwhile.
func Story(r Record, mark string) string {
	if mark == "" {
		return ""
	}
	var lines []line
	add := func(at time.Time, format string, args ...any) {
		lines = append(lines, line{at, fmt.Sprintf(format, args...)})
	}
	codes := map[string]bool{}
	for _, e := range r.Journal {
		if e.Mark == mark {
			codes[cmp.Or(e.Code, acceptance(e.To))] = true
		}
	}
	for _, c := range r.Calls {
		if c.Mark == mark {
			codes[c.Code] = true
		}
	}
	for _, e := range r.Journal {
		switch {
		case e.Mark == mark || e.Mark == "" && codes[e.Code] && e.Code != "":
			add(e.At, "load     %-9s %s", e.Op, strings.Join(words(e.Code, e.To, e.App, e.ID, e.Node, e.Text), " "))
		case e.Op == OpFault || e.Op == OpHealed:
			add(e.At, "driver   %-9s %s", e.Op, strings.Join(words(e.Text, e.Node), " "))
		}
	}
	for _, c := range r.Calls {
		if c.Mark == mark || codes[c.Code] {
			add(c.At, "wechat   call %d of %s with %s: errcode %d, effect %v, answered %v %s", c.Seq, c.Mark, c.Code, c.Errcode, c.Effect, c.Answered, c.Fault)
		}
	}
	for _, c := range r.Cards {
		if c.Mark == mark || codes[c.Code] {
			add(c.At, "phone    card %d of %s with %s", c.Seq, c.Mark, c.Code)
		}
	}
	for _, e := range r.Events {
		if codes[acceptance(e.To)] {
			add(e.At, "wechat   event %s of %s: answered %v", e.Kind, e.To, e.Answered)
		}
	}
	for _, t := range r.Told {
		if t.Mark == mark {
			add(t.At, "webhook  told that it is %s", t.State)
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return a.at.Compare(b.at) })
	var out strings.Builder
	for _, l := range around(lines) {
		fmt.Fprintf(&out, "%s %s\n", clock(l.at), l.text)
	}
	for _, m := range r.Messages {
		if m.Mark == mark {
			fmt.Fprintf(&out, "at the end the API says: %s is %s %s %s, permit %s\n", m.ID, m.State, m.Reason, m.Evidence, m.Permit)
			for _, t := range m.Tries {
				fmt.Fprintf(&out, "  attempt at %s on %s: %s\n", clock(t.Started), t.Node, t.Outcome)
			}
		}
	}
	return out.String()
}

type line struct {
	at   time.Time
	text string
}

// around drops what the driver did long before and after the message's time.
func around(lines []line) []line {
	var first, last time.Time
	for _, l := range lines {
		if !strings.HasPrefix(l.text, "driver") {
			if last = l.at; first.IsZero() {
				first = l.at
			}
		}
	}
	return slices.DeleteFunc(lines, func(l line) bool {
		return l.at.Before(first.Add(-time.Minute)) || l.at.After(last.Add(time.Minute))
	})
}

func words(all ...string) []string {
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}
