package sandbox

import (
	"regexp"
	"slices"
	"strings"
)

const (
	clearsPerMonth = 10
	callsPerMinute = 10_000 // what quota/get says; the sandbox does not hold anyone to it
)

// POST /cgi-bin/openapi/quota/get
func (w *world) quotaGet(c *call) {
	path := c.args.text("cgi_path")
	for _, row := range quotaTable {
		if row.path != path || c.app.era == eraToday && row.endpoint == "template/send" {
			continue // a retired call has no quota any more
		}
		q := c.app.quotas[row.endpoint]
		used := q.used.in(quotaDay(c.now))
		c.answer(quotaAnswer{fine, daily{q.limit, used, max(q.limit-used, 0)}, rate{callsPerMinute, 60}, rate{}})
		return
	}
	if !strings.HasPrefix(path, "/cgi-bin/") {
		c.refuse(76022)
		return
	}
	c.refuse(76021)
}

type (
	daily struct {
		Limit  int `json:"daily_limit"`
		Used   int `json:"used"`
		Remain int `json:"remain"`
	}
	rate struct {
		Calls   int `json:"call_count"`
		Seconds int `json:"refresh_second"`
	}
	quotaAnswer struct {
		success
		Quota     daily `json:"quota"`
		Rate      rate  `json:"rate_limit"`
		Component rate  `json:"component_rate_limit"`
	}
)

// POST /cgi-bin/clear_quota
func (w *world) clearQuota(c *call) {
	if c.args.text("appid") != c.app.id {
		c.refuse(40013)
		return
	}
	w.clear(c)
}

// POST /cgi-bin/clear_quota/v2
//
// Needs no token: it is meant for the day when the quota of tokens is used up.
func (w *world) clearQuotaV2(c *call) {
	c.login.grant = "client_credential" // not asked for here
	if w.credentials(c) != nil {
		w.clear(c)
	}
}

func (w *world) clear(c *call) {
	month := quotaMonth(c.now)
	if c.app.clears.in(month) >= clearsPerMonth {
		c.refuse(48006)
		return
	}
	c.app.clears.add(month)
	for _, q := range c.app.quotas {
		q.used = tally{}
	}
	c.effect = true
	c.ok()
}

var ridForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{4,8}$`)

// POST /cgi-bin/openapi/rid/get
//
// Only what the request log still holds can be found.
func (w *world) ridGet(c *call) {
	rid := c.args.text("rid")
	if !ridForm.MatchString(rid) {
		c.refuse(76002)
		return
	}
	kept := w.requests.after(0)
	i := slices.IndexFunc(kept, func(r *record) bool { return r.call.rid == rid })
	switch {
	case i < 0:
		c.refuse(76001)
	case kept[i].call.app != c.app:
		c.refuse(76003)
	default:
		c.answerRid(kept[i])
	}
}

func (c *call) answerRid(r *record) {
	type request struct {
		At       int64  `json:"invoke_time"`
		Cost     int64  `json:"cost_in_ms"`
		URL      string `json:"request_url"`
		Body     string `json:"request_body"`
		Response string `json:"response_body"`
		IP       string `json:"client_ip"`
	}
	c.answer(struct {
		success
		Request request `json:"request"`
	}{fine, request{
		r.at.Unix(), r.took.Milliseconds(), r.call.path + "?" + maskQuery(r.call.rawQuery),
		string(r.call.body), string(r.call.reply), r.call.host(),
	}})
}

type addresses struct {
	List []string `json:"ip_list"`
}

// GET /cgi-bin/get_api_domain_ip
func (w *world) apiDomainIP(c *call) {
	c.answer(struct {
		success
		addresses
	}{fine, addresses{[]string{"127.0.0.1"}}})
}

// GET /cgi-bin/getcallbackip
//
// One of the answers that carry no errcode.
func (w *world) callbackIP(c *call) { c.answer(addresses{[]string{"127.0.0.1"}}) }

// uniformGone is the text since the whole call was withdrawn.
const uniformGone = "This API has been unsupported. For more details, please view https://developers.weixin.qq.com/community/develop/doc/000ae8d6348af08e7030bc2546bc01?blockType=1"

// POST /cgi-bin/message/wxopen/template/uniform_send
//
// In neither era does it send: 45103 is what it answered from 2020 on, 45109
// since it was withdrawn in 2023.
func (w *world) uniformSend(c *call) {
	if c.app.era == eraToday {
		c.refuseText(45109, uniformGone)
		return
	}
	c.refuse(45103)
}
