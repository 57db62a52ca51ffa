// Send tells a user that an order was accepted, with the package client, which
// needs nothing but Go's standard library.
//
//	WXNOTIFY_SERVER=http://127.0.0.1:8080 WXNOTIFY_KEY=… go run send.go OPENID TEMPLATE ORDER [FORM_ID]
//
// Run it twice for one order: there is one message. FORM_ID is what the mini
// program reported when the user submitted a form; without it, wxnotify takes a
// permit that it has already.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/wxnotify/wxnotify/client"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: send OPENID TEMPLATE ORDER [FORM_ID]")
		os.Exit(2)
	}
	ctx := context.Background()
	c := client.New(cmp.Or(os.Getenv("WXNOTIFY_SERVER"), "http://127.0.0.1:8080"), os.Getenv("WXNOTIFY_KEY"))
	if len(os.Args) > 4 {
		end(handIn(ctx, c, os.Args[1], os.Args[4]))
	}
	m, err := notify(ctx, c, os.Args[1], os.Args[2], os.Args[3])
	end(err)
	fmt.Println(m.ID, m.State, m.Reason)
	switch m.State {
	case "failed", "expired", "unknown":
		os.Exit(1)
	}
}

// handIn hands in a permit. The same form_id twice counts once.
func handIn(ctx context.Context, c *client.Client, openid, formID string) error {
	results, err := c.DepositPermits(ctx, "", []client.NewPermit{{To: openid, Source: "form", Code: formID}})
	if err == nil && results[0].Error != nil {
		err = results[0].Error
	}
	return err
}

// notify sends, and waits up to five seconds to see what becomes of it. The
// client repeats by itself what carries an IdempotencyKey.
func notify(ctx context.Context, c *client.Client, openid, template, order string) (client.Message, error) {
	return c.SendAndWait(ctx, client.NewMessage{
		To: openid, TemplateID: template, Page: "pages/order/detail?id=" + order,
		Data: client.Data{
			"keyword1": {Value: "已接单"}, "keyword2": {Value: "2017年10月19日 12:31"}, "keyword3": {Value: "张一山"},
			"keyword4": {Value: "136xxxx1720"}, "keyword5": {Value: "请手机保持通畅"},
		},
		Emphasis: "keyword1.DATA", Meta: map[string]string{"order": order}, IdempotencyKey: "order-" + order + "-accepted",
	}, 5*time.Second)
}

// end ends the program when err is there.
func end(err error) {
	if p, ok := errors.AsType[*client.Problem](err); ok {
		fmt.Fprintf(os.Stderr, "refused: %s: %s\n", p.Code, p.Detail)
		os.Exit(1)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
