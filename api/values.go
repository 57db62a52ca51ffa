package api

import (
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/wxnotify/wxnotify"
)

// An instant is a time on the way in: RFC 3339 with any zone, kept to the
// millisecond, as the databases keep it.
type instant struct{ time.Time }

// UnmarshalJSONFrom reads a string; null is left out.
func (t *instant) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() == 'n' {
		return dec.SkipValue()
	}
	s, err := readString(dec)
	if err != nil {
		return err
	}
	t.Time, err = parseTime(s)
	return err
}

// Schema says how a time is written.
func (*instant) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time", Examples: []any{"2026-01-02T15:04:05+08:00"}}
}

func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	switch {
	case err == nil:
	case zoneless(s):
		return t, wxnotify.Refuse(wxnotify.TimeZoneMissing, "the time has no zone; write 2026-01-02T15:04:05+08:00")
	default:
		return t, wxnotify.Refuse(wxnotify.TimeInvalid, "a time is written 2026-01-02T15:04:05+08:00")
	}
	if t = t.Truncate(time.Millisecond); t.IsZero() {
		t = t.Add(time.Millisecond) // the zero time would mean that it was left out
	}
	return t, nil
}

func zoneless(s string) bool {
	for _, layout := range []string{"2006-01-02T15:04:05", time.DateTime, "2006-01-02T15:04", "2006-01-02 15:04"} {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	return false
}

// values are the data of a message in the order in which they were posted,
// which is the order on the card of a template that we do not know.
type values []wxnotify.Datum

// UnmarshalJSONFrom reads {"keyword1":{"value":"…","color":"#173177"}}, where a
// bare string or number stands for {"value":…}.
func (v *values) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	switch dec.PeekKind() {
	case 'n':
		return dec.SkipValue()
	case '{':
	default:
		return mismatch(dec, reflect.TypeFor[struct{}]())
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	*v = make(values, 0, 8)
	for dec.PeekKind() != '}' {
		t, err := dec.ReadToken()
		if err != nil {
			return err
		}
		d := wxnotify.Datum{Key: t.String()}
		if err := readDatum(dec, &d); err != nil {
			return err
		}
		*v = append(*v, d)
	}
	_, err := dec.ReadToken()
	return err
}

func readDatum(dec *jsontext.Decoder, d *wxnotify.Datum) (err error) {
	if dec.PeekKind() != '{' {
		d.Value, err = readText(dec)
		return err
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		switch name.String() {
		case "value":
			d.Value, err = readText(dec)
		case "color":
			d.Color, err = readString(dec)
		default:
			err = &json.SemanticError{JSONPointer: dec.StackPointer(), Err: json.ErrUnknownName}
		}
		if err != nil {
			return err
		}
	}
	_, err = dec.ReadToken()
	return err
}

// readText reads a string, or a number as it is written.
func readText(dec *jsontext.Decoder) (string, error) {
	if dec.PeekKind() != '0' {
		return readString(dec)
	}
	v, err := dec.ReadValue()
	return string(v), err
}

// readString reads a string; null is empty.
func readString(dec *jsontext.Decoder) (string, error) {
	t, err := dec.ReadToken()
	switch {
	case err != nil:
		return "", err
	case t.Kind() == 'n':
		return "", nil
	case t.Kind() != '"':
		return "", mismatch(dec, reflect.TypeFor[string]())
	}
	return t.String(), nil
}

func mismatch(dec *jsontext.Decoder, t reflect.Type) error {
	return &json.SemanticError{JSONPointer: dec.StackPointer(), GoType: t}
}

// Schema says what data may look like.
func (*values) Schema(huma.Registry) *huma.Schema {
	text := func(doc string) *huma.Schema {
		return &huma.Schema{Type: huma.TypeString, Description: doc}
	}
	full := &huma.Schema{
		Type: huma.TypeObject, AdditionalProperties: false, Required: []string{"value"},
		Properties: map[string]*huma.Schema{
			"value": {OneOf: []*huma.Schema{{Type: huma.TypeString}, {Type: huma.TypeNumber}}, Description: "What the card shows."},
			"color": {Type: huma.TypeString, Pattern: "^#[0-9A-Fa-f]{6}$", Description: "Colour of the text; subscribe messages have none."},
		},
	}
	return &huma.Schema{
		Type:                 huma.TypeObject,
		AdditionalProperties: &huma.Schema{OneOf: []*huma.Schema{full, text("The value alone."), {Type: huma.TypeNumber, Description: "The value alone."}}},
		Examples:             []any{map[string]any{"keyword1": map[string]any{"value": "已接单", "color": "#173177"}, "keyword2": "2017年10月19日 12:31"}},
	}
}
