package api

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"github.com/wxnotify/wxnotify"
)

// What the decoder takes and what the document says are the same names, for
// every request struct and everything inside it.
func TestDecoderAndDocumentNameTheSameFields(t *testing.T) {
	t.Parallel()
	reg := document("").Components.Schemas
	for _, rt := range routes {
		if rt.in != nil {
			compare(t, reg, reflect.TypeOf(rt.in), map[reflect.Type]bool{})
		}
	}
}

func compare(t *testing.T, reg huma.Registry, typ reflect.Type, seen map[reflect.Type]bool) {
	t.Helper()
	if seen[typ] {
		return
	}
	seen[typ] = true
	schema := reg.Map()[typ.Name()]
	if schema == nil {
		t.Errorf("%s has no schema", typ)
		return
	}
	if schema.AdditionalProperties != false {
		t.Errorf("%s: the document allows names that the decoder refuses", typ)
	}
	names := fieldNames(typ)
	for name := range schema.Properties {
		if !slices.Contains(names, name) {
			t.Errorf("%s: the document has %q, the decoder has not", typ, name)
		}
		if err := decode([]byte(`{"`+name+`":null}`), reflect.New(typ).Interface()); err != nil {
			t.Errorf("%s: the decoder refuses %q: %v", typ, name, err)
		}
		wrong := strings.ToUpper(name)
		if err := decode([]byte(`{"`+wrong+`":null}`), reflect.New(typ).Interface()); wxnotify.CodeOf(err) != wxnotify.UnknownField {
			t.Errorf("%s: the decoder takes %q: %v", typ, wrong, err)
		}
	}
	for _, name := range names {
		if schema.Properties[name] == nil {
			t.Errorf("%s: the decoder has %q, the document has not", typ, name)
		}
	}
	for _, inner := range structsIn(typ) {
		compare(t, reg, inner, seen)
	}
}

// fieldNames are the names that a struct is decoded from.
func fieldNames(typ reflect.Type) (names []string) {
	for f := range fields(typ) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

func fields(typ reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for _, f := range reflect.VisibleFields(typ) {
			if !f.Anonymous && !yield(f) {
				return
			}
		}
	}
}

// structsIn are the request structs inside a request struct.
func structsIn(typ reflect.Type) (inner []reflect.Type) {
	for f := range fields(typ) {
		ft := f.Type
		for ft.Kind() == reflect.Pointer || ft.Kind() == reflect.Slice && ft.Name() == "" {
			ft = ft.Elem()
		}
		if ft.Kind() == reflect.Struct && ft != reflect.TypeFor[instant]() {
			inner = append(inner, ft)
		}
	}
	return inner
}

// A route says who may call it, and everything that a reader wants to know.
func TestEveryRouteIsDocumented(t *testing.T) {
	t.Parallel()
	doc := document("1.2.3")
	for _, rt := range routes {
		if rt.summary == "" || rt.name == "" || rt.tag == "" || rt.status == 0 {
			t.Errorf("%s %s is not described", rt.method, rt.path)
		}
		for _, code := range rt.codes() {
			if _, ok := wxnotify.Codes[code]; !ok {
				t.Errorf("%s: there is no code %q", rt.name, code)
			}
		}
		if doc.Paths[rt.path] == nil {
			t.Errorf("%s is not in the document", rt.path)
		}
		if (rt.access == byKey) != (rt.scope != "") {
			t.Errorf("%s: access and scope do not fit", rt.name)
		}
	}
}

// The samples of the document are taken by the decoder.
func TestSamplesAreGood(t *testing.T) {
	t.Parallel()
	used := 0
	for _, rt := range routes {
		sample, ok := samples[rt.name]
		if !ok {
			continue
		}
		used++
		if err := decode([]byte(sample), reflect.New(reflect.TypeOf(rt.in)).Interface()); err != nil {
			t.Errorf("%s: %v", rt.name, err)
		}
	}
	if used != len(samples) {
		t.Errorf("%d samples belong to no route", len(samples)-used)
	}
}
