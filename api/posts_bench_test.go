package api_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/api"
	"github.com/wxnotify/wxnotify/ledger"
	"github.com/wxnotify/wxnotify/outbox"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// BenchmarkPosts posts single messages over 64 connections and real HTTP, and
// compares three ways to accept them behind the same door: not at all, in a
// transaction for each, and as the product does, together with whoever came
// while the transaction before was being written. Nothing is sent.
//
//	PGFSYNC=on scripts/withpostgres go test ./api -run '^$' -bench Posts -benchtime 5000x -count 3
func BenchmarkPosts(b *testing.B) {
	for name, db := range storetest.Databases {
		s := storetest.Open(b, db(b), nil)
		now := func() wxnotify.Now { t := time.Now(); return wxnotify.Now{Real: t, Virtual: t} }
		if err := s.CreateApp(b.Context(), wxnotify.App{ID: "wx1234567890abcdef", TokenMode: wxnotify.StableToken, MaxInFlight: 256, CreatedAt: now().Real, UpdatedAt: now().Real}); err != nil {
			b.Fatal(err)
		}
		if _, err := s.SyncTemplates(b.Context(), "wx1234567890abcdef", wxnotify.ChannelTemplate, []wxnotify.Template{{
			App: "wx1234567890abcdef", ID: "ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY", Channel: wxnotify.ChannelTemplate,
			Keywords: []wxnotify.Keyword{{Key: "keyword1"}, {Key: "keyword2"}, {Key: "keyword3"}, {Key: "keyword4"}},
		}}, now().Real); err != nil {
			b.Fatal(err)
		}
		log := slog.New(slog.DiscardHandler)
		box := outbox.New(log, s, nil, nil, outbox.Options{Now: now}) // accepts, and is not run
		for _, way := range []struct {
			name string
			box  api.Box
		}{
			{"nothing", accepting{box, func(_ context.Context, es []wxnotify.Entry) ([]wxnotify.Receipt, error) {
				out := make([]wxnotify.Receipt, len(es))
				for i, e := range es {
					out[i] = wxnotify.Receipt{ID: e.Message.ID, State: e.Message.State}
				}
				return out, nil
			}}},
			{"own_transaction", accepting{box, func(ctx context.Context, es []wxnotify.Entry) ([]wxnotify.Receipt, error) {
				return s.Accept(ctx, now(), es)
			}}},
			{"group_commit", box},
		} {
			door := httptest.NewServer(api.New(log, api.Deps{
				Box: way.box, Ledger: ledger.New(log, s, now, box.Wake), Reader: s, Admin: s, Now: now, Ready: s.Ping,
			}, api.Options{Key: wxnotify.NewSecret(masterKey)}))
			b.Run(name+"/"+way.name, func(b *testing.B) { posts(b, door.URL) })
			door.Close()
		}
	}
}

// accepting is a Box that accepts in a way of its own.
type accepting struct {
	api.Box
	accept func(context.Context, []wxnotify.Entry) ([]wxnotify.Receipt, error)
}

func (a accepting) Accept(ctx context.Context, es []wxnotify.Entry) ([]wxnotify.Receipt, error) {
	return a.accept(ctx, es)
}

func posts(b *testing.B, url string) {
	const conns = 64
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: conns}}
	defer client.CloseIdleConnections()
	var n atomic.Int64
	b.SetParallelism(conns / 2)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			body := fmt.Appendf(nil, `{"touser":"oUpF8uMuAJO_M2pxb1Q9zNj%05d","template_id":"ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY","page":"pages/order/detail?id=1019",`+
				`"data":{"keyword1":{"value":"已接单","color":"#173177"},"keyword2":{"value":"2017年10月19日 12:31"},"keyword3":{"value":"张一山"},"keyword4":{"value":"请手机保持通畅"}}}`, n.Add(1)%100_000)
			req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url+"/v1/messages", bytes.NewReader(body))
			if err != nil {
				b.Error(err)
				return
			}
			req.Header.Set("Authorization", "Bearer "+masterKey)
			req.Header.Set("Content-Type", "application/json")
			resp, err := client.Do(req)
			if err != nil {
				b.Error(err)
				return
			}
			answer, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != http.StatusAccepted {
				b.Errorf("%s: %s", resp.Status, answer)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "posts/s")
}
