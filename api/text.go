package api

import (
	"bytes"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/wxnotify/wxnotify"
)

// maxDepth is how deep a body may nest. Ours need five.
const maxDepth = 8

// control says whether r may stand in no text of ours: control characters,
// for which PostgreSQL and phones have no place (but line break and tab), and
// the marks that turn the direction of what follows, with which a name can be
// made to read as another. Right-to-left letters are fine.
func control(r rune) bool {
	switch {
	case r < ' ':
		return r != '\n' && r != '\r' && r != '\t'
	case r < 0x7f:
		return false
	}
	return r <= 0x9f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// scan looks at raw once, before it is decoded: is it nested too deep, and may
// a string in it hold a control character? It does not check the JSON; where
// that is broken, the decoder will say so.
func scan(raw []byte) (deep, suspect bool) {
	depth, quoted := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
			suspect = suspect || escapesControl(raw[i:])
		case c == 0x7f, c == 0xc2, c == 0xe2:
			r, _ := utf8.DecodeRune(raw[i:])
			suspect = suspect || control(r)
		case quoted:
		case c == '{', c == '[':
			depth++
			deep = deep || depth > maxDepth
		case c == '}', c == ']':
			depth--
		}
	}
	return deep, suspect
}

// escapesControl says whether s, which follows a backslash, names a control character.
func escapesControl(s []byte) bool {
	if len(s) == 0 {
		return false
	}
	switch s[0] {
	case 'b', 'f':
		return true
	case 'u':
		var u [2]byte
		if len(s) < 5 {
			return false
		}
		_, err := hex.Decode(u[:], s[1:5])
		return err == nil && control(rune(u[0])<<8|rune(u[1]))
	}
	return false
}

// findControl walks valid JSON and refuses the first text with a control
// character, by its path.
func findControl(raw []byte) error {
	dec := jsontext.NewDecoder(bytes.NewBuffer(raw))
	for {
		t, err := dec.ReadToken()
		if err != nil {
			return nil //nolint:nilerr // io.EOF: the decoder has read all of it before
		}
		if t.Kind() == '"' && strings.ContainsFunc(t.String(), control) {
			return refuseControl(fieldPath(dec.StackPointer()))
		}
	}
}

func refuseControl(field string) error {
	return wxnotify.RefuseField(wxnotify.ControlCharacter, field, "control and direction-override characters are not allowed")
}

// fieldPath writes a JSON pointer as our answers do: permits[3].code. Names
// are the caller's own: they are cut short and cleaned.
func fieldPath(p jsontext.Pointer) string {
	var b strings.Builder
	for name := range p.Tokens() {
		switch {
		case isIndex(name):
			b.WriteString("[" + name + "]")
			continue
		case b.Len() > 0:
			b.WriteByte('.')
		}
		b.WriteString(cleanName(name))
	}
	return b.String()
}

func isIndex(s string) bool {
	return s != "" && len(s) < 6 && strings.Trim(s, "0123456789") == ""
}

// maxName is how much of a name that we do not know is told back.
const maxName = 64

// cleanName is a name of the caller's own as it may stand in an answer.
func cleanName(s string) string {
	s = strings.Map(func(r rune) rune {
		if control(r) || r < ' ' {
			return utf8.RuneError
		}
		return r
	}, s)
	if at := strings.Index(s, wxnotify.KeyPrefixText); at >= 0 { // a key in the place of a name
		return string([]rune(s[:at])[:min(utf8.RuneCountInString(s[:at]), maxName)]) + wxnotify.KeyPrefixText + "…"
	}
	if utf8.RuneCountInString(s) > maxName {
		return string([]rune(s)[:maxName]) + "…"
	}
	return s
}
