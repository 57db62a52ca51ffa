package server_test

import (
	"errors"
	"testing"

	"github.com/wxnotify/wxnotify/client"
)

// After the retention time it is known that there was a message, and not what
// it said.
func TestContentsGoWithTheClock(t *testing.T) {
	story(t, func(w *world) {
		w.deposit(li, "form", w.form(li))
		sent := w.send(order(li))
		w.want(sent, "sent", "")
		w.advance(8 * 24 * 3600)
		var got client.Message
		w.until("content that went", func() bool {
			var err error
			got, err = w.Message(w.ctx(), sent.ID)
			w.must(err)
			return len(got.Data) == 0
		})
		if got.State != "sent" || got.Page != "" || len(w.tried(got)) != 1 {
			w.Errorf("got %+v", got)
		}
		_, err := w.Resend(w.ctx(), sent.ID)
		if p, ok := errors.AsType[*client.Problem](err); !ok || p.Code != "content_gone" || p.Status != 409 {
			w.Errorf("resend: %v", err)
		}
	})
}
