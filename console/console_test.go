package console

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wxnotify/wxnotify"
)

// A panic has its page and its line in the log: here, that there is nothing
// behind the door.
func TestAPanicIsAFault(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	d := New(slog.New(slog.NewTextHandler(&log, nil)), Deps{Now: func() wxnotify.Now { return wxnotify.Now{} }}, Options{})
	r := httptest.NewRequest(http.MethodGet, Root+"/login", nil)
	r.Header.Set("X-Request-ID", "mine")
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "<html") || w.Header().Get("X-Request-ID") != "mine" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if line := log.String(); strings.Count(line, "level=ERROR") != 1 || !strings.Contains(line, "request_id=mine ") || !strings.Contains(line, "panic") {
		t.Errorf("logged: %s", line)
	}
}

var placeholder = regexp.MustCompile(`\{\w+\}`)

func TestBothLanguagesSayTheSame(t *testing.T) {
	t.Parallel()
	all := readWords()
	zh, en := all["zh"], all["en"]
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

func TestOneAndMany(t *testing.T) {
	t.Parallel()
	w := words{"left": "{n} {n|permit ends|permits end} on {day}, {n|it|all of them}"}
	for n, want := range map[any]string{1: "1 permit ends on Monday, it", "1": "1 permit ends on Monday, it", 0: "0 permits end on Monday, all of them", "2,000": "2,000 permits end on Monday, all of them"} {
		if got := w.say("left", "n", n, "day", "Monday"); got != want {
			t.Errorf("%v: %s", n, got)
		}
	}
}

// texts are the texts that may name a word.
func texts(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, pattern := range []string{"*.go", "page/*.html", "page/part/*.html", "static/console.js"} {
		names, err := fs.Glob(os.DirFS("."), pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %v %v", pattern, names, err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			b.Write(text)
		}
	}
	return b.String()
}

func TestEveryWordIsKnownAndUsed(t *testing.T) {
	t.Parallel()
	words, text := readWords()["en"], texts(t)
	for _, m := range regexp.MustCompile(`\bT "(\w+)"|\.T\("(\w+)"`).FindAllStringSubmatch(text, -1) {
		if key := m[1] + m[2]; words[key] == "" && !strings.HasSuffix(key, "_") {
			t.Errorf("%s is used and has no words", key)
		}
	}
	families := map[string]bool{}
	for _, m := range regexp.MustCompile(`\bWord "(\w+)"|\.Word\("(\w+)"|"(\w+_)"`).FindAllStringSubmatch(text, -1) {
		families[m[1]+m[2]+"_"] = true
		families[m[3]] = m[3] != ""
	}
	for key := range words {
		family := false
		for f, is := range families {
			family = family || is && f != "_" && strings.HasPrefix(key, f)
		}
		if !family && !strings.Contains(text, `"`+key+`"`) {
			t.Errorf("%s has words that nobody says", key)
		}
	}
}

func TestVendoredFilesAreWhatTheTableSays(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("static/README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([^`]+)` .*`([0-9a-f]{64})` \\|$").FindAllStringSubmatch(string(table), -1)
	if len(rows) != 3 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		b, err := os.ReadFile("static/" + row[1])
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != row[2] {
			t.Errorf("%s has another checksum", row[1])
		}
	}
}

// Each action of the audit log has its words.
func TestEveryActionHasWords(t *testing.T) {
	t.Parallel()
	n := 0
	for _, name := range []string{"../audit.go", "audit.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`= +"(\w+\.\w+)"`).FindAllStringSubmatch(string(text), -1) {
			if n++; readWords()["en"]["action_"+m[1]] == "" {
				t.Errorf("%s has no words", m[1])
			}
		}
	}
	if n < 25 {
		t.Errorf("only %d actions were found", n)
	}
}

// What the policy forbids is not in the pages, nor any address of others.
func TestPagesHoldNothingInline(t *testing.T) {
	t.Parallel()
	inline := regexp.MustCompile(`<style|\sstyle=|\son\w+=|hx-on|<script>|https?://`)
	script := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|https?://`)
	for pattern, forbidden := range map[string]*regexp.Regexp{"page/*.html": inline, "page/part/*.html": inline, "static/console.js": script, "static/plot.js": script, "static/console.css": regexp.MustCompile(`url\(|@import`)} {
		names, err := fs.Glob(os.DirFS("."), pattern)
		if err != nil || len(names) == 0 {
			t.Fatal(pattern, err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range forbidden.FindAllString(string(b), -1) {
				t.Errorf("%s: %s", path.Base(name), found)
			}
		}
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	h := hashPassword("correct horse battery")
	if !isPassword(h, "correct horse battery") || isPassword(h, "correct horse") {
		t.Error("the wrong one is right, or the right one wrong")
	}
	if again := hashPassword("correct horse battery"); again.Reveal() == h.Reveal() {
		t.Error("two hashes of one password are the same")
	}
	for _, broken := range []string{"", "x", "$argon2id$v=19$m=1,t=1,p=1$", "$argon2id$v=19$m=19456,t=2,p=1$$"} {
		if isPassword(wxnotify.NewSecret(broken), "") {
			t.Errorf("%q lets in", broken)
		}
	}
}
