package sandbox

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/wxnotify/wxnotify/wechat"
)

// Callback is where and how WeChat pushes an app's events. Mode is plain or
// safe (encrypted), Format is xml or json.
type Callback struct {
	URL            string `json:"url"`
	Token          string `json:"token"`
	EncodingAESKey string `json:"encoding_aes_key"`
	Mode           string `json:"mode"`
	Format         string `json:"format"`
}

const (
	modePlain  = "plain"
	modeSafe   = "safe"
	formatXML  = "xml"
	formatJSON = "json"
)

// letter is one delivery as it goes over the wire.
type letter struct {
	query             url.Values
	body, contentType string
}

// seal signs the event, and encrypts it in safe mode. The time is real.
func (s *Sandbox) seal(cb Callback, a *app, event []byte) (letter, error) {
	timestamp, nonce := strconv.FormatInt(s.opt.Now().Unix(), 10), randomText("123456789", 10)
	l := letter{contentType: "application/json", query: url.Values{
		"signature": {wechat.Signature(cb.Token, timestamp, nonce)},
		"timestamp": {timestamp}, "nonce": {nonce},
		"openid": {textMember(event, "FromUserName")},
	}}
	if cb.Format == formatXML {
		l.contentType = "text/xml"
		event = toXML(event)
	}
	if cb.Mode != modeSafe {
		l.body = string(event)
		return l, nil
	}
	key, err := wechat.DecodeKey(cb.EncodingAESKey)
	if err != nil {
		return l, err
	}
	encrypted := wechat.Encrypt(key, a.id, event)
	l.query.Set("encrypt_type", "aes")
	l.query.Set("msg_signature", wechat.Signature(cb.Token, timestamp, nonce, encrypted))
	l.body = envelope(cb.Format, a.account(), encrypted)
	return l, nil
}

func envelope(format, account, encrypted string) string {
	if format == formatXML {
		return "<xml><ToUserName><![CDATA[" + account + "]]></ToUserName><Encrypt><![CDATA[" + encrypted + "]]></Encrypt></xml>"
	}
	return string(encode(struct{ ToUserName, Encrypt string }{account, encrypted}))
}

// splitCDATA keeps text from ending its CDATA section.
func splitCDATA(text string) string { return strings.ReplaceAll(text, "]]>", "]]]]><![CDATA[>") }

// completeEvent adds the common fields that an event lacks. What is there stays
// byte for byte.
func completeEvent(a *app, event jsontext.Value, real time.Time) ([]byte, error) {
	has := map[string]bool{}
	if !eachMember(event, func(name string, d *jsontext.Decoder) error { has[name] = true; return d.SkipValue() }) {
		return nil, refuse(422, "event must be a JSON object, such as the event of an earlier push")
	}
	body := strings.TrimSpace(string(event))
	body = body[:len(body)-1]
	add := func(name, raw string) {
		if has[name] {
			return
		}
		if len(has) > 0 {
			body += ","
		}
		has[name] = true
		body += `"` + name + `":` + raw
	}
	add("ToUserName", `"`+a.account()+`"`)
	add("CreateTime", strconv.FormatInt(real.Unix(), 10))
	add("MsgType", `"event"`)
	return []byte(body + "}"), nil
}
