package sandbox

import "strconv"

// POST /cgi-bin/message/subscribe/send
//
// The order of checks is openid, template, page, data, permission, quota. Only
// a message that is delivered uses up an acceptance.
func (w *world) subscribeSend(c *call) {
	u := c.app.byOpenid[c.send.touser]
	t := c.app.byTemplate[c.send.template]
	switch {
	case u == nil:
		c.refuse(40003)
	case t == nil || t.channel != channelSubscribe:
		c.refuse(40037)
	case u.busy:
		c.refuse(43108)
	case !c.pageAllowed():
		c.refuse(41030)
	default:
		w.sendSubscribed(c, u, t)
	}
}

// pageAllowed: builds in development and trial may open pages with a slash.
func (c *call) pageAllowed() bool {
	page := c.send.page
	if c.send.state == "developer" || c.send.state == "trial" {
		if len(page) > 0 && page[0] == '/' {
			page = page[1:]
		}
	}
	return pageReleased(page)
}

func (w *world) sendSubscribed(c *call, u *user, t *template) {
	if key, ok := t.accepts(readData(c.body)); !ok {
		c.refuseText(47003, "argument invalid! data."+key+".value")
		return
	}
	k := u.consents[t.id]
	if k == nil || !k.standing && k.count == 0 {
		c.refuse(43101)
		return
	}
	if !c.app.spend("subscribe/send", c.now) {
		c.refuse(45009)
		return
	}
	if !k.standing {
		k.count--
	}
	w.msgid++
	w.deliver(c, u, t, w.msgid)
	w.sentEvent(c.app, u, t, w.msgid, c.started)
	b := append(make([]byte, 0, 64), `{"errcode":0,"errmsg":"ok","msgid":`...)
	c.reply = append(strconv.AppendInt(b, w.msgid, 10), '}')
}

// accepts checks that every keyword of the template has a value that it takes.
// If not, it names the first that has none.
func (t *template) accepts(data []value) (key string, ok bool) {
	for _, k := range t.keywords {
		if !k.takes(find(data, k.Key).text) {
			return k.Key, false
		}
	}
	return "", true
}
