package gateway

import (
	"bytes"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/wxnotify/wxnotify"
)

// lax is how bodies are read here, because WeChat reads them so: names that
// are not known are skipped, the last of two counts, bad UTF-8 is replaced.
// What is not one JSON object is an error to WeChat as well.
var lax = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// decode reads a body into v, a pointer to a struct.
func decode(raw []byte, v any) error {
	if err := json.Unmarshal(raw, v, lax); err != nil {
		return say(47001)
	}
	return nil
}

// plain is a scalar as text: a string's content, a number as it is spelt. Null,
// and what is no scalar, is as if it were left out.
func plain(v jsontext.Value) string {
	switch v.Kind() {
	case '"':
		b, _ := jsontext.AppendUnquote(nil, v) // bad UTF-8 is replaced
		return string(b)
	case '0', 't', 'f':
		return string(v)
	}
	return ""
}

// readSend reads the body of a send. What is wrong with its values is for
// WeChat to say.
func readSend(raw []byte) (d wxnotify.Draft, err error) {
	var in struct {
		To         jsontext.Value `json:"touser"`
		TemplateID jsontext.Value `json:"template_id"`
		Page       jsontext.Value `json:"page"`
		FormID     jsontext.Value `json:"form_id"`
		Data       jsontext.Value `json:"data"`
		Emphasis   jsontext.Value `json:"emphasis_keyword"`
		State      jsontext.Value `json:"miniprogram_state"`
		Lang       jsontext.Value `json:"lang"`
	}
	if err := decode(raw, &in); err != nil {
		return d, err
	}
	d = wxnotify.Draft{
		To: plain(in.To), TemplateID: plain(in.TemplateID), Page: plain(in.Page), FormID: plain(in.FormID),
		Emphasis: plain(in.Emphasis), MiniprogramState: plain(in.State), Lang: plain(in.Lang),
	}
	d.Data, err = readData(in.Data)
	return d, err
}

// readData reads the keywords in their order, the last of two in the place of
// the first.
func readData(raw jsontext.Value) (data []wxnotify.Datum, err error) {
	switch raw.Kind() {
	case 0, 'n':
		return nil, nil
	case '{':
	default:
		return nil, say(47001)
	}
	at := map[string]int{}
	dec := jsontext.NewDecoder(bytes.NewReader(raw), lax)
	for {
		name, err := dec.ReadToken()
		switch {
		case err == io.EOF:
			return data, nil
		case err != nil:
			return nil, say(47001)
		case name.Kind() != '"': // the braces
			continue
		}
		key := name.String()
		v, err := dec.ReadValue()
		if err != nil {
			return nil, say(47001)
		}
		i, known := at[key]
		if !known {
			i, data = len(data), append(data, wxnotify.Datum{})
			at[key] = i
		}
		if data[i], err = readDatum(key, v); err != nil {
			return nil, err
		}
	}
}

// readDatum reads {"value":…,"color":…}; a bare scalar stands for the value.
func readDatum(key string, v jsontext.Value) (wxnotify.Datum, error) {
	if v.Kind() != '{' {
		return wxnotify.Datum{Key: key, Value: plain(v)}, nil
	}
	var in struct {
		Value jsontext.Value `json:"value"`
		Color jsontext.Value `json:"color"`
	}
	if err := decode(v, &in); err != nil {
		return wxnotify.Datum{}, err
	}
	return wxnotify.Datum{Key: key, Value: plain(in.Value), Color: plain(in.Color)}, nil
}
