package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/wxnotify/wxnotify/sandbox"
)

// data is what a message says: with its number, about 700 bytes of JSON in all.
const (
	head = `"template_id":"` + sandbox.ClassicTemplate + `","page":"pages/order/detail?id=1019","data":{"keyword1":{"value":"#`
	tail = `","color":"#173177"},"keyword2":{"value":"2017年10月19日 12:31","color":"#173177"},"keyword3":{"value":"张一山，工号 10086，正在前往商家取餐的路上","color":"#173177"},` +
		`"keyword4":{"value":"13600001720","color":"#173177"},"keyword5":{"value":"请手机保持通畅，骑手到达楼下后会与您联系；如需更改地址，请在骑手取餐之前通过订单页面提交，超出配送范围时将按实际距离补收配送费","color":"#173177"}}`
)

// appendBody writes a message; without a form the ledger chooses one.
func appendBody(b []byte, number int, openid, formID string) []byte {
	b = append(append(b, `{"touser":"`...), openid...)
	if formID != "" {
		b = append(append(b, `","form_id":"`...), formID...)
	}
	b = append(append(b, `",`...), head...)
	return append(append(strconv.AppendInt(b, int64(number), 10), tail...), '}')
}

// A volley is n requests to one address over a number of connections.
type volley struct {
	url    string
	key    string
	conns  int
	n      int
	body   func(b []byte, i int) []byte
	status int
	good   func(answer []byte) bool
}

// fire sends it, and returns the first thing that went wrong.
func (v volley) fire(ctx context.Context, c *http.Client) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var flying sync.WaitGroup
	for range v.conns {
		flying.Go(func() {
			var body []byte
			var answer bytes.Buffer
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= v.n {
					return
				}
				body = v.body(body[:0], i)
				if err := v.post(ctx, c, body, &answer); err != nil {
					cancel(err)
				}
			}
		})
	}
	flying.Wait()
	return context.Cause(ctx)
}

func (v volley) post(ctx context.Context, c *http.Client, body []byte, answer *bytes.Buffer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if v.key != "" {
		req.Header.Set("Authorization", "Bearer "+v.key)
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer.Reset()
	if _, err := io.Copy(answer, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != v.status || !v.good(answer.Bytes()) {
		return fmt.Errorf("answered %d: %.300s", resp.StatusCode, answer.Bytes())
	}
	return nil
}
