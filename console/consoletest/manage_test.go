package consoletest

import (
	"database/sql"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// A template is looked at with values of one's own, mended until WeChat would
// take it, named, and sent to one user.
func TestATemplateIsTried(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.form(li, 1)
	w.must(func() error { _, err := w.SyncTemplates(w.Context(), ""); return err }())
	b := w.open(look{path: "/console/templates?lang=en"})
	b.click(`.c h3 a[href*="` + sandbox.ClassicTemplate + `"]`)
	b.at("/console/templates/" + sandbox.ClassicTemplate)
	b.shows("#preview .wxcard", "接单通知")
	b.fill(`[name="v.keyword1"]`, "骑手已接单 <b>")
	b.shows("#preview .wxcard", "骑手已接单 <b>")
	b.fill(`[name="large"]`, "keyword1")
	b.shows("#preview .wxc-emphasis", "骑手已接单")
	b.fill(`[name="page"]`, "/pages/index")
	b.shows("#tests .dn", "leading slash")
	b.fill("[name=touser]", li)
	b.click(`#try .p`)
	b.click("#ask .p")
	b.shows(".ban.bad", "would not take")
	b.until("what was filled in is still there", `document.querySelector('[name="v.keyword1"]').value.startsWith('骑手已接单')`)
	b.fill(`[name="page"]`, "pages/index")
	b.click(`#try .p`)
	b.click("#ask .p")
	b.at("/console/messages/msg_")
	b.shows("#msg", "WeChat answered ok")
	w.until("the card on the phone", func() bool { return w.count("sent") == 1 })

	b.to("/console/templates/" + sandbox.ClassicTemplate)
	b.fill("[name=alias]", "accepted")
	b.fill(`[name="f.keyword1"]`, "status 状态")
	b.click(`#settings .btn`)
	b.shows(".ban.bad", "64 letters")
	b.fill(`[name="f.keyword1"]`, "status, state")
	b.fill(`[name="f.keyword3"]`, "state")
	b.click(`#settings .btn`)
	b.shows(".ban.bad", "two keywords")
	b.until("what was filled in is still there", `document.querySelector('[name=alias]').value === 'accepted' && document.querySelector('[name="f.keyword1"]').value === 'status, state'`)
	b.fill(`[name="f.keyword3"]`, "rider")
	b.click(`#settings .btn`)
	b.shows(".ban.ok", "Saved")
	w.form(li, 1)
	m := order(li)
	m.TemplateID, m.Emphasis = "accepted", ""
	for name, key := range map[string]string{"state": "keyword1", "rider": "keyword3"} {
		m.Data[name] = m.Data[key]
		delete(m.Data, key)
	}
	if got := w.sent(m); got.State != "sent" {
		t.Errorf("by its alias it is %s %s", got.State, got.Reason)
	}
	cards, _ := w.sandbox.Cards(w.Context(), sandbox.CardQuery{Openid: li})
	if rows := cards[len(cards)-1].Rows; rows[0].Value != "已接单" || rows[2].Value != "张一山" {
		t.Errorf("the card says %+v", rows)
	}
}

// An app is made, refused while it makes no sense, and changed; its secret
// never comes out.
func TestAnAppIsMadeAndChanged(t *testing.T) {
	t.Parallel()
	w := start(t)
	b := w.open(look{path: "/console/apps?lang=en"})
	b.fill("[name=appid]", "wx00000000000000aa")
	b.fill("[name=name]", `Second <i>`)
	b.fill("[name=secret]", "a secret with blanks")
	b.click("#add .p")
	b.shows(".ban.bad", "visible characters")
	b.until("the rest is still there", `document.querySelector('[name=appid]').value === 'wx00000000000000aa' && !document.querySelector('[name=secret]').value`)
	b.fill("[name=secret]", "0123456789abcdef0123456789abcdef")
	b.click("#add .p")
	b.at("/console/apps/wx00000000000000aa")
	b.shows(".crumb h2", "Second <i>")
	b.until("where its tokens come from", `[...document.querySelectorAll('dl.facts dd b')].some((e) => e.textContent.startsWith('stable'))`)
	b.fill("[name=daily_quota]", "5000")
	b.fill("[name=rate]", "20")
	b.click("#settings .p")
	b.shows(".ban.ok", "Saved")
	b.shows("#main", "5,000 left today")
	a, err := w.App(w.Context(), "wx00000000000000aa")
	w.must(err)
	if a.DailyQuota != 5000 || a.RatePerSecond != 20 || a.Name != "Second <i>" {
		t.Errorf("the app is %+v", a)
	}
	b.to("/console/audit")
	b.shows("#main", "rate_per_second daily_quota")
	if strings.Contains(eval[string](b, "document.documentElement.outerHTML"), "0123456789abcdef") {
		t.Error("the secret is on the page")
	}

	// Its tokens may come from a server that is there already.
	b.to("/console/apps/wx00000000000000aa")
	b.fill("[name=token_url]", "tokens.example/wx")
	b.click("#settings .p")
	b.shows("#settings .ban.bad", "https://host/token")
	b.fill("[name=token_url]", "https://tokens.example/wx?app={appid}&key=canary")
	b.fill("[name=token_path]", "data.access_token")
	b.click("#settings .p")
	b.shows(".ban.ok", "Saved")
	b.shows("#main", "data.access_token")
	if strings.Contains(eval[string](b, "document.documentElement.outerHTML"), "canary") {
		t.Error("the address of the token server is on the page")
	}
	if a, err = w.App(w.Context(), "wx00000000000000aa"); err != nil || a.TokenPath != "data.access_token" {
		t.Errorf("the app is %+v, %v", a, err)
	}
	b.to("/console/apps/wx00000000000000aa")
	b.click("[name=token_url_off]")
	b.click("#settings .p")
	b.shows(".ban.ok", "Saved")
	if a, err = w.App(w.Context(), "wx00000000000000aa"); err != nil || a.TokenPath != "" {
		t.Errorf("the app is %+v, %v", a, err)
	}
}

// A key is made in the browser, works, and is revoked with a question first.
func TestAKeyFromThePage(t *testing.T) {
	t.Parallel()
	w := start(t)
	b := w.open(look{path: "/console/keys?lang=zh"})
	b.shows("#main", "还没有密钥")
	b.fill("[name=name]", "订单服务")
	b.click(".form .p")
	b.shows("#fresh", "wxn")
	key := eval[string](b, `document.querySelector('#fresh').textContent`)
	status := func() int {
		req, err := http.NewRequest(http.MethodGet, w.url+"/v1/messages", nil)
		w.must(err)
		req.Header.Set("Authorization", "Bearer "+key)
		status, _, _ := w.visitor().send(req)
		return status
	}
	if got := status(); got != http.StatusOK {
		t.Errorf("with the key: %d", got)
	}
	b.to("/console/keys")
	b.shows("#main tbody", "订单服务")
	b.click("#main .btn.danger")
	b.shows("#ask[open]", "订单服务")
	b.click("#ask .p")
	b.shows("#main tbody", "已吊销")
	w.until("it lets nobody in", func() bool { return status() == http.StatusUnauthorized })
}

// An admin lets somebody in, who changes the password and sees no more than the
// role allows.
func TestSomebodyIsLetIn(t *testing.T) {
	t.Parallel()
	w := start(t)
	b := w.open(look{path: "/console/settings?lang=en"})
	b.fill(`[action$="/users"] [name=name]`, "ann")
	b.fill(`[action$="/users"] [name=role]`, "viewer")
	b.fill(`[action$="/users"] [name=password]`, "too short")
	eval[int](b, `document.querySelector('[action$="/users"] [name=password]').minLength = 1`)
	b.click(`[action$="/users"] .p`)
	b.shows(".ban.bad", "at least")
	b.fill(`[action$="/users"] [name=name]`, "ann")
	b.fill(`[action$="/users"] [name=role]`, "viewer")
	b.fill(`[action$="/users"] [name=password]`, password)
	b.click(`[action$="/users"] .p`)
	b.shows("#main tbody", "ann")

	ann := w.tab(look{})
	ann.to("/console/login?lang=en")
	ann.fill("[name=name]", "ann")
	ann.fill("[name=password]", password)
	ann.click("button.p")
	ann.shows(".who", "viewer")
	ann.to("/console/settings")
	ann.fill("[name=old]", password)
	ann.fill("[name=password]", password+" 2")
	ann.fill("[name=again]", password+" 2")
	ann.click(".p")
	ann.shows(".ban.ok", "changed")
	ann.to("/console/apps")
	ann.shows("#main tbody", sandbox.FirstAppID)
	ann.until("no form, and no audit log", `!document.querySelector('main form') && !document.querySelector('[href="/console/audit"]')`)

	b.to("/console/settings")
	b.click("#main tbody .danger")
	b.shows("#ask[open]", "ann")
	b.click("#ask .p")
	b.shows(".ban.ok", "deleted")
	ann.to("/console/apps")
	ann.at("/console/login")
}

// A webhook is made, shows its secret once, is told of a message, gets the same
// again on request, and a new secret.
func TestAWebhookFromThePage(t *testing.T) {
	t.Parallel()
	dsn := storetest.SQLite(t)
	w := startOn(t, dsn)
	posts := make(chan string, 100)
	shop := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		posts <- r.Header.Get("Webhook-Id") + " " + string(b)
	}))
	t.Cleanup(shop.Close)
	b := w.open(look{path: "/console/webhooks?lang=en"})
	b.fill("[name=url]", "http://192.0.2.1/hook")
	b.click(".form .p")
	b.shows(".ban.bad", "webhook_allow")
	b.fill("[name=url]", shop.URL+"/hook?token=ours")
	b.click(`[value="message.sent"]`)
	b.click(".form .p")
	b.shows("#fresh", "whsec_")
	first := eval[string](b, `document.querySelector('#fresh').textContent`)
	b.to("/console/webhooks")
	b.click("#main tbody a")
	b.at("/console/webhooks/whk_")
	b.until("the secret is not shown again", `!document.querySelector('#fresh') && !document.body.textContent.includes('token=ours')`)
	w.form(li, 1)
	w.sent(order(li))
	told := <-posts
	b.shows("#deliveries", "delivered")
	b.click("#deliveries .btn")
	if again := <-posts; again != told || !strings.Contains(told, "message.sent") {
		t.Errorf("told %s, and then %s", told, again)
	}
	b.shows(".ban.ok", "again")

	// What failed, as it does after three days of repeats, goes out again from a
	// time on that is the reader's.
	db, err := sql.Open("sqlite", strings.TrimPrefix(dsn, "sqlite:")+"?_pragma=busy_timeout(10000)")
	w.must(err)
	defer db.Close()
	_, err = db.Exec(`update notice set state = 'failed'`)
	w.must(err)
	b.shows("#deliveries", "failed")
	since := func(d time.Duration) {
		b.fill("#since", time.Now().Add(d).In(time.FixedZone("Asia/Shanghai", 8*60*60)).Format("2006-01-02T15:04"))
		b.click("#recover .btn")
		b.click("#ask .p")
	}
	since(time.Hour)
	b.shows(".ban.ok", "0 deliveries")
	since(-time.Hour)
	b.shows(".ban.ok", "1 delivery")
	if again := <-posts; again != told {
		t.Errorf("told %s, and then %s", told, again)
	}
	b.click(`form[action$="/rotate"] button`)
	b.click("#ask .p")
	b.shows("#fresh", "whsec_")
	if second := eval[string](b, `document.querySelector('#fresh').textContent`); second == first {
		t.Error("the new secret is the old one")
	}
	b.click(`form[action$="/switch"] button`)
	b.click("#ask .p")
	b.shows(".crumb .pill.bad", "off")
	b.click(`form[action$="/delete"] button`)
	b.click("#ask .p")
	b.at("/console/webhooks")
	b.shows("#main", "No webhooks")
}
