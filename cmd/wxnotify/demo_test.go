package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestCurlLineFitsATerminal(t *testing.T) {
	t.Parallel()
	key, err := demoKey(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if line := curlLine("127.0.0.1:65535", "127.0.0.1:65535", key.Reveal()); len(line) >= 100 {
		t.Errorf("%d columns: %s", len(line), line)
	}
}

func TestDemoKeyIsKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := demoKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := demoKey(dir)
	if err != nil || first != second || len(first.Reveal()) < 16 {
		t.Errorf("a key of %d characters, the same again: %v, %v", len(first.Reveal()), first == second, err)
	}
	if st, err := os.Stat(dir + "/key"); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
}

// curl would cut an unquoted body at its first blank.
func TestSampleHasNoBlank(t *testing.T) {
	t.Parallel()
	_, data, ok := strings.Cut(curlConfig(), "data = ")
	data, _, _ = strings.Cut(data, "\n")
	if !ok || !strings.HasPrefix(data, "{") || strings.ContainsAny(data, " \t") {
		t.Errorf("got %s", data)
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Log("curl is not here; the line itself is tried by the demo's script")
	}
}
