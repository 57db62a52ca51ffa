package sandbox_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/wxnotify/wxnotify/sandbox"
)

// BenchmarkSend compares the hot path with an empty handler behind the same
// server and client: the sandbox must not be what a benchmark measures.
func BenchmarkSend(b *testing.B) {
	body, err := json.Marshal(order(sandbox.MockForm))
	if err != nil {
		b.Fatal(err)
	}
	empty := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"errcode":0,"errmsg":"ok"}`)
	}))
	defer empty.Close()
	b.Run("empty", func(b *testing.B) { post(b, empty.URL+templateSend+"x", body) })
	b.Run("sandbox", func(b *testing.B) {
		s := sandbox.Start(b, sandbox.Options{})
		quota := 1 << 40
		if _, err := s.SetQuota(sandbox.FirstAppID, "template/send", &quota, nil); err != nil {
			b.Fatal(err)
		}
		post(b, s.URL+templateSend+token(s.URL), body)
	})
}

func post(b *testing.B, url string, body []byte) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			resp, err := client.Post(url, "application/json", bytes.NewReader(body))
			if err != nil {
				b.Error(err)
				return
			}
			answer, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if !bytes.HasPrefix(answer, []byte(`{"errcode":0`)) {
				b.Errorf("answer %s", answer)
				return
			}
		}
	})
}
