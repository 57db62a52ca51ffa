package consoletest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestHero makes the picture of the README: the overview in the evening of a
// day with an incident at noon.
//
//	WXNOTIFY_HERO=docs/console.png go test -count=1 -run TestHero ./console/consoletest
func TestHero(t *testing.T) {
	t.Parallel()
	file := os.Getenv("WXNOTIFY_HERO")
	if file == "" {
		t.Skip("runs with WXNOTIFY_HERO=FILE, counted from the root of the project")
	}
	if !filepath.IsAbs(file) {
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
