package sandbox

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// send is what both send calls have in common. The values of data stay in the
// body until somebody wants to see them.
type send struct {
	touser, template, page, form, emphasis, state string
	hasData                                       bool
}

func readSend(c *call) {
	m := &c.send
	c.badJSON = !eachMember(c.body, func(name string, d *jsontext.Decoder) error {
		switch name {
		case "touser":
			return readText(d, &m.touser)
		case "template_id":
			return readText(d, &m.template)
		case "page":
			return readText(d, &m.page)
		case "form_id":
			return readText(d, &m.form)
		case "emphasis_keyword":
			return readText(d, &m.emphasis)
		case "miniprogram_state":
			return readText(d, &m.state)
		case "data":
			m.hasData = true
			if k := d.PeekKind(); k != '{' && k != 'n' && k != 'N' {
				return errShape
			}
		}
		return d.SkipValue()
	})
}

// value is one entry of data.
type value struct{ key, text, color string }

// readData reads the values out of the body of a send call. An entry that is no
// object has no value, as if it were empty.
func readData(body []byte) []value {
	var all []value
	eachMember(body, func(name string, d *jsontext.Decoder) error {
		if name != "data" || d.PeekKind() != '{' {
			return d.SkipValue()
		}
		all = all[:0]
		return readObject(d, func(key string, d *jsontext.Decoder) error {
			v := value{key: key}
			err := readValue(d, &v)
			all = append(all, v)
			return err
		})
	})
	return all
}

func readValue(d *jsontext.Decoder, v *value) error {
	if d.PeekKind() != '{' {
		return d.SkipValue()
	}
	return readObject(d, func(name string, d *jsontext.Decoder) error {
		if k := d.PeekKind(); k == '{' || k == '[' {
			return d.SkipValue()
		}
		switch name {
		case "value":
			return readText(d, &v.text)
		case "color":
			return readText(d, &v.color)
		}
		return d.SkipValue()
	})
}

// find returns the last entry with that key, as WeChat takes the last duplicate.
func find(data []value, key string) value {
	for _, v := range slices.Backward(data) {
		if v.key == key {
			return v
		}
	}
	return value{key: key}
}

// pageReleased tells whether a released mini program could have that page. The
// sandbox knows no list of pages, so only the shape counts.
func pageReleased(page string) bool {
	path, _, _ := strings.Cut(page, "?")
	return !strings.HasPrefix(path, "/") && !strings.Contains(path, "..") && !strings.Contains(path, ":")
}
