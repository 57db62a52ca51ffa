package sandbox

import (
	"embed"
	"io/fs"
	"net/http"

	"github.com/wxnotify/wxnotify/wechat"
	"github.com/wxnotify/wxnotify/wxcard"
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
	codes := errcodes()
	mux.HandleFunc("GET /phone/codes.json", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, codes) })
	for _, name := range []string{"card.js", "card.css"} { // the console shows the same cards
		mux.HandleFunc("GET /phone/"+name, func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, wxcard.Files, name)
		})
	}
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

// errcodes is the errcode table for the page: what each means, and what the
// server does about it.
func errcodes() []byte {
	type line struct {
		Errcode int    `json:"errcode"`
		Text    string `json:"text"`
		Calls   string `json:"calls"`
		En      string `json:"en"`
		Zh      string `json:"zh"`
	}
	var all []line
	for _, c := range wechat.Codes() {
		all = append(all, line{c.Errcode, c.Text, string(c.Calls), c.En, c.Zh})
	}
	return encode(all)
}
