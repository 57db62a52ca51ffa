package wechat

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/wxnotify/wxnotify"
)

// A LibraryEntry is a template of WeChat's library, from which an account's own
// are made.
type LibraryEntry struct {
	ID       string // AT0002, or a tid such as 484
	Title    string
	Kind     string // of a subscribe template
	Keywords []LibraryKeyword
}

// A LibraryKeyword is one that may be chosen.
type LibraryKeyword struct {
	ID            int
	Name, Example string
	Rule          string // the kind of its value, of a subscribe template
}

// LibraryPage is how many entries Library returns at most: fewer are the end.
func LibraryPage(ch wxnotify.Channel) int {
	if ch == wxnotify.ChannelSubscribe {
		return 30
	}
	return 20
}

// Library lists the titles of the library from an offset on, and how many there
// are. Those of subscribe messages are the ones of the account's categories.
func (c *Client) Library(ctx context.Context, token string, ch wxnotify.Channel, offset int) ([]LibraryEntry, int, error) {
	if ch == wxnotify.ChannelSubscribe {
		return c.publicLibrary(ctx, token, offset)
	}
	var a struct {
		answer
		List []struct {
			ID    text `json:"id"`
			Title text `json:"title"`
		} `json:"list"`
		Total integer `json:"total_count"`
	}
	q := request{path: "/cgi-bin/wxopen/template/library/list", body: encode(page{offset, LibraryPage(ch)})}
	if err := c.ask(ctx, "template/library/list", token, q, &a, &a.answer); err != nil {
		return nil, 0, err
	}
	all := make([]LibraryEntry, len(a.List))
	for i, e := range a.List {
		all[i] = LibraryEntry{ID: string(e.ID), Title: string(e.Title)}
	}
	return all, int(a.Total.n), nil
}

func (c *Client) publicLibrary(ctx context.Context, token string, offset int) ([]LibraryEntry, int, error) {
	ids, err := c.categories(ctx, token)
	if err != nil || len(ids) == 0 {
		return nil, 0, err
	}
	return c.publicTitles(ctx, token, ids, offset)
}

// GET /wxaapi/newtmpl/getcategory (wechat-api.md 5.5)
func (c *Client) categories(ctx context.Context, token string) (ids []string, err error) {
	var a struct {
		answer
		Data []struct {
			ID integer `json:"id"`
		} `json:"data"`
	}
	if err := c.ask(ctx, "getcategory", token, request{path: "/wxaapi/newtmpl/getcategory"}, &a, &a.answer); err != nil {
		return nil, err
	}
	for _, cat := range a.Data {
		ids = append(ids, strconv.FormatInt(cat.ID.n, 10))
	}
	return ids, nil
}

// GET /wxaapi/newtmpl/getpubtemplatetitles (wechat-api.md 5.5)
func (c *Client) publicTitles(ctx context.Context, token string, categories []string, offset int) ([]LibraryEntry, int, error) {
	var a struct {
		answer
		Count integer `json:"count"`
		Data  []struct {
			TID   integer `json:"tid"`
			Title text    `json:"title"`
			Type  integer `json:"type"`
		} `json:"data"`
	}
	q := request{path: "/wxaapi/newtmpl/getpubtemplatetitles", query: fmt.Sprintf("ids=%s&start=%d&limit=%d",
		url.QueryEscape(strings.Join(categories, ",")), offset, LibraryPage(wxnotify.ChannelSubscribe))}
	if err := c.ask(ctx, "getpubtemplatetitles", token, q, &a, &a.answer); err != nil {
		return nil, 0, err
	}
	all := make([]LibraryEntry, len(a.Data))
	for i, e := range a.Data {
		all[i] = LibraryEntry{ID: strconv.FormatInt(e.TID.n, 10), Title: string(e.Title), Kind: kinds[e.Type.n]}
	}
	return all, int(a.Count.n), nil
}

// LibraryKeywords reads the keywords of an entry, from which some are chosen.
func (c *Client) LibraryKeywords(ctx context.Context, token string, ch wxnotify.Channel, id string) ([]LibraryKeyword, error) {
	var a struct {
		answer
		List []struct {
			ID      integer `json:"keyword_id"`
			Name    text    `json:"name"`
			Example text    `json:"example"`
		} `json:"keyword_list"`
		Data []struct {
			ID      integer `json:"kid"`
			Name    text    `json:"name"`
			Example text    `json:"example"`
			Rule    text    `json:"rule"`
		} `json:"data"`
	}
	name, q := "template/library/get", request{path: "/cgi-bin/wxopen/template/library/get", body: encode(map[string]string{"id": id})}
	if ch == wxnotify.ChannelSubscribe {
		name, q = "getpubtemplatekeywords", request{path: "/wxaapi/newtmpl/getpubtemplatekeywords", query: "tid=" + url.QueryEscape(id)}
	}
	if err := c.ask(ctx, name, token, q, &a, &a.answer); err != nil {
		return nil, err
	}
	var all []LibraryKeyword
	for _, k := range a.List {
		all = append(all, LibraryKeyword{ID: int(k.ID.n), Name: string(k.Name), Example: string(k.Example)})
	}
	for _, k := range a.Data {
		all = append(all, LibraryKeyword{ID: int(k.ID.n), Name: string(k.Name), Example: string(k.Example), Rule: string(k.Rule)})
	}
	return all, nil
}

// AddTemplate makes a template of the account from the library's, with these
// keywords in this order, and returns its id. scene says what a subscribe
// template is for, in at most 15 characters.
func (c *Client) AddTemplate(ctx context.Context, token string, ch wxnotify.Channel, id string, keywords []int, scene string) (string, error) {
	var a struct {
		answer
		ID    text `json:"template_id"`
		PriID text `json:"priTmplId"`
	}
	name, q := "template/add", request{path: "/cgi-bin/wxopen/template/add", body: encode(struct {
		ID       string `json:"id"`
		Keywords []int  `json:"keyword_id_list"`
	}{id, keywords})}
	if ch == wxnotify.ChannelSubscribe {
		name, q = "addtemplate", request{path: "/wxaapi/newtmpl/addtemplate", body: encode(struct {
			TID      string `json:"tid"`
			Keywords []int  `json:"kidList"`
			Scene    string `json:"sceneDesc"`
		}{id, keywords, scene})}
	}
	err := c.ask(ctx, name, token, q, &a, &a.answer)
	return string(a.ID + a.PriID), err
}

// DeleteTemplate takes a template out of the account's.
func (c *Client) DeleteTemplate(ctx context.Context, token string, ch wxnotify.Channel, id string) error {
	var a answer
	name, q := "template/del", request{path: "/cgi-bin/wxopen/template/del", body: encode(map[string]string{"template_id": id})}
	if ch == wxnotify.ChannelSubscribe {
		name, q = "deltemplate", request{path: "/wxaapi/newtmpl/deltemplate", body: encode(map[string]string{"priTmplId": id})}
	}
	return c.ask(ctx, name, token, q, &a, &a)
}
