package api

import (
	"net/http"

	"github.com/wxnotify/wxnotify"
)

// mountMetrics serves what Prometheus reads. It is of all apps, so a key that
// is bound to one cannot see it.
//
// GET /metrics
func (d *Door) mountMetrics() {
	if d.Metrics == nil {
		return
	}
	d.mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		c := &call{w: w, r: r, route: "GET /metrics", id: w.Header().Get("X-Request-ID"), now: d.Now()}
		defer d.recover(c)
		err := d.enter(c, wxnotify.ScopeRead)
		if err == nil && c.key.App != "" {
			err = wxnotify.Refuse(wxnotify.ScopeMissing, "metrics are of all apps; a key that is bound to one cannot read them")
		}
		if err == nil {
			_, err = parseQuery(r.URL.RawQuery, nil)
		}
		if err != nil {
			d.writeProblem(c, err)
			return
		}
		d.Metrics.ServeHTTP(w, r)
	})
}
