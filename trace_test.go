package wxnotify

import (
	"strings"
	"testing"
)

func TestTraceOf(t *testing.T) {
	t.Parallel()
	const id, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	for name, c := range map[string]struct{ header, want string }{
		"sampled":                          {"00-" + id + "-" + span + "-01", id + "-01"},
		"not sampled":                      {"00-" + id + "-" + span + "-00", id + "-00"},
		"a random id":                      {"00-" + id + "-" + span + "-03", id + "-03"},
		"flags that nobody knows":          {"00-" + id + "-" + span + "-fd", id + "-01"},
		"a later version":                  {"01-" + id + "-" + span + "-01", id + "-01"},
		"a later version that says more":   {"cc-" + id + "-" + span + "-01-what.the-future", id + "-01"},
		"a later version with a long flag": {"cc-" + id + "-" + span + "-01.what", ""},
		"more than version 00 says":        {"00-" + id + "-" + span + "-01-more", ""},
		"version ff":                       {"ff-" + id + "-" + span + "-01", ""},
		"a version of letters":             {".0-" + id + "-" + span + "-01", ""},
		"capitals":                         {"00-" + strings.ToUpper(id) + "-" + span + "-01", ""},
		"capitals in the span":             {"00-" + id + "-" + strings.ToUpper(span) + "-01", ""},
		"no trace":                         {"00-" + strings.Repeat("0", 32) + "-" + span + "-01", ""},
		"no span":                          {"00-" + id + "-" + strings.Repeat("0", 16) + "-01", ""},
		"a short trace":                    {"00-" + id[1:] + "-" + span + "-01", ""},
		"a short trace and a long flag":    {"00-" + id[1:] + "-" + span + "-001", ""},
		"flags of letters":                 {"00-" + id + "-" + span + "-0x", ""},
		"other dashes":                     {"00_" + id + "_" + span + "_01", ""},
		"blanks around":                    {" 00-" + id + "-" + span + "-01", ""},
		"nothing":                          {"", ""},
		"zero bytes":                       {strings.Repeat("\x00", 55), ""},
	} {
		if got := TraceOf([]string{c.header}); string(got) != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	good := "00-" + id + "-" + span + "-01"
	if got := TraceOf(nil); got != "" {
		t.Errorf("no header: %q", got)
	}
	if got := TraceOf([]string{good, good}); got != "" {
		t.Errorf("two headers: %q", got)
	}
}

func TestATraceGoesOnWithANewSpan(t *testing.T) {
	t.Parallel()
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	trace := TraceOf([]string{"00-" + id + "-00f067aa0ba902b7-01"})
	parent := trace.Parent([8]byte{1, 2, 3, 4, 5, 6, 7, 8})
	if want := "00-" + id + "-0102030405060708-01"; parent != want || trace.ID() != id {
		t.Errorf("got %q and %q, want %q", parent, trace.ID(), want)
	}
	if TraceOf([]string{parent}) != trace {
		t.Error("what we hand on, we would not take ourselves")
	}
	if none := Trace(""); none.ID() != "" || none.Parent([8]byte{1}) != "" {
		t.Error("no trace has a name")
	}
}

// Whatever is taken can be handed on.
func FuzzTraceOf(f *testing.F) {
	f.Add("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	f.Add("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff-more")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		trace := TraceOf([]string{s})
		if trace != "" && TraceOf([]string{trace.Parent([8]byte{1})}) != trace {
			t.Errorf("%q became %q", s, trace)
		}
	})
}
