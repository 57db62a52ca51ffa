package hook

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/wxnotify/wxnotify"
)

func ranges(texts ...string) []netip.Prefix { return prefixes(texts...) }

func TestWhichAddressesAWebhookMayHave(t *testing.T) {
	t.Parallel()
	z := &zone{names: map[string][]string{
		"shop.test": {"93.184.215.14"}, "inside.test": {"10.1.2.3"}, "loop.test": {"127.0.0.1"}, "lab.test": {"192.168.7.7"}, "meta.test": {"169.254.169.254"},
	}}
	g := NewGuard(ranges("192.168.7.0/24"), z.resolver(t))
	for address, want := range map[string]wxnotify.Code{
		"https://shop.test/hook?token=x": "", "https://shop.test:8443": "", "https://93.184.215.14/": "", "https://[2606:4700:4700::1111]/": "",
		"https://nobody.test/": "", // its name may come
		"https://192.168.7.7/": "", "http://192.168.7.7:8080/": "", "http://lab.test/": "",

		"http://shop.test/": wxnotify.URLForbiddenHost, "http://93.184.215.14/": wxnotify.URLForbiddenHost, "http://nobody.test/": wxnotify.URLForbiddenHost,
		"https://inside.test/": wxnotify.URLForbiddenHost, "https://loop.test/": wxnotify.URLForbiddenHost, "https://meta.test/": wxnotify.URLForbiddenHost,
		"https://localhost/": wxnotify.URLForbiddenHost, "https://127.0.0.1/": wxnotify.URLForbiddenHost, "https://192.168.8.1/": wxnotify.URLForbiddenHost,
		"https://169.254.169.254/latest/meta-data": wxnotify.URLForbiddenHost, "https://[::1]/": wxnotify.URLForbiddenHost, "https://[::ffff:10.0.0.1]/": wxnotify.URLForbiddenHost,
		"https://[64:ff9b::7f00:1]/": wxnotify.URLForbiddenHost, "https://[fe80::1%25eth0]/": wxnotify.URLForbiddenHost,
		"https://2130706433/": wxnotify.URLForbiddenHost, "https://0x7f000001/": wxnotify.URLForbiddenHost, "https://127.1/": wxnotify.URLForbiddenHost,
		"https://0177.0.0.1/": wxnotify.URLForbiddenHost, "https://127.0.0.1./": wxnotify.URLForbiddenHost, "https://0x7f.1/": wxnotify.URLForbiddenHost,

		"": wxnotify.FieldInvalid, "shop.test/hook": wxnotify.FieldInvalid, "https:///x": wxnotify.FieldInvalid, "https://:443/": wxnotify.FieldInvalid,
		"ftp://shop.test/": wxnotify.FieldInvalid, "file:///etc/passwd": wxnotify.FieldInvalid, "gopher://127.0.0.1:6379/_x": wxnotify.FieldInvalid,
		"https://user:tomato@shop.test/": wxnotify.FieldInvalid, "https://user@shop.test/": wxnotify.FieldInvalid, "https://shop.test/#x": wxnotify.FieldInvalid,
		"https://shop.test:0/": wxnotify.FieldInvalid, "https://shop.test/\n": wxnotify.FieldInvalid, "https:shop.test": wxnotify.FieldInvalid,
		"https://shop.test/" + strings.Repeat("x", MaxURL): wxnotify.FieldInvalid,
	} {
		err := g.Check(t.Context(), address)
		if got := wxnotify.CodeOf(err); got != want {
			t.Errorf("%.60q: %v, want %q", address, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "tomato") {
			t.Errorf("the answer says a password: %v", err)
		}
	}
}
