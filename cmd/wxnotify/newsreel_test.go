package main

import (
	"testing"

	"github.com/wxnotify/wxnotify"
)

func TestAMessageHasOneLine(t *testing.T) {
	t.Parallel()
	n := newNewsreel()
	for i, c := range []struct {
		id    string
		state wxnotify.State
		known bool
	}{
		{"a", wxnotify.Sent, false},
		{"b", wxnotify.Sent, false},
		{"a", wxnotify.Delivered, true},
		{"b", wxnotify.Failed, false}, // taken, and then it did not arrive
		{"c", wxnotify.Unknown, false},
		{"c", wxnotify.Delivered, false},
		{"d", wxnotify.Delivered, false}, // the event was faster than the answer
	} {
		if got := n.known(wxnotify.Rest{ID: c.id, State: c.state}); got != c.known {
			t.Errorf("%d: %s is %s: known %v, want %v", i, c.id, c.state, got, c.known)
		}
	}
}
