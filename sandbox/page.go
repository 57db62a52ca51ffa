package sandbox

import (
	"embed"
	"io/fs"
	"net/http"
)

// The phone: / is phone/index.html, everything else in the folder is served
// under /phone/. A file that is put there is served; nothing else has to be done.
//
//go:embed phone
var phone embed.FS

// pagePolicy lets the page use what comes from the sandbox itself and nothing
// else: no inline script, no other host, no frame around it.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func pages() http.Handler {
	files, err := fs.Sub(phone, "phone")
	if err != nil {
		panic("sandbox: phone: " + err.Error())
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, files, "/")
	})
	mux.Handle("GET /phone/", http.StripPrefix("/phone/", http.FileServerFS(files)))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		mux.ServeHTTP(w, r)
	})
}
