package api

import (
	"bytes"
	"errors"
	"reflect"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/wxnotify/wxnotify"
)

// strict is how every body is read: names as they are written, each known and
// each once, text that is UTF-8.
var strict = json.JoinOptions(
	json.RejectUnknownMembers(true),
	json.MatchCaseInsensitiveNames(false),
	jsontext.AllowDuplicateNames(false),
	jsontext.AllowInvalidUTF8(false),
)

// decode reads one JSON object into v, a pointer to one of our request
// structs. It is the only way in for a body: encoding/json would take names in
// any case, the last of two, text that is not text, and what follows the end.
//
// Null stands for left out. The error is a refusal with the path of the field,
// and never holds a value.
func decode(raw []byte, v any) error {
	kind := firstByte(raw)
	if kind == 0 {
		return wxnotify.Refuse(wxnotify.BodyEmpty, "the body is empty")
	}
	deep, suspect := scan(raw)
	if deep {
		return wxnotify.Refuse(wxnotify.JSONTooDeep, "nested more than %d levels deep", maxDepth)
	}
	if err := json.Unmarshal(raw, v, strict); err != nil {
		return explain(err, raw)
	}
	if kind != '{' {
		return notObject()
	}
	if suspect {
		return findControl(raw)
	}
	return nil
}

func notObject() error {
	return wxnotify.Refuse(wxnotify.JSONNotObject, "this is not a JSON object")
}

// firstByte is the first byte that is not white space, or 0.
func firstByte(raw []byte) byte {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	if len(raw) == 0 {
		return 0
	}
	return raw[0]
}

// explain turns the decoder's error into a refusal.
func explain(err error, raw []byte) error {
	if syn, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return explainSyntax(syn, raw)
	}
	sem, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return wxnotify.Refuse(wxnotify.JSONMalformed, "this is not valid JSON")
	}
	path := fieldPath(sem.JSONPointer)
	if r, ok := errors.AsType[*wxnotify.Refusal](sem.Err); ok {
		return wxnotify.RefuseField(r.Code, path, "%s", r.Detail)
	}
	switch {
	case errors.Is(sem.Err, json.ErrUnknownName):
		return wxnotify.RefuseField(wxnotify.UnknownField, path, "there is no field of this name")
	case path == "":
		return notObject()
	case errors.Is(sem.Err, strconv.ErrRange):
		return wxnotify.RefuseField(wxnotify.OutOfRange, path, "the number is too large")
	}
	return wxnotify.RefuseField(wxnotify.TypeMismatch, path, "%s is meant here", meant(sem.GoType))
}

func explainSyntax(syn *jsontext.SyntacticError, raw []byte) error {
	switch {
	case errors.Is(syn, jsontext.ErrDuplicateName):
		return wxnotify.RefuseField(wxnotify.JSONDuplicateKey, fieldPath(syn.JSONPointer), "the name appears twice in one object")
	case !utf8.Valid(raw):
		return wxnotify.Refuse(wxnotify.InvalidUTF8, "the body is not valid UTF-8")
	case trailing(raw):
		return wxnotify.Refuse(wxnotify.JSONTrailingData, "something follows the JSON value")
	}
	return wxnotify.Refuse(wxnotify.JSONMalformed, "this is not valid JSON, at byte %d", syn.ByteOffset)
}

// trailing says whether raw is a whole JSON value with something behind it.
func trailing(raw []byte) bool {
	dec := jsontext.NewDecoder(bytes.NewBuffer(raw))
	if _, err := dec.ReadValue(); err != nil {
		return false
	}
	return firstByte(raw[dec.InputOffset():]) != 0
}

// meant names the JSON type that a Go type is read from.
func meant(t reflect.Type) string {
	if t == nil {
		return "another type"
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Slice, reflect.Array:
		return "a list"
	}
	return "an object"
}
