package docs_test

import (
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

var (
	codeBlock = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	heading   = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	link      = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	elsewhere = regexp.MustCompile(`^[a-z]+:`)
)

// Links within the manuals lead to a file that is there, and to a heading of it.
func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, name := range manuals(t) {
		for _, name := range []string{name, strings.TrimSuffix(name, ".md") + ".zh-CN.md"} {
			if !exists("../" + name) {
				continue
			}
			for _, m := range link.FindAllStringSubmatch(prose(t, name), -1) {
				if elsewhere.MatchString(m[1]) {
					continue
				}
				seen++
				file, place, _ := strings.Cut(m[1], "#")
				target := name
				if file != "" {
					target = path.Join(path.Dir(name), file)
				}
				switch {
				case !exists("../" + target):
					t.Errorf("%s: %s is not there", name, m[1])
				case place != "" && !anchors(t, target)[place]:
					t.Errorf("%s: %s has no such heading", name, m[1])
				}
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d links were found", seen)
	}
}

func prose(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../" + name)
	if err != nil {
		t.Fatal(err)
	}
	return codeBlock.ReplaceAllString(string(text), "")
}

// anchors are what the headings of a page are called in links.
func anchors(t *testing.T, name string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(prose(t, name), -1) {
		all[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r):
				return unicode.ToLower(r)
			}
			return -1
		}, m[1])] = true
	}
	return all
}
