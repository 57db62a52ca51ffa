package wechat

import (
	"errors"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/wxnotify/wxnotify"
)

// An answer is what all answers may have. WeChat mixes numbers and strings that
// hold numbers (wechat-api.md 0); both are read.
type answer struct {
	Errcode integer `json:"errcode"`
	Errmsg  text    `json:"errmsg"`
}

// lax is how answers are read: what is not known is skipped, doubles and broken
// characters are suffered, but the answer must be one whole JSON object.
var lax = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

var errNotObject = errors.New("not a JSON object")

// decode reads a whole answer into v, a pointer to a struct.
func decode(b []byte, v any) error {
	if k := jsontext.Value(b).Kind(); k != '{' {
		return errNotObject
	}
	return json.Unmarshal(b, v, lax)
}

// encode writes a request. Bad UTF-8 is replaced; WeChat will not know it.
func encode(v any) []byte {
	b, err := json.Marshal(v, lax)
	if err != nil {
		panic("wechat: " + err.Error()) // only our own small structs come here
	}
	return b
}

// refusal is the outcome of an answer with an errcode other than 0. -1 is no
// refusal: WeChat does not say whether it acted (wechat-api.md 10).
func (a answer) refusal(verdict func(int) wxnotify.Verdict, secrets ...string) wxnotify.Outcome {
	o := wxnotify.Outcome{
		Kind:    wxnotify.Refused,
		Errcode: int(a.Errcode.n),
		Errmsg:  clean(string(a.Errmsg), secrets...),
		Said:    true,
	}
	o.RID = RID(o.Errmsg)
	if o.Errcode == -1 {
		o.Kind = wxnotify.Lost
		return o
	}
	o.Verdict = verdict(o.Errcode)
	return o
}

// An integer is a whole number, or a string that holds one.
type integer struct {
	n   int64
	set bool
}

// UnmarshalJSONFrom reads both forms; null and "" leave the integer unset.
func (i *integer) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	s, err := scalar(d)
	if err != nil || s == "" {
		return err
	}
	if i.n, err = strconv.ParseInt(s, 10, 64); err != nil {
		return err
	}
	i.set = true
	return nil
}

// A text is a string; another scalar stands for its own spelling.
type text string

// UnmarshalJSONFrom reads any scalar.
func (t *text) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	s, err := scalar(d)
	*t = text(s)
	return err
}

// scalar reads one value: a string as its content, a number as it is spelt, null
// as nothing. Objects and arrays are no scalars.
func scalar(d *jsontext.Decoder) (string, error) {
	switch d.PeekKind() {
	case '{', '[':
		return "", errors.New("a scalar was expected")
	case 'n':
		_, err := d.ReadToken()
		return "", err
	}
	tok, err := d.ReadToken()
	if err != nil {
		return "", err
	}
	return tok.String(), nil
}
