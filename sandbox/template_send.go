package sandbox

// POST /cgi-bin/message/wxopen/template/send
//
// The order of checks is openid, template, page, form id, quota. Only a message
// that is delivered uses up its form id.
func (w *world) templateSend(c *call) {
	if c.app.era == eraToday {
		c.refuse(45103)
		return
	}
	u := c.app.byOpenid[c.send.touser]
	t := c.app.byTemplate[c.send.template]
	switch {
	case u == nil:
		c.refuse(40003)
	case u.refused:
		c.refuse(43019)
	case t == nil || t.channel != channelTemplate:
		c.refuse(40037)
	case !pageReleased(c.send.page):
		c.refuse(41030)
	default:
		w.sendWithForm(c, u, t)
	}
}

func (w *world) sendWithForm(c *call, u *user, t *template) {
	f, code := w.usableForm(c.send.form, u, c.now)
	if code != 0 {
		c.refuse(code)
		return
	}
	if !c.app.spend("template/send", c.now) {
		c.refuse(45009)
		return
	}
	if f != nil {
		f.used++
	}
	w.deliver(c, u, t, 0)
	c.ok()
}

// deliver puts the card on the phone.
func (w *world) deliver(c *call, u *user, t *template, msgid int64) {
	c.effect = true
	c.card = &card{at: c.now, app: c.app, user: u, template: t, body: c.body, page: c.send.page,
		form: c.send.form, emphasis: c.send.emphasis, msgid: msgid}
	c.card.seq = w.cards.last() + 1
	w.cards.add(c.card)
}
