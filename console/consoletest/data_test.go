package consoletest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
)

// furnish makes data of every kind: messages that went out, were refused, were
// lost and found, wait, or failed for several causes.
func (w *world) furnish() {
	w.Helper()
	w.must(func() error { _, err := w.SyncTemplates(w.Context(), ""); return err }())
	w.receiver()
	w.form(li, 4)
	w.form(zhang, 2)
	p, err := w.sandbox.Pay(sandbox.FirstAppID, wang, 1)
	w.must(err)
	_, err = w.DepositPermits(w.Context(), "", []client.NewPermit{
		{To: wang, Source: "longterm", TemplateID: sandbox.LongtermTemplate},
		{To: zhang, Source: "subscribe", TemplateID: sandbox.OnceTemplate},
	})
	w.must(err)
	numbered := func(n int, to string) client.NewMessage {
		m := order(to)
		m.Meta = map[string]string{"order": fmt.Sprint(n), "shop": "大悦城店"}
		return m
	}
	w.sent(numbered(1019, li))
	mend := w.fault(sandbox.Fault{Endpoint: "template/send", Effect: "errcode", Errcode: 45011, Times: 1})
	w.sent(numbered(1020, li)) // slowed down, then sent
	mend()
	mend = w.fault(sandbox.Fault{Endpoint: "template/send", Effect: "drop_response", Times: 1})
	w.sent(numbered(1021, zhang)) // lost, then inferred
	mend()
	mend = w.fault(sandbox.Fault{Endpoint: "template/send", Effect: "errcode", Errcode: 47003, Times: 2})
	w.sent(numbered(1022, li))
	w.sent(numbered(1023, zhang))
	mend()
	for i := range 5 {
		w.sent(numbered(1030+i, wang)) // no permit
	}
	waiting := numbered(1040, "oW1xTnSomebodyWhoGaveNothing")
	waiting.Wait = true
	_, err = w.Send(w.Context(), waiting)
	w.must(err)
	_, err = w.DepositPermits(w.Context(), "", []client.NewPermit{{To: wang, Source: "payment", Code: p.PrepayID}})
	w.must(err)
	mend = w.fault(sandbox.Fault{Endpoint: "template/send", Effect: "drop_response", Times: 1})
	w.sent(numbered(1041, wang)) // of a payment with several uses: nobody knows
	mend()
}

// receiver is told of everything, and takes every other event only.
func (w *world) receiver() {
	w.Helper()
	var n atomic.Int64
	shop := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		if n.Add(1)%2 == 0 {
			http.Error(out, "not now", http.StatusServiceUnavailable)
		}
	}))
	w.Cleanup(shop.Close)
	_, err := w.CreateWebhook(w.Context(), client.NewWebhook{URL: shop.URL + "/wxnotify"})
	w.must(err)
}

// fillIn puts ids of the data into an address.
func (w *world) fillIn(path string) string {
	w.Helper()
	now := time.Now()
	path = strings.NewReplacer(
		"{now}", strconv.FormatInt(now.Unix(), 10), "{hour}", strconv.FormatInt(now.Add(-time.Hour).Unix(), 10),
		"{week}", now.Add((7*24+8)*time.Hour).UTC().Format(time.DateOnly),
	).Replace(path)
	for h, err := range w.Webhooks(w.Context()) {
		w.must(err)
		path = strings.ReplaceAll(path, "{webhook}", h.ID)
	}
	for name, fits := range map[string]func(client.Message) bool{
		"{sent}": func(m client.Message) bool {
			return m.State == "sent" && len(m.Attempts) > 1 && m.Evidence == "answered"
		},
		"{inferred}": func(m client.Message) bool { return m.Evidence == "inferred" },
		"{unknown}":  func(m client.Message) bool { return m.State == "unknown" },
		"{failed}":   func(m client.Message) bool { return m.Reason == "data_invalid" },
	} {
		if !strings.Contains(path, name) {
			continue
		}
		found := ""
		for m, err := range w.Messages(w.Context(), client.MessageFilter{}) {
			w.must(err)
			if m, err = w.Message(w.Context(), m.ID); err == nil && fits(m) {
				found = m.ID
			}
		}
		if found == "" {
			w.Fatalf("no message is %s", name)
		}
		path = strings.ReplaceAll(path, name, found)
	}
	return path
}
