package phonetest

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/server"
)

const demoKey = "a-key-of-the-demo"

// demo starts a sandbox with a server beside it, as `wxnotify demo` does.
func demo(t *testing.T) *world {
	t.Helper()
	w := start(t)
	conf := server.Config{
		Listen: "127.0.0.1:0", Database: wxnotify.NewSecret("sqlite:" + filepath.Join(t.TempDir(), "demo.db")),
		WeChatURL: w.url, ClockURL: w.url, APIKey: wxnotify.NewSecret(demoKey),
		AppID: sandbox.FirstAppID, AppSecret: wxnotify.NewSecret(sandbox.FirstSecret),
	}.Defaults()
	ctx, cancel := context.WithCancel(context.Background())
	s, err := server.New(ctx, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})), conf)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	w.Join(sandbox.Peer{URL: "http://" + s.Addr(), AppID: sandbox.FirstAppID, Key: demoKey})
	return w
}

// The main job without leaving the browser.
func TestDemo(t *testing.T) {
	t.Parallel()
	needLong(t)
	w := demo(t)
	b := w.open(look{})
	ledger := func(row, n string) {
		t.Helper()
		b.until(row+" in the ledger: "+n, `[...document.querySelectorAll('dl.stock.both dt')].some((e) => e.textContent.startsWith('`+row+`') && e.nextSibling.nextSibling.textContent === '`+n+`')`)
	}
	b.click("#message [type=submit]")
	b.shows(".life", "没有可用的授权")
	b.click(`[data-key="submit"]`)
	ledger("form_id", "1")
	b.click("#message [type=submit]")
	b.until("it is sent", `document.querySelector('.life[data-state=sent]')`)
	b.shows(".life", "微信接受")
	b.shows("#card-1 .wxc-emphasis", "已接单")
	ledger("form_id", "0")
	b.picture("sent")

	b.click(`[data-key="pay"]`)
	ledger("prepay_id", "3")
	b.fill(`#message [name="keyword3"]`, "<b>赵云</b>")
	b.shows("#curl", "<b>赵云</b>")
	line := b.copied(`[data-do="copy_send"]`)
	if out := shell(t, line); !strings.Contains(out, `"id":"msg_`) {
		t.Errorf("%s\n%s", line, out)
	}
	b.shows("#card-2", "<b>赵云</b>")
	ledger("prepay_id", "2")

	b.click(`[data-openid="` + sandbox.SecondUser + `"]`)
	b.fill(`#message [name="template"]`, sandbox.OnceTemplate)
	b.click("#message [name=wait]")
	b.click("#message [type=submit]")
	b.until("it waits for a permit", `document.querySelector('.life[data-state=waiting]')`)
	b.click(`[data-key="subscribe"]`)
	b.click(`#mini [data-choice="allow"]`)
	b.until("the permit sends it", `document.querySelector('.life:not(.older)[data-state=sent]')`)
	b.until("the card is there", `document.querySelector('#card-3')`)
	b.picture("waited")

	// Sessions are over after seven days; the page logs in again.
	b.click(`[data-openid="` + sandbox.FirstUser + `"]`)
	ledger("prepay_id", "2")
	b.click(`#moves [data-v="168"]`)
	ledger("prepay_id", "0") // the server follows the clock within a second
	b.click(`[data-key="submit"]`)
	ledger("form_id", "1")
}
