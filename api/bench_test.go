package api

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
)

// stubs stand behind the door where only the door's own cost is measured, or
// its own answers are looked at.
type stubs struct {
	Box
	Ledger
	Reader
	Admin
	app       wxnotify.App
	templates []wxnotify.Template
}

func (s *stubs) Accept(_ context.Context, es []wxnotify.Entry) ([]wxnotify.Receipt, error) {
	out := make([]wxnotify.Receipt, len(es))
	for i, e := range es {
		out[i] = wxnotify.Receipt{ID: e.Message.ID, State: e.Message.State}
	}
	return out, nil
}

func (s *stubs) App(context.Context, string) (wxnotify.App, error) { return s.app, nil }
func (s *stubs) Apps(context.Context) ([]wxnotify.App, error)      { return []wxnotify.App{s.app}, nil }
func (s *stubs) Templates(context.Context, string) ([]wxnotify.Template, error) {
	return s.templates, nil
}

const benchKey = "a-ready-made-key"

func benchDoor() *Door {
	s := &stubs{
		app: wxnotify.App{ID: "wx1234567890abcdef"},
		templates: []wxnotify.Template{{ID: "ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY", Channel: wxnotify.ChannelTemplate, Keywords: []wxnotify.Keyword{
			{Key: "keyword1"}, {Key: "keyword2"}, {Key: "keyword3"}, {Key: "keyword4"}, {Key: "keyword5"}, {Key: "keyword6"},
		}}},
	}
	return New(slog.New(slog.DiscardHandler), Deps{
		Box: s, Ledger: s, Reader: s, Admin: s,
		Now: func() wxnotify.Now { t := time.Now(); return wxnotify.Now{Real: t, Virtual: t} },
	}, Options{Key: wxnotify.NewSecret(benchKey)})
}

// benchMessage is the message of performance.md: six Chinese keywords and a form_id.
func benchMessage(i int) string {
	return fmt.Sprintf(`{"touser":"oUpF8uMuAJO_M2pxb1Q9zNj%05d","template_id":"ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY","page":"pages/order/detail?id=%d","form_id":"22d907226dcd4542afb8829fa5e%05d",`+
		`"data":{"keyword1":{"value":"已接单","color":"#173177"},"keyword2":{"value":"2017年10月19日 12:31","color":"#173177"},"keyword3":{"value":"张一山","color":"#173177"},`+
		`"keyword4":{"value":"136xxxx1720","color":"#173177"},"keyword5":{"value":"请手机保持通畅","color":"#173177"},"keyword6":{"value":"北京市朝阳区建国路一号","color":"#173177"}},"emphasis_keyword":"keyword1.DATA"}`, i, i, i)
}

func benchBatch(n int) []byte {
	items := make([]string, n)
	for i := range items {
		items[i] = benchMessage(i)
	}
	return []byte(`{"messages":[` + strings.Join(items, ",") + `]}`)
}

func serveBench(d *Door, path string, body []byte) int {
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+benchKey)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Code
}

func BenchmarkSinglePost(b *testing.B) {
	d, body := benchDoor(), []byte(benchMessage(1))
	b.ReportAllocs()
	for b.Loop() {
		if code := serveBench(d, "/v1/messages", body); code != http.StatusAccepted {
			b.Fatal(code)
		}
	}
}

func BenchmarkBatchOf1000(b *testing.B) {
	d, body := benchDoor(), benchBatch(1000)
	b.ReportAllocs()
	for b.Loop() {
		if code := serveBench(d, "/v1/messages/batch", body); code != http.StatusAccepted {
			b.Fatal(code)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/message")
}

func BenchmarkDecode(b *testing.B) {
	body := []byte(benchMessage(1))
	b.ReportAllocs()
	for b.Loop() {
		var m NewMessage
		if err := decode(body, &m); err != nil {
			b.Fatal(err)
		}
	}
}
