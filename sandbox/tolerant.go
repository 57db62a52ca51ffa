package sandbox

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// WeChat reads JSON tolerantly: numbers where strings are meant, duplicate
// names, bad UTF-8. What is not one JSON object is an error to it.

var errShape = errors.New("not the shape that is meant")

type reader struct {
	dec jsontext.Decoder
	src bytes.Reader
}

var (
	readers  = sync.Pool{New: func() any { return new(reader) }}
	tolerant = jsontext.AllowDuplicateNames(true)
	sloppy   = jsontext.AllowInvalidUTF8(true)
)

// eachMember calls f for each member of the object that body is. f reads the
// value. It reports whether body was one JSON object and f found no fault.
func eachMember(body []byte, f func(name string, d *jsontext.Decoder) error) bool {
	r := readers.Get().(*reader)
	defer func() {
		r.src.Reset(nil) // the pool must not hold on to the body
		readers.Put(r)
	}()
	r.src.Reset(body)
	r.dec.Reset(&r.src, tolerant, sloppy)
	if readObject(&r.dec, f) != nil {
		return false
	}
	_, err := r.dec.ReadToken()
	return errors.Is(err, io.EOF)
}

// readObject reads the object that comes next.
func readObject(d *jsontext.Decoder, f func(name string, d *jsontext.Decoder) error) error {
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return errShape
	}
	for {
		t, err := d.ReadToken()
		if err != nil {
			return err
		}
		if t.Kind() == '}' {
			return nil
		}
		if err := f(t.String(), d); err != nil {
			return err
		}
	}
}

// readArray calls f before each element of the array that comes next.
func readArray(d *jsontext.Decoder, f func(d *jsontext.Decoder) error) error {
	if t, err := d.ReadToken(); err != nil || t.Kind() != '[' {
		return errShape
	}
	for d.PeekKind() != ']' {
		if err := f(d); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// readText reads a string, or a number or a boolean as if it were one; null
// leaves the text as it is.
func readText(d *jsontext.Decoder, into *string) error {
	t, err := d.ReadToken()
	if err != nil {
		return err
	}
	switch t.Kind() {
	case '"', '0', 't', 'f':
		*into = t.String()
	case 'n':
	default:
		return errShape
	}
	return nil
}
