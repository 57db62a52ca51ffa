package phonetest

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// page reads the page's own files, by name.
func page(t *testing.T, pattern string) map[string]string {
	t.Helper()
	names, err := filepath.Glob("../phone/" + pattern)
	if cards, _ := filepath.Glob("../../wxcard/" + pattern); err == nil { // served as the phone's own
		names = append(names, cards...)
	}
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %v %v", pattern, names, err)
	}
	files := map[string]string{}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(name)] = string(b)
	}
	return files
}

func catalogue(t *testing.T, language string) map[string]string {
	t.Helper()
	words := map[string]string{}
	if err := json.Unmarshal([]byte(page(t, "lang/"+language+".json")[language+".json"]), &words); err != nil {
		t.Fatal(err)
	}
	return words
}

var placeholder = regexp.MustCompile(`\{\w+\}`)

func TestBothLanguagesSayTheSame(t *testing.T) {
	t.Parallel()
	zh, en := catalogue(t, "zh"), catalogue(t, "en")
	for _, key := range slices.Sorted(maps.Keys(zh)) {
		if en[key] == "" {
			t.Errorf("en has no %s", key)
		}
		a, b := placeholder.FindAllString(zh[key], -1), placeholder.FindAllString(en[key], -1)
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(a, b) {
			t.Errorf("%s: %v in zh, %v in en", key, a, b)
		}
	}
	for key := range en {
		if zh[key] == "" {
			t.Errorf("zh has no %s", key)
		}
	}
}

// Keys that are put together: t('state_' + state).
var families = regexp.MustCompile(`\bt\('(\w+_)' \+|has\('(\w+_)' \+`)

func TestEveryWordIsKnownAndUsed(t *testing.T) {
	t.Parallel()
	words := catalogue(t, "zh")
	code := strings.Join(slices.Collect(maps.Values(page(t, "*.js"))), "\n") + page(t, "index.html")["index.html"]
	for _, m := range regexp.MustCompile(`\bt\('(\w+)'[,)]|data-t(?:-\w+)?="(\w+)"`).FindAllStringSubmatch(code, -1) {
		if key := m[1] + m[2]; words[key] == "" {
			t.Errorf("%s is used and has no words", key)
		}
	}
	var prefixes []string
	for _, m := range families.FindAllStringSubmatch(code, -1) {
		prefixes = append(prefixes, m[1]+m[2])
	}
	for key := range words {
		literal := strings.Contains(code, "'"+key+"'") || strings.Contains(code, `"`+key+`"`)
		hint := strings.HasSuffix(key, "_hint") && strings.Contains(code, "'"+strings.TrimSuffix(key, "_hint")+"'")
		if !literal && !hint && !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(key, p) }) {
			t.Errorf("%s has words that nobody says", key)
		}
	}
}

// What strict policies forbid, or what would let text become markup, is not in
// the page; nor is any address of others.
func TestPageKeepsItsPolicy(t *testing.T) {
	t.Parallel()
	forbidden := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|['"]style['"]\s*,|https?://[a-z]`)
	for name, text := range page(t, "*.js") {
		text = strings.ReplaceAll(text, "http://www.w3.org/2000/svg", "")
		for _, found := range forbidden.FindAllString(text, -1) {
			t.Errorf("%s: %s", name, found)
		}
	}
	inline := regexp.MustCompile(`<style|\sstyle=|\son\w+=|<script>|https?://`)
	for _, found := range inline.FindAllString(page(t, "index.html")["index.html"], -1) {
		t.Errorf("index.html: %s", found)
	}
	for name, text := range page(t, "*.css") {
		if strings.Contains(text, "url(") || strings.Contains(text, "@import") {
			t.Errorf("%s loads something", name)
		}
	}
}
