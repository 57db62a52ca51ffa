package api

import (
	"embed"
	"encoding/json"
	"net/http"
	"path"
	"strings"
)

//go:embed docs/index.html docs/docs.js docs/docs.css docs/redoc.standalone.js
var docsFiles embed.FS

// docsPolicy is as narrow as the viewer allows: it makes its styles while it
// runs and draws its arrows from data URLs. Nothing is fetched from elsewhere.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// mountDocs serves the document and its viewer, which need no network.
func (d *Door) mountDocs() {
	spec, err := json.Marshal(document(d.opt.Version))
	if err != nil {
		panic(err) // our own structs
	}
	d.mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(spec)
	})
	d.mux.HandleFunc("GET /docs", func(w http.ResponseWriter, r *http.Request) { d.docsFile(w, r, "index.html") })
	d.mux.HandleFunc("GET /docs/{file}", func(w http.ResponseWriter, r *http.Request) { d.docsFile(w, r, r.PathValue("file")) })
}

func (d *Door) docsFile(w http.ResponseWriter, r *http.Request, name string) {
	body, err := docsFiles.ReadFile(path.Join("docs", name))
	if err != nil {
		d.missing(w, r)
		return
	}
	kind := map[string]string{".html": "text/html", ".js": "text/javascript", ".css": "text/css"}[path.Ext(name)]
	w.Header().Set("Content-Type", kind+"; charset=utf-8")
	w.Header().Set("Content-Security-Policy", docsPolicy)
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, name, d.since, strings.NewReader(string(body)))
}
