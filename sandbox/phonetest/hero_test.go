package phonetest

import (
	"cmp"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestHero makes the picture of the README: the demo after its first minute.
// A long run makes it beside its other pictures.
//
//	WXNOTIFY_HERO=docs/phone.png go test -count=1 -run TestHero ./sandbox/phonetest
func TestHero(t *testing.T) {
	t.Parallel()
	file := os.Getenv("WXNOTIFY_HERO")
	switch {
	case file == "":
		needLong(t)
		file = filepath.Join(cmp.Or(os.Getenv("WXNOTIFY_SHOTS"), t.TempDir()), "hero-phone.png")
	case !filepath.IsAbs(file):
		file = filepath.Join("..", "..", file)
	}
	w := demo(t)
	b := w.open(look{path: "/?lang=zh&theme=light&era=ios2018", width: 1440, height: 862, scale: 1.25})
	b.click(`[data-key="pay"]`)
	b.click(`[data-key="submit"]`)
	b.until("both are in the ledger", `document.querySelector('dl.stock.both') && [...document.querySelectorAll('dl.stock dd:nth-of-type(2n)')].map((e) => e.textContent).join().includes('3')`)
	b.click("#message [type=submit]")
	b.until("it is sent", `document.querySelector('.life[data-state=sent]')`)
	b.until("the toasts are gone", `!document.querySelector('.toast.on, .note.on')`)
	b.settle("#card-1")
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, png, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d KB", file, len(png)>>10)
}
