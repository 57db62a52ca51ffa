package api

import (
	"errors"
	"slices"
	"strings"

	"github.com/wxnotify/wxnotify"
)

// faults collects what is wrong with a request, so that one answer tells all.
type faults struct{ fields []wxnotify.FieldError }

func (f *faults) check(ok bool, code wxnotify.Code, field, detail string) {
	if !ok {
		f.fields = append(f.fields, wxnotify.FieldError{Field: field, Code: code, Detail: detail})
	}
}

// add notes a refusal under the name of a field.
func (f *faults) add(field string, err error) {
	if r, ok := errors.AsType[*wxnotify.Refusal](err); ok {
		f.check(false, r.Code, field, r.Detail)
	}
}

func (f *faults) err() error {
	if len(f.fields) == 0 {
		return nil
	}
	first := f.fields[0]
	return &wxnotify.Refusal{Code: first.Code, Detail: first.Field + ": " + first.Detail, Fields: f.fields}
}

func (f *faults) openid(field, s string) {
	f.check(s != "", wxnotify.FieldRequired, field, "name the user's openid")
	f.add(field, checkOpenID(field, s))
}

func (f *faults) template(field, s string) {
	f.check(s != "", wxnotify.FieldRequired, field, "name the template")
	f.check(s == "" || wxnotify.ValidTemplateID(s), wxnotify.TemplateUnknown, field, "this cannot be a template id")
}

// code checks a form_id or prepay_id. An empty one is what a client has that
// got none.
func (f *faults) code(field, s string, sandbox bool) {
	f.add(field, wxnotify.CheckCode(s, sandbox))
}

func (f *faults) name(field, s string) {
	f.check(len([]rune(s)) <= 100, wxnotify.ValueTooLong, field, "at most 100 characters")
}

// checkOpenID refuses what cannot be an openid; "" is left out.
func checkOpenID(field, s string) error {
	if s == "" || wxnotify.ValidOpenID(s) {
		return nil
	}
	return wxnotify.RefuseField(wxnotify.OpenIDInvalid, field, "an openid has 6 to 64 letters, digits, - and _")
}

func requireOneOf(field, s string, words ...string) error {
	switch {
	case s == "":
		return wxnotify.RefuseField(wxnotify.FieldRequired, field, "one of %s is needed here", strings.Join(words, ", "))
	case !slices.Contains(words, s):
		return wxnotify.RefuseField(wxnotify.FieldInvalid, field, "one of %s is meant here", strings.Join(words, ", "))
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
