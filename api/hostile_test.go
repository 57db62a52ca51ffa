package api_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// canary stands in hostile requests where a value is; no answer may hold it.
const canary = "canary-5c1f"

// secretKey is a key that looks real and opens nothing; no answer may hold it either.
var secretKey = wxnotify.KeyText([32]byte{1})

// bad is one hostile request a row, and what it is answered with. T, S, U and
// A stand for a template, a subscribe template, a user and the app, REVOKED and
// READER for keys, SESSION for the user's session, THEIRS for another's form_id.
// Where the name begins with "item: " the request is good, and its one item is not.
var bad = map[string]struct {
	method, path, body string
	header             map[string]string
	code               wxnotify.Code
	field              string
}{
	"no body":                 {"POST", "/v1/messages", "", nil, wxnotify.BodyEmpty, ""},
	"truncated":               {"POST", "/v1/messages", `{"touser":"U`, nil, wxnotify.JSONMalformed, ""},
	"trailing":                {"POST", "/v1/messages", `{} x`, nil, wxnotify.JSONTrailingData, ""},
	"a list":                  {"POST", "/v1/messages", `[{}]`, nil, wxnotify.JSONNotObject, ""},
	"duplicate":               {"POST", "/v1/messages", `{"touser":"U","touser":"U"}`, nil, wxnotify.JSONDuplicateKey, "touser"},
	"bad UTF-8":               {"POST", "/v1/messages", "{\"touser\":\"\xff\"}", nil, wxnotify.InvalidUTF8, ""},
	"too deep":                {"POST", "/v1/messages", strings.Repeat("[", 9), nil, wxnotify.JSONTooDeep, ""},
	"unknown field":           {"POST", "/v1/messages", `{"to_user":"` + canary + `"}`, nil, wxnotify.UnknownField, "to_user"},
	"wrong case":              {"POST", "/v1/messages", `{"TOUSER":"` + canary + `"}`, nil, wxnotify.UnknownField, "TOUSER"},
	"control character":       {"POST", "/v1/messages", `{"touser":"U","data":{"keyword1":{"value":"` + canary + `\u0000"}}}`, nil, wxnotify.ControlCharacter, "data.keyword1.value"},
	"number for a string":     {"POST", "/v1/messages", `{"touser":12345678}`, nil, wxnotify.TypeMismatch, "touser"},
	"too large":               {"POST", "/v1/messages", `{"page":"` + strings.Repeat("x", 256<<10) + `"}`, nil, wxnotify.BodyTooLarge, ""},
	"a batch too large":       {"POST", "/v1/messages/batch", `{"messages":["` + strings.Repeat("x", 8<<20) + `"]}`, nil, wxnotify.BodyTooLarge, ""},
	"a form":                  {"POST", "/v1/messages", "touser=U", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, wxnotify.UnsupportedMediaType, ""},
	"text":                    {"POST", "/v1/messages", "{}", map[string]string{"Content-Type": "text/plain"}, wxnotify.UnsupportedMediaType, ""},
	"gzip":                    {"POST", "/v1/messages", "\x1f\x8b\x08", map[string]string{"Content-Encoding": "gzip"}, wxnotify.UnsupportedEncoding, ""},
	"gbk":                     {"POST", "/v1/messages", "{}", map[string]string{"Content-Type": "application/json; charset=gbk"}, wxnotify.UnsupportedCharset, ""},
	"no key":                  {"POST", "/v1/messages", "{}", map[string]string{"Authorization": ""}, wxnotify.Unauthenticated, ""},
	"basic":                   {"POST", "/v1/messages", "{}", map[string]string{"Authorization": "Basic " + canary}, wxnotify.Unauthenticated, ""},
	"a stranger's key":        {"GET", "/v1/messages", "", map[string]string{"Authorization": "Bearer " + secretKey}, wxnotify.Unauthenticated, ""},
	"a mistyped key":          {"GET", "/v1/messages", "", map[string]string{"Authorization": "Bearer wxn_" + canary}, wxnotify.Unauthenticated, ""},
	"a revoked key":           {"GET", "/v1/messages", "", map[string]string{"Authorization": "Bearer REVOKED"}, wxnotify.Unauthenticated, ""},
	"a key without the scope": {"POST", "/v1/messages", "{}", map[string]string{"Authorization": "Bearer READER"}, wxnotify.ScopeMissing, ""},
	"key in the URL":          {"GET", "/v1/messages?key=" + canary, "", nil, wxnotify.CredentialInURL, ""},
	"the key in any name":     {"GET", "/v1/messages?cursor=" + masterKey, "", nil, wxnotify.CredentialInURL, ""},
	"a key in any name":       {"GET", "/v1/messages?meta.x=" + secretKey, "", nil, wxnotify.CredentialInURL, ""},
	"a key as a name":         {"GET", "/v1/messages?" + secretKey + "=1", "", nil, wxnotify.CredentialInURL, ""},
	"a key as a bare name":    {"GET", "/v1/messages?" + secretKey, "", nil, wxnotify.CredentialInURL, ""},
	"the key as a name":       {"GET", "/v1/messages?" + masterKey + "=", "", nil, wxnotify.CredentialInURL, ""},
	"a key as a name of meta": {"GET", "/v1/messages?meta." + secretKey + "=1", "", nil, wxnotify.CredentialInURL, ""},
	"a key as a field":        {"POST", "/v1/messages", `{"` + secretKey + `":1}`, nil, wxnotify.UnknownField, "wxn_…"},
	"session in the URL":      {"GET", "/mp/v1/me?session=" + canary, "", nil, wxnotify.CredentialInURL, ""},
	"unknown path":            {"GET", "/v1/" + canary, "", nil, wxnotify.NotFound, ""},
	"a path with dots":        {"GET", "/v1//messages", "", nil, wxnotify.NotFound, ""},
	"wrong method":            {"PUT", "/v1/messages", "{}", nil, wxnotify.MethodNotAllowed, ""},
	"unknown parameter":       {"GET", "/v1/messages?stat=sent", "", nil, wxnotify.UnknownParameter, "stat"},
	"parameter twice":         {"GET", "/v1/messages?state=sent&state=failed", "", nil, wxnotify.UnknownParameter, "state"},
	"parameter on a post":     {"POST", "/v1/messages?limit=1", "{}", nil, wxnotify.UnknownParameter, "limit"},
	"NUL in a parameter":      {"GET", "/v1/messages?touser=%00", "", nil, wxnotify.ControlCharacter, "touser"},
	"bytes in a parameter":    {"GET", "/v1/messages?template_id=%ff", "", nil, wxnotify.InvalidUTF8, "template_id"},
	"limit 0":                 {"GET", "/v1/messages?limit=0", "", nil, wxnotify.OutOfRange, "limit"},
	"limit 10001":             {"GET", "/v1/permits?limit=10001", "", nil, wxnotify.OutOfRange, "limit"},
	"limit 251":               {"GET", "/v1/apps?limit=251", "", nil, wxnotify.OutOfRange, "limit"},
	"limit many":              {"GET", "/v1/messages?limit=many", "", nil, wxnotify.TypeMismatch, "limit"},
	"cursor":                  {"GET", "/v1/messages?cursor=" + canary, "", nil, wxnotify.CursorInvalid, ""},
	"cursor of permits":       {"GET", "/v1/permits?cursor=" + canary, "", nil, wxnotify.CursorInvalid, ""},
	"cursor of keys":          {"GET", "/v1/keys?cursor=" + canary, "", nil, wxnotify.CursorInvalid, ""},
	"state of no message":     {"GET", "/v1/messages?state=" + canary, "", nil, wxnotify.FieldInvalid, "state"},
	"since without zone":      {"GET", "/v1/messages?since=2026-01-02T15:04:05", "", nil, wxnotify.TimeZoneMissing, "since"},
	"openid of a list":        {"GET", "/v1/messages?touser=a%20b", "", nil, wxnotify.OpenIDInvalid, "touser"},
	"nine metas":              {"GET", "/v1/messages?meta.1=&meta.2=&meta.3=&meta.4=&meta.5=&meta.6=&meta.7=&meta.8=&meta.9=", "", nil, wxnotify.OutOfRange, "meta"},
	"wait_ms 30001":           {"POST", "/v1/messages?wait_ms=30001", "{}", nil, wxnotify.OutOfRange, "wait_ms"},
	"blank key":               {"POST", "/v1/messages", "{}", map[string]string{"Idempotency-Key": "a b"}, wxnotify.IdempotencyInvalid, ""},
	"long key":                {"POST", "/v1/messages", "{}", map[string]string{"Idempotency-Key": strings.Repeat("k", 256)}, wxnotify.IdempotencyInvalid, ""},
	"no openid":               {"POST", "/v1/messages", `{"template_id":"T","data":{"keyword1":"a"}}`, nil, wxnotify.FieldRequired, "touser"},
	"openid in Chinese":       {"POST", "/v1/messages", `{"touser":"` + canary + `张三","template_id":"T","data":DATA}`, nil, wxnotify.OpenIDInvalid, "touser"},
	"no template":             {"POST", "/v1/messages", `{"touser":"U","data":{"keyword1":"a"}}`, nil, wxnotify.FieldRequired, "template_id"},
	"template of nobody":      {"POST", "/v1/messages", `{"touser":"U","template_id":"` + canary + `","data":{"keyword1":"a"}}`, nil, wxnotify.TemplateUnknown, "template_id"},
	"no data":                 {"POST", "/v1/messages", `{"touser":"U","template_id":"T"}`, nil, wxnotify.TemplateDataMissing, "data.keyword1"},
	"keyword missing":         {"POST", "/v1/messages", `{"touser":"U","template_id":"T","data":{"keyword1":"a","keyword2":"b","keyword3":"c","keyword4":"d"}}`, nil, wxnotify.TemplateDataMissing, "data.keyword5"},
	"keyword unknown":         {"POST", "/v1/messages", `{"touser":"U","template_id":"T","data":{"keyword9":"a"}}`, nil, wxnotify.TemplateDataUnknown, "data.keyword9"},
	"keyword empty":           {"POST", "/v1/messages", `{"touser":"U","template_id":"T","data":{"keyword1":" ","keyword2":"b","keyword3":"c","keyword4":"d","keyword5":"e"}}`, nil, wxnotify.TemplateValueEmpty, "data.keyword1.value"},
	"keyword too long":        {"POST", "/v1/messages", `{"touser":"U","template_id":"T","data":{"keyword1":"` + strings.Repeat("长", 2001) + `","keyword2":"b","keyword3":"c","keyword4":"d","keyword5":"e"}}`, nil, wxnotify.TemplateValueTooLong, "data.keyword1.value"},
	"colour":                  {"POST", "/v1/messages", `{"touser":"U","template_id":"T","data":{"keyword1":{"value":"a","color":"` + canary + `"},"keyword2":"b","keyword3":"c","keyword4":"d","keyword5":"e"}}`, nil, wxnotify.FieldInvalid, "data.keyword1.color"},
	"the other channel":       {"POST", "/v1/messages", `{"touser":"U","template_id":"T","channel":"subscribe","data":DATA}`, nil, wxnotify.ChannelInvalid, "channel"},
	"value of another kind":   {"POST", "/v1/messages", `{"touser":"U","template_id":"S","data":{"phrase1":"已接A","time2":"9:00","name3":"张一山","phone_number4":"13800138000","thing5":"a"}}`, nil, wxnotify.TemplateValueInvalid, "data.phrase1.value"},
	"line break in a prompt":  {"POST", "/v1/messages", `{"touser":"U","template_id":"S","data":{"phrase1":"已接单","time2":"9:00","name3":"张一山","phone_number4":"13800138000","thing5":"a\nb"}}`, nil, wxnotify.TemplateValueInvalid, "data.thing5.value"},
	"page with a scheme":      {"POST", "/v1/messages", `{"touser":"U","template_id":"T","data":DATA,"page":"https://` + canary + `"}`, nil, wxnotify.PageInvalid, "page"},
	"page with a slash":       {"POST", "/v1/messages", `{"touser":"U","template_id":"T","data":DATA,"page":"/pages/a"}`, nil, wxnotify.PageInvalid, "page"},
	"page that climbs":        {"POST", "/v1/messages", `{"touser":"U","template_id":"T","data":DATA,"page":"pages/../../a"}`, nil, wxnotify.PageInvalid, "page"},
	"send_at past":            {"POST", "/v1/messages", `{"touser":"U","template_id":"T","data":DATA,"send_at":"2001-01-01T00:00:00Z"}`, nil, wxnotify.SendAtPast, "send_at"},
	"send_at zero":            {"POST", "/v1/messages", `{"touser":"U","template_id":"T","data":DATA,"send_at":"0001-01-01T00:00:00Z"}`, nil, wxnotify.SendAtPast, "send_at"},
	"send_at far":             {"POST", "/v1/messages", `{"touser":"U","template_id":"T","data":DATA,"send_at":"9999-12-31T23:59:59Z"}`, nil, wxnotify.SendAtTooFar, "send_at"},
	"send_at without zone":    {"POST", "/v1/messages", `{"send_at":"2036-01-01T00:00:00"}`, nil, wxnotify.TimeZoneMissing, "send_at"},
	"expires before it goes":  {"POST", "/v1/messages", `{"touser":"U","template_id":"T","data":DATA,"send_at":"SOON","expires_at":"NOW"}`, nil, wxnotify.ExpiresAtInvalid, "expires_at"},
	"mock form_id":            {"POST", "/v1/messages", `{"touser":"U","template_id":"T","data":DATA,"form_id":"the formId is a mock one"}`, nil, wxnotify.FormIDMock, "form_id"},
	"form_id with a prefix":   {"POST", "/v1/messages", `{"touser":"U","template_id":"T","data":DATA,"form_id":"prepay_id=` + canary + `"}`, nil, wxnotify.CodeInvalid, "form_id"},
	"nine metas in one":       {"POST", "/v1/messages", `{"touser":"U","template_id":"T","data":DATA,"meta":{"1":"","2":"","3":"","4":"","5":"","6":"","7":"","8":"","9":""}}`, nil, wxnotify.OutOfRange, "meta"},
	"long meta":               {"POST", "/v1/messages", `{"touser":"U","template_id":"T","data":DATA,"meta":{"a":"` + strings.Repeat("x", 257) + `"}}`, nil, wxnotify.ValueTooLong, "meta.a"},
	"app of nobody":           {"POST", "/v1/messages", `{"app":"wx-` + canary + `","touser":"U","template_id":"T","data":DATA}`, nil, wxnotify.AppUnknown, "app"},
	"app that cannot be":      {"POST", "/v1/messages", `{"app":"' OR 1=1 --","touser":"U","template_id":"T","data":DATA}`, nil, wxnotify.AppUnknown, "app"},
	"empty batch":             {"POST", "/v1/messages/batch", `{"messages":[]}`, nil, wxnotify.BatchSizeInvalid, "messages"},
	"batch of 1001":           {"POST", "/v1/messages/batch", `{"messages":[` + strings.Repeat("{},", 1000) + `{}]}`, nil, wxnotify.BatchSizeInvalid, "messages"},
	"no permits":              {"POST", "/v1/permits", `{"permits":[]}`, nil, wxnotify.BatchSizeInvalid, "permits"},
	"stats backwards":         {"GET", "/v1/stats?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", "", nil, wxnotify.OutOfRange, "from"},
	"stats of long ago":       {"GET", "/v1/stats?from=2001-01-01T00:00:00Z", "", nil, wxnotify.OutOfRange, "from"},
	"stats to come":           {"GET", "/v1/stats?to=2200-01-01T00:00:00Z", "", nil, wxnotify.OutOfRange, "to"},
	"stats without a zone":    {"GET", "/v1/stats?from=2026-03-01T00:00:00", "", nil, wxnotify.TimeZoneMissing, "from"},
	"a step of nothing":       {"GET", "/v1/stats?step=0", "", nil, wxnotify.OutOfRange, "step"},
	"a step of a second":      {"GET", "/v1/stats?step=1s", "", nil, wxnotify.OutOfRange, "step"},
	"a step of words":         {"GET", "/v1/stats?step=" + canary, "", nil, wxnotify.TypeMismatch, "step"},
	"a step below nothing":    {"GET", "/v1/stats?step=-60", "", nil, wxnotify.TypeMismatch, "step"},
	"a step without end":      {"GET", "/v1/stats?step=99999999999999999999999", "", nil, wxnotify.TypeMismatch, "step"},
	"far too many points":     {"GET", "/v1/stats?step=1m", "", nil, wxnotify.OutOfRange, "step"},
	"stats of nobody":         {"GET", "/v1/stats?app=wx9999999999999999", "", nil, wxnotify.AppUnknown, "app"},
	"stock of nobody":         {"GET", "/v1/stock?app=wx9999999999999999", "", nil, wxnotify.AppUnknown, "app"},
	"stock of a user":         {"GET", "/v1/stock?touser=x", "", nil, wxnotify.UnknownParameter, "touser"},
	"1001 permits":            {"POST", "/v1/permits", `{"permits":[` + strings.Repeat("{},", 1000) + `{}]}`, nil, wxnotify.BatchSizeInvalid, "permits"},
	"message of nobody":       {"GET", "/v1/messages/msg_" + canary, "", nil, wxnotify.NotFound, ""},
	"message with NUL":        {"GET", "/v1/messages/msg_%00", "", nil, wxnotify.NotFound, ""},
	"user that cannot be":     {"GET", "/v1/users/" + canary + "%20", "", nil, wxnotify.OpenIDInvalid, "openid"},
	"resolve as lost":         {"POST", "/v1/messages/msg_1/resolve", `{"state":"lost"}`, nil, wxnotify.FieldInvalid, "state"},
	"app without secret":      {"POST", "/v1/apps", `{"appid":"wx9999999999999999"}`, nil, wxnotify.FieldRequired, "secret"},
	"app once more":           {"POST", "/v1/apps", `{"appid":"A","secret":"` + canary + `"}`, nil, wxnotify.AppExists, ""},
	"app with a NUL secret":   {"POST", "/v1/apps", `{"appid":"wx9999999999999999","secret":"\u0000"}`, nil, wxnotify.ControlCharacter, "secret"},
	"in flight 0":             {"PATCH", "/v1/apps/A", `{"max_in_flight":0}`, nil, wxnotify.OutOfRange, "max_in_flight"},
	"in flight a lot":         {"PATCH", "/v1/apps/A", `{"max_in_flight":99999999999999999999}`, nil, wxnotify.OutOfRange, "max_in_flight"},
	"short AES key":           {"PATCH", "/v1/apps/A", `{"callback":{"encoding_aes_key":"` + canary + `"}}`, nil, wxnotify.FieldInvalid, "callback.encoding_aes_key"},
	"patch a stranger":        {"PATCH", "/v1/apps/wx9999999999999999", `{}`, nil, wxnotify.AppUnknown, "app"},
	"pause nothing":           {"POST", "/v1/apps/A/pause", `{}`, nil, wxnotify.FieldRequired, "scope"},
	"pause in Chinese":        {"POST", "/v1/apps/A/pause", `{"scope":"全部"}`, nil, wxnotify.FieldInvalid, "scope"},
	"key for nothing":         {"POST", "/v1/keys", `{"name":"x"}`, nil, wxnotify.FieldRequired, "scopes"},
	"key for all":             {"POST", "/v1/keys", `{"scopes":["send","` + canary + `"]}`, nil, wxnotify.FieldInvalid, "scopes[1]"},
	"key of yesterday":        {"POST", "/v1/keys", `{"scopes":["send"],"expires_at":"2001-01-01T00:00:00Z"}`, nil, wxnotify.ExpiresAtInvalid, "expires_at"},
	"key of nobody's app":     {"POST", "/v1/keys", `{"scopes":["send"],"app":"wx9999999999999999"}`, nil, wxnotify.AppUnknown, "app"},
	"revoke nobody":           {"DELETE", "/v1/keys/key_none", "", nil, wxnotify.NotFound, ""},
	"kind of a classic one":   {"PUT", "/v1/templates/T", `{"channel":"template","kind":"once"}`, nil, wxnotify.FieldInvalid, "kind"},
	"template of no channel":  {"PUT", "/v1/templates/T", `{"title":"x"}`, nil, wxnotify.FieldRequired, "channel"},
	"erase nobody":            {"DELETE", "/v1/users/" + canary + "%20", "", nil, wxnotify.OpenIDInvalid, "openid"},
	"erase with a body's app": {"DELETE", "/v1/users/U?touser=x", "", nil, wxnotify.UnknownParameter, "touser"},
	"erase of no app":         {"DELETE", "/v1/users/oAbsent1?app=wx-" + canary, "", nil, wxnotify.AppUnknown, "app"},
	"audit of no time":        {"GET", "/v1/audit?since=" + canary, "", nil, wxnotify.TimeInvalid, "since"},
	"audit's cursor":          {"GET", "/v1/audit?cursor=" + canary, "", nil, wxnotify.CursorInvalid, ""},
	"audit by another name":   {"GET", "/v1/audit?who=" + canary, "", nil, wxnotify.UnknownParameter, "who"},
	"webhook to nowhere":      {"POST", "/v1/webhooks", `{}`, nil, wxnotify.FieldRequired, "url"},
	"webhook of no event":     {"POST", "/v1/webhooks", `{"url":"https://93.184.215.14/","types":["message.sent","` + canary + `"]}`, nil, wxnotify.FieldInvalid, "types[1]"},
	"webhook of one twice":    {"POST", "/v1/webhooks", `{"url":"https://93.184.215.14/","types":["message.sent","message.sent"]}`, nil, wxnotify.FieldInvalid, "types[1]"},
	"webhook by ftp":          {"POST", "/v1/webhooks", `{"url":"ftp://` + canary + `"}`, nil, wxnotify.FieldInvalid, "url"},
	"webhook with password":   {"POST", "/v1/webhooks", `{"url":"https://me:` + canary + `@93.184.215.14/"}`, nil, wxnotify.FieldInvalid, "url"},
	"webhook in plain http":   {"POST", "/v1/webhooks", `{"url":"http://93.184.215.14/` + canary + `"}`, nil, wxnotify.URLForbiddenHost, "url"},
	"webhook to loopback":     {"POST", "/v1/webhooks", `{"url":"https://127.0.0.1/` + canary + `"}`, nil, wxnotify.URLForbiddenHost, "url"},
	"webhook to localhost":    {"POST", "/v1/webhooks", `{"url":"https://localhost:8080/"}`, nil, wxnotify.URLForbiddenHost, "url"},
	"webhook by number":       {"POST", "/v1/webhooks", `{"url":"https://2130706433/"}`, nil, wxnotify.URLForbiddenHost, "url"},
	"webhook by octal":        {"POST", "/v1/webhooks", `{"url":"https://0177.0.0.1/"}`, nil, wxnotify.URLForbiddenHost, "url"},
	"webhook to metadata":     {"POST", "/v1/webhooks", `{"url":"https://169.254.169.254/latest"}`, nil, wxnotify.URLForbiddenHost, "url"},
	"webhook to Alibaba's":    {"POST", "/v1/webhooks", `{"url":"https://100.100.100.200/latest"}`, nil, wxnotify.URLForbiddenHost, "url"},
	"webhook to our network":  {"POST", "/v1/webhooks", `{"url":"https://10.0.0.1/"}`, nil, wxnotify.URLForbiddenHost, "url"},
	"webhook mapped":          {"POST", "/v1/webhooks", `{"url":"https://[::ffff:10.0.0.1]/"}`, nil, wxnotify.URLForbiddenHost, "url"},
	"webhook through NAT64":   {"POST", "/v1/webhooks", `{"url":"https://[64:ff9b::7f00:1]/"}`, nil, wxnotify.URLForbiddenHost, "url"},
	"webhook of nobody":       {"POST", "/v1/webhooks", `{"url":"https://93.184.215.14/","app":"wx9999999999999999"}`, nil, wxnotify.AppUnknown, "app"},
	"patch no webhook":        {"PATCH", "/v1/webhooks/whk_none", `{}`, nil, wxnotify.NotFound, ""},
	"deliveries of nothing":   {"GET", "/v1/webhooks/whk_none/deliveries", "", nil, wxnotify.NotFound, ""},
	"resend nothing":          {"POST", "/v1/webhooks/whk_none/deliveries/evt_none/resend", "", nil, wxnotify.NotFound, ""},
	"recover since never":     {"POST", "/v1/webhooks/whk_none/recover", `{}`, nil, wxnotify.FieldRequired, "since"},
	"login without a code":    {"POST", "/mp/v1/login", `{"app":"A"}`, nil, wxnotify.FieldRequired, "code"},
	"login of nobody":         {"POST", "/mp/v1/login", `{"app":"A","code":"` + canary + `"}`, nil, wxnotify.CodeRejected, ""},
	"login to nothing":        {"POST", "/mp/v1/login", `{"app":"wx9999999999999999","code":"x"}`, nil, wxnotify.AppUnknown, "app"},
	"upload by a key":         {"POST", "/mp/v1/permits", `{"permits":[{}]}`, nil, wxnotify.Unauthenticated, ""},
	"upload of nothing":       {"POST", "/mp/v1/permits", `{"permits":[]}`, bySession, wxnotify.BatchSizeInvalid, "permits"},
	"upload with an openid":   {"POST", "/mp/v1/permits", `{"openid":"` + canary + `","permits":[{"id":"1","source":"form","code":"0123456789"}]}`, bySession, wxnotify.OpenIDNotAllowed, ""},
	"upload for somebody":     {"POST", "/mp/v1/permits", `{"permits":[{"id":"1","touser":"` + canary + `","source":"form","code":"0123456789"}]}`, bySession, wxnotify.OpenIDNotAllowed, ""},

	"item: no data":           {"POST", "/v1/messages/batch", `{"messages":[{"touser":"U","template_id":"T"}]}`, nil, wxnotify.TemplateDataMissing, "messages[0].data.keyword1"},
	"item: an unknown field":  {"POST", "/v1/messages/batch", `{"messages":[{"to_user":"` + canary + `"}]}`, nil, wxnotify.UnknownField, "messages[0].to_user"},
	"item: not an object":     {"POST", "/v1/messages/batch", `{"messages":["` + canary + `"]}`, nil, wxnotify.JSONNotObject, ""},
	"item: no such source":    {"POST", "/v1/permits", `{"permits":[{"touser":"U","source":"` + canary + `"}]}`, nil, wxnotify.FieldInvalid, "permits[0].source"},
	"item: a mock form_id":    {"POST", "/v1/permits", `{"permits":[{"touser":"U","source":"form","code":"the formId is a mock one"}]}`, nil, wxnotify.FormIDMock, "permits[0].code"},
	"item: a mock uploaded":   {"POST", "/mp/v1/permits", `{"permits":[{"id":"1","source":"form","code":"the formId is a mock one"}]}`, bySession, wxnotify.FormIDMock, ""},
	"item: another user's":    {"POST", "/mp/v1/permits", `{"permits":[{"id":"2","source":"form","code":"THEIRS"}]}`, bySession, wxnotify.PermitConflict, ""},
	"item: of eight days ago": {"POST", "/mp/v1/permits", `{"permits":[{"id":"3","source":"form","code":"22d907226dcd4542afb8829fa5e20768","age_seconds":691200}]}`, bySession, wxnotify.PermitExpired, ""},
	"item: a payment":         {"POST", "/mp/v1/permits", `{"permits":[{"id":"4","source":"payment","code":"wx201411101639507cbf6ffd8b0779950874"}]}`, bySession, wxnotify.PaymentNotAllowed, ""},
}

var bySession = map[string]string{"Authorization": "Bearer SESSION"}

// theItem is the problem of a list's one item.
func theItem(answer map[string]any) map[string]any {
	results, _ := answer["results"].([]any)
	if len(results) != 1 {
		return nil
	}
	item, _ := results[0].(map[string]any)["error"].(map[string]any)
	return item
}

func TestBadInputGetsAClearAnswer(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h := build(t, db, nil)
		soon := time.Now().Add(time.Hour)
		_, revoked := h.key(client.NewKey{Scopes: []string{"admin"}})
		h.must(h.c.RevokeKey(t.Context(), revoked.ID))
		_, reader := h.key(client.NewKey{Scopes: []string{"read"}})
		theirs := h.form(h.user)
		_, err := h.c.MPPermits(t.Context(), h.session(h.others[0]), []client.MPPermit{{ID: "a", Source: "form", Code: theirs}})
		h.must(err)
		keys := strings.NewReplacer("REVOKED", revoked.Text, "READER", reader.Text, "SESSION", h.session(h.user))
		_, err = h.c.SyncTemplates(t.Context(), h.app) // what the door asks for by itself at the first message
		h.must(err)
		before := h.records()
		fill := strings.NewReplacer(`"T"`, `"`+h.template+`"`, `"S"`, `"`+h.subscribe[0]+`"`, `"U"`, `"`+h.user+`"`, `"A"`, `"`+h.app+`"`, "/A", "/"+h.app, "/T", "/"+h.template,
			"THEIRS", theirs, "SOON", soon.Format(time.RFC3339), "NOW", soon.Add(-time.Minute).Format(time.RFC3339),
			"DATA", `{"keyword1":"a","keyword2":"b","keyword3":"c","keyword4":"d","keyword5":"e"}`)
		for name, c := range bad {
			sent := maps.Clone(c.header)
			for name, value := range sent {
				sent[name] = keys.Replace(value)
			}
			status, header, p := h.send(request{c.method, fill.Replace(c.path), fill.Replace(c.body), sent})
			answer := fmt.Sprint(p)
			ofItem := strings.HasPrefix(name, "item: ")
			if ofItem {
				p, status = theItem(p), wxnotify.Codes[c.code].Status
			}
			if p["code"] != string(c.code) || status != wxnotify.Codes[c.code].Status {
				t.Errorf("%s: got %d %s, want %s", name, status, answer, c.code)
				continue
			}
			if !ofItem && (header.Get("Content-Type") != "application/problem+json" || p["request_id"] != header.Get("X-Request-ID") || p["request_id"] == "") {
				t.Errorf("%s: got %v with %v", name, p, header)
			}
			if strings.Contains(answer, canary) || strings.Contains(answer, masterKey) || strings.Contains(answer, secretKey[len("wxn_"):]) {
				t.Errorf("%s: a value is said back: %s", name, answer)
			}
			if c.field != "" && !strings.Contains(answer, "field:"+c.field+"]") {
				t.Errorf("%s: got %s, want the field %s", name, answer, c.field)
			}
		}
		for m, err := range h.c.Messages(t.Context(), client.MessageFilter{}) {
			t.Errorf("stored all the same: %+v, %v", m, err)
		}
		for p, err := range h.c.Permits(t.Context(), client.PermitFilter{}) {
			if p.To == h.others[0] {
				continue
			}
			t.Errorf("stored all the same: %+v, %v", p, err)
		}
		if after := h.records(); after != before {
			t.Errorf("changed all the same: %s, before: %s", after, before)
		}
		if log := h.logs.String(); strings.Contains(log, canary) || strings.Contains(log, "request failed") {
			t.Errorf("logged: %s", log)
		}
	})
}

// records are all plain records as they are now.
func (h *house) records() string {
	h.t.Helper()
	ctx := h.t.Context()
	apps, err1 := h.store.Apps(ctx)
	keys, err2 := h.store.Keys(ctx)
	hooks, err3 := h.store.Webhooks(ctx)
	templates, err4 := h.store.Templates(ctx, h.app)
	pauses, err5 := h.store.Pauses(ctx, h.app)
	h.must(errors.Join(err1, err2, err3, err4, err5))
	for i := range keys {
		keys[i].LastUsed = time.Time{}
	}
	for i := range templates {
		templates[i].SyncedAt = time.Time{}
	}
	return fmt.Sprintf("%+v %+v %+v %+v %+v", apps, keys, hooks, templates, pauses)
}

// Text is text, whatever it looks like elsewhere.
func TestMarkupIsLegal(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		h := build(t, db, nil)
		for _, value := range []string{`<script>alert(1)</script>`, `' OR 1=1 --`, `"};{"`, "a\nb\tc", "שלום", "{{keyword1.DATA}}", `%s%n`, "😀"} {
			m := h.message()
			m.Data["keyword1"] = client.Value{Value: value}
			m.Meta = map[string]string{"text": value}
			sent, err := h.c.Send(t.Context(), m)
			h.must(err)
			got, err := h.c.Message(t.Context(), sent.ID)
			h.must(err)
			if got.Data["keyword1"].Value != value || got.Meta["text"] != value {
				t.Errorf("%q came back as %q and %q", value, got.Data["keyword1"].Value, got.Meta["text"])
			}
		}
	})
}
