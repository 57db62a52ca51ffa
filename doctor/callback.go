package doctor

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify/wechat"
)

// callback asks the server for its echo at its public address, as WeChat does
// when the address is saved in its console.
func (x *exam) callback(ctx context.Context) {
	switch {
	case x.app.Callback.Token.IsZero():
		x.skip("callback", x.say(text{"no message push is set up for this app (docs/subscribe.md)", "该小程序未配置消息推送（docs/subscribe.zh-CN.md）"}))
		return
	case x.conf.PublicURL == "":
		x.skip("callback", x.say(text{"public_url is not set, so nobody knows where WeChat calls", "未设置 public_url，无从得知微信访问的地址"}))
		return
	}
	what, err := x.echo(ctx)
	if err != "" {
		x.wrong("callback", x.say(text{"GET %s: %s", "GET %s：%s"}, what, err),
			x.say(text{"see that public_url leads to this server, that a proxy passes /wechat/ on with its query, and that the server's clock is right", "请确认 public_url 指向本服务、反向代理原样转发 /wechat/ 及其查询参数、服务器时钟准确"}))
		return
	}
	if seen := x.app.Callback.SeenAt; !seen.IsZero() {
		x.ok("callback", x.say(text{"it answers; WeChat's last push came at %s", "应答正常；微信最近一次推送于 %s"}, seen.Local().Format(time.DateTime)))
		return
	}
	x.ok("callback", x.say(text{"it answers; no push of WeChat's has come yet", "应答正常；尚未收到微信推送"}))
}

// echo returns the address that was asked, and what was wrong with the answer.
func (x *exam) echo(ctx context.Context) (address, wrong string) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second) // WeChat waits no longer
	defer cancel()
	address = strings.TrimSuffix(x.conf.PublicURL, "/") + "/wechat/" + x.app.ID
	stamp, nonce, word := strconv.FormatInt(time.Now().Unix(), 10), rand.Text()[:10], rand.Text()
	q := url.Values{"timestamp": {stamp}, "nonce": {nonce}, "echostr": {word}, "signature": {wechat.Signature(x.app.Callback.Token.Reveal(), stamp, nonce)}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"?"+q.Encode(), nil)
	if err != nil {
		return address, x.say(text{"the address cannot be used", "地址不可用"})
	}
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Do(r)
	if err != nil {
		return address, x.say(text{"no answer within 5 s, or the host cannot be reached", "5 秒内无应答，或无法连接"}) // its text would hold the signature
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	switch {
	case resp.StatusCode != http.StatusOK:
		return address, x.say(text{"the answer is HTTP %d", "应答为 HTTP %d"}, resp.StatusCode)
	case err != nil || string(body) != word:
		return address, x.say(text{"the answer is not what was to be echoed", "应答不是要求回显的内容"})
	}
	return address, ""
}
