package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 20

// A call is one request, repeated where that is safe.
type call struct {
	method, path string
	query        url.Values
	header       map[string]string
	token        string // instead of the client's key
	body         any    // encoded as JSON; nil: none
	safe         bool   // to be repeated
	out          any    // decoded into; nil: the answer has no body
}

// do makes the call and returns the headers of its answer.
func (c *Client) do(ctx context.Context, k call) (http.Header, error) {
	var raw []byte
	if k.body != nil {
		var err error
		if raw, err = json.Marshal(k.body); err != nil {
			return nil, fmt.Errorf("wxnotify: %w", err)
		}
	}
	for try := 1; ; try++ {
		h, err := c.once(ctx, &k, raw)
		if err == nil || !k.safe || try >= c.tries || ctx.Err() != nil {
			return h, err
		}
		wait, again := c.wait(err, try)
		if !again {
			return h, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return h, err
		}
	}
}

// wait says whether a safe call may be repeated after err, and when.
func (c *Client) wait(err error, try int) (time.Duration, bool) {
	wait := c.pause << (try - 1)
	wait += time.Duration(rand.Int64N(int64(wait) + 1))
	p, told := errors.AsType[*Problem](err)
	if !told {
		return wait, true // the network failed
	}
	if p.Status != http.StatusTooManyRequests && p.Status != http.StatusServiceUnavailable {
		return 0, false
	}
	wait = max(wait, p.RetryAfter)
	return wait, wait <= longestPause
}

func (c *Client) once(ctx context.Context, k *call, raw []byte) (http.Header, error) {
	target := c.base + k.path
	if len(k.query) > 0 {
		target += "?" + k.query.Encode()
	}
	var body io.Reader
	if k.body != nil {
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, k.method, target, body)
	if err != nil {
		return nil, fmt.Errorf("wxnotify: %w", err)
	}
	c.dress(req, k)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("wxnotify: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case err != nil:
		return nil, fmt.Errorf("wxnotify: %w", err)
	case resp.StatusCode/100 != 2:
		return nil, problem(resp, answer)
	case k.out == nil:
		return resp.Header, nil
	}
	if err := json.Unmarshal(answer, k.out); err != nil {
		return nil, fmt.Errorf("wxnotify: the answer of %s %s cannot be read: %w", k.method, k.path, err)
	}
	return resp.Header, nil
}

func (c *Client) dress(req *http.Request, k *call) {
	token := c.key
	if k.token != "" {
		token = k.token
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if k.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("User-Agent", c.agent)
	if trace, ok := req.Context().Value(traceKey{}).(string); ok {
		req.Header.Set("Traceparent", trace)
	}
	for name, value := range k.header {
		req.Header.Set(name, value)
	}
}

// get reads one object.
func (c *Client) get(ctx context.Context, path string, query url.Values, out any) error {
	_, err := c.do(ctx, call{method: http.MethodGet, path: path, query: query, out: out, safe: true})
	return err
}

// given is what of a query has a value.
func given(query url.Values) url.Values {
	q := url.Values{}
	for name, values := range query {
		if len(values) == 1 && values[0] != "" {
			q[name] = values
		}
	}
	return q
}

// A page of a list.
type page[T any] struct {
	Data []T     `json:"data"`
	Next *string `json:"next_cursor"`
}

// list runs through all pages of a list. An error ends it, as its last element.
func list[T any](ctx context.Context, c *Client, path string, query url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		q := given(query)
		for {
			var p page[T]
			if err := c.get(ctx, path, q, &p); err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, x := range p.Data {
				if !yield(x, nil) {
					return
				}
			}
			if p.Next == nil {
				return
			}
			q.Set("cursor", *p.Next)
		}
	}
}
