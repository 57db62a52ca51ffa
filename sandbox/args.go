package sandbox

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// args are the arguments of a management call, by name; a single one is a list
// of one.
type args map[string][]string

func (a args) text(name string) string {
	if v := a[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// number is a whole number, or -1 where there is none.
func (a args) number(name string) int {
	n, err := strconv.Atoi(a.text(name))
	if err != nil {
		return -1
	}
	return n
}

// numbers is a list of whole numbers; false if one of them is none.
func (a args) numbers(name string) (all []int, ok bool) {
	for _, text := range a[name] {
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, false
		}
		all = append(all, n)
	}
	return all, true
}

// readArgs reads a JSON object of scalars and lists of scalars; other members
// count as absent.
func readArgs(c *call) {
	c.args = args{}
	c.badJSON = !eachMember(c.body, func(name string, d *jsontext.Decoder) error {
		switch d.PeekKind() {
		case '{', 'n':
			return d.SkipValue()
		case '[':
			return readArray(d, func(d *jsontext.Decoder) error { return c.args.read(name, d) })
		}
		delete(c.args, name) // the last duplicate counts
		return c.args.read(name, d)
	})
}

func (a args) read(name string, d *jsontext.Decoder) error {
	if k := d.PeekKind(); k == '{' || k == '[' {
		return d.SkipValue()
	}
	var text string
	err := readText(d, &text)
	a[name] = append(a[name], text)
	return err
}

// readCount is readArgs where a body that is no JSON looks to WeChat like one
// without a count.
func readCount(c *call) {
	readArgs(c)
	c.badJSON = false
}

// readEither reads JSON, or a form: the documents want a form, the SDKs send
// JSON, and WeChat takes both.
func readEither(c *call) {
	if body := strings.TrimSpace(string(c.body)); strings.HasPrefix(body, "{") {
		readArgs(c)
		return
	}
	form, err := url.ParseQuery(string(c.body))
	c.badJSON = err != nil
	c.args = args(form)
	if list, ok := form["kidList[]"]; ok { // as PHP writes a list
		c.args["kidList"] = list
	}
}

// readQuery takes the arguments from the query.
func readQuery(c *call) { c.args = args(c.query()) }
