package wechat

import (
	"encoding/base64"
	"net/netip"
	"net/url"
	"strings"
	"unicode"
)

// RID is the id at the end of an errmsg by which WeChat's support finds the
// call: a rid, or the hint of the years before rids; "" when there is none
// (wechat-api.md 0 has the forms).
func RID(errmsg string) string {
	if i := strings.LastIndex(errmsg, "rid: "); i >= 0 {
		rest := errmsg[i+len("rid: "):]
		end := strings.IndexFunc(rest, func(r rune) bool { return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'f') })
		if end < 0 {
			end = len(rest)
		}
		if end >= 8 && end <= 64 {
			return rest[:end]
		}
	}
	return hint(errmsg)
}

// hint reads " hint: [X]", " hints: [X]" and ", hints: [ req_id: X ]".
func hint(errmsg string) string {
	i := strings.LastIndex(errmsg, "hint")
	if i < 0 {
		return ""
	}
	rest, ok := strings.CutPrefix(strings.TrimPrefix(errmsg[i+len("hint"):], "s"), ": [")
	if !ok {
		return ""
	}
	rest, _, ok = strings.Cut(rest, "]")
	rest = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(rest), "req_id: "))
	if !ok || len(rest) > 64 {
		return ""
	}
	return rest
}

// CallerIP is the address of ours that WeChat saw and did not like, from the
// errmsg of 40164; "" when it names none.
func CallerIP(errmsg string) string {
	_, rest, ok := strings.Cut(errmsg, "invalid ip ")
	if !ok {
		return ""
	}
	word, _, _ := strings.Cut(rest, " ")
	ip, err := netip.ParseAddr(strings.TrimRight(word, ","))
	if err != nil || ip.Zone() != "" {
		return ""
	}
	return ip.Unmap().String()
}

// maxErrmsg bounds what is kept of an errmsg, in bytes.
const maxErrmsg = 512

// clean makes an errmsg fit to be stored and shown: no control characters, not
// too long, and without the secrets of its call in any of their usual forms.
func clean(errmsg string, secrets ...string) string {
	for _, s := range secrets {
		if s == "" {
			continue
		}
		for _, form := range []string{s, url.QueryEscape(s), base64.StdEncoding.EncodeToString([]byte(s))} {
			errmsg = strings.ReplaceAll(errmsg, form, "[redacted]")
		}
	}
	if len(errmsg) > maxErrmsg {
		errmsg = errmsg[:maxErrmsg]
	}
	errmsg = strings.ToValidUTF8(errmsg, "")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, errmsg)
}
