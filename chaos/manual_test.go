package chaos

import (
	"os"
	"strings"
	"testing"
)

// The manual's table of rules is the one of the code.
func TestTheManualHasEveryRule(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"../docs/guarantees.md", "../docs/guarantees.zh-CN.md"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range Rules {
			if !strings.Contains(string(text), "\n| "+string(r.Name)+" | ") {
				t.Errorf("%s does not have the rule %q", name, r.Name)
			}
			if strings.HasSuffix(name, "guarantees.md") && !strings.Contains(string(text), "| "+string(r.Name)+" | "+r.Meaning+" |") {
				t.Errorf("%s says something else of %q than %q", name, r.Name, r.Meaning)
			}
		}
	}
}
