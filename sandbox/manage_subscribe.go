package sandbox

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// GET /wxaapi/newtmpl/gettemplate
func (w *world) getTemplate(c *call) {
	type entry struct {
		ID      string `json:"priTmplId"`
		Title   string `json:"title"`
		Content string `json:"content"`
		Example string `json:"example"`
		Enums   []enum `json:"keywordEnumValueList,omitzero"`
		Type    int    `json:"type"`
	}
	list := []entry{}
	for _, t := range c.app.of(channelSubscribe) {
		list = append(list, entry{t.id, t.title, t.content(":"), t.example(), t.enums(), typeOf(t.kind)})
	}
	c.answerData(list, nil)
}

// enum tells what an enum_string of a template may say.
type enum struct {
	Values []string `json:"enumValueList"`
	Key    string   `json:"keywordCode"`
}

// enums are those of the template; nil without any.
func (t *template) enums() []enum {
	var all []enum
	for _, k := range t.keywords {
		if len(k.Values) > 0 {
			all = append(all, enum{k.Values, k.Key + ".DATA"})
		}
	}
	return all
}

// answerData answers the way of /wxaapi: data, and count where there is one.
func (c *call) answerData(data any, count *int) {
	c.answer(struct {
		success
		Count *int `json:"count,omitzero"`
		Data  any  `json:"data"`
	}{fine, count, data})
}

// POST /wxaapi/newtmpl/addtemplate
func (w *world) addTemplate(c *call) {
	tid := c.args.number("tid")
	for _, r := range publicLibrary {
		if r.tid != tid {
			continue
		}
		t := &template{id: newTemplateID(), channel: channelSubscribe, kind: r.kind, title: r.title}
		kids, ok := c.args.numbers("kidList")
		if !ok || len(kids) < 2 || len(kids) > 5 {
			c.refuse(200020)
			return
		}
		for _, kid := range kids {
			n := slices.IndexFunc(r.keywords, func(k publicKeyword) bool { return k.ID == kid })
			if n < 0 {
				c.refuse(200020)
				return
			}
			k := r.keywords[n]
			t.keywords = append(t.keywords, Keyword{k.key(), k.Name, enumValues[tid][k.key()]})
			t.examples = append(t.examples, k.Example)
		}
		w.adoptPublic(c, t)
		return
	}
	c.refuse(200014)
}

func (w *world) adoptPublic(c *call, t *template) {
	switch {
	case utf8.RuneCountInString(c.args.text("sceneDesc")) > 15:
		c.refuse(200021)
	case len(c.app.of(channelSubscribe)) >= maxTemplates:
		c.refuse(200012)
	default:
		c.app.addTemplate(t)
		c.effect = true
		c.answer(struct {
			success
			ID string `json:"priTmplId"`
		}{fine, t.id})
	}
}

// POST /wxaapi/newtmpl/deltemplate
func (w *world) delTemplate(c *call) {
	w.remove(c, c.args.text("priTmplId"), channelSubscribe)
}

// GET /wxaapi/newtmpl/getcategory
func (w *world) getCategory(c *call) { c.answerData(categories, nil) }

// GET /wxaapi/newtmpl/getpubtemplatetitles
func (w *world) publicTitles(c *call) {
	wanted := map[int]bool{}
	for text := range strings.SplitSeq(c.args.text("ids"), ",") {
		id, err := strconv.Atoi(text)
		if err != nil {
			c.refuse(map[bool]int{true: 200018, false: 200019}[c.args.text("ids") == ""])
			return
		}
		wanted[id] = true
	}
	start, limit := c.args.number("start"), c.args.number("limit")
	if start < 0 {
		c.refuse(200016)
		return
	}
	if limit < 1 || limit > 30 {
		c.refuse(200017)
		return
	}
	type entry struct {
		TID      int    `json:"tid"`
		Title    string `json:"title"`
		Type     int    `json:"type"`
		Category string `json:"categoryId"`
	}
	list := []entry{}
	for _, r := range publicLibrary {
		if wanted[r.category] {
			list = append(list, entry{r.tid, r.title, typeOf(r.kind), strconv.Itoa(r.category)})
		}
	}
	count := len(list)
	start = min(start, count)
	c.answerData(list[start:min(start+limit, count)], &count)
}

// GET /wxaapi/newtmpl/getpubtemplatekeywords
func (w *world) publicKeywords(c *call) {
	for _, r := range publicLibrary {
		if r.tid == c.args.number("tid") {
			count := len(r.keywords)
			c.answerData(r.keywords, &count)
			return
		}
	}
	c.refuse(200014)
}
