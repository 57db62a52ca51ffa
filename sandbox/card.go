package sandbox

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// firstMsgid is beyond 2^53, as WeChat's are.
const firstMsgid = 1_988_810_812_324_364_288

// card is a message that reached a phone. It keeps the body of the call and is
// made readable only when somebody looks.
type card struct {
	seq                  uint64
	at                   time.Time
	app                  *app
	user                 *user
	template             *template
	body                 []byte
	page, form, emphasis string
	msgid                int64
}

// Card is a message as the phone shows it.
type Card struct {
	Seq        uint64  `json:"seq"`
	Time       string  `json:"time"`
	AppID      string  `json:"appid"`
	Openid     string  `json:"openid"`
	TemplateID string  `json:"template_id"`
	Channel    string  `json:"channel"`
	Title      string  `json:"title"`
	Page       *string `json:"page"`
	FormID     *string `json:"form_id"`
	Msgid      *string `json:"msgid"`
	Rows       []Row   `json:"rows"`
	Emphasis   *string `json:"emphasis"`
}

// Row is one line of a card: the template's keyword and the message's value.
// Key is the name in data, Name is what the user reads. Color is nil where the
// message gave none.
type Row struct {
	Key   string  `json:"key"`
	Name  string  `json:"name"`
	Value string  `json:"value"`
	Color *string `json:"color"`
}

// show makes the card readable. It needs no lock: a card never changes, and
// neither do the parts of app, user and template that it reads.
func (k *card) show() Card {
	c := Card{
		Seq: k.seq, Time: stamp(k.at), AppID: k.app.id, Openid: k.user.openid,
		TemplateID: k.template.id, Channel: k.template.channel, Title: k.template.title,
		Page: orNil(k.page), Rows: []Row{},
	}
	if k.msgid != 0 {
		c.Msgid = orNil(strconv.FormatInt(k.msgid, 10))
	}
	if k.template.channel == channelTemplate {
		c.FormID = orNil(k.form)
	}
	data := readData(k.body)
	emphasis, ok := strings.CutSuffix(k.emphasis, ".DATA")
	for _, w := range k.template.keywords {
		v := find(data, w.Key)
		c.Rows = append(c.Rows, Row{w.Key, w.Name, v.text, orNil(v.color)})
		if ok && w.Key == emphasis && k.template.channel == channelTemplate {
			c.Emphasis = orNil(emphasis)
		}
	}
	return c
}

func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// stamp is how times leave the sandbox.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// CardQuery chooses cards: those after a number, of an app or a user if given.
type CardQuery struct {
	AppID, Openid string
	After         uint64
	Limit         int           // 0 means 1000, at most 10000
	Wait          time.Duration // real time to wait for the first one
}

// Cards returns the cards that reached phones, oldest first, and the number of
// the newest card there is. With Wait it waits for the first card that fits, as
// long as the time lasts, ctx lives and the sandbox is open.
func (s *Sandbox) Cards(ctx context.Context, q CardQuery) ([]Card, uint64) {
	var timeout <-chan time.Time
	if q.Wait > 0 {
		t := time.NewTimer(q.Wait)
		defer t.Stop()
		timeout = t.C
	}
	world := 0
	for {
		l := s.lookForCards(q)
		if world != 0 && world != l.world {
			q.After, world = 0, l.world // a reset came in between, and numbers began anew
			continue
		}
		if len(l.found) > 0 || timeout == nil {
			return l.found, l.last
		}
		world, q.After = l.world, max(q.After, l.last) // nothing up to here fits
		select {
		case <-l.changed:
		case <-timeout:
			return l.found, l.last
		case <-ctx.Done():
			return l.found, l.last
		case <-s.ctx.Done():
			return l.found, l.last
		}
	}
}

// look is one look at the cards. changed is closed at the next change.
type look struct {
	found   []Card
	last    uint64
	world   int
	changed <-chan struct{}
}

func (s *Sandbox) lookForCards(q CardQuery) look {
	s.mu.Lock()
	kept := s.w.cards.after(q.After)
	l := look{found: []Card{}, last: s.w.cards.last(), world: s.w.generation}
	if q.Wait > 0 {
		l.changed = s.wait()
	}
	s.mu.Unlock()
	if q.Limit == 0 {
		q.Limit = 1000
	}
	for _, k := range kept {
		if len(l.found) == q.Limit {
			break
		}
		if (q.AppID == "" || k.app.id == q.AppID) && (q.Openid == "" || k.user.openid == q.Openid) {
			l.found = append(l.found, k.show())
		}
	}
	return l
}

// Tap is the user who opens a card: the page that the mini program opens, nil
// where the card leads nowhere.
func (s *Sandbox) Tap(seq uint64) (page *string, err error) {
	err = s.do(func(w *world, _ time.Time) error {
		k, err := w.card(seq)
		if err == nil {
			page = orNil(k.page)
		}
		return err
	})
	return page, err
}

// Reject is the user who refuses further messages on a card. A subscribe
// template is refused as in the settings, with the event; classic messages are
// refused for the whole app, and their time knew no event for it.
func (s *Sandbox) Reject(seq uint64) error {
	return s.do(func(w *world, _ time.Time) error {
		k, err := w.card(seq)
		if err != nil {
			return err
		}
		if k.template.channel == channelTemplate {
			k.user.refused = true
			return nil
		}
		w.withdraw(k.app, k.user, []choice{{k.template, "reject"}}, s.opt.Now())
		return nil
	})
}

func (w *world) card(seq uint64) (*card, error) {
	if k, ok := w.cards.get(seq); ok {
		return k, nil
	}
	return nil, refuse(404, "no card %d; GET /sandbox/cards lists them", seq)
}
