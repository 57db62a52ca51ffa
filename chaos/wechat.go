package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// wechat speaks the sandbox's control API, read from its manual and not from
// its code: the checker must not share a misreading with what it judges.
type wechat struct {
	url  string
	http *http.Client
}

func newWeChat(url string) *wechat {
	return &wechat{url, &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 8}}}
}

// call posts in, or gets when in is nil, and decodes the answer into out.
func (w *wechat) call(ctx context.Context, path string, in, out any) error {
	verb, body := http.MethodGet, io.Reader(nil)
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return err
		}
		verb, body = http.MethodPost, bytes.NewReader(raw)
	}
	return w.do(ctx, verb, path, body, out)
}

func (w *wechat) do(ctx context.Context, verb, path string, body io.Reader, out any) error {
	req, err := http.NewRequestWithContext(ctx, verb, w.url+"/sandbox/"+path, body)
	if err != nil {
		return err
	}
	resp, err := w.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the sandbox says to %s %s: %s", verb, path, answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

type object = map[string]any

// app makes an app with one template of one keyword, and its users.
func (w *wechat) app(ctx context.Context, id, secret string, users []string) (template string, err error) {
	if err := w.call(ctx, "apps", object{"appid": id, "secret": secret}, nil); err != nil {
		return "", err
	}
	var t struct {
		ID string `json:"template_id"`
	}
	err = w.call(ctx, "templates", object{"appid": id, "channel": "template", "title": "订单通知", "keywords": []object{{"key": "keyword1", "name": "单号"}}}, &t)
	if err != nil {
		return "", err
	}
	for _, u := range users {
		if err := w.call(ctx, "users", object{"appid": id, "openid": u}, nil); err != nil {
			return "", err
		}
	}
	return t.ID, nil
}

// give is a user who submits forms, or pays orders, n times.
func (w *wechat) give(ctx context.Context, source, app, openid string, n int) (codes []string, err error) {
	var out struct {
		FormID    string   `json:"form_id"`
		FormIDs   []string `json:"form_ids"`
		PrepayID  string   `json:"prepay_id"`
		PrepayIDs []string `json:"prepay_ids"`
	}
	path := "forms"
	if source == "payment" {
		path = "payments"
	}
	if err := w.call(ctx, path, object{"appid": app, "openid": openid, "count": n}, &out); err != nil {
		return nil, err
	}
	codes = append(append(codes, out.FormIDs...), out.PrepayIDs...)
	if len(codes) == 0 {
		codes = []string{out.FormID + out.PrepayID}
	}
	return codes, nil
}

// fault spoils send calls with a probability.
func (w *wechat) fault(ctx context.Context, effect string, more object) error {
	f := object{"endpoint": "template/send", "effect": effect}
	maps.Copy(f, more)
	return w.call(ctx, "faults", f, nil)
}

// heal removes all faults.
func (w *wechat) heal(ctx context.Context) error {
	return w.do(ctx, http.MethodDelete, "faults", nil, nil)
}

type rawCall struct {
	Seq      uint64          `json:"seq"`
	Time     time.Time       `json:"time"`
	Path     string          `json:"path"`
	App      *string         `json:"appid"`
	Body     json.RawMessage `json:"body"`
	Errcode  int             `json:"errcode"`
	Effect   bool            `json:"effect"`
	Answered bool            `json:"answered"`
	Fault    *string         `json:"fault"`
}

// calls returns the log after a number. A gap is an error: the sandbox has
// forgotten calls, and a verdict without them would be worth nothing.
func (w *wechat) calls(ctx context.Context, after uint64) (sends []Call, fetches int, last uint64, err error) {
	var page struct {
		Data []rawCall `json:"data"`
	}
	if err := w.call(ctx, "requests?limit=10000&after="+strconv.FormatUint(after, 10), nil, &page); err != nil {
		return nil, 0, after, err
	}
	for _, r := range page.Data {
		if r.Seq != after+1 {
			return nil, 0, after, fmt.Errorf("the sandbox forgot its calls from %d to %d before they were read", after+1, r.Seq-1)
		}
		after = r.Seq
		switch {
		case strings.HasSuffix(r.Path, "/template/send"):
			sends = append(sends, r.read())
		case strings.HasSuffix(r.Path, "token"):
			fetches++
		}
	}
	return sends, fetches, after, nil
}

func (r *rawCall) read() Call {
	var body struct {
		To   string `json:"touser"`
		Code string `json:"form_id"`
		Data map[string]struct {
			Value string `json:"value"`
		} `json:"data"`
	}
	_ = json.Unmarshal(r.Body, &body) // an unreadable call has no mark, and that is a finding
	c := Call{Seq: r.Seq, At: r.Time, To: body.To, Code: body.Code, Mark: body.Data["keyword1"].Value, Errcode: r.Errcode, Effect: r.Effect, Answered: r.Answered}
	if r.App != nil {
		c.App = *r.App
	}
	if r.Fault != nil {
		c.Fault = *r.Fault
	}
	return c
}

// cards returns all of them.
func (w *wechat) cards(ctx context.Context) (all []Card, err error) {
	for {
		var page struct {
			Data []struct {
				Seq  uint64    `json:"seq"`
				Time time.Time `json:"time"`
				App  string    `json:"appid"`
				To   string    `json:"openid"`
				Code string    `json:"form_id"`
				Rows []struct {
					Value string `json:"value"`
				} `json:"rows"`
			} `json:"data"`
		}
		after := uint64(len(all))
		if err := w.call(ctx, "cards?limit=10000&after="+strconv.FormatUint(after, 10), nil, &page); err != nil || len(page.Data) == 0 {
			return all, err
		}
		for _, d := range page.Data {
			if d.Seq != uint64(len(all))+1 {
				return nil, fmt.Errorf("the sandbox forgot card %d", len(all)+1)
			}
			c := Card{Seq: d.Seq, At: d.Time, App: d.App, To: d.To, Code: d.Code}
			if len(d.Rows) > 0 {
				c.Mark = d.Rows[0].Value
			}
			all = append(all, c)
		}
	}
}
