package console

import (
	"net/http"
	"slices"
	"time"
)

// themes of the console; auto follows the reader's system.
var themes = []string{"auto", "light", "dark"}

// chosen is what the reader chose before, and a cookie remembers.
func chosen(r *http.Request, name string, of []string) string {
	if c, err := r.Cookie("wxnotify_" + name); err == nil && slices.Contains(of, c.Value) {
		return c.Value
	}
	return ""
}

// choose remembers a ?lang= or ?theme= and goes on to the address without it.
// It says whether there was one.
func (d *Door) choose(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}
	q := r.URL.Query()
	found := false
	for name, of := range map[string][]string{"lang": languages, "theme": themes} {
		v, asked := q[name]
		if !asked {
			continue
		}
		found = true
		q.Del(name)
		if slices.Contains(of, v[0]) {
			http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure where people come by https
				Name: "wxnotify_" + name, Value: v[0], Path: Root, MaxAge: int(365 * 24 * time.Hour / time.Second),
				HttpOnly: true, Secure: d.opt.Secure, SameSite: http.SameSiteLaxMode,
			})
		}
	}
	if !found {
		return false
	}
	to := *r.URL
	to.RawQuery = q.Encode()
	goTo(w, r, to.RequestURI())
	return true
}

// goTo sends the reader to another page, which the caller knows to be ours.
func goTo(w http.ResponseWriter, r *http.Request, to string) {
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // inside, back and choose look at what came from outside
}
