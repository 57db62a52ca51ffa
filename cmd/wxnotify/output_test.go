package main

import (
	"strings"
	"testing"
)

func TestTableAlignsChinese(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	table(&b, []string{"NAME", "N"}, []string{"李小红", "1"}, []string{"Li", "22"})
	want := "NAME    N\n李小红  1\nLi      22\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"abcdef": "abcdef", "abcdefg": "abcde…", "接单通知": "接单…"} {
		if got := clip(text, 6); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestPlainTakesNoOrdersForTheTerminal(t *testing.T) {
	t.Parallel()
	if got := plain("a\x1b[31m\u202eb\n"); got != "a?[31m?b?" {
		t.Errorf("got %q", got)
	}
}
