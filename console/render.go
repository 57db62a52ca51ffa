package console

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/wxnotify/wxnotify"
)

//go:embed page
var pageFiles embed.FS

// pages are the templates, by name. Each is laid into frame.html and may use
// the parts of page/part.
type pages map[string]*template.Template

func (d *Door) readPages() pages {
	all := pages{}
	names, err := fs.Glob(pageFiles, "page/*.html")
	if err != nil {
		panic(err)
	}
	base := template.Must(template.New("").Funcs(functions).ParseFS(pageFiles, "page/frame.html", "page/part/*.html"))
	for _, file := range names {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "frame" {
			continue
		}
		all[name] = template.Must(template.Must(base.Clone()).ParseFS(pageFiles, file))
	}
	return all
}

var functions = template.FuncMap{
	// dict hands several things to a part.
	"dict": func(pairs ...any) map[string]any {
		m := map[string]any{}
		for i := 0; i+1 < len(pairs); i += 2 {
			m[pairs[i].(string)] = pairs[i+1]
		}
		return m
	},
	"add": func(a, b int) int { return a + b },
	// list is for ranging over words.
	"list": func(v ...string) []string { return v },
}

// A call is one request of somebody who is logged in.
type call struct {
	*frame
	w    http.ResponseWriter
	r    *http.Request
	page string // the template
}

func (c *call) ctx() context.Context { return c.r.Context() }

// id is the request's, which the answer tells.
func (c *call) id() string { return c.w.Header().Get("X-Request-ID") }

// form is a field of the posted form.
func (c *call) form(name string) string { return strings.TrimSpace(c.r.PostFormValue(name)) }

// view handles a page: what h returns is given to the template of that name.
// nil means that h has answered.
func (d *Door) view(name string, role wxnotify.Role, h func(*call) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if d.choose(w, r) {
			return
		}
		c, ok := d.let(w, r, name, role)
		if !ok {
			return
		}
		data, err := h(c)
		switch {
		case err != nil:
			d.failIn(c, err)
		case data != nil:
			d.render(w, c.page, http.StatusOK, data)
		}
	}
}

// openMost is how far the number beside the attention page counts.
const openMost = 1000

// part handles a request of a script for a piece of a page: the template "work"
// of it.
func (d *Door) part(name string, role wxnotify.Role, h func(*call) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, ok := d.let(w, r, name, role)
		if !ok {
			return
		}
		data, err := h(c)
		if err != nil {
			d.failIn(c, err)
			return
		}
		d.draw(w, name, "work", http.StatusOK, data)
	}
}

// act handles a button: h does something and says where to go on; its refusal
// is told on the page that the button stands on.
func (d *Door) act(role wxnotify.Role, h func(*call) (string, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, ok := d.let(w, r, "error", role)
		if !ok {
			return
		}
		to, err := h(c)
		if err != nil {
			refusal, ok := errors.AsType[*wxnotify.Refusal](err)
			if !ok || c.back() == "" {
				d.failIn(c, err)
				return
			}
			d.sessions.Put(c.ctx(), sessionWarn, c.said(refusal))
			to = c.back()
		}
		goTo(w, r, to)
	}
}

// back is the page of the console that the button stands on.
func (c *call) back() string {
	if to := c.form("back"); Owns(to) && !strings.Contains(to, "//") && !strings.Contains(to, `\`) {
		return to
	}
	return ""
}

// done goes back, or to a page, with a note for the reader.
func (d *Door) done(c *call, to, note string) (string, error) {
	if note != "" {
		d.sessions.Put(c.ctx(), sessionNote, note)
	}
	if b := c.back(); b != "" && to == "" {
		return b, nil
	}
	return to, nil
}

// wrong is what to tell of a form that was refused; nil is nothing.
func (c *call) wrong(refused *wxnotify.Refusal) string {
	if refused == nil {
		return ""
	}
	return c.said(refused)
}

// said is a refusal in the reader's language, with the detail that belongs to it.
func (c *call) said(r *wxnotify.Refusal) string {
	info := wxnotify.Codes[r.Code]
	if c.Lang == "zh" {
		return info.Zh
	}
	return r.Detail + " — " + info.En
}

// let lets a reader in who may, and prepares the page's frame.
func (d *Door) let(w http.ResponseWriter, r *http.Request, name string, role wxnotify.Role) (*call, bool) {
	f := d.frame(r, name)
	c := &call{frame: f, w: w, r: r, page: name}
	u, err := d.user(r.Context())
	if err != nil {
		d.failIn(c, err)
		return nil, false
	}
	if u == nil {
		d.sendToLogin(w, r)
		return nil, false
	}
	f.User = u
	if f.Apps, err = d.Admin.Apps(r.Context()); err != nil {
		d.failIn(c, err)
		return nil, false
	}
	f.App = r.URL.Query().Get("app")
	if !u.Role.May(role) {
		d.failIn(c, wxnotify.Refuse(wxnotify.ScopeMissing, "your role does not allow this"))
		return nil, false
	}
	if f.Open, err = d.Reader.CountOpen(r.Context(), f.App, openMost); err != nil {
		d.failIn(c, err)
		return nil, false
	}
	f.Note = d.sessions.PopString(r.Context(), sessionNote)
	f.Warn = d.sessions.PopString(r.Context(), sessionWarn)
	return c, true
}

// sendToLogin comes back to this page after the login. What polls is told to
// load the page anew.
func (d *Door) sendToLogin(w http.ResponseWriter, r *http.Request) {
	to := Root + "/login"
	if r.Method == http.MethodGet && r.URL.Path != Root+"/" {
		to += "?next=" + template.URLQueryEscaper(r.URL.RequestURI())
	}
	if r.Header.Get("Hx-Request") != "" {
		w.Header().Set("Hx-Redirect", Root+"/login")
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	goTo(w, r, to)
}

func (d *Door) render(w http.ResponseWriter, name string, status int, data any) {
	d.draw(w, name, "frame", status, data)
}

func (d *Door) draw(w http.ResponseWriter, name, part string, status int, data any) {
	var b bytes.Buffer
	if err := d.pages[name].ExecuteTemplate(&b, part, data); err != nil {
		d.log.Error("a page of the console cannot be drawn", "page", name, "request_id", w.Header().Get("X-Request-ID"), "error", err)
		http.Error(w, "500", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w)
}

// errorPage says what is wrong and what to do.
type errorPage struct {
	*frame
	Status int
	Code   wxnotify.Code
	Text   string
}

// fail answers with an error to somebody of whom nothing is known yet.
func (d *Door) fail(w http.ResponseWriter, r *http.Request, err error) {
	d.failIn(&call{frame: d.frame(r, "error"), w: w, r: r}, err)
}

func (d *Door) failIn(c *call, err error) {
	p := errorPage{frame: c.frame, Status: http.StatusInternalServerError, Code: wxnotify.Internal}
	if refusal, ok := errors.AsType[*wxnotify.Refusal](err); ok {
		p.Code, p.Status = refusal.Code, wxnotify.Codes[refusal.Code].Status
	}
	if p.Status == http.StatusInternalServerError && c.ctx().Err() == nil {
		d.log.Error("the console failed", "path", c.Path, "request_id", c.id(), "error", err)
	}
	if p.Code == wxnotify.ScopeMissing {
		p.Text = c.T("error_role")
	} else if info := wxnotify.Codes[p.Code]; c.Lang == "zh" {
		p.Text = info.Zh
	} else {
		p.Text = info.En
	}
	if p.Status == http.StatusNotFound {
		p.Text = c.T("error_missing")
	}
	d.render(c.w, "error", p.Status, p)
}
