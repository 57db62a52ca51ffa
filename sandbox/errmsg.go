package sandbox

import (
	"fmt"
	mrand "math/rand/v2"
	"net"
	"strconv"
	"strings"

	"github.com/wxnotify/wxnotify/wechat"
)

// The eras differ in how WeChat ends an errmsg, and in what still works.
const (
	eraClassic = "classic" // until about mid-2020: hints; template messages live
	eraToday   = "today"   // rids; template messages are gone
)

// suffix is what WeChat appends to the text of an error. In both eras /sns has
// a comma before it and /cgi-bin has none. The first group of a rid is the time
// in seconds, in hex.
func (c *call) suffix() string {
	sns := strings.HasPrefix(c.path, "/sns/")
	if c.app != nil && c.app.era == eraToday {
		c.rid = fmt.Sprintf("%08x-%08x-%08x", c.now.Unix(), mrand.Uint32(), mrand.Uint32())
		if sns {
			return ", rid: " + c.rid
		}
		return " rid: " + c.rid
	}
	if sns {
		return ", hints: [ req_id: " + randomText(alphanumeric, 8) + " ]"
	}
	return " hint: [" + randomText(alphanumeric, 14) + "]"
}

// betterToken is what the texts about tokens also say since the stable token
// exists.
func (c *call) betterToken() string {
	if c.app == nil || c.app.era == eraClassic {
		return ""
	}
	return ", could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r"
}

func isTokenPath(path string) bool {
	return path == "/cgi-bin/token" || path == "/cgi-bin/stable_token"
}

// wireText is the text of an errcode as it goes over the wire. Where nobody ever
// saw one, the number has to do.
func wireText(code int) string {
	if k, ok := wechat.Lookup(code); ok && k.Text != "" {
		return k.Text
	}
	return "errcode " + strconv.Itoa(code)
}

// refuseFaulted is refuse for a code that a fault wants; it fills in what the
// text names with something of the call.
func (c *call) refuseFaulted(code int) {
	text := wireText(code)
	if code == 40001 || code == 45009 && isTokenPath(c.path) {
		text += c.betterToken()
	}
	if c.app == nil || c.app.era == eraClassic {
		text = strings.Replace(text, " ipv6 ::ffff:{ip}", "", 1) // came later
	}
	text = strings.ReplaceAll(text, "{ip}", c.host())
	if strings.Contains(text, "{key}") {
		key := "thing1"
		if data := readData(c.body); len(data) > 0 {
			key = data[len(data)-1].key
		}
		text = strings.ReplaceAll(text, "{key}", key)
	}
	c.refuseText(code, text)
}

// host is the address of the caller.
func (c *call) host() string {
	host, _, err := net.SplitHostPort(c.remote)
	if err != nil {
		return "127.0.0.1" // a handler called without a network
	}
	return host
}
