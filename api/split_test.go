package api

import (
	"errors"
	"strings"
	"testing"

	"github.com/wxnotify/wxnotify"
)

func TestSplitKeepsTheFaultsOfItemsToThem(t *testing.T) {
	t.Parallel()
	body := `{"app":"wx123456", "permits": [ {"touser":"oABCDEFG"} , {"touser":1}, {"touser":"a","touser":"b"}, null, "x", {"touser":"` + "\xff" + `"},
		{"deep":[[[[[[[[[]]]]]]]]]}, {"touser":"\u0000"}]}`
	head, items, err := split([]byte(body), "permits", 10)
	if err != nil {
		t.Fatal(err)
	}
	var in NewPermits
	if err := decode(head, &in); err != nil || in.App != "wx123456" || in.Permits != nil {
		t.Fatalf("head is %s: %v", head, err)
	}
	want := []wxnotify.Code{
		"", wxnotify.TypeMismatch, wxnotify.JSONDuplicateKey, wxnotify.JSONNotObject, wxnotify.JSONNotObject, wxnotify.InvalidUTF8,
		wxnotify.JSONTooDeep, wxnotify.ControlCharacter,
	}
	if len(items) != len(want) {
		t.Fatalf("got %d items", len(items))
	}
	for i, item := range items {
		if err := decode(item, &NewPermit{}); wxnotify.CodeOf(err) != want[i] {
			t.Errorf("item %d: got %v, want %q", i, err, want[i])
		}
	}
}

func TestSplitRefusesWhatIsWrongWithTheWhole(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		code wxnotify.Code
	}{
		"empty":               {"", wxnotify.BodyEmpty},
		"a list":              {"[]", wxnotify.JSONNotObject},
		"null":                {"null", wxnotify.JSONNotObject},
		"truncated":           {`{"permits":[{"touser":"oABCDEFG"}`, wxnotify.JSONMalformed},
		"broken item":         {`{"permits":[{"touser":}]}`, wxnotify.JSONMalformed},
		"items without comma": {`{"permits":[{} {}]}`, wxnotify.JSONMalformed},
		"trailing":            {`{"permits":[{}]} {}`, wxnotify.JSONTrailingData},
		"twice":               {`{"permits":[{}],"permits":[{}]}`, wxnotify.JSONDuplicateKey},
		"twice, escaped":      {`{"permits":[{}],"\u0070ermits":[{}]}`, wxnotify.JSONDuplicateKey},
		"no list":             {`{}`, wxnotify.BatchSizeInvalid},
		"null for a list":     {`{"permits":null}`, wxnotify.BatchSizeInvalid},
		"none":                {`{"permits":[]}`, wxnotify.BatchSizeInvalid},
		"too many":            {`{"permits":[` + strings.Repeat(`{},`, 10) + `{}]}`, wxnotify.BatchSizeInvalid},
		"an object":           {`{"permits":{}}`, wxnotify.TypeMismatch},
		"a string":            {`{"permits":"[]"}`, wxnotify.TypeMismatch},
		"too deep to look":    {`{"permits":` + strings.Repeat("[", 20000), wxnotify.JSONMalformed},
	} {
		if _, _, err := split([]byte(c.body), "permits", 10); wxnotify.CodeOf(err) != c.code {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
	}
	for name, c := range map[string]struct {
		body string
		code wxnotify.Code
	}{
		"app twice":    {`{"app":"a","permits":[{}],"app":"b"}`, wxnotify.JSONDuplicateKey},
		"unknown name": {`{"application":"a","permits":[{}]}`, wxnotify.UnknownField},
		"wrong case":   {`{"permits":[{}],"Permits":[{}]}`, wxnotify.UnknownField},
		"app a number": {`{"permits":[{}],"app":1}`, wxnotify.TypeMismatch},
		"bad UTF-8":    {"{\"permits\":[{}],\"app\":\"\xff\"}", wxnotify.InvalidUTF8},
	} {
		head, _, err := split([]byte(c.body), "permits", 10)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := decode(head, &NewPermits{}); wxnotify.CodeOf(err) != c.code {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
	}
}

// FuzzDecodeMessage: no body makes the decoder panic, every refusal is a
// refusal with a known code, and what was accepted has no control character.
func FuzzDecodeMessage(f *testing.F) {
	for _, c := range hostile {
		if len(c.body) < 1000 {
			f.Add([]byte(c.body))
		}
	}
	f.Add([]byte(samples["sendMessage"]))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var m NewMessage
		if err := decode(raw, &m); err != nil {
			mustBeRefusal(t, err)
			return
		}
		for _, s := range []string{m.App, m.To, m.TemplateID, m.Page, m.FormID, m.Lang, m.OnUnsure, m.Emphasis} {
			if strings.ContainsFunc(s, control) {
				t.Errorf("accepted %q", s)
			}
		}
		for _, x := range m.Data {
			if strings.ContainsFunc(x.Key+x.Value+x.Color, control) {
				t.Errorf("accepted %+v", x)
			}
		}
		d := m.draft()
		d.Fingerprint()
		d.Render(d.TemplateID)
	})
}

// FuzzDecodeList: what split hands out is whole, and nothing of it is lost.
func FuzzDecodeList(f *testing.F) {
	f.Add([]byte(samples["sendBatch"]), "messages")
	f.Add([]byte(samples["depositPermits"]), "permits")
	f.Add([]byte(`{"permits":[[],{},"",1,null],"app":"x"}`), "permits")
	f.Fuzz(func(t *testing.T, raw []byte, name string) {
		head, items, err := split(raw, name, 100)
		if err != nil {
			mustBeRefusal(t, err)
			return
		}
		if len(items) < 1 || len(items) > 100 {
			t.Errorf("got %d items", len(items))
		}
		if err := decode(head, &NewPermits{}); err != nil {
			mustBeRefusal(t, err)
		}
		for _, item := range items {
			if err := decode(item, &BatchItem{}); err != nil {
				mustBeRefusal(t, err)
			}
		}
	})
}

// FuzzDecodeQuery: no query string makes the parser panic or lets a parameter
// through that the route does not know.
func FuzzDecodeQuery(f *testing.F) {
	known := []param{paramLimit, paramCursor, {name: "meta."}, {name: "since"}}
	for _, s := range []string{"limit=5&cursor=x", "limit=5&limit=6", "meta.a=1", "%zz", "since=2026-01-02T15:04:05 08:00", "a;b", "limit=%00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := parseQuery(raw, known)
		if err != nil {
			mustBeRefusal(t, err)
			return
		}
		for name := range q {
			if name != "limit" && name != "cursor" && name != "since" && !strings.HasPrefix(name, "meta.") {
				t.Errorf("let %q through", name)
			}
		}
		if n, err := q.limit(); err == nil && (n < 1 || n > maxLimit) {
			t.Errorf("limit %d", n)
		}
		_, _ = q.time("since")
	})
}

func mustBeRefusal(t *testing.T, err error) {
	t.Helper()
	r, ok := errors.AsType[*wxnotify.Refusal](err)
	if !ok {
		t.Fatalf("not a refusal: %v", err)
	}
	if _, known := wxnotify.Codes[r.Code]; !known {
		t.Fatalf("the code %q is not in the table", r.Code)
	}
}
