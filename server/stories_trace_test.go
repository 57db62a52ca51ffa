package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/sandbox"
)

const (
	aTrace       = "4bf92f3577b34da6a3ce929d0e0e4736"
	anotherTrace = "0af7651916cd43dd8448eb211c80319c"
	callersSpan  = "00f067aa0ba902b7"
)

// post posts as a traced backend does, and returns the answer.
func (w *world) post(path, trace string, body any) map[string]any {
	w.Helper()
	b, err := json.Marshal(body)
	w.must(err)
	return w.http(http.MethodPost, w.url+path, http.Header{
		"Authorization": {"Bearer " + storyKey}, "Traceparent": {"00-" + trace + "-" + callersSpan + "-01"},
	}, bytes.NewReader(b))
}

// resting are the trace ids in the lines about messages at rest, by message.
func (w *world) resting() map[string]string {
	line := regexp.MustCompile(`(?m)msg="message at rest".* message=(\S+).*?(?: trace_id=(\S+))?$`)
	all := map[string]string{}
	for _, m := range line.FindAllSubmatch(w.logs.bytes(), -1) {
		all[string(m[1])] = string(m[2])
	}
	return all
}

// A backend that traces its requests finds its trace again in the message, in
// the server's log and in the webhook, also when the server was restarted
// meanwhile; the webhook's span is a new one in each attempt.
func TestATraceIsCarriedThrough(t *testing.T) {
	webhookWorld(t, func(w *world, s *shop) {
		s.mu.Lock()
		hook, err := w.CreateWebhook(w.ctx(), client.NewWebhook{URL: s.URL, Types: []string{"message.sent", "message.failed"}})
		w.must(err)
		s.secret = hook.Secret
		s.mu.Unlock()

		m := order(li)
		m.Wait = true
		waits := w.post("/v1/messages", aTrace, m)
		if waits["trace_id"] != aTrace {
			w.Errorf("the answer's trace_id is %v", waits["trace_id"])
		}
		w.stop()
		w.start()
		w.deposit(li, "form", w.form(li))
		first := w.told(s, "message.sent")[0]
		w.wantParent(first.parent, aTrace)
		_, err = w.ResendDelivery(w.ctx(), hook.ID, first.id)
		w.must(err)
		again := w.told(s, "message.sent", "message.sent")[1]
		w.wantParent(again.parent, aTrace)
		if again.parent == first.parent {
			w.Error("two attempts are the same span")
		}

		batch := w.post("/v1/messages/batch", anotherTrace, map[string]any{"messages": []client.NewMessage{order(li), order(wang)}})
		for _, e := range w.told(s, "message.sent", "message.sent", "message.failed", "message.failed")[2:] {
			w.wantParent(e.parent, anotherTrace)
		}
		resent, err := w.Resend(w.ctx(), waits["id"].(string))
		w.must(err)
		if resent.TraceID != aTrace {
			w.Errorf("sent again, it is of the trace %q", resent.TraceID)
		}
		w.deposit(li, "form", w.form(li)) // it waits, as the first one did
		so := []string{"message.sent", "message.sent", "message.failed", "message.failed", "message.sent"}
		w.wantParent(w.told(s, so...)[4].parent, aTrace)
		plain := w.send(order(li)) // nobody traces this one
		if e := w.told(s, append(so, "message.failed")...)[5]; plain.TraceID != "" || e.parent != "" {
			w.Errorf("a trace out of nowhere: %q and %q", plain.TraceID, e.parent)
		}
		want := map[string]string{waits["id"].(string): aTrace, resent.ID: aTrace, plain.ID: ""}
		for _, r := range batch["results"].([]any) {
			want[r.(map[string]any)["id"].(string)] = anotherTrace
		}
		w.until("lines about all of them", func() bool { return len(w.resting()) >= len(want) })
		if got := w.resting(); fmt.Sprint(got) != fmt.Sprint(want) {
			w.Errorf("the log says %v, want %v", got, want)
		}
		for id, trace := range want {
			if m, err := w.Message(w.ctx(), id); err != nil || m.TraceID != trace {
				w.Errorf("message %s is of trace %q (%v), want %q", id, m.TraceID, err, trace)
			}
		}
	})
}

func (w *world) wantParent(parent, trace string) {
	w.Helper()
	part := strings.Split(parent, "-")
	if len(part) != 4 || part[0] != "00" || part[1] != trace || len(part[2]) != 16 || part[2] == callersSpan || part[3] != "01" {
		w.Errorf("the webhook's traceparent is %q, want a new span of %s", parent, trace)
	}
}

// A WeChat SDK that is traced need not know of us.
func TestATraceComesInThroughTheGateway(t *testing.T) {
	story(t, func(w *world) {
		w.deposit(li, "form", w.form(li))
		token := w.http(http.MethodGet, w.url+"/cgi-bin/token?grant_type=client_credential&appid="+sandbox.FirstAppID+"&secret="+url.QueryEscape(storyKey), nil, nil)
		said := w.post("/cgi-bin/message/wxopen/template/send?access_token="+token["access_token"].(string), aTrace, order(li))
		if said["errcode"] != float64(0) {
			w.Fatalf("the gateway said %v", said)
		}
		for m, err := range w.Messages(w.ctx(), client.MessageFilter{To: li}) {
			if err != nil || m.TraceID != aTrace {
				w.Errorf("message %s is of trace %q (%v)", m.ID, m.TraceID, err)
			}
		}
		w.until("line about it", func() bool { return strings.Contains(fmt.Sprint(w.resting()), aTrace) })
	})
}

// A caller's broken tracing is no reason to refuse a message.
func TestAMalformedTraceIsIgnored(t *testing.T) {
	story(t, func(w *world) {
		for _, trace := range []string{strings.ToUpper(aTrace), strings.Repeat("0", 32), "x", aTrace + "00"} {
			if m := w.post("/v1/messages", trace, order(li)); m["trace_id"] != nil || m["app"] != sandbox.FirstAppID {
				w.Errorf("of %q it took %v", trace, m)
			}
		}
	})
}
