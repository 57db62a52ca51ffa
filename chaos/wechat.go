package chaos

import (
	"bytes"
	"cmp"
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
	if template, err = w.template(ctx, id, "template", "keyword1"); err != nil {
		return "", err
	}
	for _, u := range users {
		if err := w.user(ctx, id, u); err != nil {
			return "", err
		}
	}
	return template, nil
}

func (w *wechat) template(ctx context.Context, app, channel, keyword string) (string, error) {
	var t struct {
		ID string `json:"template_id"`
	}
	err := w.call(ctx, "templates", object{"appid": app, "channel": channel, "title": "订单通知", "keywords": []object{{"key": keyword, "name": "单号"}}}, &t)
	return t.ID, err
}

func (w *wechat) user(ctx context.Context, app, openid string) error {
	return w.call(ctx, "users", object{"appid": app, "openid": openid}, nil)
}

// push has WeChat push what users of an app do to an address, under secrets, and
// gives the app a template that they can subscribe to.
func (w *wechat) push(ctx context.Context, app, address, token, key string) (template string, err error) {
	err = w.call(ctx, "apps", object{"appid": app, "callback": object{"url": address, "token": token, "encoding_aes_key": key, "mode": "safe"}}, nil)
	if err != nil {
		return "", err
	}
	return w.template(ctx, app, "subscribe", "character_string1")
}

// accept is a user who allows one message of a template; withdraw is one who
// turns it off in the settings.
func (w *wechat) accept(ctx context.Context, app, openid, template string) error {
	return w.call(ctx, "subscriptions", object{"appid": app, "openid": openid, "template_id": template, "result": "accept"}, nil)
}

func (w *wechat) withdraw(ctx context.Context, app, openid, template string) error {
	return w.call(ctx, "subscriptions/settings", object{"appid": app, "openid": openid, "template_id": template, "result": "reject"}, nil)
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
		case strings.HasSuffix(r.Path, "/template/send"), strings.HasSuffix(r.Path, "/subscribe/send"):
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
	c := Call{Seq: r.Seq, At: r.Time, To: body.To, Code: cmp.Or(body.Code, acceptance(body.To)), Errcode: r.Errcode, Effect: r.Effect, Answered: r.Answered}
	c.Mark = cmp.Or(body.Data["keyword1"].Value, body.Data["character_string1"].Value)
	if r.App != nil {
		c.App = *r.App
	}
	if r.Fault != nil {
		c.Fault = *r.Fault
	}
	return c
}

// events returns those after a number whose deliveries are over.
func (w *wechat) events(ctx context.Context, after uint64) (all []Event, last uint64, err error) {
	var page struct {
		Data []struct {
			Seq   uint64    `json:"seq"`
			Time  time.Time `json:"time"`
			App   string    `json:"appid"`
			Event struct {
				To   string `json:"FromUserName"`
				Kind string `json:"Event"`
			} `json:"event"`
			Answered bool `json:"answered"`
		} `json:"data"`
	}
	if err := w.call(ctx, "events?limit=10000&after="+strconv.FormatUint(after, 10), nil, &page); err != nil {
		return nil, after, err
	}
	for _, d := range page.Data {
		if d.Seq != after+1 {
			return nil, after, fmt.Errorf("the sandbox forgot its events from %d to %d before they were read", after+1, d.Seq-1)
		}
		after = d.Seq
		kind := strings.TrimSuffix(strings.TrimPrefix(d.Event.Kind, "subscribe_msg_"), "_event")
		all = append(all, Event{At: d.Time, App: d.App, To: d.Event.To, Kind: kind, Answered: d.Answered})
	}
	return all, after, nil
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
			c := Card{Seq: d.Seq, At: d.Time, App: d.App, To: d.To, Code: cmp.Or(d.Code, acceptance(d.To))}
			if len(d.Rows) > 0 {
				c.Mark = d.Rows[0].Value
			}
			all = append(all, c)
		}
	}
}
