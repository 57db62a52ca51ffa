package server

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/wechat"
)

const errorsHead = `# Errors

Every error of the API is ` + "`application/problem+json`" + ` (RFC 9457). Programs read ` + "`code`" + `, which is never renamed; people read ` + "`title`" + ` (what to do, the same each time)
and ` + "`detail`" + ` (what is wrong here); ` + "`errors`" + ` says what is wrong in which field; ` + "`request_id`" + ` is what to name when you ask for help. Values and secrets are never said back.
The gateway answers the errcode beside it instead, in WeChat's own shape. 429 and 503 carry ` + "`Retry-After`" + `: the same request may be made again after that many seconds.

| code | status | errcode | what to do |
|---|---|---|---|
`

const errorsMiddle = `
## WeChat's errcodes

What the server does about WeChat's answers. ` + "`GET /v1/messages/{id}`" + ` shows the errcode of each attempt with WeChat's own words, and the ` + "`rid`" + ` for WeChat's support.
A code that is not listed fails the message and leaves its permit alone.

| errcode | WeChat's words | calls | what it means, and what happens |
|---|---|---|---|
`

const errorsHeadZh = `# 错误码

所有接口的错误均为 ` + "`application/problem+json`" + `（RFC 9457）。程序请判断 ` + "`code`" + `（名称永不更改）；` + "`title`" + ` 说明该如何处理（每次相同），` + "`detail`" + ` 说明这一次错在哪里；
` + "`errors`" + ` 逐个列出有问题的字段；求助时请提供 ` + "`request_id`" + `。应答中不会回显提交的内容或机密。
网关按微信的格式返回同一行的 errcode。429 与 503 带有 ` + "`Retry-After`" + `：等待相应秒数后可原样重试。

| code | 状态码 | errcode | 如何处理 |
|---|---|---|---|
`

const errorsMiddleZh = `
## 微信的 errcode

服务器收到微信应答后的处理方式。` + "`GET /v1/messages/{id}`" + ` 会列出每次调用的 errcode、微信原文，以及向微信客服求助时用的 ` + "`rid`" + `。
未列出的错误码：该消息失败，授权保留。

| errcode | 微信原文 | 接口 | 含义与处理 |
|---|---|---|---|
`

func errorsPage(zh bool) string {
	var b strings.Builder
	head, middle := errorsHead, errorsMiddle
	if zh {
		head, middle = errorsHeadZh, errorsMiddleZh
	}
	b.WriteString(head)
	codes := slices.SortedFunc(maps.Keys(wxnotify.Codes), func(x, y wxnotify.Code) int {
		return cmp.Or(cmp.Compare(wxnotify.Codes[x].Status, wxnotify.Codes[y].Status), cmp.Compare(x, y))
	})
	for _, c := range codes {
		info := wxnotify.Codes[c]
		text := info.En
		if zh {
			text = info.Zh
		}
		fmt.Fprintf(&b, "| `%s` | %d | %d | %s |\n", c, info.Status, info.Errcode, cell(text))
	}
	b.WriteString(middle)
	for _, c := range wechat.Codes() {
		text := c.En
		if zh {
			text = c.Zh
		}
		fmt.Fprintf(&b, "| %d | %s | %s | %s |\n", c.Errcode, cell(c.Text), c.Calls, cell(text))
	}
	return b.String()
}

// cell is text within a table.
func cell(s string) string { return strings.NewReplacer("|", `\|`, "\n", " ").Replace(s) }
