package docs_test

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	mention = regexp.MustCompile("`(wxnotify|make) ([^`]+)`")
	plain   = regexp.MustCompile(`^[a-z-]+(\|[a-z-]+)*$`)
	option  = regexp.MustCompile(`^--[a-z-]+$`)
)

// mentions looks at the commands that stand in the midst of a sentence, in both
// languages: there are such commands, with such flags, and such targets.
func mentions(t *testing.T, program string) {
	t.Helper()
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, page := range manuals(t) {
		for _, page := range []string{page, strings.TrimSuffix(page, ".md") + ".zh-CN.md"} {
			if !exists("../" + page) {
				continue
			}
			for _, m := range mention.FindAllStringSubmatch(prose(t, page), -1) {
				if seen[m[0]] {
					continue
				}
				seen[m[0]] = true
				words := strings.Fields(m[2])
				if m[1] == "make" {
					if !strings.Contains(string(makefile), "\n"+words[0]+":") {
						t.Errorf("%s: %s, which the Makefile does not have", page, m[0])
					}
					continue
				}
				for _, wrong := range unknown(t, program, words) {
					t.Errorf("%s: %s: %s", page, m[0], wrong)
				}
			}
		}
	}
	if len(seen) < 30 {
		t.Errorf("only %d commands were found", len(seen))
	}
}

// unknown says what of a command the program does not know: of its names, up to
// the first word that is none, and of its flags. Names with | between them are
// several commands.
func unknown(t *testing.T, program string, words []string) (wrong []string) {
	t.Helper()
	end := slices.IndexFunc(words, func(w string) bool { return !plain.MatchString(w) || strings.HasPrefix(w, "-") })
	if end < 0 {
		end = len(words)
	}
	paths := [][]string{nil}
	for _, w := range words[:end] {
		var longer [][]string
		for _, p := range paths {
			for one := range strings.SplitSeq(w, "|") {
				longer = append(longer, append(slices.Clone(p), one))
			}
		}
		paths = longer
	}
	for _, p := range paths {
		help, err := exec.CommandContext(t.Context(), program, append(p, "--help")...).CombinedOutput()
		if err != nil {
			wrong = append(wrong, string(help))
			continue
		}
		for _, w := range words[end:] {
			if option.MatchString(w) && !strings.Contains(string(help), w+"=") && !strings.Contains(string(help), w+" ") {
				wrong = append(wrong, "there is no "+w)
			}
		}
	}
	return wrong
}
