package wxnotify

import "bytes"

// Render writes the body of WeChat's call once, at accept, with everything but
// the form_id, which Splice puts in front. Text goes out as raw UTF-8: WeChat
// has been seen to refuse escaped Chinese (wechat-api.md 0).
func (d *Draft) Render(templateID string) []byte {
	b := make([]byte, 0, 256+64*len(d.Data))
	b = appendString(append(b, `{"touser":`...), d.To)
	b = appendString(append(b, `,"template_id":`...), templateID)
	b = appendField(b, "page", d.Page)
	b = append(b, `,"data":{`...)
	for i, x := range d.Data {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, x.Key), `:{"value":`...)
		b = appendString(b, x.Value)
		b = append(appendField(b, "color", x.Color), '}')
	}
	b = append(b, '}')
	b = appendField(b, "emphasis_keyword", d.Emphasis)
	if d.Channel == ChannelSubscribe {
		b = appendField(b, "miniprogram_state", d.MiniprogramState)
		b = appendField(b, "lang", d.Lang)
	}
	return append(b, '}')
}

// Splice returns the bytes to post: body with the permit's code, if it has one.
func Splice(body []byte, code string) []byte {
	if code == "" {
		return body
	}
	out := make([]byte, 0, len(body)+len(code)+16)
	out = append(appendString(append(out, `{"form_id":`...), code), ',')
	return append(out, bytes.TrimPrefix(body, []byte("{"))...)
}

func appendField(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(append(append(b, ',', '"'), name...), '"', ':')
	return appendString(b, value)
}

const hexDigits = "0123456789abcdef"

// appendString appends s as JSON, escaping only what JSON forbids.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(b, s[start:]...), '"')
}
