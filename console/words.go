package console

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/text/language"
)

//go:embed lang
var langFiles embed.FS

// words is the catalogue of one language.
type words map[string]string

// Languages of the console, the first in doubt.
var languages = []string{"zh", "en"}

func readWords() map[string]words {
	all := map[string]words{}
	for _, l := range languages {
		b, err := langFiles.ReadFile("lang/" + l + ".json")
		if err != nil {
			panic(err)
		}
		w := words{}
		if err := json.Unmarshal(b, &w); err != nil {
			panic(l + ": " + err.Error())
		}
		all[l] = w
	}
	return all
}

// say is a text with its {names} filled in from pairs of name and value; of
// {name|one|many} the first is said where the value is 1. A key without words is
// shown as it is.
func (w words) say(key string, pairs ...any) string {
	text, ok := w[key]
	if !ok {
		return key
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, value := fmt.Sprint(pairs[i]), fmt.Sprint(pairs[i+1])
		for {
			before, rest, found := strings.Cut(text, "{"+name+"|")
			choice, after, closed := strings.Cut(rest, "}")
			if !found || !closed {
				break
			}
			one, many, _ := strings.Cut(choice, "|")
			if value != "1" {
				one = many
			}
			text = before + one + after
		}
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}

var matcher = language.NewMatcher([]language.Tag{language.Chinese, language.English})

// languageOf is what the reader chose, else what their browser asks for.
func languageOf(r *http.Request) string {
	if l := chosen(r, "lang", languages); l != "" {
		return l
	}
	tags, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil || len(tags) == 0 {
		return languages[0]
	}
	_, i, _ := matcher.Match(tags...)
	return languages[i]
}
