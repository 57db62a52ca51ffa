package wechat

import (
	"context"
	"net/url"
	"strings"

	"github.com/wxnotify/wxnotify"
)

// Templates lists the account's templates of a channel, with their keywords.
// App and times are left to the caller. The error is an *Error; its verdict
// new_token asks to drop the token and to call once more.
func (c *Client) Templates(ctx context.Context, token string, ch wxnotify.Channel) ([]wxnotify.Template, error) {
	if ch == wxnotify.ChannelSubscribe {
		return c.subscribeTemplates(ctx, token)
	}
	return c.classicTemplates(ctx, token)
}

// A page of template/list; WeChat gives at most 20 at once and tells no total.
// An account has at most 25, so more than maxPages are somebody's mistake.
const (
	perPage  = 20
	maxPages = 10
)

// A page is a part of a list that is asked for.
type page struct {
	Offset int `json:"offset"`
	Count  int `json:"count"`
}

// POST /cgi-bin/wxopen/template/list (wechat-api.md 4)
func (c *Client) classicTemplates(ctx context.Context, token string) ([]wxnotify.Template, error) {
	var all []wxnotify.Template
	for n := range maxPages {
		var a struct {
			answer
			List []struct {
				ID      text `json:"template_id"`
				Title   text `json:"title"`
				Content text `json:"content"`
			} `json:"list"`
		}
		q := request{path: "/cgi-bin/wxopen/template/list", body: encode(page{n * perPage, perPage})}
		if err := c.ask(ctx, "template/list", token, q, &a, &a.answer); err != nil {
			return nil, err
		}
		for _, t := range a.List {
			all = append(all, wxnotify.Template{
				ID: string(t.ID), Channel: wxnotify.ChannelTemplate,
				Title: string(t.Title), Keywords: keywords(string(t.Content)),
			})
		}
		if len(a.List) < perPage {
			break
		}
	}
	return all, nil
}

// GET /wxaapi/newtmpl/gettemplate (wechat-api.md 5.5)
func (c *Client) subscribeTemplates(ctx context.Context, token string) ([]wxnotify.Template, error) {
	var a struct {
		answer
		Data []struct {
			ID      text    `json:"priTmplId"`
			Title   text    `json:"title"`
			Content text    `json:"content"`
			Type    integer `json:"type"`
			Enums   []enum  `json:"keywordEnumValueList"`
		} `json:"data"`
	}
	if err := c.ask(ctx, "gettemplate", token, request{path: "/wxaapi/newtmpl/gettemplate"}, &a, &a.answer); err != nil {
		return nil, err
	}
	all := make([]wxnotify.Template, 0, len(a.Data))
	for _, t := range a.Data {
		all = append(all, wxnotify.Template{
			ID: string(t.ID), Channel: wxnotify.ChannelSubscribe, Kind: kinds[t.Type.n],
			Title: string(t.Title), Keywords: limited(keywords(string(t.Content)), t.Enums),
		})
	}
	return all, nil
}

// An enum names all values that a keyword of the kind enum_string may have.
type enum struct {
	Key    text   `json:"keywordCode"` // enum_string1.DATA
	Values []text `json:"enumValueList"`
}

// limited gives keywords the values that they may have.
func limited(ks []wxnotify.Keyword, enums []enum) []wxnotify.Keyword {
	for _, e := range enums {
		key := strings.TrimSuffix(strings.Trim(string(e.Key), "{} "), ".DATA")
		for i := range ks {
			if ks[i].Key != key {
				continue
			}
			for _, v := range e.Values {
				ks[i].Values = append(ks[i].Values, string(v))
			}
		}
	}
	return ks
}

// kinds are the types of subscribe templates; others are not known.
var kinds = map[int64]string{2: wxnotify.KindOnce, 3: wxnotify.KindLongterm}

// ask makes a call with a token that is neither a send nor about tokens, and
// reads its answer into v, of which head is a part.
func (c *Client) ask(ctx context.Context, name, token string, q request, v any, head *answer) error {
	k := newCall()
	defer k.release()
	q.query = strings.TrimSuffix("access_token="+url.QueryEscape(token)+"&"+q.query, "&")
	if o, ok := c.exchange(ctx, k, q); !ok {
		return failed(name, o)
	}
	switch err := decode(k.buf, v); {
	case err != nil:
		return failed(name, lost("the answer is not WeChat's JSON"))
	case head.Errcode.n != 0:
		return failed(name, head.refusal(VerdictOf, token))
	case !head.Errcode.set:
		return failed(name, lost("the answer has no errcode"))
	}
	return nil
}

// keywords reads a template's content, lines like "Label:{{thing1.DATA}}" or
// "Label{{keyword1.DATA}}", in its order.
func keywords(content string) []wxnotify.Keyword {
	var all []wxnotify.Keyword
	for {
		label, rest, ok := strings.Cut(content, "{{")
		if !ok {
			return all
		}
		key, rest, ok := strings.Cut(rest, "}}")
		if !ok {
			return all
		}
		content = rest
		if key, ok = strings.CutSuffix(strings.TrimSpace(key), ".DATA"); !ok || key == "" {
			continue
		}
		if i := strings.LastIndexByte(label, '\n'); i >= 0 {
			label = label[i+1:]
		}
		all = append(all, wxnotify.Keyword{Key: key, Name: strings.TrimRight(strings.TrimSpace(label), ":： ")})
	}
}
