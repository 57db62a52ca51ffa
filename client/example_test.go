package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/wxnotify/wxnotify/client"
)

// A server that accepts everything stands in for yours.
func ExampleClient_Send() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, `{"id":"msg_1","state":"queued","touser":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}`)
	}))
	defer srv.Close()

	c := client.New(srv.URL, "wxn_…")
	m, err := c.Send(context.Background(), client.NewMessage{
		To:             "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
		TemplateID:     "accepted",
		Page:           "pages/order/detail?id=1019",
		Data:           client.Data{"keyword1": {Value: "已接单", Color: "#173177"}, "keyword2": {Value: "2017年10月19日 12:31"}},
		Emphasis:       "keyword1.DATA",
		IdempotencyKey: "order-1019-accepted",
	})
	if p, ok := errors.AsType[*client.Problem](err); ok {
		fmt.Println("refused:", p.Code, p.Detail)
		return
	}
	if err != nil {
		fmt.Println("try again later:", err)
		return
	}
	fmt.Println(m.ID, m.State)
	// Output: msg_1 queued
}
