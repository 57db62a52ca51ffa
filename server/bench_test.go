package server_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// BenchmarkBatches posts 20,000 messages in batches of 1,000, each with a
// form_id of its own, and waits until the last card is on its phone. Server and
// sandbox share this process; the database is real.
//
//	scripts/withpostgres go test ./server -run '^$' -bench Batches -benchtime 1x -count 3
func BenchmarkBatches(b *testing.B) {
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			const n, size = 20_000, 1000
			w := newWorld(b, dsn(b))
			for range b.N {
				codes := w.forms(n)
				before := w.lastCard()
				start := time.Now()
				for i := 0; i < n; i += size {
					batch := make([]client.NewMessage, size)
					for k := range batch {
						batch[k] = order(li)
						batch[k].FormID = codes[i+k]
					}
					results, err := w.SendBatch(w.ctx(), batch)
					w.must(err)
					for _, r := range results {
						if r.Error != nil {
							b.Fatal(r.Error)
						}
					}
				}
				b.ReportMetric(n/time.Since(start).Seconds(), "accepted/s")
				w.until("cards", func() bool { return w.lastCard() >= before+n })
				b.ReportMetric(n/time.Since(start).Seconds(), "msgs/s")
			}
		})
	}
}

// forms lets the first user submit many forms.
func (w *world) forms(n int) []string {
	w.Helper()
	forms, err := w.sandbox.SubmitForm(sandbox.FirstAppID, li, n)
	w.must(err)
	return forms.FormIDs
}

func (w *world) lastCard() int {
	w.Helper()
	b, err := json.Marshal(w.phone(http.MethodGet, "cards?limit=1", nil)["last_seq"])
	w.must(err)
	var n int
	w.must(json.Unmarshal(b, &n))
	return n
}
