package phonetest

import (
	"os"
	"testing"

	"github.com/wxnotify/wxnotify/sandbox"
)

// TestPictures writes what has to be looked at: all eras, languages and themes,
// wide and small, to the folder WXNOTIFY_SHOTS or to one that is forgotten.
func TestPictures(t *testing.T) {
	if os.Getenv("WXNOTIFY_SHOTS") == "" {
		t.Setenv("WXNOTIFY_SHOTS", t.TempDir())
	}
	needLong(t)
	w := start(t)
	w.furnish()
	for _, era := range []string{"ios2018", "android2018", "today"} {
		for _, language := range []string{"zh", "en"} {
			for _, theme := range []string{"light", "dark"} {
				name := era + "-" + language + "-" + theme
				path := "?era=" + era + "&lang=" + language + "&theme=" + theme + "&phone=" + theme
				b := w.open(look{path: "/" + path})
				b.settle(".req")
				b.picture(name)
				b.close()
				small := w.open(look{path: "/" + path, width: 360, height: 740, scale: 2})
				small.settle("#mini .block")
				small.picture(name + "-360")
				small.click(`#front [data-v="chat"]`)
				small.settle("#chat .wxcard")
				small.picture(name + "-360-chat")
				small.close()
				shot := w.open(look{path: "/" + path + "&shot=1&view=chat", width: 480, height: 820})
				shot.settle("#chat .wxcard")
				shot.picture(name + "-shot")
				shot.close()
			}
		}
	}
}

// The other parts of a small screen, and what lies over the page.
func TestPicturesOfParts(t *testing.T) {
	if os.Getenv("WXNOTIFY_SHOTS") == "" {
		t.Setenv("WXNOTIFY_SHOTS", t.TempDir())
	}
	needLong(t)
	w := demo(t)
	w.furnish()
	for _, style := range []string{"lang=zh&theme=light", "lang=en&theme=dark"} {
		b := w.open(look{path: "/?" + style, width: 360, height: 740, scale: 2})
		for _, part := range []string{"world", "work"} {
			b.click(`#part [data-v="` + part + `"]`)
			b.picture(style + "-" + part)
		}
		b.click("#worktabs button:nth-of-type(2)")
		b.picture(style + "-requests")
		b.click(`#part [data-v="world"]`)
		b.click(`#faults [data-key="add"]`)
		b.picture(style + "-fault")
		b.close()
		wide := w.open(look{path: "/?era=today&" + style, width: 1100, height: 800})
		wide.click(`[data-key="subscribe"]`)
		wide.settle(".sheet")
		wide.picture(style + "-sheet")
		wide.key("Escape")
		wide.click(`#front [data-v="chat"]`)
		wide.click(".wxcard .wxc-dots")
		wide.settle(".menu")
		wide.picture(style + "-menu")
		wide.key("Escape")
		wide.click("#gear")
		wide.settle(".settings")
		wide.picture(style + "-gear")
		wide.key("Escape")
		wide.click(`#faults [data-key="add"]`)
		wide.picture(style + "-fault-wide")
		wide.close()
	}
}

// settle waits until nothing moves any more.
func (b *tab) settle(selector string) {
	b.t.Helper()
	b.until(selector+" is at rest", `document.querySelector('`+selector+`')?.getClientRects().length && `+still)
}

// furnish fills the world with something of everything.
func (w *world) furnish() {
	w.t.Helper()
	if err := w.Subscribe(sandbox.FirstAppID, sandbox.FirstUser, map[string]string{sandbox.OnceTemplate: "accept", sandbox.DeliveryTemplate: "accept"}); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.Pay(sandbox.FirstAppID, sandbox.FirstUser, 1); err != nil {
		w.t.Fatal(err)
	}
	if err := w.ChangeSettings(sandbox.FirstAppID, sandbox.ThirdUser, map[string]string{sandbox.ClassicTemplate: "reject"}); err != nil {
		w.t.Fatal(err)
	}
	w.send("subscribe", accepted())
	w.form()
	form := w.form()
	if _, err := w.AddFault(sandbox.Fault{Endpoint: "send", Effect: "errcode", Errcode: 45009, Times: 2}); err != nil {
		w.t.Fatal(err)
	}
	w.send("wxopen/template", order(form))
	if err := w.RemoveFaults(""); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.AddFault(sandbox.Fault{Endpoint: "template/send", Effect: "errcode", Errcode: 41028, Times: 1}); err != nil {
		w.t.Fatal(err)
	}
	w.send("wxopen/template", order("not known"))
	w.send("wxopen/template", order(form))
}
