package api

import (
	"errors"
	"strings"
	"testing"

	"github.com/wxnotify/wxnotify"
)

// hostile holds one shape a row: what was posted, the code, and the field.
var hostile = map[string]struct {
	body  string
	code  wxnotify.Code
	field string
}{
	"empty":                      {"", wxnotify.BodyEmpty, ""},
	"blank":                      {" \r\n\t ", wxnotify.BodyEmpty, ""},
	"truncated":                  {`{"touser":"oABCDEFG"`, wxnotify.JSONMalformed, ""},
	"truncated in a string":      {`{"touser":"oABC`, wxnotify.JSONMalformed, ""},
	"truncated in an escape":     {`{"touser":"\u00`, wxnotify.JSONMalformed, ""},
	"a comma too many":           {`{"touser":"oABCDEFG",}`, wxnotify.JSONMalformed, ""},
	"single quotes":              {`{'touser':'oABCDEFG'}`, wxnotify.JSONMalformed, ""},
	"comment":                    {`{"touser":"oABCDEFG"/*x*/}`, wxnotify.JSONMalformed, ""},
	"NaN":                        {`{"touser":NaN}`, wxnotify.JSONMalformed, ""},
	"byte order mark":            {"\xef\xbb\xbf{}", wxnotify.JSONMalformed, ""},
	"raw control character":      {"{\"touser\":\"a\x00b\"}", wxnotify.JSONMalformed, ""},
	"form encoding":              {`touser=oABCDEFG`, wxnotify.JSONMalformed, ""},
	"lone surrogate":             {`{"touser":"\ud800"}`, wxnotify.JSONMalformed, ""},
	"trailing text":              {`{"touser":"oABCDEFG"} x`, wxnotify.JSONTrailingData, ""},
	"two objects":                {`{}{}`, wxnotify.JSONTrailingData, ""},
	"a list":                     {`[]`, wxnotify.JSONNotObject, ""},
	"a string":                   {`"touser"`, wxnotify.JSONNotObject, ""},
	"a number":                   {`17`, wxnotify.JSONNotObject, ""},
	"null":                       {` null`, wxnotify.JSONNotObject, ""},
	"duplicate":                  {`{"touser":"oABCDEFG","touser":"oHIJKLMN"}`, wxnotify.JSONDuplicateKey, "touser"},
	"duplicate, escaped":         {`{"touser":"oABCDEFG","to\u0075ser":"oHIJKLMN"}`, wxnotify.JSONDuplicateKey, "touser"},
	"duplicate keyword":          {`{"data":{"keyword1":"a","keyword1":"b"}}`, wxnotify.JSONDuplicateKey, "data.keyword1"},
	"duplicate value":            {`{"data":{"keyword1":{"value":"a","value":"b"}}}`, wxnotify.JSONDuplicateKey, "data.keyword1.value"},
	"duplicate meta":             {`{"meta":{"a":"1","a":"2"}}`, wxnotify.JSONDuplicateKey, "meta.a"},
	"bad UTF-8":                  {"{\"touser\":\"\xff\xfe\"}", wxnotify.InvalidUTF8, ""},
	"overlong UTF-8":             {"{\"touser\":\"\xc0\x80\"}", wxnotify.InvalidUTF8, ""},
	"GBK":                        {"{\"page\":\"\xd2\xd1\xbd\xd3\"}", wxnotify.InvalidUTF8, ""},
	"nine deep":                  {strings.Repeat(`{"a":`, 8) + `{}` + strings.Repeat(`}`, 8), wxnotify.JSONTooDeep, ""},
	"ten thousand deep":          {strings.Repeat(`[`, 10000), wxnotify.JSONTooDeep, ""},
	"unknown field":              {`{"colour":"red"}`, wxnotify.UnknownField, "colour"},
	"wrong case":                 {`{"ToUser":"oABCDEFG"}`, wxnotify.UnknownField, "ToUser"},
	"unknown beside a value":     {`{"data":{"keyword1":{"value":"a","size":1}}}`, wxnotify.UnknownField, "data.keyword1.size"},
	"batch key in a single one":  {`{"idempotency_key":"x"}`, wxnotify.UnknownField, "idempotency_key"},
	"NUL":                        {`{"touser":"a\u0000b"}`, wxnotify.ControlCharacter, "touser"},
	"NUL in a name":              {`{"meta":{"a\u0000":"b"}}`, wxnotify.ControlCharacter, "meta.a\ufffd"},
	"backspace":                  {`{"page":"a\bb"}`, wxnotify.ControlCharacter, "page"},
	"form feed":                  {`{"page":"a\fb"}`, wxnotify.ControlCharacter, "page"},
	"escape":                     {`{"data":{"keyword1":{"value":"\u001b[31m"}}}`, wxnotify.ControlCharacter, "data.keyword1.value"},
	"delete":                     {"{\"page\":\"a\x7fb\"}", wxnotify.ControlCharacter, "page"},
	"C1 control":                 {"{\"page\":\"a\u0085b\"}", wxnotify.ControlCharacter, "page"},
	"C1 control, escaped":        {`{"page":"a\u009Fb"}`, wxnotify.ControlCharacter, "page"},
	"right-to-left override":     {"{\"meta\":{\"a\":\"x\u202egnp\"}}", wxnotify.ControlCharacter, "meta.a"},
	"override, escaped":          {`{"meta":{"a":"x\u202Egnp"}}`, wxnotify.ControlCharacter, "meta.a"},
	"isolate":                    {"{\"data\":{\"keyword1\":\"\u2066x\"}}", wxnotify.ControlCharacter, "data.keyword1"},
	"number for a string":        {`{"touser":12345678}`, wxnotify.TypeMismatch, "touser"},
	"number for form_id":         {`{"form_id":1508392837549}`, wxnotify.TypeMismatch, "form_id"},
	"object for a string":        {`{"page":{}}`, wxnotify.TypeMismatch, "page"},
	"string for bool":            {`{"wait":"true"}`, wxnotify.TypeMismatch, "wait"},
	"number for bool":            {`{"wait":1}`, wxnotify.TypeMismatch, "wait"},
	"list for data":              {`{"data":[]}`, wxnotify.TypeMismatch, "data"},
	"string for data":            {`{"data":"keyword1"}`, wxnotify.TypeMismatch, "data"},
	"list for a keyword":         {`{"data":{"keyword1":["a"]}}`, wxnotify.TypeMismatch, "data.keyword1"},
	"bool for a keyword":         {`{"data":{"keyword1":true}}`, wxnotify.TypeMismatch, "data.keyword1"},
	"bool for a value":           {`{"data":{"keyword1":{"value":false}}}`, wxnotify.TypeMismatch, "data.keyword1.value"},
	"number for a colour":        {`{"data":{"keyword1":{"color":173177}}}`, wxnotify.TypeMismatch, "data.keyword1.color"},
	"number in meta":             {`{"meta":{"order":1019}}`, wxnotify.TypeMismatch, "meta.order"},
	"number for a time":          {`{"send_at":1508392837}`, wxnotify.TypeMismatch, "send_at"},
	"time without zone":          {`{"send_at":"2026-01-02T15:04:05"}`, wxnotify.TimeZoneMissing, "send_at"},
	"time as people write it":    {`{"expires_at":"2026-01-02 15:04:05"}`, wxnotify.TimeZoneMissing, "expires_at"},
	"time that is none":          {`{"send_at":"tomorrow"}`, wxnotify.TimeInvalid, "send_at"},
	"the thirtieth of February":  {`{"send_at":"2026-02-30T00:00:00Z"}`, wxnotify.TimeInvalid, "send_at"},
	"year of five digits":        {`{"send_at":"12026-01-01T00:00:00Z"}`, wxnotify.TimeInvalid, "send_at"},
	"a name as long as a letter": {`{"` + strings.Repeat("n", 9000) + `":1}`, wxnotify.UnknownField, strings.Repeat("n", 64) + "…"},
}

func TestHostileBodies(t *testing.T) {
	t.Parallel()
	for name, c := range hostile {
		var m NewMessage
		r, ok := errors.AsType[*wxnotify.Refusal](decode([]byte(c.body), &m))
		if !ok || r.Code != c.code {
			t.Errorf("%s: got %v, want %s", name, r, c.code)
			continue
		}
		if c.field != "" && (len(r.Fields) != 1 || r.Fields[0].Field != c.field) {
			t.Errorf("%s: got fields %+v, want %q", name, r.Fields, c.field)
		}
	}
}

// What is unusual and still right.
func TestFriendlyBodies(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"white space around":    "\r\n\t {\"touser\":\"oABCDEFG\"} \n",
		"null is left out":      `{"touser":"oABCDEFG","page":null,"data":null,"meta":null,"send_at":null,"wait":null}`,
		"line break and tab":    `{"touser":"oABCDEFG","data":{"keyword1":"a\nb\tc\r\n"}}`,
		"right-to-left letters": `{"touser":"oABCDEFG","data":{"keyword1":"שלום"}}`,
		"escaped Chinese":       `{"touser":"oABCDEFG","data":{"keyword1":"\u5df2\u63a5\u5355"}}`,
		"emoji":                 `{"touser":"oABCDEFG","data":{"keyword1":"\ud83d\ude00😀"}}`,
		"markup":                `{"touser":"oABCDEFG","data":{"keyword1":"<script>","keyword2":"' OR 1=1 --"}}`,
		"a zone like any other": `{"touser":"oABCDEFG","send_at":"2026-01-02T15:04:05.5-03:30"}`,
		"brackets in a string":  `{"touser":"oABCDEFG","page":"[[[[[[[[[[{{{{{{{{{{"}`,
	} {
		m := NewMessage{}
		if err := decode([]byte(body), &m); err != nil || m.To != "oABCDEFG" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDataKeepsItsOrderAndItsNumbers(t *testing.T) {
	t.Parallel()
	var m NewMessage
	body := `{"data":{"keyword2":{"color":"#173177","value":39.80},"keyword1":"a","amount3":1e2,"thing4":{"value":null}}}`
	if err := decode([]byte(body), &m); err != nil {
		t.Fatal(err)
	}
	want := values{{Key: "keyword2", Value: "39.80", Color: "#173177"}, {Key: "keyword1", Value: "a"}, {Key: "amount3", Value: "1e2"}, {Key: "thing4"}}
	for i, d := range m.Data {
		if d != want[i] {
			t.Errorf("got %+v, want %+v", d, want[i])
		}
	}
}

// A refusal tells where and why, never what: bodies hold people's data.
func TestRefusalsHoldNoValue(t *testing.T) {
	t.Parallel()
	const canary = "canary-7f3a"
	for _, body := range []string{
		`{"touser":["` + canary + `"]}`, `{"wait":"` + canary + `"}`, `{"send_at":"` + canary + `"}`,
		`{"data":{"keyword1":["` + canary + `"]}}`, `{"page":"` + canary + `\u0000"}`, `{"page":"` + canary, `"` + canary + `"`,
		`{"page":"\x` + canary + `"}`, `{} ` + canary,
	} {
		err := decode([]byte(body), &NewMessage{})
		if r, ok := errors.AsType[*wxnotify.Refusal](err); !ok || strings.Contains(r.Error()+r.Detail, canary) {
			t.Errorf("%s: got %v", body, err)
		}
	}
}
