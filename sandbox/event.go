package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// What WeChat tells an app about subscriptions. CreateTime is real time: the
// receiver checks it against its own clock.

type popupItem struct {
	TemplateID string `json:"TemplateId"`
	Status     string `json:"SubscribeStatusString"`
	Scene      string `json:"PopupScene,omitempty"`
}

type sentItem struct {
	TemplateID string `json:"TemplateId"`
	MsgID      string `json:"MsgID"`
	Code       string `json:"ErrorCode"`
	Status     string `json:"ErrorStatus"`
}

// popupEvent tells what the user answered to the sheet.
func (w *world) popupEvent(a *app, u *user, choices []choice, real time.Time) {
	var items []popupItem
	for _, c := range choices {
		if c.result != "ban" {
			items = append(items, popupItem{c.template.id, c.result, "0"})
		}
	}
	emit(w, a, u, "subscribe_msg_popup_event", items, real)
}

// changeEvent tells what the user refused in the settings or on a card.
func (w *world) changeEvent(a *app, u *user, choices []choice, real time.Time) {
	var items []popupItem
	for _, c := range choices {
		items = append(items, popupItem{TemplateID: c.template.id, Status: c.result})
	}
	emit(w, a, u, "subscribe_msg_change_event", items, real)
}

// sentEvent tells that a message arrived. Nobody builds it where nobody listens.
func (w *world) sentEvent(a *app, u *user, t *template, msgid int64, real time.Time) {
	if a.callback == nil {
		return
	}
	emit(w, a, u, "subscribe_msg_sent_event", []sentItem{{t.id, strconv.FormatInt(msgid, 10), "0", "success"}}, real)
}

// emit puts an event on its way. List is an object for one item and an array
// for several.
func emit[T any](w *world, a *app, u *user, name string, items []T, real time.Time) {
	if len(items) == 0 {
		return
	}
	e := struct {
		ToUserName, FromUserName string
		CreateTime               int64
		MsgType, Event           string
		List                     any
	}{a.account(), u.openid, real.Unix(), "event", name, items}
	if len(items) == 1 {
		e.List = items[0]
	}
	w.due = append(w.due, push{app: a, body: encode(e)})
}

// account is the original id (gh_…) of the mini program.
func (a *app) account() string {
	sum := sha256.Sum256([]byte(a.id))
	return "gh_" + hex.EncodeToString(sum[:6])
}

// wrappers are the elements that XML has around the List of these events.
var wrappers = map[string]string{
	"subscribe_msg_popup_event":  "SubscribeMsgPopupEvent",
	"subscribe_msg_change_event": "SubscribeMsgChangeEvent",
	"subscribe_msg_sent_event":   "SubscribeMsgSentEvent",
}

// toXML writes a JSON event as WeChat's XML: text in CDATA, an array as its
// element repeated.
func toXML(event []byte) []byte {
	var b bytes.Buffer
	b.WriteString("<xml>")
	wrapper := wrappers[textMember(event, "Event")]
	eachMember(event, func(name string, d *jsontext.Decoder) error {
		if name != "List" || wrapper == "" {
			return writeXML(&b, name, d)
		}
		b.WriteString("<" + wrapper + ">")
		err := writeXML(&b, name, d)
		b.WriteString("</" + wrapper + ">")
		return err
	})
	b.WriteString("</xml>")
	return b.Bytes()
}

func writeXML(b *bytes.Buffer, name string, d *jsontext.Decoder) error {
	switch d.PeekKind() {
	case '[':
		return readArray(d, func(d *jsontext.Decoder) error { return writeXML(b, name, d) })
	case '{':
		b.WriteString("<" + name + ">")
		err := readObject(d, func(name string, d *jsontext.Decoder) error { return writeXML(b, name, d) })
		b.WriteString("</" + name + ">")
		return err
	}
	t, err := d.ReadToken()
	if err != nil {
		return err
	}
	b.WriteString("<" + name + ">")
	writeCharacters(b, t)
	b.WriteString("</" + name + ">")
	return nil
}

func writeCharacters(b *bytes.Buffer, t jsontext.Token) {
	switch t.Kind() {
	case 'n':
	case '"':
		_, _ = io.WriteString(b, "<![CDATA["+splitCDATA(t.String())+"]]>")
	default:
		b.WriteString(t.String())
	}
}

// textMember is a member of an object as text, "" where there is none.
func textMember(object []byte, want string) (text string) {
	eachMember(object, func(name string, d *jsontext.Decoder) error {
		if k := d.PeekKind(); name == want && k != '{' && k != '[' {
			return readText(d, &text)
		}
		return d.SkipValue()
	})
	return text
}
