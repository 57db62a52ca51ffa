package wechat

import (
	"bytes"
	"context"
	"net/url"
	"strconv"

	"github.com/wxnotify/wxnotify"
)

// sendPath is where messages of a channel are posted.
func sendPath(ch wxnotify.Channel) string {
	if ch == wxnotify.ChannelSubscribe {
		return "/cgi-bin/message/subscribe/send"
	}
	return "/cgi-bin/message/wxopen/template/send"
}

// Send posts a message. The body goes out as it is, with the permit's code
// spliced in already. It is called once per attempt, whatever happens; whether
// there is another one is decided by wxnotify.Next.
//
// POST /cgi-bin/message/wxopen/template/send (wechat-api.md 3),
// POST /cgi-bin/message/subscribe/send (wechat-api.md 5.1)
func (c *Client) Send(ctx context.Context, token string, ch wxnotify.Channel, body []byte) wxnotify.Outcome {
	k := newCall()
	defer k.release()
	q := request{path: sendPath(ch), query: "access_token=" + url.QueryEscape(token), body: body}
	if o, ok := c.exchange(ctx, k, q); !ok {
		return o
	}
	return readSend(k.buf, token)
}

var plainOK = []byte(`{"errcode":0,"errmsg":"ok"}`)

// readSend reads the answer to a send. An answer without errcode is believed
// only with a msgid, which is all that a success can bring.
func readSend(b []byte, token string) wxnotify.Outcome {
	if bytes.Equal(b, plainOK) {
		return wxnotify.Outcome{Kind: wxnotify.Accepted, Errmsg: "ok", Said: true}
	}
	var a struct {
		answer
		MsgID text `json:"msgid"`
	}
	if err := decode(b, &a); err != nil {
		return lost("the answer is not WeChat's JSON")
	}
	id := msgid(string(a.MsgID))
	switch {
	case a.Errcode.n != 0:
		return a.refusal(VerdictOf, token)
	case !a.Errcode.set && id == "":
		return lost("the answer has no errcode")
	}
	return wxnotify.Outcome{Kind: wxnotify.Accepted, Errmsg: clean(string(a.Errmsg), token), MsgID: id, Said: true}
}

// msgid keeps WeChat's 64-bit id as it is spelt: it does not fit into a float
// (wechat-api.md 5.1). What is not such an id is left out.
func msgid(s string) string {
	if n, err := strconv.ParseUint(s, 10, 64); err != nil || n == 0 || s[0] == '+' {
		return ""
	}
	return s
}
