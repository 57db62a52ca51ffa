package consoletest

import (
	"cmp"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestHero makes the picture of the README: the overview in the evening of a
// day with an incident at noon. A long run makes it beside its other pictures.
//
//	WXNOTIFY_HERO=docs/console.png go test -count=1 -run TestHero ./console/consoletest
func TestHero(t *testing.T) {
	t.Parallel()
	file := os.Getenv("WXNOTIFY_HERO")
	switch {
	case file == "":
		needLong(t)
		file = filepath.Join(cmp.Or(os.Getenv("WXNOTIFY_SHOTS"), t.TempDir()), "hero-console.png")
	case !filepath.IsAbs(file):
		file = filepath.Join("..", "..", file)
	}
	w := start(t)
	w.day()
	b := w.open(look{path: "/console/?lang=zh&theme=light", width: 1440, height: 1010, scale: 1.25})
	b.until("all plots are drawn", `document.querySelectorAll('[data-plot] canvas').length === 6`)
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, png, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d KB", file, len(png)>>10)
}
