package sandbox

import (
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// call is one request on WeChat's side, from its last byte to its answer.
type call struct {
	method, path, rawQuery, remote string

	started time.Time // real
	access  string    // access_token in the query
	body    []byte
	badJSON bool
	send    send       // of a send call
	login   credential // of a call that brings appid and secret
	args    args       // of a management call

	// Known only under the lock.
	now   time.Time // virtual
	app   *app      // nil while it cannot be told
	token *token

	// The answer.
	status  int
	header  string // Content-Type
	reply   []byte
	errcode int
	rid     string
	effect  bool // the call changed something
	card    *card
	fault   applied
	drop    bool // the connection is closed instead of answering
}

// route says what WeChat wants of a call before it looks inside.
type route struct {
	verb  string
	token bool                // needs an access_token
	body  bool                // needs a body
	read  func(*call)         // decodes what can be decoded without the world
	act   func(*world, *call) // the lock is held
}

// routes are the paths that WeChat has, letter by letter.
var routes = map[string]*route{
	"/sns/jscode2session":                           {verb: "GET", read: readQueryLogin, act: (*world).jscode2session},
	"/cgi-bin/token":                                {verb: "GET", read: readQueryLogin, act: (*world).classicToken},
	"/cgi-bin/stable_token":                         {verb: "POST", body: true, read: readBodyLogin, act: (*world).stableToken},
	"/cgi-bin/message/wxopen/template/send":         {verb: "POST", token: true, body: true, read: readSend, act: (*world).templateSend},
	"/cgi-bin/message/subscribe/send":               {verb: "POST", token: true, body: true, read: readSend, act: (*world).subscribeSend},
	"/cgi-bin/message/wxopen/template/uniform_send": {verb: "POST", token: true, body: true, read: readArgs, act: (*world).uniformSend},

	"/cgi-bin/wxopen/template/library/list": {verb: "POST", token: true, body: true, read: readCount, act: unlessRetired((*world).libraryList)},
	"/cgi-bin/wxopen/template/library/get":  {verb: "POST", token: true, body: true, read: readArgs, act: unlessRetired((*world).libraryGet)},
	"/cgi-bin/wxopen/template/add":          {verb: "POST", token: true, body: true, read: readArgs, act: unlessRetired((*world).templateAdd)},
	"/cgi-bin/wxopen/template/list":         {verb: "POST", token: true, body: true, read: readCount, act: (*world).templateList},
	"/cgi-bin/wxopen/template/del":          {verb: "POST", token: true, body: true, read: readArgs, act: unlessRetired((*world).templateDel)},

	"/wxaapi/newtmpl/gettemplate":            {verb: "GET", token: true, act: (*world).getTemplate},
	"/wxaapi/newtmpl/addtemplate":            {verb: "POST", token: true, body: true, read: readEither, act: (*world).addTemplate},
	"/wxaapi/newtmpl/deltemplate":            {verb: "POST", token: true, body: true, read: readEither, act: (*world).delTemplate},
	"/wxaapi/newtmpl/getcategory":            {verb: "GET", token: true, act: (*world).getCategory},
	"/wxaapi/newtmpl/getpubtemplatetitles":   {verb: "GET", token: true, read: readQuery, act: (*world).publicTitles},
	"/wxaapi/newtmpl/getpubtemplatekeywords": {verb: "GET", token: true, read: readQuery, act: (*world).publicKeywords},

	"/cgi-bin/openapi/quota/get": {verb: "POST", token: true, body: true, read: readArgs, act: (*world).quotaGet},
	"/cgi-bin/openapi/rid/get":   {verb: "POST", token: true, body: true, read: readArgs, act: (*world).ridGet},
	"/cgi-bin/clear_quota":       {verb: "POST", token: true, body: true, read: readArgs, act: (*world).clearQuota},
	"/cgi-bin/clear_quota/v2":    {verb: "POST", body: true, read: readBodyLogin, act: (*world).clearQuotaV2},
	"/cgi-bin/get_api_domain_ip": {verb: "GET", token: true, act: (*world).apiDomainIP},
	"/cgi-bin/getcallbackip":     {verb: "GET", token: true, act: (*world).callbackIP},
}

const maxBody = 1 << 20

// receive reads the request. No lock is held.
func (s *Sandbox) receive(r *http.Request) (*call, *route) {
	c := &call{method: r.Method, path: r.URL.Path, rawQuery: r.URL.RawQuery, remote: r.RemoteAddr, started: s.opt.Now(), status: 200, header: jsonType}
	rt := routes[c.path]
	c.access = accessToken(c.rawQuery)
	if rt == nil || rt.verb == "GET" {
		_, _ = io.CopyN(io.Discard, r.Body, 64<<20)
	} else {
		c.body = readBody(r)
	}
	if rt != nil && rt.read != nil {
		rt.read(c)
	}
	return c, rt
}

// accessToken finds the token in a query, without a map for the rest.
func accessToken(raw string) string {
	for raw != "" {
		var p string
		p, raw, _ = strings.Cut(raw, "&")
		if v, ok := strings.CutPrefix(p, "access_token="); ok {
			if plain, err := url.QueryUnescape(v); err == nil {
				return plain
			}
		}
	}
	return ""
}

// query reads the whole query; what can be read counts.
func (c *call) query() url.Values {
	q, _ := url.ParseQuery(c.rawQuery)
	return q
}

func readBody(r *http.Request) []byte {
	if n := r.ContentLength; n >= 0 && n <= maxBody {
		b := make([]byte, n)
		m, _ := io.ReadFull(r.Body, b) // a body cut short is broken JSON
		return b[:m]
	}
	b, _ := io.ReadAll(io.LimitReader(r.Body, maxBody))
	return b
}

// wechat serves a call on WeChat's side.
func (s *Sandbox) wechat(w http.ResponseWriter, r *http.Request) {
	c, rt := s.receive(r)
	rec := s.perform(c, rt, r)
	if s.opt.OnRequest != nil {
		s.opt.OnRequest(rec.request())
	}
	if s.opt.OnCard != nil && c.card != nil {
		s.opt.OnCard(c.card.show())
	}
	c.write(w)
}

// perform judges the call, carries it out and logs it, all under the lock; only
// the delay of a fault lets go of it.
func (s *Sandbox) perform(c *call, rt *route, r *http.Request) *record {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.w.identify(c)
	if len(s.w.faults) > 0 {
		c.fault = s.w.pickFault(c, c.started)
	}
	if c.fault.delay > 0 {
		s.hold(c)
	}
	c.now = s.now()
	s.w.carryOut(c, rt)
	rec := s.w.log(c, s.opt.Now(), r.Context().Err() == nil)
	s.settle()
	return rec
}

// hold waits out the delay of a fault without the lock, even if the caller goes
// away meanwhile: WeChat would not notice either. A user whose subscribe message
// is held up is busy: another send for them is refused at once, with 43108.
func (s *Sandbox) hold(c *call) {
	var u *user
	if c.app != nil && strings.HasSuffix(c.path, "/subscribe/send") {
		u = c.app.byOpenid[c.send.touser]
	}
	if u != nil {
		if u.busy {
			return
		}
		u.busy = true
		defer func() { u.busy = false }()
	}
	s.mu.Unlock()
	defer s.mu.Lock()
	t := time.NewTimer(c.fault.delay)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.ctx.Done():
	}
}

// carryOut gives the answer that the fault or WeChat's rules want.
func (w *world) carryOut(c *call, rt *route) {
	if !c.fault.before(c) {
		return
	}
	w.judge(c, rt)
	c.fault.after(c)
}

// judge checks in the order verb, token, body, and then asks the route.
func (w *world) judge(c *call, rt *route) {
	switch {
	case rt == nil:
		c.refuse(40066)
	case rt.verb == "GET" && c.method != "GET":
		c.refuse(43001)
	case rt.verb == "POST" && c.method != "POST":
		c.refuse(43002)
	case rt.token && !w.admit(c):
	case rt.body && len(c.body) == 0:
		c.refuse(44002)
	case rt.body && c.badJSON:
		c.refuse(47001)
	default:
		rt.act(w, c)
	}
}

// identify finds out whose call it is, for faults and for the style of errors.
// It says nothing about whether the call may be made.
func (w *world) identify(c *call) {
	if c.access != "" {
		if c.token = w.tokens[c.access]; c.token != nil {
			c.app = c.token.app
		}
		return
	}
	if c.login.appid != "" {
		c.app = w.byID[c.login.appid]
	}
}

const (
	jsonType = "application/json; charset=utf-8"
	textType = "text/plain"
)

var okReply = []byte(`{"errcode":0,"errmsg":"ok"}`)

// ok is WeChat's plain success.
func (c *call) ok() { c.reply = okReply }

// answer is a success with a payload. The value is one of our own structs.
func (c *call) answer(v any) { c.reply = encode(v) }

// refuse answers an errcode with the text that WeChat has for it.
func (c *call) refuse(code int) { c.refuseText(code, wireText(code)) }

// refuseText is refuse where the text names something of the call.
func (c *call) refuseText(code int, text string) {
	c.errcode = code
	text += c.suffix()
	b := strconv.AppendInt([]byte(`{"errcode":`), int64(code), 10)
	b = append(b, `,"errmsg":`...)
	b, _ = jsontext.AppendQuote(b, text) // bad UTF-8 is replaced
	b = append(b, '}')
	c.reply = b
}

var (
	jsonHeader = []string{jsonType}
	textHeader = []string{textType}
)

func (c *call) write(w http.ResponseWriter) {
	if c.drop {
		c.fault.cut(w)
	}
	h := w.Header()
	switch c.header {
	case jsonType:
		h["Content-Type"] = jsonHeader
	case textType:
		h["Content-Type"] = textHeader
	default:
		h.Set("Content-Type", c.header)
	}
	if c.fault.effect == effectRedirect {
		h.Set("Location", "/redirected-by-a-sandbox-fault")
	}
	if c.status != http.StatusOK {
		w.WriteHeader(c.status)
	}
	_, _ = w.Write(c.reply)
}
