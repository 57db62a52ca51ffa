package phonetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wxnotify/wxnotify/sandbox"
)

// hostile are values that would break a page that trusts them.
var hostile = map[string]string{
	"markup":        `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`,
	"10,000":        strings.Repeat("长", 5000) + strings.Repeat("w", 5000),
	"emoji":         "👨‍👩‍👧‍👦🇨🇳✌🏽 ok",
	"right to left": "مرحبا بالعالم 123 שלום",
	"controls":      "a\u202eb\u0000c\u2066d\r\ne\tf",
}

func TestHostileValuesStayText(t *testing.T) {
	t.Parallel()
	needLong(t)
	w := start(t)
	all := strings.Join([]string{hostile["markup"], hostile["emoji"], hostile["right to left"]}, " ")
	if _, err := w.AddUser(sandbox.User{AppID: sandbox.FirstAppID, Openid: "oHostile_1", Nickname: all}); err != nil {
		t.Fatal(err)
	}
	odd, err := w.AddTemplate(sandbox.Template{AppID: sandbox.FirstAppID, Channel: "template", Title: all, Keywords: []sandbox.Keyword{
		{Key: "keyword1", Name: hostile["markup"]}, {Key: "keyword2", Name: "n"}, {Key: "keyword3", Name: strings.Repeat("名", 300)}, {Key: "keyword4", Name: hostile["right to left"]}, {Key: "keyword5", Name: "c"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.AddFault(sandbox.Fault{Endpoint: hostile["markup"], Effect: "slow", DelayMS: 1}); err != nil {
		t.Fatal(err)
	}
	for _, view := range []look{{}, {path: "/?lang=en&theme=dark&era=android2018", width: 360, height: 740}, {path: "/?lang=zh&era=today", width: 1100, height: 800}} {
		b := w.open(view)
		message := order(w.form())
		message["template_id"] = odd.TemplateID
		message["page"] = "pages/" + hostile["markup"] + "?q=" + hostile["10,000"] + "&" + hostile["right to left"] + "=" + hostile["emoji"]
		message["data"] = object{
			"keyword1": object{"value": hostile["markup"], "color": `red;background:url(//x)`},
			"keyword2": object{"value": hostile["10,000"], "color": "#ffffffff"},
			"keyword3": object{"value": hostile["emoji"]},
			"keyword4": object{"value": hostile["right to left"]},
			"keyword5": object{"value": hostile["controls"]},
		}
		if got := w.send("wxopen/template", message); got != 0 {
			t.Fatalf("errcode %v", got)
		}
		_, last := w.Cards(t.Context(), sandbox.CardQuery{})
		card := fmt.Sprintf("#card-%d", last)
		b.until("the card is there", fmt.Sprintf(`document.querySelector(%q)`, card))
		if got := b.text(card); !strings.Contains(got, `<img src=x onerror="`) || !strings.Contains(got, hostile["10,000"]) || !strings.Contains(got, hostile["right to left"]) {
			t.Errorf("the card does not hold the values as text")
		}
		if n := eval[int](b, `document.querySelectorAll('.wxcard img, .wxcard script, .side img, [onerror], [style*="url"]').length`); n != 0 {
			t.Errorf("%d elements came out of values", n)
		}
		if n := eval[int](b, fmt.Sprintf(`[...document.querySelectorAll(%q)].filter((e) => e.style.color).length`, card+" *")); n != 0 {
			t.Errorf("%d colours that are not #rrggbb", n)
		}
		b.fits(card)
		eval[bool](b, fmt.Sprintf(`(document.querySelector(%q).click(), true)`, card+" .wxc-foot.open, "+card+" .wxc-main"))
		b.shows("#mini .opened", "onerror")
		b.fits("#mini .body")
		b.picture(fmt.Sprintf("%d", view.width))
		if got := eval[string](b, `document.title`); strings.Contains(got, "owned") {
			t.Error("a value was run")
		}
	}
}

// fits checks that neither the page nor the element is wider than its place.
func (b *tab) fits(selector string) {
	b.t.Helper()
	if over := eval[int](b, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
		b.t.Errorf("the page is %d px too wide", over)
		b.picture("wide")
	}
	if over := eval[int](b, fmt.Sprintf(`(() => { const e = document.querySelector(%q); return e.scrollWidth - e.clientWidth })()`, selector)); over > 0 {
		b.t.Errorf("%s is %d px too wide", selector, over)
		b.picture("wide")
	}
}
