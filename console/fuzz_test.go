package console

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What stands in addresses, forms and headers of the console comes from
// anybody. A link from a filter shows the same rows, and nobody is sent to
// another place.
func FuzzForms(f *testing.F) {
	for _, s := range []string{
		"state=taken&group=lost&errcode=43101&open=1&by=rest&range=24h", "reason=no_permit&meta=order=1019&channel=subscribe", "from=1&to=99999999999&range=1h", "from=-1&to=1e9&meta==",
		"next=//evil.example&back=/console/\\evil", "next=/console/messages%3Fstate%3Dfailed", "lang=en&lang=zh&theme=dark", "q=%zz;a=b", "name=ann@shop.example&token=x",
		"AAAA$AAAA", "zh-CN,en;q=0.5,*;q=0", "\xff\x00", "/console/../evil", "/console?next=//evil.example",
	} {
		f.Add(s)
	}
	d := &Door{}
	now := time.Unix(1714037059, 0)
	f.Fuzz(func(t *testing.T, s string) {
		q, _ := url.ParseQuery(s)
		filter := messageFilter(q, now)
		again := messageFilter(filterOf(q), now)
		if again.Cursor = filter.Cursor; !cmp.Equal(filter, again) {
			t.Errorf("%q: a link shows other rows: %s", s, cmp.Diff(filter, again))
		}
		if q.Get("reason") != "" && filter.State == "" && filter.Group == "" {
			t.Errorf("%q: a reason without a state", s)
		}
		for _, to := range []string{s, q.Get("next"), q.Get("back")} {
			if u, err := url.Parse(inside(to)); err == nil && (u.Host != "" || u.Scheme != "" || !Owns(u.Path)) {
				t.Errorf("%q leads out: %s", to, inside(to))
			}
		}
		r := httptest.NewRequest(http.MethodGet, Root+"/login", nil)
		r.URL.RawQuery, r.Header["Accept-Language"], r.Header["Cookie"] = s, []string{s}, []string{"wxnotify_lang=" + s}
		if l := languageOf(r); l != "zh" && l != "en" {
			t.Errorf("%q speaks %q", s, l)
		}
		if w := httptest.NewRecorder(); d.choose(w, r) && !strings.HasPrefix(w.Header().Get("Location"), Root+"/login") {
			t.Errorf("%q is sent to %q", s, w.Header().Get("Location"))
		}
		if salt, sum, ok := decodePair(s); ok && len(salt)+len(sum) > len(s) {
			t.Errorf("%q holds %d bytes", s, len(salt)+len(sum))
		}
		if userName.MatchString(s) && (strings.ContainsAny(s, "<>&\"' \n") || len(s) > 4*40) {
			t.Errorf("%q is a name", s)
		}
	})
}
