package sandbox

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// maxShownDepth is how deeply nested a body may be to be shown as JSON.
const maxShownDepth = 100

// maskMembers rewrites JSON token by token, so that the order of members and the
// digits of large numbers stay as they were sent.
func maskMembers(body []byte) (jsontext.Value, bool) {
	var out bytes.Buffer
	d := jsontext.NewDecoder(bytes.NewReader(body), tolerant, sloppy)
	e := jsontext.NewEncoder(&out, tolerant, sloppy)
	for {
		if _, n := d.StackIndex(0); n > 1 || d.StackDepth() > maxShownDepth {
			return nil, false // a second value after the first, or a pit
		}
		t, err := d.ReadToken()
		if errors.Is(err, io.EOF) {
			return bytes.TrimSpace(out.Bytes()), out.Len() > 0
		}
		if err != nil || e.WriteToken(t) != nil {
			return nil, false
		}
		if t.Kind() != '"' || !isName(d) || !maskedNames[t.String()] {
			continue
		}
		if err := maskNext(d, e); err != nil {
			return nil, false
		}
	}
}

// isName tells whether the token just read was the name of a member.
func isName(d *jsontext.Decoder) bool {
	kind, n := d.StackIndex(d.StackDepth())
	return kind == '{' && n%2 == 1
}

func maskNext(d *jsontext.Decoder, e *jsontext.Encoder) error {
	v, err := d.ReadValue()
	if err != nil {
		return err
	}
	var text string
	if t, err := jsontext.NewDecoder(bytes.NewReader(v)).ReadToken(); err == nil {
		text = t.String()
	}
	return e.WriteToken(jsontext.String(mask(text)))
}
