package main

import (
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"wxnotify": main})
}

func TestEveryCommandHasAnExample(t *testing.T) {
	t.Parallel()
	var c cli
	p, err := newParser(t.Context(), &c)
	if err != nil {
		t.Fatal(err)
	}
	commands := p.Model.Leaves(false)
	if len(commands) < 10 {
		t.Errorf("only %d commands were found", len(commands))
	}
	for _, n := range commands {
		if n.Help == "" || !strings.Contains(n.Detail, "Example") || !strings.Contains(n.Detail, "wxnotify "+plainPath(n)) {
			t.Errorf("wxnotify %s: its help has no example of it", plainPath(n))
		}
	}
}

// plainPath is "app add" for the command of that name.
func plainPath(n *kong.Node) string {
	if n.Parent == nil || n.Parent.Type == kong.ApplicationNode {
		return n.Name
	}
	return plainPath(n.Parent) + " " + n.Name
}

func TestDidYouMean(t *testing.T) {
	t.Parallel()
	known := []string{"listen", "sandbox-listen", "wechat-url", "api-key"}
	for name, want := range map[string]string{
		"listn":          "listen",
		"wechat-uri":     "wechat-url",
		"wechat_url":     "wechat-url",
		"wechat-address": "wechat-url",
		"apikey":         "api-key",
		"zzzzzzzzzzzz":   "",
	} {
		got := strings.TrimSuffix(strings.TrimPrefix(didYouMean(name, known, ""), ", did you mean "), "?")
		if got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestReadSecretKeepsAllButTheLineBreak(t *testing.T) {
	t.Parallel()
	file := t.TempDir() + "/secret"
	if err := os.WriteFile(file, []byte(" with spaces \r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := readSecret(file); err != nil || got != " with spaces " {
		t.Errorf("got %q, %v", got, err)
	}
}
