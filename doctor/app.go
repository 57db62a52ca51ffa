package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/wechat"
)

// apps looks at every app.
func (d *Doctor) apps(ctx context.Context, s *store.Store) {
	all, err := s.Apps(ctx)
	if err != nil {
		d.unread("apps", err)
		return
	}
	if len(all) == 0 {
		d.ok("apps", d.say(text{"none is registered", "尚未注册小程序"}), d.say(text{"register one: wxnotify app add APPID --secret-file FILE", "注册：wxnotify app add APPID --secret-file FILE"}))
	}
	c := wechat.New(wechat.Options{URL: d.conf.WeChatURL})
	defer c.Close()
	for i := range all {
		d.app = all[i].ID
		x := &exam{Doctor: d, s: s, wechat: c, app: all[i]}
		x.run(ctx)
		d.app = ""
	}
}

// An exam is of one app.
type exam struct {
	*Doctor
	s      *store.Store
	wechat *wechat.Client
	app    wxnotify.App
	token  string // that WeChat is asked with, "" where there is none
}

func (x *exam) run(ctx context.Context) {
	x.pauses(ctx)
	x.credentials(ctx)
	if x.token != "" {
		x.quota(ctx)
		x.templates(ctx)
	}
	x.callback(ctx)
	x.permits(ctx)
}

func (x *exam) pauses(ctx context.Context) {
	ps, err := x.s.Pauses(ctx, x.app.ID)
	if err != nil {
		x.unread("sending", err)
		return
	}
	if len(ps) == 0 {
		x.ok("sending", x.say(text{"nothing is paused", "没有暂停"}))
	}
	for _, p := range ps {
		what := strings.TrimSpace(x.say(text{"paused: %s (%s) %s", "已暂停：%s（%s）%s"}, p.Scope, p.Reason, p.Detail))
		do := x.say(text{"when the cause is gone: wxnotify app resume %s --scope %s", "原因消除后执行：wxnotify app resume %s --scope %s"}, x.app.ID, p.Scope)
		if p.Reason == store.ByOperator {
			x.ok("sending", what, do)
			continue
		}
		x.wrong("sending", what, do)
	}
}

// credentials has the secret and this machine's address checked by WeChat, and
// finds a token to go on with.
func (x *exam) credentials(ctx context.Context) {
	stored, err := x.s.LoadToken(ctx, x.app.ID)
	if err != nil {
		x.unread("token", err)
		return
	}
	if c, err := x.conf.Central(x.app); c != nil || err != nil {
		x.central(ctx, c, err)
		return
	}
	a := x.app
	a.TokenMode = wxnotify.StableToken
	fetched, _, err := x.wechat.FetchToken(ctx, a, false)
	if e, ok := errors.AsType[*wechat.Error](err); ok {
		x.refused(e)
		return
	}
	if err != nil {
		x.unanswered("secret", err)
		return
	}
	x.ok("secret", x.say(text{"WeChat accepts it", "微信已接受 AppSecret"}))
	x.ok("address", x.say(text{"WeChat accepts calls from this machine", "微信接受来自本机的调用"}))
	x.token = fetched.Reveal()
	left := time.Until(stored.ExpiresAt)
	if stored.Value.IsZero() || left <= 0 {
		x.ok("token", x.say(text{"none in stock; the server fetches one when it needs it", "当前没有缓存；服务在需要时获取"}))
		return
	}
	if err := x.probe(ctx, stored.Value.Reveal()); err != nil {
		x.wrong("token", x.say(text{"WeChat does not accept the token that the server has: %v", "微信不接受服务当前持有的 access_token：%v"}, err),
			x.say(text{"somebody else fetches this app's tokens: let them take it from here (docs/sdk.md)", "有其他程序在获取该小程序的 access_token，请让它改从本服务获取（docs/sdk.zh-CN.md）"}))
		return
	}
	x.ok("token", x.say(text{"good for %s, fetched by %s", "剩余有效期 %s，由 %s 获取"}, left.Round(time.Second), stored.By))
}

// probe uses a token.
func (x *exam) probe(ctx context.Context, token string) error {
	_, err := x.wechat.Quota(ctx, token, wxnotify.ChannelSubscribe)
	if e, ok := errors.AsType[*wechat.Error](err); ok && e.Verdict.Do == wxnotify.NewToken {
		return e
	}
	return nil
}

func (x *exam) central(ctx context.Context, c *wechat.Central, err error) {
	x.skip("secret", x.say(text{"tokens come from token_url", "access_token 来自 token_url"}))
	if err == nil {
		defer c.Close()
		var t wxnotify.Secret
		t, _, err = c.FetchToken(ctx, x.app, false)
		x.token = t.Reveal()
	}
	if err == nil {
		err = x.probe(ctx, x.token)
	}
	if err != nil {
		x.token = ""
		x.wrong("token", err.Error(), x.say(text{"see that token_url and token_path lead to a token of this app", "请确认 token_url 与 token_path 能取到该小程序的 access_token"}))
		return
	}
	x.ok("token", x.say(text{"token_url gives one that WeChat accepts", "token_url 提供的 access_token 有效"}))
}

// refused sorts out why WeChat gave no token.
func (x *exam) refused(e *wechat.Error) {
	switch e.Errcode {
	case 0:
		x.wrong("wechat", x.say(text{"%s cannot be reached: %s", "无法访问 %s：%s"}, x.conf.WeChatURL, e.Errmsg),
			x.say(text{"see to the network, a proxy or wechat_url", "请检查网络、代理或 wechat_url"}))
	case 40164, 61004, 89501, 89503, 89506, 89507:
		x.wrong("address", e.Error(), x.say(text{"add the address %s to the IP allow-list in WeChat's console (开发管理 → 开发设置)", "请在微信公众平台（开发管理 → 开发设置）的 IP 白名单中加入 %s"}, seen(e)))
	case 40001, 40013, 40125, 40243, 41002, 41004:
		x.wrong("secret", e.Error(), x.say(text{"take the AppSecret of WeChat's console, and set it: PATCH /v1/apps/%s", "请从微信公众平台取得 AppSecret，并用 PATCH /v1/apps/%s 设置"}, x.app.ID))
	default:
		x.unanswered("token", e)
	}
}

// unanswered is wrong where WeChat did not tell what it was asked, for a reason
// that has no remedy of its own here.
func (x *exam) unanswered(check string, err error) {
	do := x.say(text{"look again in a minute; if it stays, see to the network, a proxy or wechat_url", "请一分钟后再试；若仍如此，请检查网络、代理或 wechat_url"})
	if e, ok := errors.AsType[*wechat.Error](err); ok && e.Errcode != 0 {
		do = x.say(text{"look again in a minute; if it stays, docs/errors.md says what %d means", "请一分钟后再试；若仍如此，%d 的含义见 docs/errors.zh-CN.md"}, e.Errcode)
	}
	x.wrong(check, err.Error(), do)
}

func seen(e *wechat.Error) string {
	if ip := wechat.CallerIP(e.Errmsg); ip != "" {
		return ip
	}
	return "-"
}

// channels are the sends that have a quota and templates.
var channels = []wxnotify.Channel{wxnotify.ChannelTemplate, wxnotify.ChannelSubscribe}

func (x *exam) quota(ctx context.Context) {
	for _, ch := range channels {
		q, err := x.wechat.Quota(ctx, x.token, ch)
		check := "quota " + string(ch)
		switch e, _ := errors.AsType[*wechat.Error](err); {
		case e != nil && (e.Errcode == 76021 || e.Errcode == 76022 || retired(e.Errcode)):
			x.skip(check, x.say(text{"WeChat knows no quota for it", "微信没有该接口的额度"}))
		case err != nil:
			x.unanswered(check, err)
		case q.Remain <= 0:
			x.wrong(check, x.say(text{"used up: %d of %d", "已用完：%d / %d"}, q.Used, q.Limit), x.say(text{"messages wait until the quota begins anew", "消息会等到额度重置后再发送"}))
		default:
			x.ok(check, x.say(text{"%d of %d used today", "今日已用 %d / %d"}, q.Used, q.Limit))
		}
	}
}

// retired says whether WeChat has withdrawn a call.
func retired(code int) bool { return slices.Contains([]int{45103, 45109, 46101}, code) }

func (x *exam) templates(ctx context.Context) {
	known, err := x.s.Templates(ctx, x.app.ID)
	if err != nil {
		x.unread("templates", err)
		return
	}
	for _, ch := range channels {
		theirs, err := x.wechat.Templates(ctx, x.token, ch)
		check := "templates " + string(ch)
		if e, ok := errors.AsType[*wechat.Error](err); ok && retired(e.Errcode) {
			x.skip(check, x.say(text{"WeChat has retired this channel for the account", "微信已对该账号停用此类消息"}))
			continue
		}
		if err != nil {
			x.unanswered(check, err)
			continue
		}
		x.compare(check, ch, known, theirs)
	}
}

func (x *exam) compare(check string, ch wxnotify.Channel, known, theirs []wxnotify.Template) {
	here := map[string]bool{}
	var missing []string
	for i := range known {
		t := &known[i]
		if t.Channel != ch {
			continue
		}
		here[t.ID] = true
		if !slices.ContainsFunc(theirs, func(o wxnotify.Template) bool { return o.ID == t.ID }) {
			missing = append(missing, t.ID)
		}
	}
	if len(missing) > 0 {
		x.wrong(check, x.say(text{"not at WeChat any more: %s", "微信侧已不存在：%s"}, strings.Join(missing, ", ")),
			x.say(text{"add them anew at WeChat, or send with others; then: wxnotify template sync", "请在微信侧重新添加，或改用其他模板；然后执行：wxnotify template sync"}))
		return
	}
	strangers := 0
	for i := range theirs {
		if !here[theirs[i].ID] {
			strangers++
		}
	}
	if strangers > 0 {
		x.ok(check, x.say(text{"%d at WeChat, %d of them not known here yet", "微信侧有 %d 个，其中 %d 个本地未知"}, len(theirs), strangers), "wxnotify template sync")
		return
	}
	x.ok(check, x.say(text{"%d, as at WeChat", "%d 个，与微信一致"}, len(theirs)))
}

func (x *exam) permits(ctx context.Context) {
	counts, err := x.s.InStock(ctx, x.app.ID, time.Now())
	if err != nil {
		x.skip("permits", x.say(text{"too many to count here: %v", "数量过多，未统计：%v"}, err))
		return
	}
	total, parts := 0, []string{}
	for _, source := range slices.Sorted(maps.Keys(counts)) {
		total += counts[source]
		parts = append(parts, fmt.Sprintf("%s %d", source, counts[source]))
	}
	switch {
	case total == 0:
		x.ok("permits", x.say(text{"none in stock", "库存为空"}), x.say(text{"messages fail as no_permit until users give some: see miniprogram/README.md", "用户授权之前消息会以 no_permit 失败，参见 miniprogram/README.md"}))
	case total >= store.MostCounted:
		x.ok("permits", x.say(text{"more than %d", "超过 %d 个"}, store.MostCounted))
	default:
		x.ok("permits", strings.Join(parts, ", "))
	}
}
