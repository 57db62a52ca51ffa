package gateway

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/wxnotify/wxnotify"
)

// An envelope is WeChat's push as it is read: names to values, of which there
// may be several. XML and JSON come to the same, and so do an object and an
// array of one, a number and its text.
type envelope struct {
	text string
	kids map[string][]*envelope
}

// Bounds of a push; real ones are far below.
const (
	maxDepth   = 8
	maxEntries = 100
)

var errPush = errors.New("gateway: not a push of WeChat's")

// open reads XML or JSON, whatever the media type says (wechat-api.md 6.3).
func open(raw []byte) (*envelope, error) {
	raw = bytes.TrimLeft(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case bytes.HasPrefix(raw, []byte("<")):
		return openXML(raw)
	case bytes.HasPrefix(raw, []byte("{")):
		return openJSON(raw)
	}
	return nil, errPush
}

func (e *envelope) add(name string, kid *envelope) {
	if e.kids == nil {
		e.kids = map[string][]*envelope{}
	}
	e.kids[name] = append(e.kids[name], kid)
}

// get is the text of the last value of that name, as WeChat takes the last of
// two; "" where there is none.
func (e *envelope) get(names ...string) string {
	for _, name := range names {
		if list := e.kids[name]; len(list) > 0 {
			return list[len(list)-1].text
		}
	}
	return ""
}

func openJSON(raw []byte) (*envelope, error) {
	d := jsontext.NewDecoder(bytes.NewReader(raw), lax)
	root := &envelope{}
	if err := readJSON(d, root, "", 0); err != nil {
		return nil, errPush
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return nil, errPush
	}
	if list := root.kids[""]; len(list) == 1 {
		return list[0], nil
	}
	return nil, errPush
}

// readJSON reads one value and hangs it up under name, an array's entries one
// by one.
func readJSON(d *jsontext.Decoder, parent *envelope, name string, depth int) error {
	if depth > maxDepth {
		return errPush
	}
	t, err := d.ReadToken()
	if err != nil {
		return err
	}
	switch t.Kind() {
	case '[':
		for d.PeekKind() != ']' {
			if err := readJSON(d, parent, name, depth+1); err != nil {
				return err
			}
		}
		_, err = d.ReadToken()
		return err
	case '{':
		kid := &envelope{}
		for d.PeekKind() != '}' {
			key, err := d.ReadToken()
			if err != nil {
				return err
			}
			if err := readJSON(d, kid, key.String(), depth+1); err != nil {
				return err
			}
		}
		parent.add(name, kid)
		_, err = d.ReadToken()
		return err
	case 'n':
		return nil
	}
	parent.add(name, &envelope{text: t.String()})
	return nil
}

func openXML(raw []byte) (*envelope, error) {
	d := xml.NewDecoder(bytes.NewReader(raw))
	stack := []*envelope{{}}
	for {
		t, err := d.Token()
		if err == io.EOF && len(stack) == 1 && len(stack[0].kids["xml"]) == 1 {
			return stack[0].kids["xml"][0], nil
		}
		if err != nil {
			return nil, errPush
		}
		top := stack[len(stack)-1]
		switch t := t.(type) {
		case xml.StartElement:
			if len(stack) > maxDepth {
				return nil, errPush
			}
			kid := &envelope{}
			top.add(t.Name.Local, kid)
			stack = append(stack, kid)
		case xml.EndElement:
			top.text = strings.TrimSpace(top.text)
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top.text += string(t)
		case xml.Directive: // no document types, and so no entities
			return nil, errPush
		}
	}
}

// kinds are the events that are taken in.
var eventKinds = map[string]wxnotify.EventKind{
	"subscribe_msg_popup_event":  wxnotify.EventPopup,
	"subscribe_msg_change_event": wxnotify.EventChange,
	"subscribe_msg_sent_event":   wxnotify.EventSent,
}

// ParseEvents reads the body of a push, sealed no more, in XML or JSON. Pushes
// of other kinds, and entries that make no sense, give no event; what is
// neither XML nor JSON is an error. App is left to the caller.
func ParseEvents(raw []byte) ([]wxnotify.Event, error) {
	root, err := open(raw)
	if err != nil {
		return nil, err
	}
	return root.events(), nil
}

func (e *envelope) events() (all []wxnotify.Event) {
	head := wxnotify.Event{Kind: eventKinds[e.get("Event")], To: e.get("FromUserName")}
	sec, err := strconv.ParseInt(e.get("CreateTime"), 10, 64)
	if head.Kind == "" || !wxnotify.ValidOpenID(head.To) || err != nil || sec <= 0 || sec > 1<<33 {
		return nil
	}
	head.At = time.Unix(sec, 0).UTC()
	for _, entry := range e.entries() {
		if v, ok := entry.event(head); ok && len(all) < maxEntries {
			all = append(all, v)
		}
	}
	return all
}

// entries are what List holds, on top or inside of a wrapper such as
// SubscribeMsgPopupEvent (wechat-api.md 6.4).
func (e *envelope) entries() []*envelope {
	if list := e.kids["List"]; len(list) > 0 {
		return list
	}
	for _, name := range []string{"SubscribeMsgPopupEvent", "SubscribeMsgChangeEvent", "SubscribeMsgSentEvent"} {
		for _, wrapper := range e.kids[name] {
			if list := wrapper.kids["List"]; len(list) > 0 {
				return list
			}
			if wrapper.get("TemplateId") != "" {
				return e.kids[name]
			}
		}
	}
	return nil
}

func (e *envelope) event(v wxnotify.Event) (wxnotify.Event, bool) {
	v.TemplateID = e.get("TemplateId")
	if !wxnotify.ValidTemplateID(v.TemplateID) {
		return v, false
	}
	if v.Kind == wxnotify.EventSent {
		return e.sent(v)
	}
	switch said := e.get("SubscribeStatusString"); {
	case strings.HasPrefix(said, wxnotify.SaidAccept): // acceptWithAudio as well
		v.Said = wxnotify.SaidAccept
	case said == wxnotify.SaidReject, said == wxnotify.SaidBan, said == wxnotify.SaidFilter:
		v.Said = said
	}
	return v, v.Said != ""
}

func (e *envelope) sent(v wxnotify.Event) (wxnotify.Event, bool) {
	v.MsgID, v.Status = e.get("MsgID", "MsgId"), e.get("ErrorStatus")
	n, err := strconv.ParseUint(v.MsgID, 10, 64)
	if err != nil || n == 0 || v.MsgID[0] == '+' {
		return v, false
	}
	code, err := strconv.ParseInt(e.get("ErrorCode"), 10, 32)
	if err != nil && v.Status != "success" {
		return v, false
	}
	if v.Errcode = int(code); len(v.Status) > maxStatus {
		v.Status = strings.ToValidUTF8(v.Status[:maxStatus], "")
	}
	return v, true
}

const maxStatus = 200
