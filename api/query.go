package api

import (
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wxnotify/wxnotify"
)

// A query holds the checked parameters of a request: each known, each once.
type query map[string]string

// Limits of lists.
const (
	defaultLimit = 50
	maxLimit     = 250
)

// parseQuery reads a query string. known are the names that the route has; one
// that ends in a dot stands for all that begin so.
func parseQuery(raw string, known []param) (query, error) {
	if raw == "" {
		return nil, nil
	}
	all, err := url.ParseQuery(raw)
	if err != nil {
		return nil, wxnotify.Refuse(wxnotify.UnknownParameter, "the query string cannot be read")
	}
	q := query{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		known := slices.ContainsFunc(known, func(p param) bool {
			return p.name == name || strings.HasSuffix(p.name, ".") && strings.HasPrefix(name, p.name)
		})
		value := all[name][0]
		switch {
		case !known:
			return nil, wxnotify.RefuseField(wxnotify.UnknownParameter, cleanName(name), "there is no parameter of this name")
		case len(all[name]) > 1:
			return nil, wxnotify.RefuseField(wxnotify.UnknownParameter, cleanName(name), "the parameter was given twice")
		case !utf8.ValidString(value) || !utf8.ValidString(name):
			return nil, wxnotify.RefuseField(wxnotify.InvalidUTF8, cleanName(name), "the parameter is not valid UTF-8")
		case strings.ContainsFunc(value, control) || strings.ContainsFunc(name, control):
			return nil, refuseControl(cleanName(name))
		}
		q[name] = value
	}
	return q, nil
}

// number reads a whole number from low to high; otherwise is its value when it is left out.
func (q query) number(name string, low, high, otherwise int) (int, error) {
	s, ok := q[name]
	if !ok {
		return otherwise, nil
	}
	n, err := strconv.Atoi(s)
	switch {
	case err != nil && strings.Trim(s, "-0123456789") != "":
		return 0, wxnotify.RefuseField(wxnotify.TypeMismatch, name, "a whole number is meant here")
	case err != nil || n < low || n > high:
		return 0, wxnotify.RefuseField(wxnotify.OutOfRange, name, "a number from %d to %d is meant here", low, high)
	}
	return n, nil
}

func (q query) limit() (int, error) { return q.number("limit", 1, maxLimit, defaultLimit) }

// time reads a time with its zone; zero when it is left out.
func (q query) time(name string) (time.Time, error) {
	s, ok := q[name]
	if !ok {
		return time.Time{}, nil
	}
	if i := strings.LastIndexByte(s, ' '); i > len("2006-01-02") {
		s = s[:i] + "+" + s[i+1:] // an unescaped + of the zone arrives as a blank
	}
	t, err := parseTime(s)
	if r, ok := errors.AsType[*wxnotify.Refusal](err); ok {
		return t, wxnotify.RefuseField(r.Code, name, "%s", r.Detail)
	}
	return t, nil
}

// oneOf reads a word from a list; "" when it is left out.
func (q query) oneOf(name string, words ...string) (string, error) {
	s, ok := q[name]
	if ok && !slices.Contains(words, s) {
		return "", wxnotify.RefuseField(wxnotify.FieldInvalid, name, "one of %s is meant here", strings.Join(words, ", "))
	}
	return s, nil
}

// prefixed returns the parameters that begin with prefix, without it.
func (q query) prefixed(prefix string) map[string]string {
	var out map[string]string
	for name, value := range q {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			if out == nil {
				out = map[string]string{}
			}
			out[rest] = value
		}
	}
	return out
}
