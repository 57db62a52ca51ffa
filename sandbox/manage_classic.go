package sandbox

import (
	"slices"
	"strconv"
	"strings"
)

const (
	maxTemplates = 25 // of one kind, per app
	maxListed    = 20 // in one answer
)

// success is the head of an answer with a payload.
type success struct {
	Errcode int    `json:"errcode"`
	Errmsg  string `json:"errmsg"`
}

var fine = success{0, "ok"}

// unlessRetired guards the calls that went away with template messages.
func unlessRetired(act func(*world, *call)) func(*world, *call) {
	return func(w *world, c *call) {
		if c.app.era == eraToday {
			c.refuse(45103)
			return
		}
		act(w, c)
	}
}

// window cuts the page out of a list that offset and count name; false when they
// are out of range.
func window[T any](all []T, a args) ([]T, bool) {
	offset, count := max(a.number("offset"), 0), a.number("count")
	if count < 1 || count > maxListed {
		return nil, false
	}
	start := min(offset, len(all))
	return all[start:min(start+count, len(all))], true
}

// POST /cgi-bin/wxopen/template/library/list
func (w *world) libraryList(c *call) {
	rows, ok := window(classicLibrary, c.args)
	if !ok {
		c.refuse(45076)
		return
	}
	type entry struct {
		ID    string `json:"id"`
		Title string `json:"title"`
	}
	list := []entry{}
	for _, r := range rows {
		list = append(list, entry{r.id, r.title})
	}
	c.answer(struct {
		success
		List  []entry `json:"list"`
		Total int     `json:"total_count"`
	}{fine, list, len(classicLibrary)})
}

// POST /cgi-bin/wxopen/template/library/get
func (w *world) libraryGet(c *call) {
	for _, r := range classicLibrary {
		if r.id == c.args.text("id") {
			c.answer(struct {
				success
				ID       string           `json:"id"`
				Title    string           `json:"title"`
				Keywords []libraryKeyword `json:"keyword_list"`
			}{fine, r.id, r.title, r.keywords})
			return
		}
	}
	c.refuse(40037)
}

// POST /cgi-bin/wxopen/template/add
//
// keyword1, keyword2 … number the chosen keywords in the order of the list.
func (w *world) templateAdd(c *call) {
	ids, ok := c.args.numbers("keyword_id_list")
	if !ok {
		c.refuse(45075)
		return
	}
	if len(ids) < 1 || len(ids) > 10 {
		c.refuse(45100)
		return
	}
	for _, r := range classicLibrary {
		if r.id != c.args.text("id") {
			continue
		}
		t := &template{id: newTemplateID(), channel: channelTemplate, title: r.title}
		for i, id := range ids {
			n := slices.IndexFunc(r.keywords, func(k libraryKeyword) bool { return k.ID == id })
			if n < 0 {
				c.refuse(45075)
				return
			}
			t.keywords = append(t.keywords, Keyword{Key: "keyword" + strconv.Itoa(i+1), Name: r.keywords[n].Name})
			t.examples = append(t.examples, r.keywords[n].Example)
		}
		w.adopt(c, t)
		return
	}
	c.refuse(40037)
}

func (w *world) adopt(c *call, t *template) {
	if len(c.app.of(channelTemplate)) >= maxTemplates {
		c.refuse(45026)
		return
	}
	c.app.addTemplate(t)
	c.effect = true
	c.answer(struct {
		success
		ID string `json:"template_id"`
	}{fine, t.id})
}

// POST /cgi-bin/wxopen/template/list
//
// After the retirement the list is empty.
func (w *world) templateList(c *call) {
	all := c.app.of(channelTemplate)
	if c.app.era == eraToday {
		all = nil
	}
	rows, ok := window(all, c.args)
	if !ok {
		c.refuse(45076)
		return
	}
	type entry struct {
		ID      string `json:"template_id"`
		Title   string `json:"title"`
		Content string `json:"content"`
		Example string `json:"example"`
	}
	list := []entry{}
	for _, t := range rows {
		list = append(list, entry{t.id, t.title, t.content(""), t.example()})
	}
	c.answer(struct {
		success
		List []entry `json:"list"`
	}{fine, list})
}

// POST /cgi-bin/wxopen/template/del
func (w *world) templateDel(c *call) {
	w.remove(c, c.args.text("template_id"), channelTemplate)
}

func (w *world) remove(c *call, id, channel string) {
	t := c.app.byTemplate[id]
	if t == nil || t.channel != channel {
		c.refuse(40037)
		return
	}
	delete(c.app.byTemplate, id)
	c.app.templates = slices.DeleteFunc(c.app.templates, func(k *template) bool { return k == t })
	c.effect = true
	c.ok()
}

// of lists the app's templates of one channel.
func (a *app) of(channel string) []*template {
	var all []*template
	for _, t := range a.templates {
		if t.channel == channel {
			all = append(all, t)
		}
	}
	return all
}

// content is the template as its console shows it. The eras differ in what
// stands between a label and its place.
func (t *template) content(colon string) string {
	var b strings.Builder
	for _, k := range t.keywords {
		b.WriteString(k.Name + colon + "{{" + k.Key + ".DATA}}\n")
	}
	return b.String()
}

func (t *template) example() string {
	var b strings.Builder
	for i, k := range t.keywords {
		text := k.example()
		if i < len(t.examples) {
			text = t.examples[i]
		}
		b.WriteString(k.Name + ":" + text + "\n")
	}
	return b.String()
}
