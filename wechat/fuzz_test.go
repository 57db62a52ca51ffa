package wechat

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/wxnotify/wxnotify"
)

func FuzzReadSend(f *testing.F) {
	for _, s := range []string{
		`{"errcode":0,"errmsg":"ok"}`, `{"errcode":0,"msgid":1988810812324364291}`, `{"errcode":"41028","errmsg":"invalid form id hint: [x]"}`,
		`{"errcode":-1}`, `{}`, `{"errcode":{}}`, `[`, `{"errcode":0}x`, "{\"errmsg\":\"\xff\"}", `{"msgid":"+1"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o := readSend(b, "token-canary")
		switch o.Kind {
		case wxnotify.Accepted:
			if o.Errcode != 0 || !o.Said {
				t.Errorf("%q: %+v", b, o)
			}
		case wxnotify.Refused:
			if o.Errcode == 0 || o.Errcode == -1 || o.Verdict.Do == "" || !o.Said {
				t.Errorf("%q: %+v", b, o)
			}
		case wxnotify.Lost:
			if o.Said != (o.Errcode == -1) {
				t.Errorf("%q: %+v", b, o)
			}
		default:
			t.Errorf("%q: %+v", b, o)
		}
		if strings.Trim(o.MsgID, "0123456789") != "" {
			t.Errorf("%q: msgid %q", b, o.MsgID)
		}
		fitToShow(t, o.Errmsg)
	})
}

func fitToShow(t *testing.T, s string) {
	t.Helper()
	if len(s) > maxErrmsg || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) || strings.Contains(s, "token-canary") {
		t.Errorf("errmsg %q", s)
	}
}

func FuzzErrmsg(f *testing.F) {
	for s := range errmsgs {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		fitToShow(t, clean(s, "token-canary"))
		if id := RID(s); len(id) > 64 || !strings.Contains(s, id) {
			t.Errorf("%q: rid %q", s, id)
		}
		if ip := CallerIP(s); ip != "" {
			if _, err := netip.ParseAddr(ip); err != nil {
				t.Errorf("%q: address %q", s, ip)
			}
		}
	})
}

// errmsgs are captured texts, and what is to be read from them: rid or hint,
// and the caller's address.
var errmsgs = map[string][2]string{
	"ok":                                     {},
	"invalid form id hint: [q39oqA06484105]": {"q39oqA06484105"},
	"invalid code, hints: [ req_id: Xk3nYA0293th ]":                                            {"Xk3nYA0293th"},
	"invalid code hints: [nHNcda0FE-PVWZTA!]":                                                  {"nHNcda0FE-PVWZTA!"},
	"api unauthorized hint: [92.00884559]":                                                     {"92.00884559"},
	"user refuse to accept the msg rid: 5fab84d2-1b2c3d4e-5f607182":                            {"5fab84d2-1b2c3d4e-5f607182"},
	"invalid code, rid: 66c69111-0a1b2c3d-4e5f6071":                                            {"66c69111-0a1b2c3d-4e5f6071"},
	"invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist rid: 5fab84d2-1b2c3d4e-5f607182": {"5fab84d2-1b2c3d4e-5f607182", "1.2.3.4"},
	"invalid ip 61.172.68.219, not in whitelist hint: [KJZfAa0644e575]":                        {"KJZfAa0644e575", "61.172.68.219"},
	"invalid ip 2001:db8::7, not in whitelist":                                                 {"", "2001:db8::7"},
	"invalid ip ::ffff:1.2.3.4, not in whitelist":                                              {"", "1.2.3.4"},
	"invalid ip somewhere, not in whitelist":                                                   {},
	"invalid ip fe80::1%eth0, not in whitelist":                                                {},
	"astride: nothing":    {},
	"hint: [":             {},
	"hint: [never closed": {},
	"the rid: is missing": {},
	"hint: [" + strings.Repeat("x", 65) + "]":                                                          {},
	"reach max api daily quota limit, more details at https://mmbizurl.cn/s/JtxxFh33r rid: 66c69111-0": {"66c69111-0"},
}

func TestErrmsg(t *testing.T) {
	t.Parallel()
	for s, want := range errmsgs {
		if got := RID(s); got != want[0] {
			t.Errorf("RID(%q) = %q, want %q", s, got, want[0])
		}
		if got := CallerIP(s); got != want[1] {
			t.Errorf("CallerIP(%q) = %q, want %q", s, got, want[1])
		}
	}
}

func FuzzKeywords(f *testing.F) {
	for _, s := range []string{"状态{{keyword1.DATA}}\n时间{{keyword2.DATA}}\n", "状态:{{thing1.DATA}}\n", "{{", "{{}}", "{{.DATA}}", "a{{b.DATA}}c{{d}}e：{{ f.DATA }}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, k := range keywords(s) {
			if k.Key == "" || !strings.Contains(s, k.Key) || !strings.Contains(s, k.Name) || strings.Contains(k.Name, "\n") {
				t.Errorf("%q: %+v", s, k)
			}
		}
	})
}

// said is a WeChat that says the same to everything.
type said []byte

// RoundTrip is http.RoundTripper's.
func (b said) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(b)), Request: r}, nil
}

// Whatever WeChat, or a token server, answers to the calls that are no sends:
// what is made of it is whole, or an error that tells no secret.
func FuzzAnswers(f *testing.F) {
	for _, s := range []string{
		`{"access_token":"A","expires_in":7200}`, `{"access_token":"A","expires_in":"9e18"}`, `{"access_token":{},"expires_in":-1}`,
		`{"openid":"o_user_0001","session_key":"k","unionid":"u"}`, `{"errcode":40029,"errmsg":"invalid code token-canary"}`, `{"errcode":40029,"errmsg":"rid: token-canary hint: [token-canary]"}`, `{"errcode":-1}`, `{"errcode":"0"}`,
		`{"list":[{"template_id":"T","title":"t","content":"a{{keyword1.DATA}}\n","example":"a"}]}`, `{"list":[{"id":"AT0002","title":1}],"total_count":"3"}`,
		`{"data":[{"priTmplId":"T","title":"t","content":"{{thing1.DATA}}","type":3,"keywordEnumValueList":[{"keywordCode":"thing1.DATA","enumValueList":["a"]}]}]}`,
		`{"data":[{"tid":1,"title":"t","type":2,"kid":1,"name":"n","rule":"thing","id":2}],"count":1}`, `{"keyword_list":[{"keyword_id":1,"name":"n"}]}`,
		`{"quota":{"daily_limit":1,"used":2,"remain":-1}}`, `{"data":{"token":"A","expires_in":1}}`, `{"data":null}`, `[]`, `{`, "{\"openid\":\"\xff\"}", `{"template_id":["T"]}`,
	} {
		f.Add([]byte(s))
	}
	const secret = "token-canary"
	app := wxnotify.App{ID: "wx0123456789abcdef", Secret: wxnotify.NewSecret(secret), TokenMode: wxnotify.StableToken}
	f.Fuzz(func(t *testing.T, b []byte) {
		c := New(Options{URL: "https://wechat.example", Transport: said(b)})
		far, err := NewCentral(wxnotify.NewSecret("https://host.example/t?app={appid}&key="+secret), "data.token", said(b))
		if err != nil {
			t.Fatal(err)
		}
		look := func(call string, err error, whole bool) {
			if err == nil && !whole {
				t.Errorf("%s: half an answer is taken of %q", call, b)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("%s: %v", call, err)
			}
		}
		ctx := t.Context()
		for name, from := range map[string]interface {
			FetchToken(context.Context, wxnotify.App, bool) (wxnotify.Secret, time.Duration, error)
		}{"token": c, "token_url": far} {
			token, life, err := from.FetchToken(ctx, app, false)
			look(name, err, !token.IsZero() && life > 0)
		}
		openid, _, _, err := c.Login(ctx, app, secret)
		look("login", err, openid != "")
		for _, ch := range []wxnotify.Channel{wxnotify.ChannelTemplate, wxnotify.ChannelSubscribe} {
			ts, err := c.Templates(ctx, secret, ch)
			look("templates", err, !slices.ContainsFunc(ts, func(t wxnotify.Template) bool { return t.Channel != ch }))
			_, _, err = c.Library(ctx, secret, ch, 0)
			look("library", err, true)
			_, err = c.LibraryKeywords(ctx, secret, ch, "1")
			look("keywords", err, true)
			_, err = c.AddTemplate(ctx, secret, ch, "1", []int{1}, "x")
			look("add", err, true)
			look("delete", c.DeleteTemplate(ctx, secret, ch, "1"), true)
			_, err = c.Quota(ctx, secret, ch)
			look("quota", err, true)
		}
	})
}
