package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"time"

	"github.com/wxnotify/wxnotify/wxcard"
)

//go:embed static/*.css static/*.js static/*.svg
var staticFiles embed.FS

// static holds the files of the pages, and a sum of all of them: their
// addresses carry it, so that browsers keep them until there is a new build.
type static struct {
	files map[string][]byte
	sum   string
}

func readStatic() static {
	s := static{files: map[string][]byte{}}
	h := sha256.New()
	own, err := fs.Sub(staticFiles, "static")
	if err != nil {
		panic(err)
	}
	for _, from := range []fs.FS{own, wxcard.Files} {
		names, err := fs.Glob(from, "*")
		if err != nil {
			panic(err)
		}
		for _, name := range names {
			b, err := fs.ReadFile(from, name)
			if err != nil {
				panic(err)
			}
			s.files[name] = b
			h.Write(b)
		}
	}
	s.sum = hex.EncodeToString(h.Sum(nil)[:6])
	return s
}

var kinds = map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}

// GET /console/static/{sum}/{file}
func (d *Door) staticFile(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	b, ok := d.static.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kinds[path.Ext(name)])
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(b))
}
