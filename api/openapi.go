package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/wxnotify/wxnotify"
)

// intro is the first page of the document.
const intro = `A self-hosted notification server for WeChat Mini Programs: say *tell this user that*, and it finds a permit
which the user has given, sends the message through WeChat once, and shows what became of it.

* Send a key as ` + "`Authorization: Bearer KEY`" + `. A key has scopes and may be bound to one app.
* Names are matched exactly; unknown and duplicate ones are refused. A body is at most 256 KiB, a list of items 8 MiB.
* Times are RFC 3339 with a zone. Ids are opaque.
* Errors are problem+json with a ` + "`code`" + ` for programs, a ` + "`request_id`" + `, and what is wrong where in ` + "`errors`" + `.
* Lists are newest first; give ` + "`next_cursor`" + ` back as ` + "`cursor`" + ` until it is null.`

// Codes that a route has by its nature.
var (
	everyCodes = []wxnotify.Code{wxnotify.CredentialInURL, wxnotify.UnknownParameter, wxnotify.ControlCharacter, wxnotify.InvalidUTF8, wxnotify.Internal}
	keyCodes   = []wxnotify.Code{wxnotify.Unauthenticated, wxnotify.ScopeMissing, wxnotify.RateLimited, wxnotify.StorageUnavailable}
	miniCodes  = []wxnotify.Code{wxnotify.Unauthenticated, wxnotify.RateLimited, wxnotify.StorageUnavailable}
	writeCodes = []wxnotify.Code{wxnotify.StorageUnavailable, wxnotify.StorageFull, wxnotify.CommitUnknown, wxnotify.Draining}
	bodyCodes  = []wxnotify.Code{
		wxnotify.BodyEmpty, wxnotify.JSONMalformed, wxnotify.JSONTrailingData, wxnotify.JSONNotObject, wxnotify.JSONDuplicateKey, wxnotify.JSONTooDeep,
		wxnotify.BodyTooLarge, wxnotify.UnsupportedMediaType, wxnotify.UnsupportedEncoding, wxnotify.UnsupportedCharset,
		wxnotify.UnknownField, wxnotify.TypeMismatch, wxnotify.FieldRequired, wxnotify.FieldInvalid, wxnotify.ValueTooLong, wxnotify.OutOfRange,
	}
)

// document draws the OpenAPI document from the routes.
func document(version string) *huma.OpenAPI {
	if version == "" {
		version = "dev"
	}
	doc := &huma.OpenAPI{
		OpenAPI:    "3.1.0",
		Info:       &huma.Info{Title: "wxnotify", Version: version, Description: intro, License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}},
		Servers:    []*huma.Server{{URL: "/"}},
		Components: &huma.Components{Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)},
		Tags: []*huma.Tag{
			{Name: tagMessages, Description: "What to tell whom, and what became of it."},
			{Name: tagPermits, Description: "A permit is the right to send one message; it is what a user gives by submitting a form, paying or subscribing."},
			{Name: tagStats, Description: "What happened, and what there is."},
			{Name: tagTemplates, Description: "The shapes of messages, as WeChat lists them."},
			{Name: tagApps, Description: "The mini programs for which messages go out."},
			{Name: tagKeys, Description: "Who may call this API."},
			{Name: tagWebhooks, Description: "Be told of what happens, instead of asking."},
			{Name: tagMini, Description: "What the mini program itself calls. There is no key in it: its code can be read by anyone. Who the user is comes from the session, never from the body."},
			{Name: tagHealth},
		},
	}
	doc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"key":     {Type: "http", Scheme: "bearer", Description: "An API key, `wxn_…`. Scopes: send, permits, read, token, admin."},
		"session": {Type: "http", Scheme: "bearer", Description: "The session that /mp/v1/login gave."},
	}
	for i := range routes {
		doc.AddOperation(routes[i].operation(doc.Components.Schemas))
	}
	polish(doc.Components.Schemas)
	return doc
}

// polish says of the schemas what their types cannot: lists are never null,
// and answers may grow, while requests are taken as they are written down.
func polish(reg huma.Registry) {
	posted := map[string]bool{}
	for _, rt := range routes {
		if rt.in != nil {
			reach(reg, reflect.TypeOf(rt.in).Name(), posted)
		}
	}
	for name, s := range reg.Map() {
		for _, p := range s.Properties {
			if p.Type == huma.TypeArray {
				p.Nullable = false
			}
		}
		if !posted[name] {
			s.AdditionalProperties = nil
		}
	}
}

// reach notes the schema called name and all that it refers to.
func reach(reg huma.Registry, name string, seen map[string]bool) {
	if seen[name] || reg.Map()[name] == nil {
		return
	}
	seen[name] = true
	for _, p := range reg.Map()[name].Properties {
		for _, s := range []*huma.Schema{p, p.Items} {
			if s != nil && s.Ref != "" {
				reach(reg, s.Ref[strings.LastIndexByte(s.Ref, '/')+1:], seen)
			}
		}
	}
}

func (rt *route) operation(reg huma.Registry) *huma.Operation {
	op := &huma.Operation{
		OperationID: rt.name, Method: rt.method, Path: rt.path, Tags: []string{rt.tag}, Summary: rt.summary, Description: rt.doc,
		Parameters: rt.parameters(), Responses: rt.responses(reg),
	}
	switch rt.access {
	case byKey:
		op.Description = strings.TrimSpace(op.Description + "\n\nScope: `" + string(rt.scope) + "`.")
		op.Security = []map[string][]string{{"key": {}}}
	case bySession:
		op.Security = []map[string][]string{{"session": {}}}
	}
	if rt.in != nil {
		media := &huma.MediaType{Schema: reg.Schema(reflect.TypeOf(rt.in), true, "")}
		if sample, ok := samples[rt.name]; ok {
			media.Example = json.RawMessage(sample)
			op.Extensions = map[string]any{"x-codeSamples": []any{map[string]string{"lang": "Shell", "label": "curl", "source": rt.curl(sample)}}}
		}
		op.RequestBody = &huma.RequestBody{Required: rt.in != any(AppOnly{}), Content: map[string]*huma.MediaType{"application/json": media}}
	}
	return op
}

var segments = regexp.MustCompile(`\{([a-z]+)\}`)

func (rt *route) parameters() []*huma.Param {
	var out []*huma.Param
	for _, m := range segments.FindAllStringSubmatch(rt.path, -1) {
		out = append(out, &huma.Param{Name: m[1], In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	for _, p := range rt.params {
		out = append(out, p.document("query"))
	}
	for _, p := range rt.headers {
		out = append(out, p.document("header"))
	}
	return out
}

func (p param) document(in string) *huma.Param {
	s := &huma.Schema{Type: huma.TypeString}
	switch p.kind {
	case "integer":
		s.Type = huma.TypeInteger
	case "time":
		s.Format = "date-time"
	}
	for _, word := range p.enum {
		s.Enum = append(s.Enum, word)
	}
	name := p.name
	if strings.HasSuffix(name, ".") {
		name += "{name}"
	}
	return &huma.Param{Name: name, In: in, Description: p.doc, Schema: s, Example: p.example}
}

// responses lists the good answer and, by status, every code that a caller may
// be refused with.
func (rt *route) responses(reg huma.Registry) map[string]*huma.Response {
	good := &huma.Response{Description: "Done.", Headers: map[string]*huma.Header{
		"X-Request-Id": {Description: "The caller's, where it sent a plain word, else ours.", Schema: &huma.Schema{Type: huma.TypeString}},
	}}
	if slices.ContainsFunc(rt.headers, func(p param) bool { return p.name == headerKey.name }) {
		good.Headers["Idempotent-Replayed"] = &huma.Header{Description: "`true`: the Idempotency-Key was known; this is the first message.", Schema: &huma.Schema{Type: huma.TypeString}}
	}
	if rt.out != nil {
		good.Content = map[string]*huma.MediaType{"application/json": {Schema: reg.Schema(reflect.TypeOf(rt.out), true, "")}}
	}
	out := map[string]*huma.Response{strconv.Itoa(rt.status): good}
	problem := map[string]*huma.MediaType{"application/problem+json": {Schema: reg.Schema(reflect.TypeFor[Problem](), true, "")}}
	byStatus := map[int][]string{}
	for _, code := range rt.codes() {
		info := wxnotify.Codes[code]
		byStatus[info.Status] = append(byStatus[info.Status], fmt.Sprintf("* `%s` %s", code, info.En))
	}
	for status, lines := range byStatus {
		out[strconv.Itoa(status)] = &huma.Response{Description: strings.Join(lines, "\n"), Content: problem}
	}
	return out
}

// codes are all that the route may refuse with, sorted.
func (rt *route) codes() []wxnotify.Code {
	set := map[wxnotify.Code]bool{}
	add := func(list []wxnotify.Code) {
		for _, c := range list {
			set[c] = true
		}
	}
	add(everyCodes)
	add(rt.refuses)
	switch rt.access {
	case byKey:
		add(keyCodes)
	case bySession:
		add(miniCodes)
	}
	if rt.method != "GET" {
		add(writeCodes)
	}
	if rt.in != nil {
		add(bodyCodes)
	}
	return slices.Sorted(maps.Keys(set))
}

// curl is the operation as one types it.
func (rt *route) curl(body string) string {
	who := "$WXNOTIFY_KEY"
	if rt.access == bySession {
		who = "$SESSION"
	}
	auth := " \\\n  -H \"Authorization: Bearer " + who + "\""
	if rt.access == open {
		auth = ""
	}
	return "curl -X " + rt.method + " $WXNOTIFY_SERVER" + rt.path + auth + " \\\n  -H 'Content-Type: application/json' \\\n  -d '" + body + "'"
}

// samples are bodies that work, by operation.
var samples = map[string]string{
	"sendMessage": `{"touser":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o","template_id":"ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY","page":"pages/order/detail?id=1019","data":{"keyword1":{"value":"已接单","color":"#173177"},"keyword2":{"value":"2017年10月19日 12:31"}},"emphasis_keyword":"keyword1.DATA","meta":{"order":"1019"}}`,
	"sendBatch": `{"messages":[{"touser":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o","template_id":"accepted","data":{"keyword1":"已接单"},"idempotency_key":"order-1019-accepted"},` +
		`{"touser":"oUpF8uLx1Kx2aqD6tYq1h0BqDxyz","template_id":"accepted","data":{"keyword1":"已接单"},"idempotency_key":"order-1020-accepted"}]}`,
	"depositPermits":    `{"permits":[{"touser":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o","source":"payment","code":"wx201411101639507cbf6ffd8b0779950874"},{"touser":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o","source":"subscribe","template_id":"ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY","count":1}]}`,
	"putTemplate":       `{"alias":"accepted","channel":"template","title":"接单通知","keywords":[{"key":"keyword1","name":"状态"},{"key":"keyword2","name":"时间"}]}`,
	"previewTemplate":   `{"data":{"keyword1":"已接单","keyword2":"12:31"},"emphasis_keyword":"keyword1.DATA"}`,
	"createApp":         `{"appid":"wx1234567890abcdef","secret":"APPSECRET","name":"外卖"}`,
	"changeApp":         `{"max_in_flight":64}`,
	"pauseApp":          `{"scope":"all"}`,
	"resumeApp":         `{"scope":"all"}`,
	"createKey":         `{"name":"order service","scopes":["send","permits","read"]}`,
	"createWebhook":     `{"url":"https://shop.example/wxnotify","types":["message.sent","message.delivered","message.failed","message.unknown"]}`,
	"changeWebhook":     `{"rotate_secret":true}`,
	"recoverDeliveries": `{"since":"2026-01-02T15:04:05+08:00"}`,
	"resolveMessage":    `{"state":"sent"}`,
	"login":             `{"app":"wx1234567890abcdef","code":"CODE"}`,
	"uploadPermits":     `{"permits":[{"id":"1","source":"form","code":"22d907226dcd4542afb8829fa5e20768","age_seconds":3},{"id":"2","source":"subscribe","template_id":"accepted","result":"accept"}]}`,
}
