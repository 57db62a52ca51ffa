package api

import (
	"context"
	"encoding/json"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/wxnotify/wxnotify/client"
)

// full is a T in which nothing is left out.
func full[T any]() (x T) {
	fill(reflect.ValueOf(&x).Elem())
	return x
}

func fill(v reflect.Value) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		x := reflect.New(v.Type().Elem()).Elem()
		fill(x)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("x"), x)
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	default:
		v.SetInt(60)
	}
}

// clientCalls make every call of the client, by the name of the operation, and
// return what an answer is read into.
var clientCalls = map[string]func(context.Context, *client.Client) any{
	"sendMessage": func(ctx context.Context, c *client.Client) any {
		return takes(c.SendAndWait(client.WithTraceparent(ctx, trace), full[client.NewMessage](), time.Second))
	},
	"sendBatch": func(ctx context.Context, c *client.Client) any {
		_, _ = c.SendBatch(client.WithTraceparent(ctx, trace), full[[]client.NewMessage]())
		return resultsOf[client.BatchResult]{}
	},
	"listMessages": func(ctx context.Context, c *client.Client) any {
		return turns(c.Messages(ctx, full[client.MessageFilter]()))
	},
	"getMessage":     func(ctx context.Context, c *client.Client) any { return takes(c.Message(ctx, "x")) },
	"cancelMessage":  func(ctx context.Context, c *client.Client) any { return takes(c.Cancel(ctx, "x")) },
	"resendMessage":  func(ctx context.Context, c *client.Client) any { return takes(c.Resend(ctx, "x")) },
	"resolveMessage": func(ctx context.Context, c *client.Client) any { return takes(c.Resolve(ctx, "x", true)) },
	"depositPermits": func(ctx context.Context, c *client.Client) any {
		_, _ = c.DepositPermits(ctx, "x", full[[]client.NewPermit]())
		return resultsOf[client.PermitResult]{}
	},
	"listPermits": func(ctx context.Context, c *client.Client) any {
		return turns(c.Permits(ctx, full[client.PermitFilter]()))
	},
	"deletePermit": func(ctx context.Context, c *client.Client) any { return c.DeletePermit(ctx, "x", "x") },
	"getUser":      func(ctx context.Context, c *client.Client) any { return takes(c.User(ctx, "x", "x")) },
	"eraseUser": func(ctx context.Context, c *client.Client) any {
		_, _ = c.EraseUser(ctx, "x", "x")
		return struct {
			Pseudonym string `json:"pseudonym"`
		}{}
	},
	"getStats": func(ctx context.Context, c *client.Client) any {
		return takes(c.Stats(ctx, client.StatsFilter{App: "x", From: time.Now(), To: time.Now(), Step: time.Minute}))
	},
	"getStock":      func(ctx context.Context, c *client.Client) any { return takes(c.Stock(ctx, "x")) },
	"listTemplates": func(ctx context.Context, c *client.Client) any { return turns(c.Templates(ctx, "x")) },
	"addTemplate": func(ctx context.Context, c *client.Client) any {
		return takes(c.AddTemplate(ctx, full[client.AddTemplate]()))
	},
	"deleteTemplate": func(ctx context.Context, c *client.Client) any { return c.DeleteTemplate(ctx, "x", "x") },
	"listLibrary": func(ctx context.Context, c *client.Client) any {
		return takes(c.Library(ctx, full[client.LibraryFilter]()))
	},
	"getLibraryEntry": func(ctx context.Context, c *client.Client) any { return takes(c.LibraryEntry(ctx, "x", "x", "x")) },
	"putTemplate": func(ctx context.Context, c *client.Client) any {
		return takes(c.PutTemplate(ctx, "x", full[client.PutTemplate]()))
	},
	"syncTemplates": func(ctx context.Context, c *client.Client) any {
		_, _ = c.SyncTemplates(ctx, "x")
		return resultsOf[client.SyncResult]{}
	},
	"previewTemplate": func(ctx context.Context, c *client.Client) any {
		return takes(c.Preview(ctx, full[client.NewMessage]()))
	},
	"createApp": func(ctx context.Context, c *client.Client) any { return takes(c.CreateApp(ctx, full[client.NewApp]())) },
	"listApps":  func(ctx context.Context, c *client.Client) any { return turns(c.Apps(ctx)) },
	"getApp":    func(ctx context.Context, c *client.Client) any { return takes(c.App(ctx, "x")) },
	"changeApp": func(ctx context.Context, c *client.Client) any {
		return takes(c.ChangeApp(ctx, "x", full[client.AppSettings]()))
	},
	"deleteApp":   func(ctx context.Context, c *client.Client) any { return c.DeleteApp(ctx, "x") },
	"accessToken": func(ctx context.Context, c *client.Client) any { return takes(c.AccessToken(ctx, "x")) },
	"pauseApp":    func(ctx context.Context, c *client.Client) any { return takes(c.PauseApp(ctx, "x", "all")) },
	"resumeApp":   func(ctx context.Context, c *client.Client) any { return takes(c.ResumeApp(ctx, "x", "all")) },
	"createKey":   func(ctx context.Context, c *client.Client) any { return takes(c.CreateKey(ctx, full[client.NewKey]())) },
	"listKeys":    func(ctx context.Context, c *client.Client) any { return turns(c.Keys(ctx)) },
	"revokeKey":   func(ctx context.Context, c *client.Client) any { return c.RevokeKey(ctx, "x") },
	"listAudit": func(ctx context.Context, c *client.Client) any {
		return turns(c.Audit(ctx, full[client.AuditFilter]()))
	},
	"createWebhook": func(ctx context.Context, c *client.Client) any {
		return takes(c.CreateWebhook(ctx, full[client.NewWebhook]()))
	},
	"listWebhooks": func(ctx context.Context, c *client.Client) any { return turns(c.Webhooks(ctx)) },
	"getWebhook":   func(ctx context.Context, c *client.Client) any { return takes(c.Webhook(ctx, "x")) },
	"changeWebhook": func(ctx context.Context, c *client.Client) any {
		return takes(c.ChangeWebhook(ctx, "x", full[client.WebhookChange]()))
	},
	"deleteWebhook":  func(ctx context.Context, c *client.Client) any { return c.DeleteWebhook(ctx, "x") },
	"listDeliveries": func(ctx context.Context, c *client.Client) any { return turns(c.Deliveries(ctx, "x", "failed")) },
	"resendDelivery": func(ctx context.Context, c *client.Client) any { return takes(c.ResendDelivery(ctx, "x", "x")) },
	"recoverDeliveries": func(ctx context.Context, c *client.Client) any {
		_, _, _ = c.RecoverDeliveries(ctx, "x", time.Now())
		return recovered{}
	},
	"login": func(ctx context.Context, c *client.Client) any { return takes(c.Login(ctx, "x", "x")) },
	"uploadPermits": func(ctx context.Context, c *client.Client) any {
		_, _ = c.MPPermits(ctx, "x", full[[]client.MPPermit]())
		return resultsOf[client.MPResult]{}
	},
	"me":    func(ctx context.Context, c *client.Client) any { return takes(c.MPMe(ctx, "x")) },
	"ready": func(ctx context.Context, c *client.Client) any { return c.Ready(ctx) },
}

const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// notOfTheClient are what only balancers and kubelets ask for, and what an
// iterator does by itself.
var (
	notOfTheClient = []string{"alive"}
	byItself       = []string{"limit", "cursor"}
)

type (
	resultsOf[T any] struct {
		Results []T `json:"results"`
	}
	pageOf[T any] struct {
		Data []T     `json:"data"`
		Next *string `json:"next_cursor"`
	}
	recovered struct {
		Recovered int  `json:"recovered"`
		Complete  bool `json:"complete"`
	}
)

func takes[T any](x T, _ error) any { return x }

func turns[T any](l iter.Seq2[T, error]) any {
	for range l {
		break
	}
	return pageOf[T]{}
}

// What the document says and what the client can are the same: operations,
// parameters, bodies and answers.
func TestTheClientCanDoWhatTheDocumentSays(t *testing.T) {
	t.Parallel()
	var asked *http.Request
	var body any
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked, body = r, nil
		_ = json.NewDecoder(r.Body).Decode(&body)
		_, _ = w.Write([]byte(`{}`))
	}))
	t.Cleanup(srv.Close)
	c := client.New(srv.URL, "key")
	doc := document("")
	left := maps.Clone(clientCalls)
	for path, item := range doc.Paths {
		for method, op := range map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete} {
			if op == nil || slices.Contains(notOfTheClient, op.OperationID) {
				continue
			}
			call := left[op.OperationID]
			delete(left, op.OperationID)
			if call == nil {
				t.Errorf("%s %s (%s): the client has no call for it", method, path, op.OperationID)
				continue
			}
			out := call(t.Context(), c)
			if want := "^" + regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(path, "x") + "$"; asked.Method != method || !regexp.MustCompile(want).MatchString(asked.URL.Path) {
				t.Errorf("%s: the client asks for %s %s", op.OperationID, asked.Method, asked.URL.Path)
			}
			parameters(t, op, asked)
			s := shapes{doc.Components.Schemas}
			if op.RequestBody != nil {
				s.same(t, op.OperationID+", body", s.of(op.RequestBody.Content["application/json"].Schema, ""), shape(body, ""))
			}
			for status, r := range op.Responses {
				if m := r.Content["application/json"]; m != nil && status[0] == '2' && op.OperationID != "ready" {
					s.same(t, op.OperationID+", answer", s.of(m.Schema, ""), readInto(reflect.TypeOf(out), ""))
				}
			}
		}
	}
	for name := range left {
		t.Errorf("the document has no operation %s", name)
	}
}

func parameters(t *testing.T, op *huma.Operation, r *http.Request) {
	t.Helper()
	for _, p := range op.Parameters {
		name := strings.Replace(p.Name, "{name}", "x", 1)
		switch {
		case p.In == "query" && !r.URL.Query().Has(name) && !slices.Contains(byItself, name):
			t.Errorf("%s: the client cannot say %s", op.OperationID, p.Name)
		case p.In == "header" && r.Header.Get(p.Name) == "":
			t.Errorf("%s: the client cannot send the header %s", op.OperationID, p.Name)
		}
	}
}

// shapes flattens schemas into the paths of their fields.
type shapes struct{ reg huma.Registry }

func (shapes) same(t *testing.T, what string, document, client []string) {
	t.Helper()
	if d := cmp.Diff(document, client); d != "" {
		t.Errorf("%s: the document (-) and the client (+) have different fields:\n%s", what, d)
	}
}

func (s shapes) of(schema *huma.Schema, at string) []string {
	for _, either := range slices.Concat(schema.OneOf, schema.AnyOf) { // or null
		if either.Ref != "" {
			schema = either
		}
	}
	if schema.Ref != "" {
		schema = s.reg.SchemaFromRef(schema.Ref)
	}
	if schema.Items != nil {
		return s.of(schema.Items, at+"[]")
	}
	all := []string{}
	for name, p := range schema.Properties {
		all = append(all, s.of(p, at+"."+name)...)
	}
	if len(all) == 0 {
		all = append(all, at)
	}
	slices.Sort(all)
	return all
}

// shape flattens a body. Objects whose names are the caller's are one field.
func shape(x any, at string) []string {
	all := []string{}
	switch x := x.(type) {
	case map[string]any:
		for name, y := range x {
			if name == "x" {
				return []string{at}
			}
			all = append(all, shape(y, at+"."+name)...)
		}
	case []any:
		return shape(x[0], at+"[]")
	default:
		all = append(all, at)
	}
	slices.Sort(all)
	return all
}

// readInto flattens what an answer is read into.
func readInto(t reflect.Type, at string) []string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Slice && t != reflect.TypeFor[json.RawMessage]() {
		return readInto(t.Elem(), at+"[]")
	}
	all := []string{}
	if t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]() {
		for i := range t.NumField() {
			f := t.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case name == "-":
			case f.Anonymous:
				all = append(all, readInto(f.Type, at)...)
			default:
				all = append(all, readInto(f.Type, at+"."+name)...)
			}
		}
	}
	if len(all) == 0 {
		all = append(all, at)
	}
	slices.Sort(all)
	return all
}
