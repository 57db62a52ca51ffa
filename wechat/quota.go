package wechat

import (
	"context"

	"github.com/wxnotify/wxnotify"
)

// A Quota is how much of the day's calls of one path is used. WeChat's numbers
// may be off by 1 %.
type Quota struct {
	Limit, Used, Remain int64
}

// Quota asks how far the day's quota of a channel's send is used up: after its
// reset Used falls to 0. The question costs no quota of the channel.
//
// POST /cgi-bin/openapi/quota/get (wechat-api.md 7)
func (c *Client) Quota(ctx context.Context, token string, ch wxnotify.Channel) (Quota, error) {
	var a struct {
		answer
		Quota struct {
			Limit  integer `json:"daily_limit"`
			Used   integer `json:"used"`
			Remain integer `json:"remain"`
		} `json:"quota"`
	}
	q := request{path: "/cgi-bin/openapi/quota/get", body: encode(struct {
		Path string `json:"cgi_path"`
	}{sendPath(ch)})}
	if err := c.ask(ctx, "quota/get", token, q, &a, &a.answer); err != nil {
		return Quota{}, err
	}
	return Quota{a.Quota.Limit.n, a.Quota.Used.n, a.Quota.Remain.n}, nil
}
