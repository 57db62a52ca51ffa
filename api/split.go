package api

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/wxnotify/wxnotify"
)

// lenient reads the frame of a list: the faults of an item are told when the
// item itself is decoded, so that the others stand.
var lenient = []jsontext.Options{
	jsontext.AllowDuplicateNames(true),
	jsontext.AllowInvalidUTF8(true),
}

// split takes the list called name out of the object raw. head is the object
// without it, for decode; items are the raw items. More than limit of them, or
// none, are batch_size_invalid.
func split(raw []byte, name string, limit int) (head []byte, items [][]byte, err error) {
	if c := firstByte(raw); c == 0 || c != '{' {
		return nil, nil, decode(raw, &struct{}{})
	}
	s := splitter{dec: jsontext.NewDecoder(bytes.NewBuffer(raw), lenient...), raw: raw, limit: limit}
	if err := s.object(name); err != nil {
		return nil, nil, s.explain(err)
	}
	if n := len(s.items); n < 1 || n > limit {
		return nil, nil, wxnotify.RefuseField(wxnotify.BatchSizeInvalid, name, "a list of 1 to %d items is meant", limit)
	}
	return append(s.head, '}'), s.items, nil
}

type splitter struct {
	dec   *jsontext.Decoder
	raw   []byte
	limit int
	head  []byte
	items [][]byte
}

func (s *splitter) object(list string) error {
	if _, err := s.dec.ReadToken(); err != nil {
		return err
	}
	s.head = append(s.head, '{')
	found := false
	for s.dec.PeekKind() != '}' {
		name, err := s.value()
		if err != nil {
			return err
		}
		if plain, err := jsontext.AppendUnquote(nil, name); err != nil || string(plain) != list {
			if err := s.member(name); err != nil {
				return err
			}
			continue
		}
		if found {
			return wxnotify.RefuseField(wxnotify.JSONDuplicateKey, list, "the name appears twice in one object")
		}
		found = true
		if err := s.list(list); err != nil || len(s.items) > s.limit {
			return err
		}
	}
	if _, err := s.dec.ReadToken(); err != nil {
		return err
	}
	return s.end()
}

// member copies a member that is not the list.
func (s *splitter) member(name []byte) error {
	v, err := s.value()
	if err != nil {
		return err
	}
	if len(s.head) > 1 {
		s.head = append(s.head, ',')
	}
	s.head = append(append(append(s.head, name...), ':'), v...)
	return nil
}

func (s *splitter) list(name string) error {
	switch s.dec.PeekKind() {
	case 'n':
		_, err := s.value()
		return err
	case '[':
	default:
		if _, err := s.value(); err != nil {
			return err
		}
		return wxnotify.RefuseField(wxnotify.TypeMismatch, name, "a list is meant here")
	}
	if _, err := s.dec.ReadToken(); err != nil {
		return err
	}
	for s.dec.PeekKind() != ']' {
		v, err := s.value()
		if err != nil {
			return err
		}
		if s.items = append(s.items, v); len(s.items) > s.limit {
			return nil
		}
	}
	_, err := s.dec.ReadToken()
	return err
}

// value reads the next value or name and returns its bytes, which are a part
// of raw and stay as they are.
func (s *splitter) value() ([]byte, error) {
	v, err := s.dec.ReadValue()
	if err != nil {
		return nil, err
	}
	end := s.dec.InputOffset()
	return s.raw[end-int64(len(v)) : end], nil
}

// end refuses what follows the object.
func (s *splitter) end() error {
	if firstByte(s.raw[s.dec.InputOffset():]) != 0 {
		return wxnotify.Refuse(wxnotify.JSONTrailingData, "something follows the JSON value")
	}
	return nil
}

func (s *splitter) explain(err error) error {
	if wxnotify.CodeOf(err) != "" {
		return err
	}
	return explain(err, s.raw)
}
