package console

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"github.com/wxnotify/wxnotify"
)

// templatePage is one template: what it is called, how a message by it looks
// with the values of the form, what is wrong about them, and a way to send one.
type templatePage struct {
	*frame
	It     wxnotify.Template
	Title  string
	Lines  []templateLine
	Page   string
	Large  string // the keyword that is emphasised
	Whom   string // to whom it is sent
	Card   string
	Body   string
	Checks []tested
	Stock  int64 // permits that such a message can use
	Wrong  string
	Fields []fieldLine
	Also   []wxnotify.Template // of the same alias
}

// A fieldLine is a keyword, and the names of data that stand for it.
type fieldLine struct{ Key, Name, Said string }

// A templateLine is a keyword, with the value of the form.
type templateLine struct {
	Key, Name, Value string
	Kind             string
}

// A tested value, or the template itself, is fine or not.
type tested struct {
	What string
	Text string // "": fine
}

// GET /console/templates/{id}?app=&v.keyword1=…&page=&large=&touser=
func (d *Door) template(c *call) (any, error) {
	t, app, err := d.pathTemplate(c)
	if err != nil {
		return nil, err
	}
	return d.templatePage(c, t, app, "")
}

// pathTemplate is the template that the path names, and its app.
func (d *Door) pathTemplate(c *call) (t wxnotify.Template, app wxnotify.App, err error) {
	for _, app = range c.Apps {
		if c.App != "" && c.App != app.ID {
			continue
		}
		ts, err := d.Admin.Templates(c.ctx(), app.ID)
		if err != nil {
			return t, app, err
		}
		for i := range ts {
			if ts[i].ID == c.r.PathValue("id") {
				return ts[i], app, nil
			}
		}
	}
	return t, app, wxnotify.Refuse(wxnotify.NotFound, "there is no such template")
}

func (d *Door) templatePage(c *call, t wxnotify.Template, app wxnotify.App, wrong string) (any, error) {
	c.Here, c.Path = "templates", Root+"/templates/"+t.ID
	draft := c.draft(&t)
	p := templatePage{frame: c.frame, It: t, Wrong: wrong, Fields: fieldLines(&t), Title: titleOf([]wxnotify.Template{t}, t.App, t.ID), Page: draft.Page, Large: strings.TrimSuffix(draft.Emphasis, ".DATA"), Whom: c.value("touser")}
	for i, x := range draft.Data {
		p.Lines = append(p.Lines, templateLine{x.Key, t.Keywords[i].Name, x.Value, wxnotify.KindOf(x.Key)})
	}
	for i := range p.Fields { // as it was filled in
		if v, ok := c.r.PostForm["f."+p.Fields[i].Key]; ok {
			p.Fields[i].Said = v[0]
		}
	}
	err := settle(&draft, &t, app, c.Now.Virtual)
	p.Body = string(draft.Render(t.ID))
	p.Card = c.card(t.App, t.Channel, &t, p.Title, []byte(p.Body), c.Now.Virtual)
	p.Checks = c.tests(&t, &draft, err)
	if t.Alias != "" {
		all, err := d.Admin.Templates(c.ctx(), t.App)
		if err != nil {
			return nil, err
		}
		p.Also = slices.DeleteFunc(slices.Clone(all), func(o wxnotify.Template) bool { return o.Alias != t.Alias || o.ID == t.ID })
	}
	held, err := d.Reader.Holding(c.ctx(), c.Now, t.App)
	for _, l := range held.Lots {
		if wxnotify.Rules[l.Source].Channel == t.Channel && (l.TemplateID == "" || l.TemplateID == t.ID) {
			p.Stock += l.N
		}
	}
	return p, err
}

// value is one of the form, posted or in the address.
func (c *call) value(name string) string { return strings.TrimSpace(c.r.FormValue(name)) }

// draft is the message of the form; what is not filled in is a sample.
func (c *call) draft(t *wxnotify.Template) wxnotify.Draft {
	filled := c.r.FormValue("filled") != ""
	d := wxnotify.Draft{App: t.App, To: c.value("touser"), TemplateID: t.ID, Page: c.value("page"), OnUnsure: wxnotify.Hold}
	if !filled {
		d.Page = "pages/index"
	}
	for _, k := range t.Keywords {
		v := c.r.FormValue("v." + k.Key)
		if !filled {
			v = c.sampleOf(k)
		}
		d.Data = append(d.Data, wxnotify.Datum{Key: k.Key, Value: v})
		if t.Channel == wxnotify.ChannelTemplate && c.value("large") == k.Key {
			d.Emphasis = k.Key + ".DATA"
		}
	}
	return d
}

// settle says what the doors of the API say of a draft.
func settle(draft *wxnotify.Draft, t *wxnotify.Template, app wxnotify.App, now time.Time) error {
	if draft.To == "" {
		draft.To = "OPENID"
	}
	now = now.Truncate(time.Millisecond)
	t.Adapt(draft, nil)
	draft.Resolve(t, now)
	return draft.Check(t, app.Sandbox, now)
}

// tests lists each value, and what is wrong about it.
func (c *call) tests(t *wxnotify.Template, draft *wxnotify.Draft, err error) []tested {
	wrong := map[string]string{}
	if refused, ok := errors.AsType[*wxnotify.Refusal](err); ok {
		for _, f := range refused.Fields {
			wrong[strings.TrimSuffix(f.Field, ".value")] = c.fault(f)
		}
	}
	all := []tested{{c.T("test_listed"), ""}, {c.T("test_keywords"), ""}}
	if t.Gone {
		all[0].Text = c.T("gone")
	}
	if len(t.Keywords) == 0 {
		all[1].Text = c.T("test_no_keywords")
	}
	for i, x := range draft.Data {
		name := x.Key
		if i < len(t.Keywords) {
			name = t.Keywords[i].Name + " · " + x.Key
		}
		all = append(all, tested{name, wrong["data."+x.Key]})
	}
	return append(all, tested{"page", wrong["page"]})
}

// fault is what is wrong about a field, in the reader's language.
func (c *call) fault(f wxnotify.FieldError) string {
	if c.Lang == "zh" {
		return wxnotify.Codes[f.Code].Zh
	}
	return f.Detail
}

// sampleOf is a value that a keyword could have.
func (c *call) sampleOf(k wxnotify.Keyword) string {
	if len(k.Values) > 0 {
		return k.Values[0]
	}
	if v, ok := samples[wxnotify.KindOf(k.Key)]; ok {
		return v
	}
	return c.T("sample", "name", k.Name)
}

// samples are values that the kinds of subscribe templates allow.
var samples = map[string]string{
	"thing": "示例内容", "number": "1019", "letter": "ABC", "symbol": "★", "character_string": "NO.1019", "time": "2026年3月4日 12:30", "date": "2026年3月4日",
	"amount": "¥23.50", "phone_number": "136-0000-1720", "car_number": "粤A12345", "name": "张一山", "phrase": "已接单",
}

// sample is the card of a template with sample values.
func (c *call) sample(t *wxnotify.Template) string {
	in := body{Page: "pages/index", Data: map[string]datum{}}
	for _, k := range t.Keywords {
		in.Data[k.Key] = datum{Value: c.sampleOf(k)}
	}
	raw, err := json.Marshal(in)
	if err != nil {
		return ""
	}
	return c.card(t.App, t.Channel, t, titleOf([]wxnotify.Template{*t}, t.App, t.ID), raw, c.Now.Virtual)
}

// fieldLines lists the keywords of a template, those that its fields name and
// WeChat does not among them.
func fieldLines(t *wxnotify.Template) (lines []fieldLine) {
	said := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(t.Fields)) {
		said[t.Fields[name]] = append(said[t.Fields[name]], name)
	}
	for _, k := range t.Keywords {
		lines = append(lines, fieldLine{k.Key, k.Name, strings.Join(said[k.Key], " ")})
		delete(said, k.Key)
	}
	for _, key := range slices.Sorted(maps.Keys(said)) {
		lines = append(lines, fieldLine{key, "", strings.Join(said[key], " ")})
	}
	return lines
}

// POST /console/templates/{id} sets the alias, which names of data stand for
// which keyword, and whether long values are cut.
func (d *Door) changeTemplate(c *call) (any, error) {
	t, app, err := d.pathTemplate(c)
	if err != nil {
		return nil, err
	}
	wrong := ""
	t.Alias, t.Trim = c.form("alias"), c.form("trim") == "1"
	if t.Alias != "" && !wxnotify.ValidTemplateID(t.Alias) {
		wrong = "alias_wrong"
	}
	fields := map[string]string{}
	for _, l := range fieldLines(&t) {
		for _, name := range strings.FieldsFunc(c.form("f."+l.Key), func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == '，' || r == '、' }) {
			if _, twice := fields[name]; twice {
				wrong = "fields_twice"
			}
			if !wxnotify.ValidTemplateID(name) {
				wrong = "fields_wrong"
			}
			fields[name] = l.Key
		}
	}
	if t.Fields = fields; len(fields) > maxFields {
		wrong = "fields_many"
	}
	if wrong != "" {
		return d.templatePage(c, t, app, c.T(wrong, "n", maxFields))
	}
	if err := d.note(c, t.App, wxnotify.AuditTemplatePut, t.ID, ""); err != nil {
		return nil, err
	}
	if err := d.Admin.PutTemplate(c.ctx(), t); err != nil {
		return nil, err
	}
	d.sessions.Put(c.ctx(), sessionNote, c.T("note_saved"))
	goTo(c.w, c.r, Root+"/templates/"+t.ID+"?app="+t.App)
	return nil, nil
}

// maxFields is how many names of data a template may have.
const maxFields = 50

// POST /console/templates/{id}/send sends the message of the form to one user,
// with a permit of theirs, and goes to its page.
func (d *Door) testSend(c *call) (any, error) {
	t, app, err := d.pathTemplate(c)
	if err != nil {
		return nil, err
	}
	now := c.Now.Virtual.Truncate(time.Millisecond)
	draft := c.draft(&t)
	if draft.To == "" {
		err = wxnotify.RefuseField(wxnotify.FieldRequired, "touser", "name the user's openid")
	} else {
		err = settle(&draft, &t, app, now)
	}
	if refused, ok := errors.AsType[*wxnotify.Refusal](err); ok {
		wrong := c.said(refused)
		if len(refused.Fields) > 0 && refused.Fields[0].Field != "touser" {
			wrong = c.T("test_failed") // each stands beside its value
		}
		return d.templatePage(c, t, app, wrong)
	}
	if err := d.note(c, app.ID, auditTest, t.ID, ""); err != nil {
		return nil, err
	}
	m := draft.Message(wxnotify.EncodeID(wxnotify.MessagePrefix, uuid.Must(uuid.NewV7())), now)
	rs, err := d.Box.Accept(c.ctx(), []wxnotify.Entry{{Message: m, Fingerprint: draft.Fingerprint()}})
	if err == nil {
		err = rs[0].Err
	}
	if err != nil {
		return nil, err
	}
	goTo(c.w, c.r, Root+"/messages/"+rs[0].ID)
	return nil, nil
}
