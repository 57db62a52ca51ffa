package consoletest

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestPictures writes what has to be looked at: all pages, in both languages
// and themes, wide and small, to the folder WXNOTIFY_SHOTS or to one that is
// forgotten. It goes through all pages with a script's eyes as well.
func TestPictures(t *testing.T) {
	if os.Getenv("WXNOTIFY_SHOTS") == "" {
		t.Setenv("WXNOTIFY_SHOTS", t.TempDir())
	}
	needLong(t)
	w := start(t)
	w.furnish()
	b := w.open(look{path: "/console/"})
	small := w.open(look{path: "/console/", width: 360, height: 740, scale: 2})
	for _, style := range []string{"zh-light", "en-dark", "zh-dark", "en-light"} {
		language, theme, _ := strings.Cut(style, "-")
		b.to("/console/?lang=" + language + "&theme=" + theme)
		small.to("/console/?lang=" + language + "&theme=" + theme)
		for name, path := range pagesToSee {
			if only := os.Getenv("WXNOTIFY_ONLY"); only != "" && !slices.Contains(strings.Split(only, ","), name) {
				continue
			}
			b.to(w.fillIn(path))
			b.picture(name + "-" + style)
			small.to(w.fillIn(path))
			small.fits(name)
			small.picture(name + "-" + style + "-360")
		}
	}
}

// fits says that nothing sticks out of a small screen.
func (b *tab) fits(name string) {
	b.t.Helper()
	if wide := eval[float64](b, `document.documentElement.scrollWidth`); wide > 360 {
		b.t.Errorf("%s is %v wide on a screen of 360", name, wide)
	}
}
